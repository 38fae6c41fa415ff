"""The zoo in two minutes: `bl` and `b` learn scikit-learn's digits, and a figure shows what time steps bring.

`make demo` runs it; so does `python -m rcnnzoo.demo`, where it was installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.cli.output import percent, show_table
from rcnnzoo.figures.accuracy import draw_comparison
from rcnnzoo.figures.saving import save_figure, save_table
from rcnnzoo.traces.finding import find_trace
from rcnnzoo.traces.opening import open_trace
from rcnnzoo.traces.recording import Recording
from rcnnzoo.training.loop import train
from rcnnzoo.training.settings import settle

EPOCHS = 10
WIDTH = 0.125


def demo(folder: Path = Path("demo")) -> None:
    """Train both networks, evaluate them, and draw accuracy by time step; go on where an earlier call was left."""
    tables: dict[str, pd.DataFrame] = {}
    for name in ("bl", "b"):
        print(f"training {name} (width {WIDTH}) on digits for {EPOCHS} epochs", file=sys.stderr)  # noqa: T201
        settings, data = settle({"architecture": name, "data": "digits", "width": WIDTH, "epochs": EPOCHS})
        run = train(settings, data, folder / name, resume=True)
        tables[name] = measure_accuracy(open_trace(find_trace(str(run.folder), how=Recording()))).by_step
    title = "digits, 450 test images"
    save_table(pd.concat(tables, names=["network"]).reset_index("network"), folder / "accuracy.csv")
    save_figure(draw_comparison(tables, f"{title}, 95 % intervals"), folder / "accuracy")
    rows = [
        {"network": name, "step": step, "accuracy %": percent(accuracy)}
        for name, table in tables.items()
        for step, accuracy in zip(table["step"], table["accuracy"], strict=True)
    ]
    show_table(rows, title=title)
    print(f"Look at {folder / 'accuracy.png'}; the runs are {folder / 'bl'} and {folder / 'b'}.")  # noqa: T201


if __name__ == "__main__":
    demo()
