"""The authors' weights give here what they give in their code, and files that aren't theirs are refused."""

import json
from functools import partial

import pytest
import torch

import rcnnzoo
from rcnnzoo.checking.formats import CHECKS, Source
from rcnnzoo.cli import main
from rcnnzoo.hookspecs import Format
from rcnnzoo.plugins import look_up
from rcnnzoo_hgru.importing import read_hgru
from tests.plugins.hgru.goldens import STEPS, golden, tensors_of, write
from tests.weights.pickled import Runs

close = partial(torch.testing.assert_close, rtol=0, atol=1e-5)


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_of_formats_is_kept(check):
    entry = look_up("formats", "hgru")
    assert isinstance(entry.member, Format)
    CHECKS[check](Source(entry.member, entry.load()))


@pytest.mark.parametrize("name", STEPS)
def test_every_step_answers_as_in_the_authors_code(name, tmp_path):
    network, (images, logits) = read_hgru(write(tmp_path, name), name), golden(name)
    with torch.no_grad():
        close(network(images), logits)
    assert (logits - logits.flip(0)).abs().amax(-1).min() > 1e-3, "the images must differ, or this proves little"
    assert logits.diff(dim=1).abs().amax(-1).min() > 1e-4, "and so must the steps"


USED = sorted(
    name.removeprefix("module.")
    for name in tensors_of("hgru-cued")
    if "num_batches" not in name and "bn.0." not in name and "bn.2." not in name
)


@pytest.mark.parametrize("name", USED)
def test_the_golden_file_can_tell(name, tmp_path):
    """Each tensor has an effect."""
    tensors = tensors_of("hgru-cued")
    file = write(tmp_path, "hgru-cued")
    torch.save({**tensors, f"module.{name}": 1.5 * tensors[f"module.{name}"]}, file)
    images, logits = golden("hgru-cued")
    with torch.no_grad():
        assert (read_hgru(file, "hgru-cued")(images) - logits).abs().max() > 1e-3


def test_layers_that_are_never_run_have_no_effect_and_may_be_missing(tmp_path):
    file = write(tmp_path, "hgru")
    torch.save({name: x for name, x in tensors_of("hgru").items() if ".bn.0." not in name}, file)
    images, logits = golden("hgru")
    with torch.no_grad():
        close(read_hgru(file, "hgru")(images), logits)


@pytest.mark.parametrize("beside", [True, False])
def test_time_steps_are_those_of_the_options(beside, tmp_path):
    file = write(tmp_path, "hgru-cued", timesteps=80)
    if beside:
        (tmp_path / "opts.json").rename(file.with_name("opts.json"))
    network, (images, logits) = read_hgru(file, "hgru-cued"), golden("hgru-cued")
    assert network.num_steps == 80
    with torch.no_grad():
        close(network(images)[:, :40], logits)


def test_a_checkpoint_becomes_a_file_that_says_where_it_is_from(tmp_path):
    file, names = write(tmp_path, "hgru-cued"), tmp_path / "names.txt"
    names.write_text("different\nsame\n")
    out = tmp_path / "out.safetensors"
    typed = ["import", "hgru", str(file), "--arch", "hgru-cued", "--names", str(names), "--out", str(out)]
    assert main(typed) == 0
    network, (images, logits) = rcnnzoo.load(out), golden("hgru-cued")
    with torch.no_grad():
        close(network(images), logits)
    assert network.card.categories == ["different", "same"]
    assert network.card.options == {"image_size": 150, "steps": 40, "width": 1.0}
    assert network.card.licence == "MIT"
    assert network.card.source["file"] == file.name


def test_other_numbers_of_maps_and_categories(tmp_path):
    """A network of the same code with three categories and five maps, in place of two and 25."""
    other = rcnnzoo.build("hgru", categories=3, image_size=150, width=0.2, seed=4).eval()
    theirs = {
        "bottom_up": "conv0",
        "horizontal.inhibition_gate": "unit1.u1_gate",
        "horizontal.inhibition_norm": "unit1.bn.1",
        "horizontal.excitation_gate": "unit1.u2_gate",
        "horizontal.excitation_norm": "unit1.bn.3",
        "readout": "conv6",
        "readout_norm": "bn",
        "classifier": "fc",
    }
    tensors = {}
    for name, tensor in other.state_dict().items():
        layer, _, kind = name.rpartition(".")
        tensors[f"{theirs[layer]}.{kind}" if layer in theirs else name] = tensor
    for ours, name in (("inhibition", "w_gate_inh"), ("excitation", "w_gate_exc")):
        tensors[f"unit1.{name}"] = tensors.pop(f"horizontal.{ours}.weight")
    for letter in ("alpha", "mu", "gamma", "kappa", "omega"):
        tensors[f"unit1.{letter}".replace("omega", "w")] = tensors.pop(f"horizontal.{letter}")
    file = write(tmp_path, "hgru")
    torch.save(tensors, file)
    images, _ = golden("hgru")
    found = read_hgru(file, "hgru")
    assert found.card.options["width"] == 0.2
    with torch.no_grad():
        close(found(images), other(images), atol=0)


def spoil(file, fault):
    """A fault, by name; the format is asked for hgru-cued."""
    options = file.parent.parent / "opts.json"
    tensors = tensors_of("hgru-cued")

    def save(**changes):
        changed = {**tensors, **{f"module.{key.replace('__', '.')}": value for key, value in changes.items()}}
        torch.save({key: value for key, value in changed.items() if value is not None}, file)

    match fault:
        case "other network":
            torch.save(tensors_of("hgru"), file)
        case "kernel of 9":
            save(unit1__w_gate_inh=torch.zeros(25, 25, 9, 9), unit1__w_gate_exc=torch.zeros(25, 25, 9, 9))
        case "of hgru-pytorch":
            save(bn2__weight=torch.ones(2), unit1__w_gate_inh=tensors["module.unit1.w_gate_inh"])
        case "something else":
            torch.save({"V1.conv1.weight": torch.zeros(3)}, file)
        case "missing":
            save(unit1__alpha=None)
        case "shape":
            save(unit1__mu=torch.ones(25))
        case "NaN":
            save(conv6__bias=torch.tensor([0.0, float("inf")]))
        case "code":
            torch.save({"state_dict": tensors, "hook": Runs(f"touch {file.with_name('executed')}")}, file)
        case "half":
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2])
        case "no options":
            options.unlink()
        case "not JSON":
            options.write_text("{timesteps: 40")
        case "a list":
            options.write_text("[40]")
        case "no steps":
            options.write_text("{}")
        case "no number":
            options.write_text(json.dumps({"timesteps": "many"}))
        case "tanh":
            options.write_text(json.dumps({"timesteps": 40, "activ": "tanh"}))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "other network",
            "not the weights of hgru-cued: 3 input channels and kernels of 15x15, not 4 and 5x5; they are for hgru: "
            "give --arch hgru",
        ),
        ("kernel of 9", "4 input channels and kernels of 9x9, not 4 and 5x5; no architecture here has these"),
        ("of hgru-pytorch", "1 unexpected (bn2.weight)"),
        ("something else", "not the weights of an hGRU of rnn_rts: conv0.weight is missing, or of another shape"),
        ("missing", "1 missing (horizontal.alpha)"),
        ("shape", "1 of another shape (horizontal.mu"),
        ("NaN", "conv6.bias holds values that are not finite"),
        ("code", "names posix.system, which could execute code, and is not opened"),
        ("half", "is not a file of torch.save, or damaged: fetch it again"),
        ("no options", "its number of time steps is in the file opts.json that was published with it: put that beside"),
        ("not JSON", "opts.json: can't be read as options of rnn_rts, with their timesteps"),
        ("a list", "opts.json: can't be read as options of rnn_rts"),
        ("no steps", "opts.json: can't be read as options of rnn_rts"),
        ("no number", "opts.json: its timesteps is 'many', not a number of time steps"),
        ("tanh", "opts.json: its activ is 'tanh': only networks with softplus can be imported"),
    ],
)
def test_bad_files_are_one_line_and_nothing_is_written(fault, message, tmp_path, capsys):
    file = write(tmp_path, "hgru-cued")
    spoil(file, fault)
    there = sorted(tmp_path.rglob("*"))
    typed = ["import", "hgru", str(file), "--arch", "hgru-cued", "--out", str(tmp_path / "out.safetensors")]
    assert main(typed) == 2
    told = capsys.readouterr().err
    assert message in told
    assert str(tmp_path) in told
    assert len(told.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == there
