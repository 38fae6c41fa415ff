"""`rcnnzoo profile`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import (
    MODEL_OR_TRACE,
    Data,
    DataDir,
    Draws,
    FigureFormats,
    From,
    Origin,
    PolicyName,
    ReadoutName,
    Split,
    computes,
    macs,
    under_conditions,
)
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.devices import DTYPES, PRECISION, check_precision


@computes
@under_conditions
def profile(
    model: Annotated[
        str | None,
        typer.Argument(help=MODEL_OR_TRACE, metavar="MODEL|TRACE", show_default="the newest run under runs/"),
    ] = None,
    policy: PolicyName = "entropy",
    readout: ReadoutName = "cumulative",
    sweep: Annotated[bool, typer.Option("--sweep", help="Show accuracy and cost at every distinct threshold.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Show accuracy and cost at this threshold.")] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            parser=macs,
            metavar="MACS",
            help="Find the threshold that keeps mean MACs per image within this, for example 20G.",
        ),
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Find the threshold that reaches this accuracy, from 0 to 1.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="With --sweep, another MODEL or TRACE to compare with; may be repeated.")
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(
            min=100,
            max=1_000_000,
            help="With --sweep, add a 95 % band from this many bootstrap resamples of the images.",
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also measure time, memory and energy of early exit on this device.")
    ] = False,
    images: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="With --measure, images to decide on.", show_default="64")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help=f"With --measure, one of {', '.join(DTYPES)}.", show_default=PRECISION)
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    seed: Draws = 0,
    since_onset: From = Origin.START,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and the figures.", show_default="beside the trace")
    ] = None,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Count a network's multiply-accumulates; or measure its accuracy against mean cost under an exit policy.

    MACs are counted as if every convolution were computed directly. --measure times early exit on this device, at the
    given threshold or at several, alternating with runs of all steps. It writes measure.csv, measure.png and
    measure.svg (measure-PRECISION.csv and so on with a precision other than fp32).

    --sweep writes sat.csv, oracle.csv, sat.png and sat.svg (and against.csv, band.csv). All of it is on the same
    images, so a threshold picked from the curve looks better than it is on new images. With a policy other than
    entropy or a readout other than cumulative, the files are sat-POLICY-READOUT.csv and so on; with --against, they
    are in a folder named after the other networks. --budget and --accuracy choose a threshold on half of the images,
    drawn with --seed, and report how it performs on the other half.

    For folders of several seeds, all of it is the mean over seeds with its interval: --sweep at equal mean cost, others
    at the given threshold or at one that is chosen for each seed.

    Example: rcnnzoo profile bl
    """
    from rcnnzoo.analysis.intervals import Bootstrap
    from rcnnzoo.errors import OptionError
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference, open_subject
    from rcnnzoo.results import cost, measurement, seeds, speed_accuracy
    from rcnnzoo.results.naming import folder_of
    from rcnnzoo.results.result import Result
    from rcnnzoo.runs.folder import newest_run
    from rcnnzoo.subjects import OpenTrace
    from rcnnzoo.traces import have_members, traces_of, traces_of_members

    from_onset = since_onset is Origin.ONSET
    questions = {"`sweep`": sweep or None, "`threshold`": threshold, "`budget`": budget, "`accuracy`": accuracy}
    asked = [option for option, value in questions.items() if value is not None]
    if len(asked) > 1:
        raise OptionError(f"{' and '.join(asked)} can't be combined: give one of them")
    for option, given, needed, present in (
        ("`against`", against, "`sweep`", sweep),
        ("`bootstrap`", bootstrap, "`sweep`", sweep),
        ("`precision`", precision, "`measure`", measure),
        ("`images`", images, "`measure`", measure),
        ("`out`", out, "`sweep` or `measure`", sweep or measure),
        ("`figure_format`", figure_format, "`sweep` or `measure`", sweep or measure),
        ("`since_onset`", from_onset or None, " or ".join([*questions, "`measure`"]), asked or measure),
        ("`data`", data, " or ".join([*questions, "`measure`"]), asked or measure),
        ("`split`", split, " or ".join([*questions, "`measure`"]), asked or measure),
    ):
        if given is not None and not present:
            raise OptionError(f"{option} needs {needed}")
    if model is None:
        model = str(newest_run(Path("runs")))
        print(f"profiling {model}", file=sys.stderr)  # noqa: T201
    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    check_precision(precision or PRECISION)
    if measure and Reference(model).is_trace:
        raise OptionError(f"`measure` runs the network, and {model} is a trace: name the MODEL")
    several = have_members([model, *(against or [])])
    for option, given in (("`measure`", measure), ("`bootstrap`", bootstrap is not None)):
        if several and given:
            raise OptionError(f"{option} is of single networks, and {model} holds several seeds: name one of them")

    def stopped(name: str, opened: OpenTrace) -> tuple[Result, float]:
        """What stopping at a threshold does, and the threshold: that given, or the one that meets a wish."""
        if threshold is not None:
            return speed_accuracy.stop_at(name, opened, policy, readout, threshold, since_onset=from_onset), threshold
        return speed_accuracy.meet(
            name, opened, policy, readout, budget=budget, accuracy=accuracy, seed=seed, since_onset=from_onset
        )

    subject = open_subject(model, data, data_dir, split, seed=seed, conditions=conditions) if measure else None
    if not asked:
        one = next(iter(Reference(model).members.values()), Reference(model, seed))  # all members cost the same
        network = one.open(conditions) if subject is None else subject.model
        result = cost.count_cost(network, conditions)
    elif several:
        networks = traces_of_members(
            [model, *(against or [])], data, data_dir, split, how=Recording(conditions=conditions), out=out
        )
        (name, members), *folders = networks.items()
        if sweep:
            if from_onset:
                raise OptionError("`since_onset`: the mean curve of several seeds has no time steps: leave it out")
            folder = seeds.folder(model, members)
            folder = folder / folder_of(other for other, _ in folders) if folders else folder
            result = seeds.sweep(networks, policy, readout).write(out or folder, figure_format)
        else:
            result = seeds.stop(name, members, lambda opened: stopped(name, opened)[0])
    else:
        traces = traces_of(
            [subject or model, *(against or [])],
            data,
            data_dir,
            split,
            seed=seed,
            how=Recording(conditions=conditions),
            out=out,
        )
        (name, opened), *others = traces.items()
        if sweep:
            resampling = None if bootstrap is None else Bootstrap(bootstrap, seed)
            folder = opened.results / folder_of(other for other, _ in others) if others else opened.results
            result = speed_accuracy.sweep(traces, policy, readout, resampling, since_onset=from_onset)
            result = result.write(out or folder, figure_format)
        else:
            result, threshold = stopped(name, opened)
    if subject is not None:
        measured = measurement.measure(
            subject,
            policy,
            readout,
            threshold=threshold,
            images=images or measurement.IMAGES,
            precision=precision or PRECISION,
            conditions=conditions,
            since_onset=from_onset,
        )
        result = result.with_part("measurement", measured.write(out or subject.results(conditions), figure_format))
    show(result, as_json=as_json)
