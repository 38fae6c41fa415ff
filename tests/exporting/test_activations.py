"""Files for other tools hold what the activations hold, as those tools read it."""

import re
import shutil
import sys
from collections import namedtuple

import numpy as np
import pytest
import xarray as xr

import rcnnzoo
from rcnnzoo.data.folders import split_of_files
from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.errors import OptionError, TraceError, UnknownName
from rcnnzoo.exporting.activations import export_activations
from rcnnzoo.recording.activations import Extraction, record_activations
from tests.data.lookalikes import save_image


@pytest.fixture(scope="module")
def network():
    return rcnnzoo.build("bl", categories=3, image_size=16, width=1 / 16, steps=3).eval()


def recorded(network, folder, **options):
    """What `bl` holds for five photographs: an area, and a module that begins with the second step."""
    files = [f"{number}.png" for number in range(5)]
    for number, name in enumerate(files):
        save_image(folder / "photographs" / name, seed=number)
    images = split_of_files(folder / "photographs", (), files, [UNKNOWN] * 5)
    how = Extraction(["layer2", "layers.1.lateral.0"], **{"ms_per_step": 10.0, "onset_ms": 50.0, **options})
    return record_activations(network, "bl", images, "photographs", folder / "x.zarr", how)


@pytest.fixture(scope="module")
def tree(network, tmp_path_factory):
    return recorded(network, tmp_path_factory.mktemp("activations"))


def test_an_assembly_has_what_brain_score_asks_for(tree, tmp_path):
    files = export_activations(tree, "neuroid", tmp_path / "out")
    assert files == {name: [tmp_path / "out" / f"{name}.nc"] for name in ("layer2", "layers.1.lateral.0")}
    with xr.open_dataarray(tmp_path / "out" / "layer2.nc") as assembly:
        assert assembly.dims == ("presentation", "neuroid", "time_bin")
        assert assembly.shape == (5, 8 * 8 * 8, 3)
        values = tree["layer2"]["activations"]
        np.testing.assert_array_equal(assembly[:, :, 1], values.sel(step=2))
        assert assembly["stimulus_id"].to_numpy().tolist() == tree["image"].to_numpy().tolist()
        assert assembly["neuroid_id"].to_numpy()[:2].tolist() == ["bl.layer2.0", "bl.layer2.1"]
        assert set(assembly["layer"].to_numpy()) == {"layer2"}
        assert assembly["time_bin_start"].to_numpy().tolist() == [50, 60, 70]
        assert assembly["time_bin_end"].to_numpy().tolist() == [60, 70, 80]
        # Unit 70 is the second map's, in the first row, seventh column.
        assert [int(assembly[name][70]) for name in ("map", "y", "x")] == [1, 0, 6]
    with xr.open_dataarray(tmp_path / "out" / "layers.1.lateral.0.nc") as assembly:
        assert assembly["time_bin_start"].to_numpy().tolist() == [60, 70]


def test_features_are_in_the_order_of_their_file_names(tree, tmp_path):
    files = export_activations(tree, "thingsvision", tmp_path / "out")
    assert [len(written) for written in files.values()] == [3, 2]
    for layer, written in files.items():
        for file in written:
            step = int(re.fullmatch(r"step(\d)", file.parent.name)[1])
            features = np.load(file, allow_pickle=False)
            np.testing.assert_array_equal(features, tree[layer]["activations"].sel(step=step))
            names = (file.parent / "file_names.txt").read_text().splitlines()
            assert names == [f"{number}.png" for number in range(5)]


def test_half_precision_stays_where_a_format_has_it(network, tmp_path):
    tree = recorded(network, tmp_path, dtype="float16", pool="mean")
    first = export_activations(tree, "thingsvision", tmp_path / "features")["layer2"][0]
    assert np.load(first).dtype == np.float16
    export_activations(tree, "neuroid", tmp_path / "assemblies")
    with xr.open_dataarray(tmp_path / "assemblies" / "layer2.nc") as assembly:
        assert assembly.dtype == np.float32
        np.testing.assert_array_equal(assembly[:, :, 0], tree["layer2"]["activations"][:, 0])
        assert "y" not in assembly.coords


def test_rsatoolbox_reads_its_data_sets(tree, tmp_path):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    from rsatoolbox.data.dataset import load_dataset

    values = tree["layer2"]["activations"]
    files = export_activations(tree, "rsatoolbox", tmp_path / "steps")
    second = load_dataset(str(files["layer2"][1]))
    np.testing.assert_array_equal(second.measurements, values.sel(step=2))
    assert list(second.obs_descriptors["image"]) == tree["image"].to_numpy().tolist()
    assert list(second.channel_descriptors["map"]) == tree["layer2"]["map"].to_numpy().tolist()
    assert (second.descriptors["layer"], second.descriptors["step"]) == ("layer2", "2")
    found = rsatoolbox.rdm.calc_rdm(second, method="correlation").get_vectors()[0]
    expected = 1 - np.corrcoef(values.sel(step=2))[np.triu_indices(5, 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_rsatoolbox_reads_its_temporal_data_sets(tree, network, tmp_path):
    pytest.importorskip("rsatoolbox")
    from rsatoolbox.data.dataset import load_dataset

    files = export_activations(tree, "rsatoolbox-temporal", tmp_path / "all")
    found = load_dataset(str(files["layer2"][0]))
    assert type(found).__name__ == "TemporalDataset"
    np.testing.assert_array_equal(found.measurements.transpose(0, 2, 1), tree["layer2"]["activations"])
    assert list(found.time_descriptors["time"]) == [50, 60, 70]
    assert list(found.time_descriptors["step"]) == [1, 2, 3]
    without = recorded(network, tmp_path, ms_per_step=None, onset_ms=0.0)
    files = export_activations(without, "rsatoolbox-temporal", tmp_path / "steps")
    assert list(load_dataset(str(files["layer2"][0])).time_descriptors["time"]) == [1, 2, 3]


def broken(values, usual=xr.DataArray.to_numpy):
    """Reads coordinates as usual, and of activations finds a wrong checksum."""
    if values.name == "activations":
        raise ValueError("checksum")
    return usual(values)


def test_what_can_t_be_exported_is_refused_and_nothing_is_written(tree, network, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()

    def refused(form, error, words, tree=tree, out=here / "out"):
        with pytest.raises(error, match=words):
            export_activations(tree, form, out)
        assert [file.name for file in here.iterdir()] == []

    refused("neuroids", UnknownName, "unknown format 'neuroids': did you mean 'neuroid'")
    refused("neuroid", FileExistsError, "is there already: name a new folder", out=tmp_path)
    without = recorded(network, tmp_path, ms_per_step=None, onset_ms=0.0)
    refused("neuroid", OptionError, "needs times of steps: extract with `ms_per_step`", tree=without)
    renamed = tree.copy()
    renamed.coords["image"] = ["a\nb.png", *tree["image"].to_numpy()[1:]]
    refused("thingsvision", OptionError, r"'a\\nb.png' has a line break", tree=renamed)
    renamed.coords["image"] = ["é.png", *tree["image"].to_numpy()[1:]]
    refused("rsatoolbox", OptionError, "hold ASCII only, and 'é.png' is not: rename it", tree=renamed)
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: usage(10_000))
        refused("thingsvision", TraceError, "takes 0.0 GB, and 0.0 GB are free there")
        patched.setattr("rcnnzoo.exporting.activations.NETCDF_BYTES", 1000)
        refused("neuroid", OptionError, "layer2 takes 0.0 GiB, and its files hold 2: extract with `pool` or `project`")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "rsatoolbox.data", None)
        patched.setitem(sys.modules, "rsatoolbox", None)
        refused("rsatoolbox", OptionError, "needs that package: pip install rsatoolbox")
    damaged = tree.copy()
    with monkeypatch.context() as patched:
        patched.setattr(xr.DataArray, "to_numpy", broken)
        refused("thingsvision", TraceError, r"layer2: is damaged \(checksum\); extract it again", tree=damaged)
    with monkeypatch.context() as patched:
        patched.setattr(np, "save", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        refused("thingsvision", OSError, "No space left")
