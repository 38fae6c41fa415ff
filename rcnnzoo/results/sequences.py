"""What a network makes of each image of a sequence: `rcnnzoo evaluate` of a trace of sequences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from rcnnzoo.analysis.sequences import DEFAULT, wins_by_position
from rcnnzoo.devices import PRECISION
from rcnnzoo.figures.sequences import draw_wins
from rcnnzoo.results.naming import conditions_of
from rcnnzoo.results.result import Result, interval, percent
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.text import counted

QUESTION = "positions"
NOTE = (
    "Wins at its end: at the last step at which the image is shown in all these trials. Best: at any step, counted "
    "from its onset, that all of them reach."
)


def evaluate_sequences(opened: OpenTrace, readout: str = DEFAULT) -> Result:
    """How often each image's category wins, by its position and the step since its onset.

    Raises:
        UnknownName: There is no such readout.
        TraceError: The category of no image is known.
    """
    trace = opened.trace
    table = wins_by_position(trace, readout)
    about = [f"{trace.attrs['name']} on {trace.attrs['data']}", counted(trace.sizes["trial"], "trial")]
    title = ", ".join([*about, *conditions_of(trace), f"{readout} readout"])
    if trace.attrs["precision"] != PRECISION:
        title += f", {trace.attrs['precision']}"
    document = {
        "trials": trace.sizes["trial"],
        "readout": readout,
        "name": trace.attrs["name"],
        "positions": table.to_dict("records"),
        "trace": str(opened.path),
    }
    stem = QUESTION if readout == DEFAULT else f"{QUESTION}-{readout}"
    draw = partial(draw_wins, table, trace.sizes["category"], f"{title}, 95 % intervals")
    return Result(document, [(title, list(_rows(table)))], {stem: table}, {stem: draw}, notes=[NOTE])


def _rows(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """One row per position (and target or not): how often it wins while it is shown, and when most often."""
    by = [name for name in ("position", "target") if name in table]
    for key, course in table.groupby(by):
        kind = {"target": "yes" if key[1] else "no"} if len(by) > 1 else {}
        shown = course[course["still_shown"] == course["trials"].iloc[0]].iloc[-1]
        whole = course[course["trials"] == course["trials"].iloc[0]]  # the last steps may be of few, long trials
        best = whole.iloc[int(whole["share"].argmax())]
        yield {
            "position": key[0],
            **kind,
            "trials": int(course["trials"].iloc[0]),
            "steps shown": int(shown["step_since_onset"]),
            "wins at its end, %": percent(shown["share"]),
            "95 % interval": interval(shown["low"], shown["high"]),
            "best, %": percent(best["share"]),
            "best at step": int(best["step_since_onset"]),
        }
