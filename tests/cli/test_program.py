"""The program as a whole."""

from rcnnzoo import plugins
from tests.cli.calling import printed


def test_every_command_has_help_with_an_example(capsys):
    for name in plugins.names("commands"):
        assert f"Example: rcnnzoo {name}" in " ".join(printed(capsys, name, "--help").split())
