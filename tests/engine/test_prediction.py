"""Predictions on files: a full run cut at the exit, in order, and no more files in memory than are being computed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import rcnnzoo
from rcnnzoo.data.decoding import read_image
from rcnnzoo.data.transforms import Evaluation, to_input
from rcnnzoo.engine import exits, prediction
from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.engine.decide import make_rule
from rcnnzoo.errors import DataError
from rcnnzoo.profiling.operations import macs_per_step
from tests.engine.test_decide import network

NUMBER = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(NUMBER)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (16, 20, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def model():
    return network()


def rule_for(model, policy, threshold, readout):
    return make_rule(policy, threshold, readout, categories=len(model.card.categories), steps=model.num_steps)


def readouts(model, files):
    """Of all steps, image by image."""
    transform = Evaluation(16)
    inputs = torch.stack([transform(read_image(file)) for file in files])
    with torch.no_grad():
        return rcnnzoo.readout("instantaneous")(model(to_input(inputs)))


def middling(model, files):
    """A threshold between scores, by which images stop at as many different steps as possible."""
    probabilities = readouts(model, files)
    scores = rcnnzoo.policy("entropy").scores(probabilities).unique()
    gaps = (scores[1:] - scores[:-1]) > 1e-4
    between = ((scores[1:] + scores[:-1]) / 2)[gaps].tolist()
    return max(between, key=lambda threshold: len(set(times_at(probabilities, threshold))))


def times_at(probabilities, threshold):
    """Reaction times."""
    sure = rcnnzoo.policy("entropy").scores(probabilities) <= threshold
    sure[:, -1] = True
    return (sure.int().argmax(1) + 1).tolist()


@pytest.mark.parametrize("batch_size", [None, 1, 5])
@pytest.mark.parametrize("early", [True, False])
def test_predictions_are_a_full_run_cut_at_the_exit(model, files, batch_size, early):
    probabilities = readouts(model, files)
    threshold = middling(model, files) if early else -np.inf
    times = times_at(probabilities, threshold)
    assert len(set(times)) > 2 if early else set(times) == {8}
    spent = np.cumsum(macs_per_step(model))
    rule = rule_for(model, "entropy", threshold, "instantaneous")
    found = list(prediction.predict(PLAIN.on(model), files, rule, batch_size))
    assert [one.file for one in found] == files
    assert [one.reaction_time for one in found] == times
    assert [one.macs for one in found] == spent[np.array(times) - 1].tolist()
    for one, time, course, file in zip(found, times, probabilities, files, strict=True):
        torch.testing.assert_close(one.probabilities, course[:time], rtol=1e-4, atol=1e-5)
        assert one.category == model.card.categories[course[time - 1].argmax()]
        assert one.confidence == pytest.approx(course[time - 1].max().item(), abs=1e-5)
        assert torch.equal(one.pixels, Evaluation(16)(read_image(file)))


def test_no_step_is_computed_in_vain(model, files):
    """The classifier runs once per image and time step, so it counts them."""
    threshold, seen = middling(model, files), []
    model.classifier[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    predictions = prediction.predict(PLAIN.on(model), files, rule_for(model, "entropy", threshold, "instantaneous"))
    counting = len(seen)  # multiply-accumulates were counted on an image of zeros
    times = [one.reaction_time for one in predictions]
    assert sum(seen[counting:]) == sum(times)
    assert NUMBER < sum(times) < 8 * NUMBER


def test_files_keep_their_order_whichever_leaves_first(model, files, monkeypatch):
    """As on a GPU, where later images may leave before earlier ones: here all leave in reverse."""
    rule = rule_for(model, "entropy", middling(model, files), "instantaneous")
    expected = [(one.file, one.reaction_time) for one in prediction.predict(PLAIN.on(model), files, rule)]

    def reversed_run(*arguments):
        for one in reversed(list(exits.run(*arguments))):
            backwards = torch.arange(len(one.last)).flip(0)
            yield replace(
                one, images=one.images[backwards], probabilities=one.probabilities[backwards], last=one.last[backwards]
            )

    monkeypatch.setattr(prediction, "run", reversed_run)
    assert [(one.file, one.reaction_time) for one in prediction.predict(PLAIN.on(model), files, rule)] == expected


def test_files_are_read_as_the_network_gets_to_them(model, files, monkeypatch):
    read = []

    def noted(file):
        read.append(file)
        return read_image(file)

    monkeypatch.setattr(prediction, "read_image", noted)
    predictions = prediction.predict(PLAIN.on(model), files, rule_for(model, "fixed-steps", 2, "instantaneous"), 2)
    assert read == []
    next(predictions)
    assert read == files[:2]
    assert len(list(predictions)) == NUMBER - 1
    assert read == files


def test_a_missing_file_is_named_before_anything_is_computed(model, files, tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "run", lambda *_: pytest.fail("the network ran"))
    rule = rule_for(model, "fixed-steps", 2, "instantaneous")
    with pytest.raises(DataError, match=r"none.png: can.t be read as an image \(No such file or directory\)"):
        prediction.predict(PLAIN.on(model), [*files, tmp_path / "none.png"], rule)


def test_a_file_that_is_not_an_image_is_named(model, files, tmp_path):
    (tmp_path / "text.png").write_text("once upon a time")
    rule = rule_for(model, "fixed-steps", 2, "instantaneous")
    with pytest.raises(DataError, match=r"text.png: can.t be read as an image"):
        list(prediction.predict(PLAIN.on(model), [*files, tmp_path / "text.png"], rule))
