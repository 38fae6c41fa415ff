"""The commands of all packages that are installed."""

import pytest

from rcnnzoo import plugins
from rcnnzoo.checking.commands import check_command


@pytest.mark.parametrize("name", plugins.names("commands"))
def test_every_command_imports_quickly_and_has_an_example(name):
    assert [row for row in check_command(name) if row.outcome != "ok"] == []
