"""MODEL|TRACE: which network, which images, and when a trace is used again."""

import pytest

import rcnnzoo
from rcnnzoo.errors import DataError, OptionError
from rcnnzoo.traces.finding import find_subject, find_trace
from rcnnzoo.traces.recording import Recording
from rcnnzoo.training.loop import train
from rcnnzoo.training.settings import settle
from tests.data.lookalikes import make_classes, make_imagenet


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    settings, data = settle(
        {"architecture": "b", "data": "digits", "image_size": 8, "width": 1 / 16, "epochs": 1, "precision": "fp32"}
    )
    return train(settings, data, tmp_path_factory.mktemp("runs") / "mine").folder


@pytest.fixture
def weights(tmp_path):
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16)
    rcnnzoo.save(network, tmp_path / "pets.safetensors")
    return tmp_path / "pets.safetensors"


def written(trace):
    return {path: path.stat().st_mtime_ns for path in trace.rglob("*") if path.is_file()}


def test_a_runs_trace_is_of_its_own_test_images_and_used_again(trained):
    trace = find_trace(str(trained), how=Recording())
    assert trace == trained / "traces" / "digits-test.zarr"
    before = written(trace)
    assert find_trace(str(trained), how=Recording()) == trace
    assert written(trace) == before
    assert rcnnzoo.open_trace(trace).attrs["name"] == "mine"


def test_a_trace_with_features_serves_those_who_need_none(trained):
    find_trace(str(trained), split="train", how=Recording(features=True))
    trace = find_trace(str(trained), split="train", how=Recording())
    assert "features_1" in rcnnzoo.open_trace(trace)


def test_the_traces_of_other_images_or_precision_are_left_alone(weights, tmp_path):
    for place in ("here", "there"):
        make_classes(tmp_path / place / "photos", each=3 if place == "here" else 4)
    make_classes(tmp_path / "strange" / "photos", ("cat", "fox"))
    first = find_trace(str(weights), str(tmp_path / "here" / "photos"), how=Recording())
    before = written(first)
    second = find_trace(str(weights), str(tmp_path / "there" / "photos"), how=Recording())
    half = find_trace(str(weights), str(tmp_path / "here" / "photos"), how=Recording(precision="bf16"))
    assert len({first, second, half}) == 3
    with pytest.raises(DataError, match="1 is 'fox', not 'dog'"):
        find_trace(str(weights), str(tmp_path / "strange" / "photos"), how=Recording())
    assert written(first) == before
    for trace, place, precision in ((first, "here", "fp32"), (second, "there", "fp32"), (half, "here", "bf16")):
        assert find_trace(str(weights), str(tmp_path / place / "photos"), how=Recording(precision=precision)) == trace


def test_a_run_that_held_images_out_is_evaluated_on_those(tmp_path):
    make_classes(tmp_path / "photos", each=8, size=(20, 20))
    folder = str(tmp_path / "photos")
    given = {"architecture": "b", "data": folder, "image_size": 8, "width": 1 / 16, "epochs": 1, "val_fraction": 0.25}
    run = train(*settle(given), tmp_path / "run").folder
    for data in (None, folder):
        assert rcnnzoo.open_trace(find_trace(str(run), data, how=Recording())).sizes["image"] == 4


def test_other_weights_or_images_are_traced_anew(weights, tmp_path):
    folder = make_classes(tmp_path / "photos")
    trace = find_trace(str(weights), str(folder), how=Recording())
    assert trace == tmp_path / "traces" / "pets" / "photos-all.zarr"
    before = rcnnzoo.open_trace(trace).load()
    rcnnzoo.save(rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16, seed=1), weights)
    other = rcnnzoo.open_trace(find_trace(str(weights), str(folder), how=Recording())).load()
    assert (before["logits"].values != other["logits"].values).all()
    (folder / "dog" / "3.jpg").unlink()
    assert rcnnzoo.open_trace(find_trace(str(weights), str(folder), how=Recording())).sizes["image"] == 7


def test_a_trace_is_taken_as_it_is(trained):
    trace = find_trace(str(trained), how=Recording())
    assert find_trace(str(trace), how=Recording()) == trace
    with pytest.raises(OptionError, match="is a trace, its images are settled: leave out --data"):
        find_trace(str(trace), "digits", how=Recording())


def test_weights_alone_need_data(weights):
    with pytest.raises(OptionError, match="it isn't said which images: give --data"):
        find_trace(str(weights), how=Recording())


def test_an_untrained_network_gets_the_images_categories_and_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subject = find_subject("b", str(make_classes(tmp_path / "photos", size=(40, 40))), width=1 / 16, seed=3)
    assert subject.model.metadata["categories"] == ["cat", "dog"]
    assert subject.model.metadata["options"]["image_size"] == 32
    assert str(subject.path) == "traces/b-seed3/photos-all.zarr"


def test_without_test_images_val_is_used(weights, tmp_path):
    make_imagenet(tmp_path / "imagenet")
    subject = find_subject("b", "imagenet", tmp_path, width=1 / 16)
    assert subject.split == "val"


def test_a_networks_categories_must_be_the_images(weights, tmp_path):
    with pytest.raises(DataError, match="categories of imagenet's val split differ from those of the network: 3 categ"):
        find_trace(str(weights), "imagenet", make_imagenet(tmp_path / "imagenet"), how=Recording())
