"""The zoo in two minutes: `bl` and `b` learn scikit-learn's digits; two figures show what time steps bring, and cost.

`make demo` runs it; so does `python -m rcnnzoo.demo`, where it was installed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.profile import Profile, profile
from rcnnzoo.cli.output import percent, show_table
from rcnnzoo.figures.accuracy import draw_comparison
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.figures.saving import save_figure, save_table, stacked
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.traces.finding import find_trace
from rcnnzoo.traces.opening import open_trace
from rcnnzoo.traces.recording import Recording
from rcnnzoo.training.loop import train
from rcnnzoo.training.settings import settle

EPOCHS = 10
WIDTH = 0.125


def demo(folder: Path = Path("demo")) -> None:
    """Train both networks, and draw accuracy by time step and against cost; go on where an earlier call was left."""
    tables: dict[str, pd.DataFrame] = {}
    profiles: dict[str, Profile] = {}
    for name in ("bl", "b"):
        print(f"training {name} (width {WIDTH}) on digits for {EPOCHS} epochs", file=sys.stderr)  # noqa: T201
        settings, data = settle({"architecture": name, "data": "digits", "width": WIDTH, "epochs": EPOCHS})
        run = train(settings, data, folder / name, resume=True)
        trace = open_trace(find_trace(str(run.folder), how=Recording()))
        tables[name] = measure_accuracy(trace).by_step
        profiles[name] = profile(trace, POLICY, READOUT)
    title = "digits, 450 test images"
    save_table(stacked(tables), folder / "accuracy.csv")
    save_figure(draw_comparison(tables, f"{title}, 95 % intervals"), folder / "accuracy")
    rows = [
        {"network": name, "step": step, "accuracy %": percent(accuracy)}
        for name, table in tables.items()
        for step, accuracy in zip(table["step"], table["accuracy"], strict=True)
    ]
    show_table(rows, title=title)
    _draw_fig_1(profiles, f"{title}, {POLICY}, {READOUT} readout", folder)
    print(f"Look at {folder / 'accuracy.png'} and {folder / 'sat.png'}.")  # noqa: T201
    print(f"The runs are {folder / 'bl'} and {folder / 'b'}.")  # noqa: T201


def _draw_fig_1(profiles: Mapping[str, Profile], title: str, folder: Path) -> None:
    """The paper's Fig. 1: bl's accuracy against its mean cost as it stops earlier or later, b's, and an oracle's."""
    curves, oracle = {name: one.curve for name, one in profiles.items()}, profiles["bl"].oracle
    save_table(stacked(curves | {"oracle of bl": oracle}), folder / "sat.csv")
    save_figure(draw_sat(curves, oracle, title), folder / "sat")


if __name__ == "__main__":
    demo()
