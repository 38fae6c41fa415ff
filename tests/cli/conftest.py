"""Runs for testing commands, each test in its own folder."""

import shutil

import pytest

from rcnnzoo.cli import main
from tests.cli.calling import TINY


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test in its own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RCNNZOO_DATA", raising=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of bl on digits that no test changes."""
    folder = tmp_path_factory.mktemp("runs") / "bl"
    assert main(["train", "bl", "--data", "digits", *TINY, "--steps", "2", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it to change."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def twin(trained, tmp_path):
    """Another copy, with the same name elsewhere."""
    return shutil.copytree(trained, tmp_path / "elsewhere" / "run")


@pytest.fixture(scope="module")
def trained_b(tmp_path_factory):
    """A run of b on digits that no test changes."""
    folder = tmp_path_factory.mktemp("runs") / "b"
    assert main(["train", "b", "--data", "digits", *TINY, "--out", str(folder)]) == 0
    return folder
