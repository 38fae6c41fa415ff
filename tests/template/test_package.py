"""The package to start from: its name, that it is complete, and that it works."""

import os
import string
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError
from rcnnzoo.template.package import LONGEST, module_name, write_package

EXAMPLE = Path(__file__).parents[2] / "plugins" / "example"


def files(folder):
    """Contents by name; files left by Python and tools are not part of it."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in found
        if not any(part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts)
    }


def test_the_example_is_what_new_plugin_writes(tmp_path, capsys):
    assert main(["new-plugin", "example", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"python -m pip install --editable {tmp_path / 'example'}",
        "rcnnzoo check-plugin example",
        "rcnnzoo train example-loop --data example-stripes",
    ]
    assert files(tmp_path / "example") == files(EXAMPLE)
    assert set(files(EXAMPLE)) == {"LICENSE", "README.md", "example.py", "pyproject.toml", "test_example.py"}


@pytest.mark.parametrize("name", ["zoo-mine", "zoo_lab"])
def test_what_it_writes_passes_its_own_tests_under_any_name(name, tmp_path):
    """Found through a package's metadata, as an installation leaves them."""
    folder = write_package(name, tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    info = folder / f"{module_name(name)}-0.1.0.dist-info"
    info.mkdir()
    about = project["project"]
    needs = "".join(f"Requires-Dist: {need}\n" for need in about["dependencies"])
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: 0.1.0\n{needs}")
    entries = "".join(f"{name} = {module}\n" for name, module in about["entry-points"]["rcnnzoo"].items())
    (info / "entry_points.txt").write_text(f"[rcnnzoo]\n{entries}")
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "RCNNZOO_LOAD_PLUGINS": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert "4 passed" in process.stdout


@pytest.mark.parametrize("name", ["a", "example", "abcdefghij-abcdefghij-abcdefgh"])
def test_what_it_writes_is_as_ruff_wants_it(name, tmp_path):
    folder = write_package(name, tmp_path)
    for typed in (["check"], ["format", "--check"]):
        process = subprocess.run(
            [sys.executable, "-m", "ruff", *typed, "--no-cache", folder], capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, process.stdout
    lines = [line for file in folder.glob("*.py") for line in file.read_text().splitlines()]
    assert max(map(len, lines)) <= 120


def test_the_longest_name_is_tested():
    assert len("abcdefghij-abcdefghij-abcdefgh") == LONGEST


@pytest.mark.parametrize(
    ("name", "module"), [("mine", "mine"), ("zoo-mine", "zoo_mine"), ("zoo_mine", "zoo_mine"), ("net2", "net2")]
)
def test_a_package_has_a_module_of_its_name(name, module):
    assert module_name(name) == module


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "'' can't name a package: use lower-case letters and digits"),
        ("2net", "'2net' can't name a package"),
        ("my net", "'my net' can't name a package"),
        ("Mine", "'Mine' can't name a package"),
        ("mine.py", "'mine.py' can't name a package"),
        ("naïve", "'naïve' can't name a package"),
        ("mine-", "'mine-' can't name a package"),
        ("-mine", "'-mine' can't name a package"),
        ("../mine", "'../mine' can't name a package"),
        ("/mine", "'/mine' can't name a package"),
        (".", "'.' can't name a package"),
        ("mine\n", "can't name a package"),
        ("a" * 31, "at most 30 characters"),
        ("class", "'class' is a Python keyword: take another name"),
        ("match", "'match' is a Python keyword"),
        ("rcnnzoo", "'rcnnzoo': Python already has a module rcnnzoo; take another name"),
        ("json", "'json': Python already has a module json"),
        ("sys", "'sys': Python already has a module sys"),
        ("torch", "'torch': Python already has a module torch"),
        ("rcnnzoo-behaviour", "Python already has a module rcnnzoo_behaviour"),
    ],
)
def test_a_name_that_will_not_do_is_refused_in_one_line(name, reason, tmp_path, capsys):
    assert main(["new-plugin", "--out", str(tmp_path / "here"), "--", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert reason in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OptionError, match="mine: already exists; take another name or folder"):
        write_package("mine", tmp_path)
    assert files(tmp_path) == {"mine/thesis.txt": b"mine"}


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    def fail(*values):
        raise KeyError("module")

    monkeypatch.setattr(string.Template, "substitute", fail)
    with pytest.raises(KeyError):
        write_package("mine", tmp_path)
    assert list(tmp_path.iterdir()) == []
