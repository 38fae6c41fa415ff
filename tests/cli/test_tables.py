"""Tables fit the terminal, and break neither numbers nor lines of a file."""

import re
import subprocess
import sys

import pytest

from rcnnzoo.cli.output import show_json
from rcnnzoo.cli.tables import show_table
from rcnnzoo.text import visible


@pytest.fixture
def printed(capsys, monkeypatch):
    """What a terminal of some width shows, without colours."""

    def show(rows, width=80, title=None):
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(width))
        show_table(rows, title)
        return re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)

    return show


def row(name):
    return {"network": name, "step": 8, "mean MACs per image": 3_869_194, "top-1 %": "97.3", "interval": "95.4 to 98.5"}


NAME = "runs/bl-digits-clutter-with-a-long-name-seed0"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_terminal_shows_no_line_that_is_too_wide_and_no_broken_number(printed, width):
    lines = printed([row(NAME), row("b")], width).splitlines()
    assert max(map(len, lines)) <= width
    for number in ("3.87M", "97.3", "95.4 to 98.5"):
        assert sum(number in line for line in lines) == 2


def test_long_names_continue_at_their_separators(printed):
    lines = printed([row(NAME)], 55).splitlines()
    shown = [line.split()[0] for line in lines if line.strip()][-3:]
    assert shown == ["runs/bl-digits-", "clutter-with-a-", "long-name-seed0"]


def test_names_are_not_broken_where_there_is_room(printed):
    pair = {"a": "bl-digits-seed0", "b": "b-digits-seed0", "only a right": 16, "only b right": 51}
    pair |= {"p": "< 0.001", "p, Bonferroni": "< 0.001", "p, Holm": "< 0.001"}
    last = printed([pair], 80).splitlines()[-2]
    assert last.split()[:2] == ["bl-digits-seed0", "b-digits-seed0"]
    layer = {"layer": "layers.0.norm (8 copies)", "kind": "BatchNorm2d", "maps in": 12, "maps": 12, "kernel": ""}
    assert "layers.0.norm (8 copies)" in printed([layer | {"map size": "32x32", "parameters": 192}], 80)


def test_a_long_piece_is_broken_rather_than_lost(printed):
    text = "x" * 100
    lines = printed([{"name": text, "n": 1}], 40).splitlines()
    assert "".join(line.split()[0] for line in lines if "x" in line) == text
    assert max(map(len, lines)) <= 40


def test_a_pipe_has_one_line_per_row_however_long(capsys):
    show_table([{"name": "x" * 300, "n": 12_345}])
    assert "x" * 300 in capsys.readouterr().out


@pytest.mark.parametrize("number", [0, 999, 12_345, 99_999])
def test_numbers_that_are_short_are_shown_in_full(printed, number):
    assert f"{number:,}" in printed([{"n": number}])


def test_names_are_never_markup_or_control_characters(printed):
    out = printed([{"[bold]n[/]": "[red]x[/red]", "e": "\x1b[31m", "s": "a\udcff"}], title="[/bold] \x1b]0;t\x07")
    assert "[bold]n[/]" in out
    assert "[red]x[/red]" in out
    assert r"\x1b[31m" in out
    assert r"a\udcff" in out
    assert r"[/bold] \x1b]0;t\x07" in out


def test_json_of_names_that_are_not_utf8_can_be_printed(capsys):
    show_json({"file": "a\udcff", "name": "é"})
    assert capsys.readouterr().out == '{\n  "file": "a\\udcff",\n  "name": "é"\n}\n'


def test_a_reader_that_leaves_ends_it_like_any_other_program():
    """128 + 13, as the shell has it for SIGPIPE, and not a word."""
    command = (
        f"set -o pipefail; {sys.executable} -c 'import sys; from rcnnzoo.cli import main; sys.exit(main())' list | true"
    )
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (141, "")


def test_visible_leaves_words_of_all_languages_alone():
    assert visible("naïve 猫 γάτα") == "naïve 猫 γάτα"
