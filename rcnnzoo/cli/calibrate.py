"""`rcnnzoo calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import Data, DataDir, Policy, Readout, Split
from rcnnzoo.cli.output import AsJson, or_none, percent, show_json, show_table


def calibrate(
    model: Annotated[str, typer.Argument(help="TRACE, or MODEL, which is traced first.", metavar="MODEL|TRACE")],
    max_loss: Annotated[
        float, typer.Option(help="Share of images, at most, that all steps get right and the early answer wrong.")
    ],
    policy: Policy = "entropy",
    confidence: Annotated[float, typer.Option(help="Probability with which --max-loss is kept.")] = 0.95,
    readout: Readout = "cumulative",
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    out: Annotated[Path | None, typer.Option(help="Folder for table and figure (beside the trace).")] = None,
    as_json: AsJson = False,
) -> None:
    """Choose the cheapest threshold that keeps the loss on new images below a limit, with a guarantee.

    The guarantee holds for independent images of the same kind and a network, policy and readout that were settled
    before. Writes thresholds.csv, thresholds.png and thresholds.svg.

    Example: rcnnzoo calibrate runs/bl-ecoset-seed0 --policy entropy --max-loss 0.01
    """
    from numpy import float32

    from rcnnzoo.analysis.calibration import calibrate as choose
    from rcnnzoo.analysis.calibration import check_shares
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.figures.thresholds import draw_thresholds
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.traces.finding import beside, find_trace
    from rcnnzoo.traces.opening import open_trace
    from rcnnzoo.traces.recording import Recording

    check_shares(max_loss, confidence)
    unit = look_up_policy(policy).unit
    look_up_readout(readout)  # a wrong name should not cost a trace
    path = find_trace(model, data, data_dir, split, how=Recording())
    trace = open_trace(path)
    found = choose(trace, policy, max_loss, confidence, readout)
    folder = out or beside(path)
    title = f"{trace.attrs['name']} on {trace.attrs['data']} {trace.attrs['split']}, {policy}, {readout}"
    save_table(found.sequence, folder / "thresholds.csv")
    save_figure(draw_thresholds(found, title), folder / "thresholds")
    if as_json:
        numbers = {name: value for name, value in vars(found).items() if name != "sequence"}
        names = {name: trace.attrs[name] for name in ("name", "data", "split")}
        where = {"trace": str(path), "out": str(folder)}
        about = {**names, "policy": policy, "readout": readout}
        show_json(or_none({**about, **numbers, "note": found.note, **where}))
        return
    threshold = str(float32(found.threshold))  # as many digits as it takes to give the very score back
    show_table(
        [
            {"": f"threshold ({unit})", "value": threshold},
            {"": "images", "value": f"{found.images:,}"},
            {"": "lost by stopping, % of these images", "value": f"{100 * found.loss:.2f}"},
            {"": f"upper bound on the risk, % ({confidence:g} confidence)", "value": f"{100 * found.bound:.2f}"},
            {"": "accuracy %", "value": percent(found.accuracy)},
            {"": "accuracy % after all steps", "value": percent(found.accuracy_all_steps)},
            {"": "mean steps", "value": f"{found.mean_steps:.2f} of {trace.sizes['step']}"},
            {"": "mean MACs", "value": f"{round(found.mean_macs):,}"},
            {"": "MACs saved, %", "value": percent(found.saving)},
        ],
        title=f"{title}: at most {max_loss:g} lost",
    )
    if found.note:
        print(found.note)  # noqa: T201
    print(folder / "thresholds.png")  # noqa: T201
