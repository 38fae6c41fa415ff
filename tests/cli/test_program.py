"""The program as a whole."""

import importlib.metadata
import itertools
from pathlib import Path

import pytest

import rcnnzoo
from rcnnzoo import plugins
from tests.cli.calling import printed, refused
from tests.data.lookalikes import save_image


def test_every_command_has_help_with_an_example(capsys):
    for name in plugins.names("commands"):
        assert f"Example: rcnnzoo {name}" in " ".join(printed(capsys, name, "--help").split())


def test_h_is_help(capsys):
    assert printed(capsys, "-h") == printed(capsys, "--help")
    assert printed(capsys, "info", "-h") == printed(capsys, "info", "--help")


def test_paragraphs_of_help_flow(capsys):
    """Lines break where they are full, not where the source does."""
    lines = printed(capsys, "profile", "--help").splitlines()
    start = next(number for number, line in enumerate(lines) if "MACs are counted" in line)
    paragraph = lines[start : lines.index("", start)]
    longest = max(map(len, paragraph))
    for line, following in itertools.pairwise(paragraph):
        assert len(line) + 1 + len(following.split()[0]) > longest


def test_a_plugins_description_is_text_and_no_markup(install, capsys):
    code = """
        from rcnnzoo.plugin import Command, hookimpl

        @hookimpl
        def rcnnzoo_commands():
            return [Command("odd", "red [/bold] \\x1b[31m and so on", "lab_odd:odd")]
        """
    install("lab-odd", code)
    assert "red [/bold] \\x1b[31m and so on" in printed(capsys, "--help")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("rcnnzoo tra", ["train", "trace"]), ("rcnnzoo train --dev", ["--device"])],
)
def test_shells_complete_commands_and_options(typed, offered, capsys, monkeypatch):
    monkeypatch.setenv("_RCNNZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    assert printed(capsys).split() == offered


def test_the_version_is_that_of_the_package():
    assert rcnnzoo.__version__ == importlib.metadata.version("rcnnzoo")


@pytest.mark.parametrize("command", ["evaluate", "trace", "predict"])
def test_a_seed_of_initial_weights_is_refused_where_there_are_weights(command, run, capsys):
    rest = "photo.jpg" if command == "predict" else ""
    save_image(Path("photo.jpg"), 1)
    refused(capsys, f"{command} run {rest} --seed 3", "--seed 3: run is trained: leave that out")


@pytest.mark.parametrize(
    "typed",
    [
        "info b --categories 1000000000000",
        "evaluate run --batch-size 99999999999",
        "profile run --measure --images 99999999999",
        "profile run --sweep --bootstrap 99999999999",
        "compare run run --bootstrap 99999999999",
        "evaluate run --workers 99999",
        "evaluate run --threads 99999999",
    ],
)
def test_sizes_without_bound_are_refused_before_any_work(typed, run, capsys):
    refused(capsys, typed, typed.split()[-2])


def test_results_of_a_run_that_can_not_be_written_to_go_where_was_asked(run, capsys, monkeypatch):
    """Root may write anywhere, so the refusal is simulated."""
    monkeypatch.setattr("rcnnzoo.subjects.is_writable", lambda folder: False)
    printed(capsys, "evaluate", "run", "--out", "mine")
    assert Path("mine/traces/run/digits-test.zarr").is_dir()
    assert Path("mine/accuracy.csv").is_file()
    assert not Path("run/traces").exists()
