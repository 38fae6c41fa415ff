"""`rcnnzoo profile`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import Data, DataDir, Readout, Split
from rcnnzoo.cli.output import AsJson, percent, show_json, show_table


def profile(
    model: Annotated[
        str | None,
        typer.Argument(help="MODEL or TRACE; without it the newest run under runs/.", metavar="[MODEL|TRACE]"),
    ] = None,
    policy: Annotated[str, typer.Option(help="When to stop (`rcnnzoo list policies`).")] = "entropy",
    readout: Readout = "cumulative",
    sweep: Annotated[bool, typer.Option("--sweep", help="Accuracy and cost at every distinct threshold.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Accuracy and cost at this threshold.")] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="Another MODEL or TRACE beside it; may be repeated.")
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    out: Annotated[Path | None, typer.Option(help="Folder for sat.csv and the figure (beside the trace).")] = None,
    as_json: AsJson = False,
) -> None:
    """Count a network's multiply-accumulates; with --sweep, its accuracy against mean cost under an exit policy.

    Costs are counted, as direct convolution; how long a device takes for them is another question.

    --sweep writes sat.csv (and against.csv), sat.png and sat.svg. The thresholds are chosen and reported on the same
    images, which flatters a threshold that is picked from the curve.

    Example: rcnnzoo profile bl
    """
    from rcnnzoo.errors import OptionError
    from rcnnzoo.training.runs import newest_run

    if sweep and threshold is not None:
        raise OptionError("--sweep and --threshold exclude each other: give one of them")
    if against and not sweep:
        raise OptionError("--against needs --sweep")
    if model is None:
        model = str(newest_run(Path("runs")))
        print(f"profiling {model}", file=sys.stderr)  # noqa: T201
    if sweep:
        _sweep([model, *(against or [])], policy, readout, data, data_dir, split, out, as_json)
    elif threshold is not None:
        _at(model, threshold, policy, readout, data, data_dir, split, as_json)
    else:
        _cost(model, as_json)


def _cost(model: str, as_json: bool) -> None:
    """Multiply-accumulates a module and step."""
    from rcnnzoo.profiling.operations import macs_by_module, macs_per_step
    from rcnnzoo.weights.models import open_model

    network = open_model(model)
    modules, steps = macs_by_module(network), macs_per_step(network)
    if as_json:
        show_json({"macs_per_step": steps, "macs": sum(steps), "modules": modules})
        return
    rows: list[dict[str, object]] = [{"module": name, **_by_step(macs)} for name, macs in modules.items()]
    show_table([*rows, {"module": "all", **_by_step(steps)}], title="MACs an image")


def _by_step(macs: list[int]) -> dict[str, int]:
    return {"step 1": macs[0]} | ({"a later step": macs[1]} if len(macs) > 1 else {}) | {"sum": sum(macs)}


def _sweep(
    models: list[str],
    policy: str,
    readout: str,
    data: str | None,
    data_dir: Path | None,
    split: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """The curve of the first, the others beside it."""
    import pandas as pd

    from rcnnzoo.analysis.profile import check_same_images
    from rcnnzoo.analysis.profile import profile as analyse
    from rcnnzoo.analysis.sat_curve import some_rows
    from rcnnzoo.figures.sat import draw_sat
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.traces.finding import beside
    from rcnnzoo.traces.opening import open_trace

    paths = _traces(models, policy, readout, data, data_dir, split)
    traces = [open_trace(path) for path in paths]
    check_same_images(traces)
    profiles = [analyse(trace, policy, readout) for trace in traces]
    folder = out or beside(paths[0])
    first = profiles[0]
    save_table(first.curve, folder / "sat.csv")
    curves = {one.name: one.curve for one in profiles}
    if len(profiles) > 1:
        save_table(pd.concat(curves, names=["network"]).reset_index("network"), folder / "against.csv")
    title = f"{traces[0].attrs['data']} {traces[0].attrs['split']}, {first.images:,} images, {policy}, {readout}"
    save_figure(draw_sat(curves, first.oracle, title), folder / "sat")
    if as_json:
        documents = [
            {"name": one.name, "area": one.area, "oracle_area": one.oracle_area, **one.curve.to_dict("list")}
            for one in profiles
        ]
        document = documents[0] | {"policy": policy, "readout": readout, "images": first.images}
        show_json(_finite(document | {"against": documents[1:], "out": str(folder)}))
        return
    rows = [_row(row) for row in some_rows(first.curve).to_dict("records")]
    show_table(rows, title=f"{first.name} on {title}: {len(rows)} of {len(first.curve)} distinct outcomes")
    show_table(
        [
            {
                "network": one.name,
                "accuracy %, all steps": percent(one.curve["accuracy"].iloc[-1]),
                "MACs, all steps": round(one.curve["mean_macs"].iloc[-1]),
                "mean accuracy over cost": f"{one.area:.4f}",
                "of an oracle": f"{one.oracle_area:.4f}",
            }
            for one in profiles
        ]
    )
    print(folder / "sat.png")  # noqa: T201


def _at(
    model: str,
    threshold: float,
    policy: str,
    readout: str,
    data: str | None,
    data_dir: Path | None,
    split: str | None,
    as_json: bool,
) -> None:
    """What one threshold does."""
    from rcnnzoo.analysis.sat_curve import row_at, sat_curve
    from rcnnzoo.policies.checks import check_threshold
    from rcnnzoo.policies.lookup import policy as look_up
    from rcnnzoo.traces.opening import open_trace

    (path,) = _traces([model], policy, readout, data, data_dir, split)
    trace = open_trace(path)
    check_threshold(look_up(policy), policy, threshold, trace.sizes["category"], trace.sizes["step"])
    below = look_up(policy).direction == "below"
    row: dict[Any, Any] = row_at(sat_curve(trace, policy, readout), threshold, below=below).to_dict()
    row["threshold"] = threshold
    if as_json:
        show_json(_finite({"name": trace.attrs["name"], "policy": policy, "readout": readout, **row}))
    else:
        show_table([_row(row)], title=f"{trace.attrs['name']}, {policy}, {readout}")


def _traces(
    models: list[str], policy: str, readout: str, data: str | None, data_dir: Path | None, split: str | None
) -> list[Path]:
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.traces.finding import find_trace
    from rcnnzoo.traces.recording import Recording

    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    return [find_trace(model, data, data_dir, split, how=Recording()) for model in models]


def _row(row: dict[Any, Any]) -> dict[str, object]:
    return {
        "threshold": f"{row['threshold']:.4g}",
        "accuracy %": percent(row["accuracy"]),
        "mean steps": f"{row['mean_steps']:.2f}",
        "mean MACs": round(row["mean_macs"]),
    }


def _finite(document: Mapping[Any, Any]) -> dict[str, Any]:
    """JSON has no infinity, which means that no image stops before the last step: None."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(item) for key, item in value.items()}
        if isinstance(value, list):
            return [finite(item) for item in value]
        return None if isinstance(value, float) and abs(value) == float("inf") else value

    result: dict[str, Any] = finite(document)
    return result
