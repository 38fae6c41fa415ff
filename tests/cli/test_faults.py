"""What went wrong, in one line, and its exit status."""

import os
import subprocess
import sys
import tomllib
import warnings

import pytest

from rcnnzoo.cli import main
from rcnnzoo.cli.faults import warnings_in_one_line
from rcnnzoo.errors import RcnnzooWarning


def test_debug_shows_where(capsys):
    assert main(["--debug", "info", "b-l"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_ours_is_called_that(capsys, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("rcnnzoo.results.network.summarise", broken)
    assert main(["info", "b"]) == 1
    assert "a fault of rcnnzoo's, please report it: ZeroDivisionError: oops" in capsys.readouterr().err


def test_what_was_typed_can_be_long_and_the_reason_is_still_seen(capsys):
    assert main(["info", "x" * 100_000]) == 2
    message = capsys.readouterr().err
    assert len(message) < 2000
    assert "xxx ... xxx" in message
    assert message.endswith("File name too long\n")


def test_without_standard_output_nothing_is_wrong():
    process = subprocess.run(["bash", "-c", f"{sys.executable} -m rcnnzoo list >&-"], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_a_reader_that_leaves_is_not_a_fault():
    command = f"{sys.executable} -m rcnnzoo list | head -1"
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert process.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's /dev/full")
def test_a_full_disk_is_said_to_be_full():
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "rcnnzoo", "list"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert process.returncode == 2
    assert process.stderr.startswith("error: disk full")


def run(command, **options):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, **options)


def test_errors_never_go_to_standard_output():
    process = run(f"{sys.executable} -m rcnnzoo info nosuch 2>&-")
    assert (process.returncode, process.stdout) == (2, "")


@pytest.mark.filterwarnings("default")
def test_warnings_of_other_libraries_are_one_line_each_and_said_once(capsys):
    with warnings_in_one_line({}):
        for line in (1, 2):
            warnings.warn_explicit(
                "too\nmany", UserWarning, "/venv/lib/python3/site-packages/torch/utils/data.py", line
            )
        warnings.warn_explicit("`max_bad` images", RcnnzooWarning, "/venv/lib/python3/site-packages/rcnnzoo/a.py", 1)
    assert capsys.readouterr().err.splitlines() == ["warning: too many (torch)", "warning: max_bad images"]


def test_too_little_memory_is_said_in_one_line():
    process = run(f"ulimit -v 1000000; {sys.executable} -m rcnnzoo info b")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: not enough memory")


def test_a_worker_killed_in_the_middle_of_something_is_said_in_one_line(capsys, monkeypatch):
    """Torch raises this wherever the main process happens to be."""

    def killed(*arguments, **options):
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")

    monkeypatch.setattr("rcnnzoo.results.network.summarise", killed)
    assert main(["info", "b"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: a process that decodes images was killed, most likely because memory ran out")
    assert said.count("\n") == 1


def test_ctrl_c_before_the_program_is_imported_is_one_line(tmp_path):
    """A module that is interrupted while it is imported."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    process = run(f"PYTHONPATH={tmp_path} {sys.executable} -m rcnnzoo list")
    assert (process.returncode, process.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_locale_without_utf8_changes_nothing(locale, tmp_path):
    typed = f"train b --data digits --width 0.0625 --image-size 8 --epochs 1 --quiet --out {tmp_path}/café"
    environment = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = run(f"{sys.executable} -m rcnnzoo {typed}", env={**os.environ, **environment})
    assert (process.returncode, process.stderr) == (0, "")
    assert tomllib.loads((tmp_path / "café" / "config.toml").read_text("utf-8"))["data"] == "digits"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    process = run(f"{sys.executable} -m rcnnzoo train b --data digits --out {tmp_path}/run")
    assert process.returncode == 2
    assert process.stderr.endswith("run: Permission denied: write elsewhere (`--out`)\n")
