"""`rcnnzoo compare`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rcnnzoo.cli.options import Data, DataDir, Draws, Policy, Readout, Split, macs
from rcnnzoo.cli.output import Answer, AsJson, or_none, percent, show

if TYPE_CHECKING:
    from rcnnzoo.analysis.comparison import Comparison


def compare(
    models: Annotated[list[str], typer.Argument(help="Two or more MODELs or TRACEs.", metavar="MODEL|TRACE...")],
    policy: Policy = "entropy",
    readout: Readout = "cumulative",
    cost: Annotated[
        float | None,
        typer.Option(
            parser=macs,
            metavar="MACS",
            help="Mean MACs an image to compare at, say 20G (all that the cheaper can spend).",
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=100, help="Resamples of the images, for intervals at equal cost.")
    ] = 1000,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    seed: Draws = 0,
    out: Annotated[Path, typer.Option(help="Folder for tables and figure.")] = Path("compare"),
    as_json: AsJson = False,
) -> None:
    """Test whether networks differ in accuracy on the same images, after all steps and at equal mean cost.

    McNemar's exact test for each pair on the answers after all steps, p values corrected by Bonferroni and by Holm;
    and for each pair the difference of the speed-accuracy curves of --policy at one mean cost, with a 95 % interval.
    Writes models.csv, pairs.csv, compare.png and compare.svg. Conclusions are about these weights: another seed gives
    another network.

    Example: rcnnzoo compare runs/bl-digits-seed0 runs/b-digits-seed0
    """
    from rcnnzoo.analysis.comparison import compare as analyse
    from rcnnzoo.analysis.intervals import Bootstrap
    from rcnnzoo.errors import OptionError
    from rcnnzoo.figures.comparison import draw_pairs
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.traces.opening import open_trace
    from rcnnzoo.traces.recording import Recording
    from rcnnzoo.traces.together import find_together

    if len(models) < 2:
        raise OptionError("a comparison needs two networks: name another MODEL or TRACE")
    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    paths = find_together(models, data, data_dir, split, seed=seed, how=Recording())
    traces = {name: open_trace(path) for name, path in paths.items()}
    found = analyse(traces, policy, readout, cost=cost, bootstrap=Bootstrap(bootstrap, seed))
    images = {name: next(iter(traces.values())).attrs[name] for name in ("data", "split")}
    title = f"{images['data']} {images['split']}, {found.images:,} images, {readout}"
    save_table(found.models, out / "models.csv")
    save_table(found.pairs.assign(resamples=bootstrap, seed=seed), out / "pairs.csv")
    save_figure(draw_pairs(found.models, found.pairs, title), out / "compare")
    settings = {"readout": readout, "policy": policy, "bootstrap": {"resamples": bootstrap, "seed": seed}}
    show(_answer(found, {**images, **settings, "out": str(out)}, title), as_json=as_json)


def _answer(found: Comparison, about: Mapping[str, Any], title: str) -> Answer:
    models, pairs = found.models.to_dict("records"), found.pairs.to_dict("records")
    document = {
        "images": found.images,
        "models": [_with_interval(row) for row in models],
        "pairs": [_document(row) for row in pairs],
        **about,
    }
    tables = [
        (title, [_model(row) for row in models]),
        ("after all steps, McNemar's exact test", [_tested(row) for row in pairs]),
        (f"at equal mean MACs, exit policy {about['policy']}", [_at_cost(row) for row in pairs]),
    ]
    return Answer(or_none(document), tables, [Path(about["out"], "compare.png")])


def _with_interval(row: Mapping[Any, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in row.items() if name not in ("low", "high")}
    return rest | {"interval": [row["low"], row["high"]]}


def _document(pair: Mapping[Any, Any]) -> dict[str, Any]:
    """What is about equal cost by itself; None where the two can't have one."""
    at_cost = ("mean_macs", "accuracy_a", "accuracy_b", "difference", "low", "high")
    tested = {name: value for name, value in pair.items() if name not in at_cost}
    there = pair["mean_macs"] == pair["mean_macs"]  # not NaN
    return tested | {"at_equal_cost": _with_interval({name: pair[name] for name in at_cost}) if there else None}


def _model(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "network": row["name"],
        "accuracy %": percent(row["accuracy"]),
        "interval": f"{percent(row['low'])} to {percent(row['high'])}",
        "parameters": row["parameters"],
    }


def _tested(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "a": row["a"],
        "b": row["b"],
        "only a right": row["only_a"],
        "only b right": row["only_b"],
        "p": f"{row['p']:.2g}",
        "p, Bonferroni": f"{row['p_corrected']:.2g}",
        "p, Holm": f"{row['p_holm']:.2g}",
    }


def _at_cost(row: Mapping[Any, Any]) -> dict[str, object]:
    if row["mean_macs"] != row["mean_macs"]:  # NaN: no cost that both can have
        return {"a": row["a"], "b": row["b"]} | dict.fromkeys(("mean MACs", "a %", "b %", "a - b", "interval"))
    return {
        "a": row["a"],
        "b": row["b"],
        "mean MACs": round(row["mean_macs"]),
        "a %": percent(row["accuracy_a"]),
        "b %": percent(row["accuracy_b"]),
        "a - b": f"{100 * row['difference']:+.1f}",
        "interval": f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}",
    }
