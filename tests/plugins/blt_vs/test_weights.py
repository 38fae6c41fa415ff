"""The authors' weights give here what they give in the authors' code, and files that aren't theirs are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.errors import WeightsError
from rcnnzoo_blt_vs.weights import read_blt_vs
from tests.plugins.blt_vs.published import GOLDENS, at_a_place, images, shapes, weights
from tests.weights.pickled import Runs

SMALL = {"width": 1 / 32, "categories": 7}


def save(folder, tensors, name="file.pth"):
    torch.save(tensors, folder / name)
    return folder / name


def run(network, shown):
    with torch.inference_mode():
        return network(shown)


def states(network, shown):
    with torch.inference_mode():
        state = network.begin(shown)
        for t in range(network.num_steps):
            state, _ = network.step(state, t)
            yield state


@pytest.mark.parametrize("golden", GOLDENS)
def test_every_step_and_every_area_is_as_in_the_authors_code(golden, tmp_path):
    """At full width, with random weights: a swap of any two tensors, kernels or steps shows."""
    size = GOLDENS[golden]["image_size"]
    expected = np.load(Path(__file__).parent / "goldens" / f"{golden}.npz")
    network = read_blt_vs(save(tmp_path, weights(5, size)), golden.removesuffix("-224"))
    assert network.card.options["image_size"] == size
    steps = expected["logits"].shape[1]
    if not golden.endswith("-224"):
        assert network.num_steps == steps
    network.num_steps = steps
    torch.testing.assert_close(run(network, images(size)), torch.from_numpy(expected["logits"]), rtol=0, atol=1e-5)
    *_, last = states(network, images(size))
    with torch.inference_mode():
        held = network.activations(last)
    assert set(held) == set(expected.files) - {"logits"}
    for name, maps in held.items():
        found = at_a_place(maps)
        torch.testing.assert_close(found, torch.from_numpy(expected[name]), rtol=1e-5, atol=1e-4, msg=name)


@pytest.mark.parametrize("architecture", ["blt-vs", "blt-vs-biological"])
def test_the_logits_depend_on_every_layer_that_is_taken(architecture, tmp_path):
    """Otherwise the comparison above would prove little. LGN's top-down stream is seen in its activations alone."""
    tensors = weights(width=1 / 32, categories=5)
    shown = images(32)
    before = run(read_blt_vs(save(tmp_path, tensors), architecture), shown)
    without_effect = set()
    for layer in {name.rpartition(".")[0] for name in tensors}:
        generator = torch.Generator().manual_seed(2)
        others = {
            name: tensors[name] + 0.5 * torch.randn(tensors[name].shape, generator=generator)
            for name in (f"{layer}.weight", f"{layer}.bias")
        }
        after = run(read_blt_vs(save(tmp_path, tensors | others), architecture), shown)
        if (after - before).abs().max() < 1e-5:
            without_effect.add(layer.removeprefix("connections."))
    expected = {"Retina.layer_norm_td", "LGN.layer_norm_td"}
    if architecture == "blt-vs":
        expected |= {"V1.skip_td_depthwise", "V1.skip_td_pointwise"}
    assert without_effect == expected


@pytest.mark.parametrize("form", ["plain", "checkpoint", "DataParallel"])
def test_a_file_may_be_a_checkpoint(form, tmp_path):
    tensors = weights(**SMALL)
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in tensors.values()]
    optimiser = torch.optim.Adam(parameters)
    sum(parameter.sum() for parameter in parameters).backward()
    optimiser.step()
    content = {
        "plain": tensors,
        "checkpoint": {"state_dict": tensors, "optimizer": optimiser.state_dict(), "epoch": 3},
        "DataParallel": {f"module.{name}": tensor for name, tensor in tensors.items()},
    }[form]
    plain = read_blt_vs(save(tmp_path, tensors), "blt-vs")
    read = read_blt_vs(save(tmp_path, content), "blt-vs")
    assert torch.equal(run(read, images(128)), run(plain, images(128)))
    assert not read.training


@pytest.mark.parametrize("size", [128, 224])
@pytest.mark.parametrize(("categories", "width"), [(2, 1 / 32), (7, 1 / 8), (565, 1 / 32), (1000, 1 / 32)])
def test_sizes_come_from_the_file(categories, width, size, tmp_path):
    network = read_blt_vs(save(tmp_path, weights(categories, size, width)), "blt-vs-biological")
    assert len(network.card.categories) == categories
    assert network.card.options == {"image_size": size, "steps": 8, "width": width}


@pytest.mark.parametrize(("categories", "first"), [(565, "0"), (1000, "n01440764"), (7, "0")])
def test_the_imported_file_is_the_network(categories, first, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path, weights(categories, width=1 / 32), "blt_vs_slt_111_biounroll_0_t_6.pth")
    assert main(["import", "blt-vs", file.name, "--arch", "blt-vs", "--out", "out.safetensors", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"]["format"] == "blt-vs"
    loaded = rcnnzoo.load("out.safetensors")
    assert (len(loaded.card.categories), loaded.card.categories[0]) == (categories, first)
    assert loaded.card.licence.startswith("MIT")
    assert torch.equal(run(loaded, images(128)), run(read_blt_vs(file, "blt-vs"), images(128)))


def spoil(folder, fault):
    """A file with something wrong in it, and its name."""
    tensors, name = weights(**SMALL), "file.pth"
    match fault:
        case "code":
            tensors = {**tensors, "hook": Runs(f"touch {folder / 'executed'}")}
        case "other architecture":
            tensors = rcnnzoo.build("bl", categories=7, image_size=32, width=1 / 16).state_dict()
        case "NaN":
            tensors["connections.V2.td_conv.weight"][0, 0, 0, 0] = float("nan")
        case "missing":
            del tensors["connections.V4.skip_bu_pointwise.bias"]
        case "missing, unused":
            del tensors["connections.Retina.layer_norm_td.bias"]
        case "unexpected":
            tensors["readout_weights"] = torch.ones(6)
        case "no top-down":
            tensors = {name: tensor for name, tensor in tensors.items() if ".td_" not in name}
        case "maps":
            wrong = weights(7, width=1 / 16)
            tensors |= {name: tensor for name, tensor in wrong.items() if ".V3." in name}
        case "few categories":
            tensors = weights(1, width=1 / 32)
        case "kernel":
            tensors["connections.Retina.bu_conv.weight"] = torch.zeros(1, 3, 3, 3)
        case "unrolling":
            name = "blt_vs_slt_111_biounroll_1_t_12_readout_multi_dataset_ecoset_num_1.pth"
    file = save(folder, tensors, name)
    if fault == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("code", "names posix.system, which could execute code"),
        (
            "other architecture",
            "not the weights of blt-vs: connections.LGN.bu_conv.bias is missing (and 401 more differences)",
        ),
        ("cut", "is not a file of torch.save, or damaged: fetch it again"),
        ("NaN", "connections.V2.td_conv.weight holds values that are not finite"),
        ("missing", "not the weights of blt-vs: connections.V4.skip_bu_pointwise.bias is missing\n"),
        ("missing, unused", "connections.Retina.layer_norm_td.bias is missing\n"),
        ("unexpected", "not the weights of blt-vs: readout_weights is not expected there\n"),
        ("no top-down", "connections.LGN.td_conv.bias is missing (and 31 more differences)"),
        ("maps", "areas.V3.bottom_up.lateral.pointwise.bias is [22], not [11]"),
        ("few categories", "connections.Readout.readout_conv has 101 maps, too few for 100 and 2 categories"),
        ("kernel", "the retina's kernel size is 3: BLT-VS has 7 or 5"),
        ("unrolling", "biounroll_1 in its name means blt-vs-biological: give that as --arch"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(fault, message, tmp_path, capsys):
    file, out = spoil(tmp_path, fault), tmp_path / "out.safetensors"
    assert main(["import", "blt-vs", str(file), "--arch", "blt-vs", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"error: {file}: ")
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_other_unrolling_takes_the_same_names(tmp_path):
    """The tensors are the same: only the file's name can tell, so a renamed file is read as asked for."""
    tensors = weights(**SMALL)
    with pytest.raises(WeightsError, match="means blt-vs: give that as `arch`"):
        read_blt_vs(save(tmp_path, tensors, "blt_vs_biounroll_0.pth"), "blt-vs-biological")
    assert read_blt_vs(save(tmp_path, tensors), "blt-vs-biological").num_steps == 8


def test_the_shapes_are_those_of_the_readme():
    """34.9 and 27.3 million parameters (their README)."""
    for categories, millions in ((1000, 34.99), (565, 27.33)):
        count = sum(torch.Size(shape).numel() for shape in shapes(categories, 224).values())
        assert round(count / 1e6, 2) == millions
