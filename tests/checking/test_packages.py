"""Packages as a whole: our own pass, faults are named, and what a plugin raises or prints does not spoil the output."""

import json
import re

import pytest

from rcnnzoo.checking.packages import check_plugin
from rcnnzoo.checking.rows import Fault, Row, run
from rcnnzoo.cli import main
from rcnnzoo.errors import PluginError, UnknownName
from rcnnzoo.template.package import write_package
from tests.checking.conftest import SICK

READOUT = """
    from rcnnzoo.hookspecs import Readout, hookimpl

    @hookimpl
    def rcnnzoo_readouts():
        return [Readout("{name}", "made up", f"{{__name__}}:readout")]

    def readout(logits):
        print("reading")
        return logits.float().softmax(-1)
"""


def test_a_fault_is_exit_status_2_and_one_line_that_names_the_first(checked):
    status, rows, complaint = checked
    assert status == 2
    faults = [row for row in rows if row["outcome"] == "fault"]
    (line,) = complaint.splitlines()
    assert line == (
        f"error: {SICK}: {len(faults)} of {len(rows)} checks found a fault: loads, its names are free (sick.py); "
        "builds (architecture sick-stepless); builds (architecture sick-timeless); ..."
    )
    assert {tuple(row) for row in rows} == {("check", "member", "outcome", "words")}


def test_what_is_ours_passes(capsys):
    assert main(["check-plugin", "rcnnzoo_behaviour"]) == 0  # as pip does, it takes any spelling of the name
    printed = capsys.readouterr().out.splitlines()
    assert ["help", "command behaviour", "ok"] in [re.split("  +", line.strip()) for line in printed]


def test_what_a_plugin_prints_stays_off_standard_output(write_plugin, capsys):
    file = write_plugin("loud.py", READOUT.format(name="loud"))
    assert main(["check-plugin", str(file), "--json"]) == 0
    captured = capsys.readouterr()
    assert {row["outcome"] for row in json.loads(captured.out)} == {"ok"}
    assert "reading" in captured.err


def test_a_file_that_is_loaded_already_can_be_checked(write_plugin, capsys):
    file = str(write_plugin("loud.py", READOUT.format(name="loud")))
    assert main(["--plugin", file, "check-plugin", file]) == 0


def test_a_file_that_can_not_be_imported_is_a_row(write_plugin):
    (row,) = check_plugin(str(write_plugin("broken.py", "def broken(:")))
    assert (row.check, row.outcome) == ("loads", "fault")
    assert "broken.py: SyntaxError: invalid syntax" in row.words


def test_an_installed_package_that_was_left_out_says_why(install):
    install("zoo-broken", "import a_module_that_is_not_there")
    with pytest.warns(match="left out"):
        (row,) = check_plugin("zoo-broken")
    assert (row.check, row.outcome) == ("loads, its names are free", "fault")
    assert "ModuleNotFoundError: No module named 'a_module_that_is_not_there'" in row.words


def test_a_name_that_two_packages_claim_is_a_fault_of_both(install):
    install("zoo-one", READOUT.format(name="last"))
    install("zoo-two", READOUT.format(name="last"))
    with pytest.warns(match="both claim it"):
        rows = check_plugin("zoo-one") + check_plugin("zoo-two")
    faults = [row.words for row in rows if row.outcome == "fault"]
    assert faults == ["readout 'last' left out: zoo-one and zoo-two both claim it; uninstall one of them"] * 2
    assert {row.member for row in rows} == {"zoo-one", "zoo-two"}  # no readout is checked


def test_debug_shows_where_it_was(write_plugin, capsys):
    file = write_plugin("bad.py", READOUT.format(name="bad").replace("softmax(-1)", "no_such_method()"))
    assert main(["check-plugin", str(file)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["--debug", "check-plugin", str(file)]) == 2
    complaint = capsys.readouterr().err
    assert 'bad.py", line' in complaint
    assert "in readout" in complaint


def test_what_is_not_there_is_said():
    with pytest.raises(
        UnknownName, match="unknown plugin package 'rcnnzoo-behavior': did you mean 'rcnnzoo-behaviour'"
    ):
        check_plugin("rcnnzoo-behavior")
    with pytest.raises(PluginError, match=r"nothing\.py: no such Python file"):
        check_plugin("nothing.py")
    with pytest.raises(
        PluginError, match=r"torch is installed, but names no module .* \[project\.entry-points\.rcnnzoo\]"
    ):
        check_plugin("torch")


def test_a_folder_is_not_checked_but_what_to_do_with_it_is_said(tmp_path, monkeypatch):
    write_package("not-yet", tmp_path)
    monkeypatch.chdir(tmp_path)
    words = "not-yet: a folder; install it (python -m pip install --editable not-yet) and name the package"
    with pytest.raises(PluginError, match=re.escape(words)):
        check_plugin("not-yet")


def test_whatever_a_check_raises_is_a_row():
    def refuses(subject):
        raise Fault(f"{subject} is wrong")

    def crashes(subject):
        raise KeyError(subject)

    def leaves(subject):
        raise SystemExit(subject)

    assert run("a", "b", refuses, "it") == Row("a", "b", "fault", "it is wrong")
    assert run("a", "b", crashes, "it") == Row("a", "b", "fault", "KeyError: 'it'")
    assert run("a", "b", leaves, "it") == Row("a", "b", "fault", "SystemExit: it")
    with pytest.raises(KeyboardInterrupt):
        run("a", "b", lambda subject: (_ for _ in ()).throw(KeyboardInterrupt()), "it")
