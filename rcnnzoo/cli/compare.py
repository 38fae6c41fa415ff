"""`rcnnzoo compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import (
    MODEL_OR_TRACE,
    Data,
    DataDir,
    Draws,
    FigureFormats,
    PolicyName,
    ReadoutName,
    Split,
    computes,
    macs,
    under_conditions,
)
from rcnnzoo.cli.output import AsJson, show


@computes
@under_conditions
def compare(
    models: Annotated[list[str], typer.Argument(help=f"Two or more. {MODEL_OR_TRACE}", metavar="MODEL|TRACE...")],
    policy: PolicyName = "entropy",
    readout: ReadoutName = "cumulative",
    cost: Annotated[
        float | None,
        typer.Option(
            parser=macs,
            metavar="MACS",
            help="Mean MACs per image at which to compare, for example 20G.",
            show_default="the largest that both can have",
        ),
    ] = None,
    bootstrap: Annotated[
        int,
        typer.Option(
            min=100, max=1_000_000, help="Bootstrap resamples of the images, for the intervals at equal cost."
        ),
    ] = 1000,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    seed: Draws = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and the figure.", show_default="compare/NETWORK+NETWORK")
    ] = None,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Test whether networks differ in accuracy on the same images, after all steps and at equal mean cost.

    For each pair: McNemar's exact test on the answers after all steps, with p values corrected by Bonferroni and by
    Holm; and the difference between the speed-accuracy curves of --policy at one mean cost, with a 95 % interval.
    Writes models.csv, pairs.csv, compare.png and compare.svg; with a policy other than entropy or a readout other than
    cumulative, pairs-POLICY-READOUT.csv and so on. Conclusions hold for these weights only: another seed gives another
    network.

    Example: rcnnzoo compare runs/bl-digits-seed0 runs/b-digits-seed0
    """
    from rcnnzoo.analysis.intervals import Bootstrap
    from rcnnzoo.errors import OptionError
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import traces_of
    from rcnnzoo.results.comparison import compare as ask
    from rcnnzoo.results.naming import folder_of

    if len(models) < 2:
        raise OptionError("a comparison needs two networks: name another MODEL or TRACE")
    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    traces = traces_of(models, data, data_dir, split, seed=seed, how=Recording(conditions=conditions), out=out)
    result = ask(traces, policy, readout, cost=cost, bootstrap=Bootstrap(bootstrap, seed))
    trained = [one.trace.attrs.get("trained_steps", one.trace.sizes["step"]) for one in traces.values()]
    folder = max(conditions.named(folder_of(traces), steps) for steps in trained)  # some may be run as usual
    show(result.write(out or Path("compare", folder), figure_format), as_json=as_json)
