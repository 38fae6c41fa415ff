"""The zoo in a few minutes: `bl` and `b` learn digits among clutter; two figures show what time steps gain, and cost.

`make demo` runs it; so does `python -m rcnnzoo.demo`, where it was installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rcnnzoo.cli.output import show
from rcnnzoo.cli.program import guarded
from rcnnzoo.progress import say
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.results.accuracy import evaluate_all
from rcnnzoo.results.speed_accuracy import sweep
from rcnnzoo.results.training import train
from rcnnzoo.runs.folder import Run
from rcnnzoo.traces import traces_of
from rcnnzoo.training.settling import settle

DATA = "digits-clutter"
EPOCHS = 10
WIDTH = 0.125
WHAT_TO_EXPECT = (
    "Networks this small, on images this small, are not evidence about recurrence: "
    "bl becomes more accurate over its time steps, but b-f, which is feedforward with twice the feature maps, "
    "does at least as well."
)


def demo(folder: Path = Path("demo")) -> int:
    """Train both networks, and draw accuracy by time step and against cost; resume an earlier, interrupted call.

    Returns:
        The exit status.
    """
    for name in ("bl", "b"):
        run = Run(folder / name)
        done = "is already trained:" if run.finished else "resumes:" if run.settings.is_file() else "trains:"
        say(f"{run.folder} {done} {name} (width {WIDTH}) on {DATA} for {EPOCHS} epochs")
        settings, data = settle({"architecture": name, "data": DATA, "width": WIDTH, "epochs": EPOCHS})
        train(settings, data, folder / name, resume=True)
    traces = traces_of([str(folder / "bl"), str(folder / "b")], how=Recording())
    for result in (evaluate_all(traces), sweep(traces)):
        show(result.write(folder), as_json=False)
    print(f"The runs are {folder / 'bl'} and {folder / 'b'}. {WHAT_TO_EXPECT}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(guarded(demo, {}))
