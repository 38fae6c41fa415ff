"""What users type for MODEL and TRACE: which network, which images, when a trace is used again, and its name."""

import shutil

import pytest

import rcnnzoo
from rcnnzoo.errors import DataError, OptionError, TraceError, UnknownName, WeightsError
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference, open_subject
from rcnnzoo.traces import trace_of, traces_of
from rcnnzoo.training.loop import train
from rcnnzoo.training.settling import settle
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


def path_of(*typed, **options):
    return trace_of(*typed, **options).path


def written(trace):
    return {path: path.stat().st_mtime_ns for path in trace.rglob("*") if path.is_file()}


def test_a_runs_trace_is_of_its_own_test_images_and_used_again(trained):
    trace = path_of(str(trained), how=Recording())
    assert trace == trained / "traces" / "digits-test.zarr"
    before = written(trace)
    assert path_of(str(trained), how=Recording()) == trace
    assert written(trace) == before
    assert rcnnzoo.open_trace(trace).attrs["name"] == "mine"


def test_a_trace_with_features_serves_those_who_need_none(trained):
    path_of(str(trained), split="train", how=Recording(features=True))
    trace = path_of(str(trained), split="train", how=Recording())
    assert "features_1" in rcnnzoo.open_trace(trace)


def test_the_traces_of_other_images_or_precision_are_left_alone(weights, tmp_path):
    for place in ("here", "there"):
        make_classes(tmp_path / place / "photos", each=3 if place == "here" else 4)
    make_classes(tmp_path / "strange" / "photos", ("cat", "fox"))
    first = path_of(str(weights), str(tmp_path / "here" / "photos"), how=Recording())
    before = written(first)
    second = path_of(str(weights), str(tmp_path / "there" / "photos"), how=Recording())
    half = path_of(str(weights), str(tmp_path / "here" / "photos"), how=Recording(precision="bf16"))
    assert len({first, second, half}) == 3
    with pytest.raises(DataError, match="1 is 'fox', not 'dog'"):
        path_of(str(weights), str(tmp_path / "strange" / "photos"), how=Recording())
    assert written(first) == before
    for trace, place, precision in ((first, "here", "fp32"), (second, "there", "fp32"), (half, "here", "bf16")):
        assert path_of(str(weights), str(tmp_path / place / "photos"), how=Recording(precision=precision)) == trace


def test_a_run_that_held_images_out_is_evaluated_on_those(tmp_path):
    make_classes(tmp_path / "photos", each=8, size=(20, 20))
    folder = str(tmp_path / "photos")
    given = {"architecture": "b", "data": folder, "image_size": 8, "width": 1 / 16, "epochs": 1, "val_fraction": 0.25}
    run = train(*settle(given), tmp_path / "run").folder
    for data in (None, folder):
        assert rcnnzoo.open_trace(path_of(str(run), data, how=Recording())).sizes["image"] == 4


def test_other_weights_or_images_are_traced_again(weights, tmp_path):
    folder = make_classes(tmp_path / "photos")
    trace = path_of(str(weights), str(folder), how=Recording())
    assert trace == tmp_path / "traces" / "pets" / "photos-all.zarr"
    before = rcnnzoo.open_trace(trace).load()
    rcnnzoo.save(rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16, seed=1), weights)
    other = rcnnzoo.open_trace(path_of(str(weights), str(folder), how=Recording())).load()
    assert (before["logits"].values != other["logits"].values).all()
    (folder / "dog" / "3.jpg").unlink()
    assert rcnnzoo.open_trace(path_of(str(weights), str(folder), how=Recording())).sizes["image"] == 7


def test_a_trace_is_taken_as_it_is(trained):
    trace = path_of(str(trained), how=Recording())
    assert path_of(str(trace), how=Recording()) == trace
    with pytest.raises(OptionError, match="is a trace, which has its own images: leave out `data`"):
        path_of(str(trace), "digits", how=Recording())


def test_weights_alone_need_data(weights):
    with pytest.raises(OptionError, match="it is not known which images it was trained on: give `data`"):
        path_of(str(weights), how=Recording())


def test_an_untrained_network_gets_the_images_categories_and_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subject = open_subject("b", str(make_classes(tmp_path / "photos", size=(40, 40))), width=1 / 16, seed=3)
    assert subject.model.card.categories == ["cat", "dog"]
    assert subject.model.card.image_size == 32
    assert str(subject.path) == "traces/b-seed3/photos-all.zarr"


def test_without_test_images_val_is_used(weights, tmp_path):
    make_imagenet(tmp_path / "imagenet")
    subject = open_subject("b", "imagenet", tmp_path, width=1 / 16)
    assert subject.split == "val"


def test_a_networks_categories_must_be_the_images(weights, tmp_path):
    with pytest.raises(DataError, match="categories of imagenet's val split differ from those of the network: 3 categ"):
        path_of(str(weights), "imagenet", make_imagenet(tmp_path / "imagenet"), how=Recording())


@pytest.fixture
def saved(tmp_path):
    rcnnzoo.save(rcnnzoo.build("bl", categories=3, image_size=8, width=1 / 16, steps=2), tmp_path / "model.safetensors")
    return tmp_path


def test_a_run_a_file_and_a_name(saved):
    assert Reference(str(saved)).open().num_steps == 2
    assert Reference(str(saved / "model.safetensors")).open().num_steps == 2
    assert Reference("bl").open(width=1 / 16, steps=3).num_steps == 3


def test_a_trained_network_has_its_own_options(saved):
    with pytest.raises(OptionError, match="is a trained network, whose `width`, `image_size` can't be changed"):
        Reference(str(saved)).open(width=0.5, image_size=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{saved}/nowhere", "there is no such run folder or .safetensors file"),
        ("{saved}/notes.txt", "is not a weight file that rcnnzoo reads"),
        ("{saved}/empty", "is not a run folder, it has no model.safetensors"),
        ("{saved}/none.safetensors", "can't be read"),
    ],
)
def test_what_is_not_a_network_is_refused(saved, text, message):
    (saved / "notes.txt").write_text("notes")
    (saved / "empty").mkdir()
    with pytest.raises(WeightsError, match=message):
        Reference(text.format(saved=saved)).open()


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown architecture 'bd': did you mean 'b-d'"):
        Reference("bd").open()


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(make_classes(tmp_path / "photos", each=3))


def put(folder, seed=0):
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=8, width=1 / 16, seed=seed)
    rcnnzoo.save(network, folder)


def find(*models, data):
    return {name: one.path for name, one in traces_of(models, data, how=Recording()).items()}


def test_networks_go_by_their_names_in_the_order_given(photos):
    put("two.safetensors", 2)
    put("one.safetensors", 1)
    assert list(find("two.safetensors", "one.safetensors", data=photos)) == ["two", "one"]


def test_networks_of_one_name_go_by_what_was_typed(photos):
    for folder in ("old", "new"):
        put(f"{folder}/net.safetensors", len(folder))
    put("other.safetensors")
    paths = find("old/net.safetensors", "other.safetensors", "new/net.safetensors", data=photos)
    assert list(paths) == ["old/net.safetensors", "other", "new/net.safetensors"]
    assert len(set(paths.values())) == 3


def test_a_subject_goes_by_what_was_typed_for_it_like_the_others(photos):
    for folder in ("old", "new"):
        put(f"{folder}/net.safetensors", len(folder))
    paths = find(open_subject("old/net.safetensors", photos), "new/net.safetensors", data=photos)
    assert list(paths) == ["old/net.safetensors", "new/net.safetensors"]
    # And if another network has the same name as the subject's.
    put("net.safetensors", 7)
    put("net/model.safetensors", 8)
    names = list(find(open_subject("net.safetensors", photos), "net", "old/net.safetensors", data=photos))
    assert len(names) == 3


def test_a_trace_is_as_it_was_recorded(photos):
    put("net.safetensors")
    trace = path_of("net.safetensors", photos, how=Recording())
    with pytest.raises(OptionError, match="is a trace, which was recorded before: leave out `batch_size`, `precision`"):
        trace_of(str(trace), how=Recording(8, precision="bf16"))


def test_one_network_twice_is_refused_however_it_is_typed(photos):
    put("net.safetensors")
    trace = path_of("net.safetensors", photos, how=Recording())
    with pytest.raises(OptionError, match=r"\./net.safetensors is named twice: name each network once"):
        find("net.safetensors", "./net.safetensors", data=photos)
    with pytest.raises(OptionError, match="is named twice"):
        traces_of([str(trace), f"./{trace}"], how=Recording())


def test_a_trace_beside_weights_that_changed_is_stale(photos):
    """For example, a run's trace after the run was trained again."""
    put("run/model.safetensors", 0)
    (trace_of_run,) = find("run", data=photos).values()
    put("net.safetensors", 0)
    trace_of_file = path_of("net.safetensors", photos, how=Recording())
    for trace, weights in ((trace_of_run, "run/model.safetensors"), (trace_of_file, "net.safetensors")):
        assert path_of(str(trace), how=Recording()) == trace
        put(weights, 1)
        with pytest.raises(TraceError, match=f"{trace}: was recorded from other weights than .*{weights} holds now"):
            path_of(str(trace), how=Recording())
        kept = str(shutil.copytree(trace, f"{weights}.zarr"))  # elsewhere it may have been moved away from its network
        assert str(path_of(kept, how=Recording())) == kept


def test_features_are_recorded_beside_a_trace_without_them(trained):
    plain = path_of(str(trained), how=Recording())
    rich = path_of(str(trained), how=Recording(features=True))
    assert rich != plain
    assert "features_1" in rcnnzoo.open_trace(rich)
    assert "features_1" not in rcnnzoo.open_trace(plain)
    assert path_of(str(trained), how=Recording(features=True)) == rich


def test_a_trace_says_whether_the_network_was_trained_on_its_images(trained, weights, tmp_path):
    def said(*typed):
        return trace_of(*typed, how=Recording()).trace.attrs["trained_on"]

    assert said(str(trained), None, None, "train") is True
    assert said(str(trained), None, None, "test") is False
    make_classes(tmp_path / "photos")
    assert said(str(weights), str(tmp_path / "photos")) is False  # nothing is known of its training
