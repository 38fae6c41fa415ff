"""Training when memory is short: a pretended limit on the number of images at once."""

import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures.spoerer import Spoerer
from rcnnzoo.errors import OptionError, TrainingError
from tests.training.runs import run, stopped


@pytest.fixture
def limit(monkeypatch):
    """Lets networks run on at most that many images while gradients are needed."""
    begin, most = Spoerer.begin, {"images": 16}

    def begin_if_it_fits(self, images):
        if torch.is_grad_enabled() and len(images) > most["images"]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return begin(self, images)

    monkeypatch.setattr(Spoerer, "begin", begin_if_it_fits)
    return most


def weights(folder):
    return rcnnzoo.load(folder).state_dict()


def equal(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_auto_halves_until_it_fits_and_is_then_that_number(tmp_path, limit):
    """128 images a batch fit in eight parts of 16."""
    run(tmp_path / "auto", micro_batch="auto")
    run(tmp_path / "number", micro_batch="16")
    run(tmp_path / "parts", accumulate=8)
    assert equal(weights(tmp_path / "auto"), weights(tmp_path / "number"))
    assert equal(weights(tmp_path / "auto"), weights(tmp_path / "parts"))
    net = rcnnzoo.load(tmp_path / "auto")
    assert net.card is not None
    assert net.card.training is not None
    assert net.card.training["micro_batch"] == 16
    assert "at most 16 images of a batch at once" in (tmp_path / "auto" / "log.txt").read_text()


def test_the_number_stays_when_a_run_is_resumed_with_more_memory(tmp_path, limit, monkeypatch):
    run(tmp_path / "whole", micro_batch="auto")
    stopped(tmp_path / "resumed", monkeypatch, micro_batch="auto")
    limit["images"] = 1000
    run(tmp_path / "resumed", resume=True, micro_batch="auto")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "resumed"))


def test_all_at_once_where_all_fit(tmp_path, limit):
    limit["images"] = 128
    run(tmp_path / "auto", micro_batch="auto")
    run(tmp_path / "plain")
    assert equal(weights(tmp_path / "auto"), weights(tmp_path / "plain"))


def test_out_of_memory_is_one_line_that_says_what_to_do(tmp_path, limit):
    with pytest.raises(TrainingError, match=r"^memory ran out: .*`micro_batch`.*`checkpoint_activations`"):
        run(tmp_path / "run")
    assert not (tmp_path / "run").exists()  # nothing was learnt
    limit["images"] = 0
    with pytest.raises(TrainingError, match="memory runs out with a single image"):
        run(tmp_path / "run", micro_batch="auto")


@pytest.mark.parametrize("wrong", ["0", "-1", "some", "1.5"])
def test_what_is_no_number_of_images_is_refused(tmp_path, wrong):
    with pytest.raises(OptionError, match=f"`micro_batch` {wrong}: take a number of images from 1, or auto"):
        run(tmp_path / "run", micro_batch=wrong)


def test_two_ways_to_say_it_are_refused(tmp_path):
    with pytest.raises(OptionError, match="`accumulate` and `micro_batch` can't be combined"):
        run(tmp_path / "run", micro_batch="16", accumulate=2)
