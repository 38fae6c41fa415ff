"""Activations: every value against hooks in a plain loop, and what becomes of interruptions and bad input."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import pdist
from sklearn.random_projection import SparseRandomProjection

import rcnnzoo
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.cli import main
from rcnnzoo.data.folders import images_in, split_of_files
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.errors import NetworkError, OptionError, TraceError, UnknownName
from rcnnzoo.recording import activations as recorder
from rcnnzoo.recording import storage
from rcnnzoo.recording.activations import Extraction, record_activations
from rcnnzoo.recording.projection import Projection

NUMBER = 7
EXAMPLE = Path(__file__).parents[2] / "plugins" / "example" / "example.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven images of noise."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for number in range(NUMBER):
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def images(folder):
    return split_of_files(folder, (), [file.name for file in images_in(folder)], [-1] * NUMBER)


def network(name, **options):
    net = rcnnzoo.build(name, categories=10, image_size=32, **{"width": 1 / 16, **options})
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as if it had been trained
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
    return net.eval()


def pixels(images):
    arrays = [np.asarray(images.read(number)) for number in range(len(images))]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2) / 127.5 - 1


def by_hand(net, images, modules):
    """What modules gave at each step, in a loop as one would write it: name and step -> [N, ...]."""
    set_algorithm(net, "direct")
    now: dict[str, torch.Tensor] = {}
    seen: dict[tuple[str, int], torch.Tensor] = {}

    def hook(name):
        return lambda module, inputs, output: now.__setitem__(name, output.clone())

    handles = [net.get_submodule(name).register_forward_hook(hook(name)) for name in modules]
    with torch.inference_mode():
        state = net.begin(pixels(images).contiguous(memory_format=torch.channels_last))
        for step in range(net.num_steps):
            state, _ = net.step(state, step)
            seen |= {(name, step + 1): tensor for name, tensor in now.items()}
            if net.has_areas:
                seen |= {(name, step + 1): tensor.clone() for name, tensor in net.activations(state).items()}
            now.clear()
    for handle in handles:
        handle.remove()
    return seen


def extracted(net, images, path, *layers, **options):
    return record_activations(net, "net", images, "noise", path, Extraction(layers, **options))


@pytest.mark.parametrize(
    ("name", "layers", "modules"),
    [
        ("bl", ["layer*", "layers.*.norm", "layers.*.lateral.0"], ["layers.3.norm", "layers.2.lateral.0"]),
        ("blt", ["layer*", "layers.*.norm", "layers.*.top_down.0"], ["layers.0.norm", "layers.4.top_down.0"]),
        ("b-u", ["layer*", "layers.*.lateral.*"], ["layers.1.lateral.2", "layers.6.lateral.0"]),
        ("b-d", ["layer*", "layers.*.bottom_up.0"], ["layers.0.bottom_up.0", "layers.13.bottom_up.0"]),
    ],
)
def test_every_value_is_what_a_hook_in_a_plain_loop_saw(name, layers, modules, images, tmp_path):
    net = network(name, **({} if name == "b-d" else {"steps": 4}))
    tree = extracted(net, images, tmp_path / "x.zarr", *layers)
    seen = by_hand(net, images, modules)
    assert {layer for layer, _ in seen} <= set(tree.children)
    assert [layer for layer in tree.children if layer.startswith("layer") and "." not in layer] == [
        f"layer{number}" for number in range(1, len(net.layers) + 1)
    ]
    for (layer, step), expected in seen.items():
        found = tree[layer]["activations"].sel(step=step)
        assert np.array_equal(found, expected.flatten(1).numpy()), (layer, step)
    for layer in modules:
        assert tree[layer]["step"].to_numpy().tolist() == [step for other, step in seen if other == layer]


def test_so_is_a_backbone_of_timm(images, tmp_path):
    pytest.importorskip("rcnnzoo_timm")
    net = network("timm/resnet10t", width=1.0)
    tree = extracted(net, images, tmp_path / "x.zarr", "stages.0.bn1", "classifier.*")
    seen = by_hand(net, images, ["stages.0.bn1", "classifier.1"])
    for (layer, step), expected in seen.items():
        assert np.array_equal(tree[layer]["activations"].sel(step=step), expected.flatten(1).numpy())
    assert tree["classifier.1"]["step"].to_numpy().tolist() == [2]


def test_so_is_the_network_of_the_example_plugin(images, tmp_path, install):
    install("example", EXAMPLE.read_text())
    net = network("example-loop", width=1.0)
    tree = extracted(net, images, tmp_path / "x.zarr", "bottom_up", "lateral")
    seen = by_hand(net, images, ["bottom_up", "lateral"])
    # The drive of a still image is computed once, before the first step.
    assert sorted(seen) == [("bottom_up", 1), *(("lateral", step) for step in (1, 2, 3, 4))]
    for (layer, step), expected in seen.items():
        assert np.array_equal(tree[layer]["activations"].sel(step=step), expected.flatten(1).numpy()), (layer, step)


def test_projections_of_a_layer_keep_how_dissimilar_images_are(images, tmp_path):
    """Of 6,144 units, 1,000 sums: distances and correlations stay within a few times 1 / sqrt(1,000) of theirs."""
    net = network("bl", width=1 / 16, steps=2)
    whole = extracted(net, images, tmp_path / "whole.zarr", "layer1")["layer1"]["activations"]
    kept = extracted(net, images, tmp_path / "kept.zarr", "layer1", project=1000)["layer1"]["activations"]
    assert kept.sizes["unit"] == 1000 < whole.sizes["unit"]
    for step in (1, 2):
        ratios = pdist(kept.sel(step=step)) / pdist(whole.sel(step=step))
        assert abs(ratios - 1).max() < 0.2
        whole_pairs, kept_pairs = (pdist(each.sel(step=step), "correlation") for each in (whole, kept))
        assert abs(kept_pairs - whole_pairs).max() < 0.15
        assert ratios.std() > 0


def test_units_have_a_map_and_a_place_in_it(images, tmp_path):
    net = network("bl", steps=2)
    tree = extracted(net, images, tmp_path / "x.zarr", "layer2")
    layer = tree["layer2"]
    maps = by_hand(net, images, [])["layer2", 2]
    here = (layer["map"] == 3) & (layer["y"] == 5) & (layer["x"] == 9)
    value = layer["activations"].sel(step=2)[4, np.flatnonzero(here)].item()
    assert value == maps[4, 3, 5, 9].item()
    assert tree["image"].to_numpy().tolist() == [f"{number}.png" for number in range(NUMBER)]


def test_conditions_change_what_is_shown_and_cut(images, tmp_path):
    net = network("bl", steps=4)
    how = Conditions("image:1,blank:2", lesions=("layers.1.lateral@2",))
    tree = extracted(net, images, tmp_path / "x.zarr", "layer*", conditions=how)
    assert tree["layer1"].sizes["step"] == 3
    assert tree.attrs["stimulus"] == "image:1,blank:2"
    plain = extracted(net, images, tmp_path / "plain.zarr", "layer*")
    same = [
        np.array_equal(tree["layer2"]["activations"].sel(step=step), plain["layer2"]["activations"].sel(step=step))
        for step in (1, 2)
    ]
    assert same == [True, False]


def test_pooled_maps_are_their_means(images, tmp_path):
    net = network("bl", steps=2)
    tree = extracted(net, images, tmp_path / "x.zarr", "layer*", pool="mean", ms_per_step=10, onset_ms=50)
    maps = by_hand(net, images, [])["layer3", 2]
    np.testing.assert_allclose(tree["layer3"]["activations"].sel(step=2), maps.mean((2, 3)), rtol=1e-6)
    assert tree["layer3"]["ms"].to_numpy().tolist() == [50, 60]


def test_projections_are_scikit_learns_and_the_same_at_each_step(images, tmp_path):
    net = network("bl", steps=2)
    tree = extracted(net, images, tmp_path / "x.zarr", "layer*", project=300)
    maps = by_hand(net, images, [])
    own = Projection("layer1", maps["layer1", 1].shape[1:], 300, seed=0)
    theirs = SparseRandomProjection(300 - own.maps, random_state=own._seed).fit(np.zeros((1, own.units)))
    for step in (1, 2):
        values = maps["layer1", step].numpy()
        mean, means = values.mean(axis=(1, 2, 3))[:, None], values.mean(axis=(2, 3))
        left = (values - means[..., None, None]).reshape(len(values), -1)
        each = np.sqrt(own.units / own.maps) * (means - mean)
        expected = np.concatenate([each, theirs.transform(left)], axis=1) + mean * np.sqrt(own.units / 300)
        np.testing.assert_allclose(tree["layer1"]["activations"].sel(step=step), expected, rtol=1e-4, atol=1e-5)
    assert tree["layer4"].sizes["unit"] == 16 * 4 * 4  # fewer are kept as they are


def test_half_precision_is_rounding_and_never_infinite(images, tmp_path):
    net = network("bl", steps=2)
    whole = extracted(net, images, tmp_path / "whole.zarr", "layer*")
    half = extracted(net, images, tmp_path / "half.zarr", "layer*", dtype="float16")
    assert half["layer1"]["activations"].dtype == np.float16
    np.testing.assert_allclose(half["layer1"]["activations"], whole["layer1"]["activations"], rtol=1e-3, atol=1e-6)
    for parameter in net.layers[0].norm.parameters():
        parameter.data.mul_(1e6)
    with pytest.raises(NetworkError, match=r"layer1 of 0\.png, step 1, fp32, as float16"):
        extracted(net, images, tmp_path / "large.zarr", "layer1", dtype="float16")
    assert not (tmp_path / "large.zarr").exists()


def test_an_interrupted_extraction_goes_on(images, tmp_path, monkeypatch):
    net = network("bl", steps=3)
    whole = extracted(net, images, tmp_path / "whole.zarr", "layer*", batch_size=2)
    write, count = storage.write, 0

    def interrupted(*arguments):
        nonlocal count
        count += 1
        if count > 3:
            raise KeyboardInterrupt
        write(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(storage, "write", interrupted)
        extracted(net, images, tmp_path / "x.zarr", "layer*", batch_size=2)
    with pytest.raises(TraceError, match=r"of 7 images are missing; run the same `rcnnzoo extract` again"):
        rcnnzoo.open_activations(tmp_path / "x.zarr")
    run, ran = recorder._run, []

    def counting(*given):
        ran.append(len(given[3].labels))
        run(*given)

    monkeypatch.setattr(recorder, "_run", counting)
    again = extracted(net, images, tmp_path / "x.zarr", "layer*", batch_size=2)
    assert sum(ran) == 5  # the first block was there
    for layer, node in whole.children.items():
        assert np.array_equal(node["activations"], again[layer]["activations"])


def test_finished_activations_are_reused_and_others_refused(images, tmp_path, monkeypatch):
    net = network("bl", steps=2)
    extracted(net, images, tmp_path / "x.zarr", "layer*")
    with monkeypatch.context() as patch:
        patch.setattr(recorder, "_run", None)
        extracted(net, images, tmp_path / "x.zarr", "layer*")
    with pytest.raises(TraceError, match="holds activations that differ in layers: remove it"):
        extracted(net, images, tmp_path / "x.zarr", "layer1")
    with pytest.raises(TraceError, match="holds activations that differ in weights"):
        extracted(network("bl", steps=2, seed=1), images, tmp_path / "x.zarr", "layer*")


def test_unreadable_images_are_said_and_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "images")
    (tmp_path / "images" / "3.png").write_bytes(b"nothing")
    split = split_of_files(tmp_path / "images", (), [f"{number}.png" for number in range(NUMBER)], [-1] * NUMBER)
    with pytest.warns(DataWarning, match=r"3\.png"):
        tree = extracted(network("b"), split, tmp_path / "x.zarr", "layer*", batch_size=2)
    assert tree["image"].to_numpy().tolist() == ["0.png", "1.png", "2.png", "4.png", "5.png", "6.png"]
    assert tree["layer1"].sizes["image"] == 6


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damage_is_noticed(damage, images, tmp_path):
    extracted(network("b"), images, tmp_path / "x.zarr", "layer1")
    chunk = tmp_path / "x.zarr" / "layer1" / "activations" / "c" / "0" / "0" / "0"
    if damage == "remove":
        chunk.unlink()
        with pytest.raises(TraceError, match="blocks of layer1 are missing"):
            rcnnzoo.open_activations(tmp_path / "x.zarr")
        return
    content = bytearray(chunk.read_bytes())
    content[100] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(ValueError, match=r"(?i)checksum|crc"):
        rcnnzoo.open_activations(tmp_path / "x.zarr")["layer1"]["activations"].load()


def test_what_can_not_work_is_refused(images, tmp_path, monkeypatch):
    net = network("bl", steps=2)
    with pytest.raises(UnknownName, match="unknown layer 'nix'"):
        extracted(net, images, tmp_path / "x.zarr", "nix")
    with pytest.raises(OptionError, match=r"`pool` mean: classifier\.0 holds no maps"):
        extracted(net, images, tmp_path / "x.zarr", "classifier.0", pool="mean")
    with pytest.raises(OptionError, match="`pool` and `project` can't be combined"):
        Extraction(["layer*"], "mean", 3)
    with pytest.raises(OptionError, match="`onset_ms` needs `ms_per_step`"):
        Extraction(["layer*"], onset_ms=3)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(TraceError, match=r"takes 0\.0 GB, and 0\.0 GB are free there; choose fewer `layers`"):
        extracted(net, images, tmp_path / "x.zarr", "layer*")
    assert not (tmp_path / "x.zarr").exists()


def test_the_command(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["extract", "b", "--images", str(folder), "--layers", "layer*", "--pool", "mean", "--out", "x.zarr"]
    assert main(command) == 0
    assert "layer7" in capsys.readouterr().out
    assert main([*command, "--data", "digits"]) == 2
    assert "--images can't be combined with --data" in capsys.readouterr().err
    assert main(["evaluate", "x.zarr"]) == 2
    assert "error: x.zarr" in capsys.readouterr().err
