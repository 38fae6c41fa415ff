"""A broken plugin, checked once."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from rcnnzoo.cli import main
from tests.conftest import plugins_of

SICK = Path(__file__).with_name("sick.py")


@pytest.fixture(scope="package")
def checked():
    """What `rcnnzoo check-plugin sick.py --json` gives: exit status, rows, and what it says on standard error."""
    said, complained = io.StringIO(), io.StringIO()
    with plugins_of(SICK.parent), contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        status = main(["check-plugin", str(SICK), "--json"])
    return status, json.loads(said.getvalue()), complained.getvalue()


@pytest.fixture(scope="package")
def found(checked):
    """A function: the findings about a member that are not ok, by check."""

    def of(member):
        rows = [row for row in checked[1] if row["member"] == member]
        assert rows, f"{member} was not checked"
        faults = [row for row in rows if row["outcome"] in ("warning", "fault")]
        return {(row["check"], row["outcome"]): re.sub(r"line \d+", "line N", row["words"]) for row in faults}

    return of


def expect(found, wanted):
    """The findings are as expected, and each contains these words."""
    assert set(found) == set(wanted), found
    for key, words in wanted.items():
        assert words in found[key]
