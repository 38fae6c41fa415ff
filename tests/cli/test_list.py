"""`rcnnzoo list`."""

from rcnnzoo import plugins
from tests.cli.calling import document, printed


def test_list(capsys):
    rows = document(capsys, "list")
    assert {"name": "bl", "kind": "architectures", "package": "rcnnzoo"}.items() <= rows[4].items()
    assert {row["kind"] for row in rows} >= {"architectures", "readouts", "data", "commands", "plugins"}
    assert [row["name"] for row in document(capsys, "list", "readouts")] == plugins.names("readouts")
    assert "cumulative-logits" in printed(capsys, "list", "readouts")
