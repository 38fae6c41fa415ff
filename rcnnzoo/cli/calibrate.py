"""`rcnnzoo calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import (
    MODEL_OR_TRACE,
    Data,
    DataDir,
    FigureFormats,
    PolicyName,
    ReadoutName,
    Seed,
    Split,
    computes,
    under_conditions,
)
from rcnnzoo.cli.output import AsJson, show


@computes
@under_conditions
def calibrate(
    model: Annotated[str, typer.Argument(help=MODEL_OR_TRACE, metavar="MODEL|TRACE")],
    max_loss: Annotated[
        float, typer.Option(help="Largest share of images that may be right after all steps and wrong where they stop.")
    ],
    policy: PolicyName = "entropy",
    confidence: Annotated[float, typer.Option(help="Probability that --max-loss holds for new images.")] = 0.95,
    readout: ReadoutName = "cumulative",
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the table and the figure.", show_default="beside the trace")
    ] = None,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Choose the cheapest threshold that keeps the loss on new images below a limit, with a guarantee.

    The guarantee holds for independent images of the same kind, and for a network, policy and readout that were chosen
    beforehand. Writes thresholds.csv, thresholds.png and thresholds.svg; with a policy other than entropy or a
    readout other than cumulative, thresholds-POLICY-READOUT.csv and so on.

    Of several seeds, each gets a threshold of its own.

    Example: rcnnzoo calibrate runs/bl-ecoset-seed0 --policy entropy --max-loss 0.01
    """
    from rcnnzoo.analysis.calibration import check_shares
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference
    from rcnnzoo.results.calibration import calibrate as ask
    from rcnnzoo.results.result import Result
    from rcnnzoo.results.seeds import in_turn
    from rcnnzoo.traces import trace_of

    check_shares(max_loss, confidence)
    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    Reference(model, seed).check_seed(conditions)

    def calibrated(text: str, out: Path | None) -> Result:
        opened = trace_of(text, data, data_dir, split, seed=seed, how=Recording(conditions=conditions), out=out)
        result = ask(opened, max_loss, policy, confidence, readout)
        return result.write(out or opened.results, figure_format)

    show(in_turn(model, calibrated, out), as_json=as_json)
