"""What went wrong, in one line, and its exit status."""

import subprocess
import sys

import pytest

from rcnnzoo.cli import main


def test_debug_shows_where(capsys):
    assert main(["--debug", "info", "b-l"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_ours_is_called_that(capsys, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("rcnnzoo.results.network.summarise", broken)
    assert main(["info", "b"]) == 1
    assert "a fault of rcnnzoo's, please report it: ZeroDivisionError: oops" in capsys.readouterr().err


def test_without_standard_output_nothing_is_wrong():
    process = subprocess.run(["bash", "-c", f"{sys.executable} -m rcnnzoo list >&-"], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_a_reader_that_leaves_is_no_fault():
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
