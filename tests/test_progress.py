"""Progress where there is no terminal: lines, few of them, and none for those who asked for quiet."""

from rcnnzoo import progress as module
from rcnnzoo.progress import progress, quiet, say


def test_without_a_terminal_it_says_what_is_done_and_now_and_then_how_far(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("tracing", 1000, done=200) as advance:
        for _ in range(4):
            now[0] += 50
            advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "tracing",
        "tracing: 300 of 1,000, 6 min left",  # 100 in 50 s
        "tracing: 500 of 1,000, 4 min left",
    ]


def test_quiet_is_quiet_and_ends(capsys):
    with quiet(), progress("tracing", 10) as advance:
        advance(10)
        say("done")
    assert capsys.readouterr().err == ""
    say("[b]done[/b]")
    assert capsys.readouterr().err == "[b]done[/b]\n"
