"""Several networks beside each other: names of their own, and the same images."""

import shutil

import pytest

import rcnnzoo
from rcnnzoo.errors import OptionError, TraceError
from rcnnzoo.traces.finding import find_trace
from rcnnzoo.traces.recording import Recording
from rcnnzoo.traces.together import find_together
from tests.data.lookalikes import make_classes


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(make_classes(tmp_path / "photos", each=3))


def put(folder, seed=0):
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=8, width=1 / 16, seed=seed)
    rcnnzoo.save(network, folder)


def find(*models, data):
    return find_together(models, data, how=Recording())


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


def test_one_network_twice_is_refused_however_it_is_typed(photos):
    put("net.safetensors")
    trace = find_trace("net.safetensors", photos, how=Recording())
    with pytest.raises(OptionError, match=r"\./net.safetensors is named twice: name each network once"):
        find("net.safetensors", "./net.safetensors", data=photos)
    with pytest.raises(OptionError, match="is named twice"):
        find_together([str(trace), f"./{trace}"], how=Recording())


def test_a_trace_beside_weights_that_changed_is_stale(photos):
    """A run's trace, say, after the run was trained again."""
    put("run/model.safetensors", 0)
    (trace_of_run,) = find("run", data=photos).values()
    put("net.safetensors", 0)
    trace_of_file = find_trace("net.safetensors", photos, how=Recording())
    for trace, weights in ((trace_of_run, "run/model.safetensors"), (trace_of_file, "net.safetensors")):
        assert find_trace(str(trace), how=Recording()) == trace
        put(weights, 1)
        with pytest.raises(TraceError, match=f"{trace}: was recorded from other weights than .*{weights} holds now"):
            find_trace(str(trace), how=Recording())
        kept = str(shutil.copytree(trace, f"{weights}.zarr"))  # elsewhere it may have left its network behind
        assert str(find_trace(kept, how=Recording())) == kept
