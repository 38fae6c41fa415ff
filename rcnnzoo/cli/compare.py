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
        int | None,
        typer.Option(
            min=100,
            max=1_000_000,
            help="Bootstrap resamples of the images, for the intervals at equal cost.",
            show_default="1000",
        ),
    ] = None,
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

    For folders of several seeds the unit is the network: mean accuracies with intervals over seeds, a paired t test and
    Wilcoxon's signed-rank test over the seeds in common, and McNemar's test within each seed (within-seeds.csv).

    Example: rcnnzoo compare runs/bl-digits-seed0 runs/b-digits-seed0
    """
    from rcnnzoo.analysis.intervals import Bootstrap
    from rcnnzoo.errors import OptionError
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.results.comparison import compare as ask
    from rcnnzoo.results.naming import folder_of
    from rcnnzoo.results.seed_comparison import compare as compare_seeds
    from rcnnzoo.traces import have_members, traces_of, traces_of_members

    if len(models) < 2:
        raise OptionError("a comparison needs two networks: name another MODEL or TRACE")
    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    how = Recording(conditions=conditions)
    if have_members(models):
        if bootstrap is not None:
            raise OptionError(
                "`bootstrap` resamples images, and intervals of several seeds are over seeds: leave it out"
            )
        networks = traces_of_members(models, data, data_dir, split, how=how, out=out)
        result = compare_seeds(networks, policy, readout, cost=cost)
        traces = {name: next(iter(members.values())) for name, members in networks.items()}
    else:
        traces = traces_of(models, data, data_dir, split, seed=seed, how=how, out=out)
        result = ask(traces, policy, readout, cost=cost, bootstrap=Bootstrap(bootstrap or 1000, seed))
    trained = [one.trace.attrs.get("trained_steps", one.trace.sizes["step"]) for one in traces.values()]
    folder = max(conditions.named(folder_of(traces), steps) for steps in trained)  # some may be run as usual
    show(result.write(out or Path("compare", folder), figure_format), as_json=as_json)
