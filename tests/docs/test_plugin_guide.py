"""The guide to plugins, run: each of its plugins keeps the contract and does what the page says."""

import dataclasses
import inspect
import json
import re
import shlex
import shutil
import tomllib
import typing
from typing import Any

import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo import hooks, hookspecs, plugins, registry
from rcnnzoo.checking.packages import check_plugin
from rcnnzoo.cli import main
from tests.conftest import plugins_of
from tests.data.lookalikes import make_classes
from tests.docs.test_docs import DOCS, blocks

GUIDE = DOCS / "plugins.md"
HOOKS = [function for name, function in vars(hookspecs).items() if name.startswith("rcnnzoo_")]
FILES = {code[3 : code.index(":")]: code for _, code in blocks(GUIDE, "python")}
SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[1:]}
COMMANDS = [line for _, code in blocks(GUIDE, "bash") for line in code.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The guide's files, and a run of its network that no test changes."""
    folder = tmp_path_factory.mktemp("guide")
    for name, code in FILES.items():
        (folder / name).write_text(code)
    with plugins_of(folder), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for typed in COMMANDS:
            quick = typed.replace("--epochs 8", "--epochs 1")
            assert main(shlex.split(quick)[1:]) == 0, typed
        yield folder


def test_the_guide_has_a_section_a_hook_with_its_signature_and_a_plugin():
    assert len(HOOKS) == len(hooks.KINDS)
    with_hooks = {}
    for hook in HOOKS:
        signature = f"`{hook.__name__}{inspect.signature(hook)}`".replace("'", "")
        (title,) = (title for title, text in SECTIONS.items() if f"\n{signature}\n" in text)
        with_hooks[title] = hook
        marked = f"@hookimpl\ndef {hook.__name__}("
        examples = [code for code in FILES.values() if marked in code]
        assert SECTIONS[title].count(marked) == len(examples) >= 1
        assert all(code.count("@hookimpl\n") == 1 for code in examples)
    assert len(with_hooks) == len(HOOKS)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_section_says_what_the_description_says(hook):
    """Each field, and word for word the code in hookspecs.py about the target."""
    (description,) = typing.get_args(typing.get_type_hints(hook)["return"])
    text = " ".join(next(text for text in SECTIONS.values() if f"`{hook.__name__}() ->" in text).split())
    own = {field.name for field in dataclasses.fields(description)} - {"name", "description", "target"}
    for name in own:
        assert f"`{name}`" in text
    for code in re.findall("`([^`]+)`", " ".join(inspect.getdoc(description).split())):
        assert code in text.replace("`", "")
    for field in dataclasses.fields(hookspecs.Member):
        assert f"| `{field.name}` |" in SECTIONS["How a plugin is made"]


@pytest.mark.parametrize("name", FILES)
def test_each_plugin_keeps_the_contract(name, folder):
    found = {(row.check, row.outcome) for row in check_plugin(str(folder / name)) if row.outcome != "ok"}
    text = (folder / name).read_text()
    optional = {"present": "what is shown may change", "activations": "areas hold a row per image"}
    assert found <= {(check, "skipped") for method, check in optional.items() if f"def {method}" not in text}


def test_the_commands_of_the_page_are_run_by_the_fixture(folder):
    assert len(COMMANDS) == 9
    assert rcnnzoo.load("runs/conv-gru-digits-seed0/model.safetensors").num_steps == 6
    assert (folder / "mine" / "mine.py").is_file()


def test_the_network_is_the_gru_of_its_equations(folder):
    """On images of one pixel a convolution is a matrix, the middle of its kernel; in numpy, from the paper."""
    plugins.load_file(folder / "convgru.py")
    network: Any = rcnnzoo.build("conv-gru", categories=3, image_size=2, width=1 / 16, seed=2)
    images = torch.randn(5, 3, 1, 1)

    def middle(weight):
        size = weight.shape[-1] // 2
        return weight[:, :, size, size].double().numpy()

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    with torch.no_grad():
        logits = network(images).double().numpy()
        drive = images[:, :, 0, 0].double().numpy() @ middle(network.drive.weight).T + network.drive.bias.numpy()
        x_z, x_r, x = np.split(drive, 3, axis=1)
        u_z, u_r = np.split(middle(network.gates.weight), 2)
        u = middle(network.candidate.weight)
        h = np.zeros_like(x)
        for t in range(6):
            z, r = sigmoid(x_z + h @ u_z.T), sigmoid(x_r + h @ u_r.T)
            h = (1 - z) * h + z * np.tanh(x + (r * h) @ u.T)
            expected = h @ network.classifier.weight.numpy().T + network.classifier.bias.numpy()
            np.testing.assert_allclose(logits[:, t], expected, rtol=1e-4, atol=1e-5)


def test_the_policy_wants_the_same_leader_twice(folder):
    plugins.load_file(folder / "steady.py")
    probabilities = torch.tensor([[0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]])
    scores = rcnnzoo.policy("steady-lead").scores(probabilities)
    torch.testing.assert_close(scores, torch.tensor([0, 0.3, 0, 0.7]))


def test_the_readout_halves_the_past(folder):
    plugins.load_file(folder / "leaky.py")
    logits = torch.randn(3, 2)
    one, two, three = logits.double().softmax(-1)
    expected = torch.stack([one, (one / 2 + two) / 1.5, (one / 4 + two / 2 + three) / 1.75])
    torch.testing.assert_close(rcnnzoo.readout("leaky")(logits).double(), expected, rtol=1e-6, atol=1e-6)


def test_the_data_set_is_read_by_its_table_and_missed_in_one_line(folder, tmp_path, capsys):
    typed = ["--plugin", str(folder / "labpets.py"), "train", "b", "--data", "labpets"]
    assert main(typed) == 2
    assert "get it from https://example.org/labpets (2 GB; CC BY 4.0)" in capsys.readouterr().err
    make_classes(tmp_path / "labpets")
    assert main([*typed, "--data-dir", str(tmp_path)]) == 2
    assert "labels.csv: no such file; unpack labpets.zip again" in capsys.readouterr().err
    files = [path.relative_to(tmp_path / "labpets") for path in sorted((tmp_path / "labpets").rglob("*.jpg"))]
    rows = [f"{file},{file.parent},{'test' if number % 2 else 'train'}" for number, file in enumerate(files)]
    (tmp_path / "labpets" / "labels.csv").write_text("\n".join(["image,pet,split", *rows]))
    splits = plugins.look_up("data", "labpets").load()(tmp_path / "labpets")
    assert {name: len(split) for name, split in splits.items()} == {"train": len(files) // 2, "test": len(files) // 2}
    for split in splits.values():
        assert [split.categories[label] for label in split.labels] == [file.split("/")[0] for file in split.files]
    options = ["--width", "0.0625", "--epochs", "1", "--batch-size", "2", "--image-size", "16", "--workers", "0"]
    assert main([*typed, "--data-dir", str(tmp_path), *options, "--out", str(tmp_path / "run")]) == 0


def test_the_command_counts_what_is_taken_for_what(folder, capsys):
    trace = "runs/conv-gru-digits-seed0/traces/digits-test.zarr"
    assert main(["--plugin", "confusions.py", "confusions", trace, "--most", "999", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["--plugin", "convgru.py", "evaluate", trace, "--readout", "instantaneous", "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["accuracy"][-1]
    assert sum(row["images"] for row in rows) == round(450 * (1 - accuracy))
    assert all(row["category"] != row["taken for"] for row in rows)


def test_the_format_reads_what_the_laboratory_saved(folder, tmp_path, capsys):
    network = rcnnzoo.build("b", categories=4, image_size=32, width=1 / 8, seed=3).eval()
    theirs = {}
    for name, tensor in network.state_dict().items():
        layer = int(re.findall(r"\d", name)[0]) + 1
        kinds = {"bottom_up": f"conv{layer}", "norm": f"bn{layer}", "classifier": "fc"}
        theirs[next(to for word, to in kinds.items() if word in name) + "." + name.rpartition(".")[2]] = tensor
    torch.save({"epoch": 3, "state_dict": theirs}, tmp_path / "lab.pth")
    typed = ["--plugin", str(folder / "labweights.py"), "import", "lab-weights", str(tmp_path / "lab.pth")]
    assert main([*typed, "--out", str(tmp_path / "lab.safetensors")]) == 0
    found, images = rcnnzoo.load(tmp_path / "lab.safetensors"), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(found(images), network(images), rtol=0, atol=0)
    assert found.card.licence == "CC BY 4.0"
    assert found.card.source["format"] == "lab-weights"
    faults = {"gru.bias": "gru.bias is not expected", "fc.bias": "of another shape"}
    for name, said in faults.items():
        torch.save(theirs | {name: torch.zeros(5)}, tmp_path / "lab.pth")
        assert main([*typed, "--out", str(tmp_path / "none.safetensors")]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "none.safetensors").exists()


def test_its_pyproject_makes_a_package_of_its_policy(install):
    (text,) = (code for _, code in blocks(GUIDE, "toml"))
    project = tomllib.loads(text)
    assert project["project"]["entry-points"]["rcnnzoo"] == {"steady": "steady"}
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"] == ["steady.py"]
    install(project["project"]["name"], FILES["steady.py"], requires=project["project"]["dependencies"])
    rows = check_plugin("zoo-steady")
    assert {row.outcome for row in rows} == {"ok"}
    assert {row.member for row in rows} == {"zoo-steady", "policy steady-lead"}
    (test,) = (code for _, code in blocks(GUIDE, "py"))
    written: dict[str, Any] = {}
    exec(test, written)  # noqa: S102 - the page's own test of this package
    written["test_the_contract_holds"]()


def test_the_warnings_of_the_page_are_those_of_the_code():
    source = "".join(map(inspect.getsource, (plugins, registry, hooks)))
    for words in (
        "it has no hook",
        "lacks @hookimpl",
        "unknown hook",
        "its entry point names the module",
        "must return a list of",
        "both claim it",
        "it requires rcnnzoo",
        "rcnnzoo has one of",
    ):
        assert words in SECTIONS["What may go wrong"]
        assert words in source


def test_copies_of_the_files_work_under_another_name(folder, tmp_path):
    """`__name__` makes a target refer to the module that it is in."""
    shutil.copy(folder / "leaky.py", tmp_path / "renamed.py")
    with plugins_of(tmp_path):
        plugin = plugins.load_file(tmp_path / "renamed.py")
        assert plugins.package_of("readouts", "leaky") == plugin.package == "renamed.py"
        assert plugins.look_up("readouts", "leaky").load().__module__ == "renamed"
