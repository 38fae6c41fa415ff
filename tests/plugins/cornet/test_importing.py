"""The authors' weights give here what they give in their code, and files that aren't theirs are refused."""

from functools import partial

import pytest
import torch

import rcnnzoo
from rcnnzoo.checking.formats import CHECKS, Source
from rcnnzoo.cli import main
from rcnnzoo.hookspecs import Format
from rcnnzoo.plugins import look_up
from rcnnzoo_cornet.importing import read_cornet
from tests.plugins.cornet.goldens import checkpoint, empty, golden, shapes_of
from tests.plugins.cornet.recipe import weights
from tests.weights.pickled import Runs

close = partial(torch.testing.assert_close, rtol=0, atol=1e-5)


@pytest.fixture
def file(tmp_path):
    """Where a weight file may be written."""
    return tmp_path / "weights.pth"


def write(file, name="cornet-rt", **changes):
    """A state dict with some tensors changed, or left out where the change is None."""
    tensors = {**empty(name), **{key.replace("__", "."): value for key, value in changes.items()}}
    torch.save({key: tensor for key, tensor in tensors.items() if tensor is not None}, file)


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_of_formats_is_kept(check):
    entry = look_up("formats", "cornet")
    assert isinstance(entry.member, Format)
    CHECKS[check](Source(entry.member, entry.load()))


def test_cornet_rt_answers_as_the_authors_at_every_step(file):
    """Theirs after four passes, five, six and seven; the published one makes five."""
    torch.save(checkpoint("cornet-rt"), file)
    network, (images, logits) = read_cornet(file, "cornet-rt"), golden("cornet-rt")
    assert network.num_steps == 2
    close(rcnnzoo.run(network, images, steps=4), logits)
    other = logits.flip(0)
    assert (logits - other).abs().amax(-1).min() > 0.05, "the two images must differ, or the comparison proves little"
    assert logits.diff(dim=1).abs().amax(-1).min() > 0.05, "and so must the steps"


def test_cornet_s_answers_as_the_authors_after_each_pass_of_it(file):
    torch.save(checkpoint("cornet-s"), file, _use_new_zipfile_serialization=False)  # as torch did at their time
    network, (images, logits) = read_cornet(file, "cornet-s"), golden("cornet-s")
    assert network.num_steps == 2
    with torch.no_grad():
        close(network(images), logits)
    assert logits.diff(dim=1).abs().amax(-1).min() > 0.05


@pytest.mark.parametrize(
    "name", ["V1.conv_input.bias", "V2.norm_input.weight", "V4.norm1.bias", "IT.conv1.weight", "decoder.linear.weight"]
)
def test_the_golden_file_can_tell(name, file):
    tensors = weights(shapes_of("cornet-rt"))
    torch.save({**tensors, name: tensors[name].flip(0)}, file)  # scales are lost in normalisation
    images, logits = golden("cornet-rt")
    with torch.no_grad():
        assert (read_cornet(file, "cornet-rt")(images) - logits[:, :2]).abs().max() > 1e-3


def test_a_checkpoint_becomes_a_file_that_says_where_it_is_from(file, tmp_path):
    torch.save(checkpoint("cornet-rt"), file)
    out = tmp_path / "out.safetensors"
    assert main(["import", "cornet", str(file), "--arch", "cornet-rt", "--out", str(out)]) == 0
    network, (images, logits) = rcnnzoo.load(out), golden("cornet-rt")
    with torch.no_grad():
        close(network(images), logits[:, :2])
    assert network.card.categories[:2] == ["n01440764", "n01443537"]
    assert network.card.options == {"image_size": 224, "steps": 2, "width": 1.0}
    assert network.card.licence.startswith("GPL-3.0")
    assert network.card.source["file"] == "weights.pth"


def test_other_numbers_of_categories_and_of_passes(file):
    tensors = weights(shapes_of("cornet-rt"))
    ten = {name: tensor[:10] for name, tensor in tensors.items() if name.startswith("decoder")}
    torch.save({**tensors, **ten}, file)
    images, logits = golden("cornet-rt")
    with torch.no_grad():
        close(read_cornet(file, "cornet-rt")(images), logits[:, :2, :10])
    write(file, "cornet-s", **{f"IT.norm{number}_1.{kind}": None for number in (1, 2, 3) for kind in NORM})
    assert read_cornet(file, "cornet-s").num_steps == 1


NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def spoil(file, fault):
    """A fault, by name; the format is asked for cornet-rt."""
    match fault:
        case "other network":
            write(file, "cornet-s")
        case "neither":
            torch.save({"V1.conv.weight": torch.zeros(64, 3, 7, 7), "decoder.linear.bias": torch.zeros(10)}, file)
        case "missing":
            write(file, IT__norm1__bias=None)
        case "no classifier":
            write(file, decoder__linear__bias=None)
        case "scalar":
            write(file, decoder__linear__bias=torch.tensor(1.0))
        case "extra":
            write(file, V3__conv1__weight=torch.zeros(1))
        case "shape":
            write(file, V1__conv_input__weight=torch.zeros(1).expand(64, 3, 5, 5))
        case "NaN":
            write(file, V1__norm1__bias=torch.full((64,), float("nan")))
        case "code":
            torch.save({"state_dict": empty("cornet-rt"), "hook": Runs(f"touch {file.with_name('executed')}")}, file)
        case "half":
            torch.save(checkpoint("cornet-rt"), file)
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("other network", "V2.norm_input.weight is missing; they are for cornet-s: give --arch cornet-s"),
        ("neither", "not the weights of cornet-rt: V2.norm_input.weight is missing\n"),
        ("missing", "1 missing (IT.norm1.bias)"),
        ("no classifier", "decoder.linear.bias is missing, or not a vector"),
        ("scalar", "decoder.linear.bias is missing, or not a vector"),
        ("extra", "1 unexpected (V3.conv1.weight)"),
        ("shape", "1 of another shape (V1.conv_input.weight"),
        ("NaN", "V1.norm1.bias holds values that are not finite"),
        ("code", "names posix.system, which could execute code, and is not opened"),
        ("half", "is not a file of torch.save, or damaged: fetch it again"),
    ],
)
def test_bad_files_are_one_line_and_nothing_is_written(fault, message, file, capsys):
    spoil(file, fault)
    out = file.with_name("out.safetensors")
    assert main(["import", "cornet", str(file), "--arch", "cornet-rt", "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert str(file) in told
    assert len(told.splitlines()) == 1
    assert sorted(path.name for path in file.parent.iterdir()) == ["weights.pth"]


def test_a_pass_without_all_its_norms_is_refused(file, capsys):
    write(file, "cornet-s", V4__norm2_3__running_var=None, IT__norm1_1__bias=None)
    typed = ["import", "cornet", str(file), "--arch", "cornet-s", "--out", str(file.with_name("out.safetensors"))]
    assert main(typed) == 2
    assert "2 missing (IT.norm1.1.bias, V4.norm2.3.running_var)" in capsys.readouterr().err
