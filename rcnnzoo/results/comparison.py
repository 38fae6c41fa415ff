"""Whether networks differ by more than chance (Table 1): `rcnnzoo compare`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from rcnnzoo.analysis.comparison import compare as analyse
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.figures.comparison import draw_pairs
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.naming import file_stem, images_of_all
from rcnnzoo.results.result import Result, interval, or_none, p_value, percent
from rcnnzoo.subjects import OpenTrace

AT_COST = ("mean MACs per image", "a: top-1 %", "b: top-1 %", "a - b", "95 % interval")
"""Columns of the table at equal cost."""
APART = "Where cells are empty, there is no mean cost that both networks can have."


def compare(
    traces: Mapping[str, OpenTrace],
    policy: str = POLICY,
    readout: str = READOUT,
    *,
    cost: float | None = None,
    bootstrap: Bootstrap | None = None,
) -> Result:
    """Accuracies, McNemar's test for each pair, and accuracy at equal mean cost.

    Args:
        traces: By name, of the same images.
        policy: A registered exit policy, for the curves.
        readout: A registered readout.
        cost: Mean MACs per image at which to compare; without it the most that the cheaper of a pair can spend.
        bootstrap: For the intervals at equal cost.

    Raises:
        OptionError: There are fewer than two networks, or none that can have that cost.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The traces have no images, or are of different images.
    """
    bootstrap = bootstrap or Bootstrap()
    arrays = {name: opened.trace for name, opened in traces.items()}
    found = analyse(arrays, policy, readout, cost=cost, bootstrap=bootstrap)
    first = next(iter(arrays.values()))
    title = f"{images_of_all(arrays)}, {found.images:,} images, {readout}"
    drawn = {"resamples": bootstrap.resamples, "seed": bootstrap.seed}
    models, pairs = found.models.to_dict("records"), found.pairs.to_dict("records")
    document = {
        "images": found.images,
        "models": [_with_interval(row) for row in models],
        "pairs": [_document(row) for row in pairs],
        **{name: first.attrs[name] for name in ("data", "split")},
        "readout": readout,
        "policy": policy,
        "bootstrap": drawn,
    }
    tables = [
        (title, [_model(row) for row in models]),
        ("after all steps, McNemar's exact test", [_tested(row) for row in pairs]),
        (f"at equal mean MACs, exit policy {policy}", [_at_cost(row) for row in pairs]),
    ]
    stem = partial(file_stem, policy=policy, readout=readout)
    return Result(
        or_none(document),
        tables,
        data={file_stem("models", readout=readout): found.models, stem("pairs"): found.pairs.assign(**drawn)},
        figures={stem("compare"): partial(draw_pairs, found.models, found.pairs, title)},
        notes=[APART] if found.pairs["mean_macs"].isna().any() else [],
    )


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
        "top-1 %": percent(row["accuracy"]),
        "95 % interval": interval(row["low"], row["high"]),
        "parameters": row["parameters"],
    }


def _tested(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "a": row["a"],
        "b": row["b"],
        "only a right": row["only_a"],
        "only b right": row["only_b"],
        "p": p_value(row["p"]),
        "p, Bonferroni": p_value(row["p_corrected"]),
        "p, Holm": p_value(row["p_holm"]),
    }


def _at_cost(row: Mapping[Any, Any]) -> dict[str, object]:
    if row["mean_macs"] != row["mean_macs"]:  # NaN: no cost that both can have
        return {"a": row["a"], "b": row["b"]} | dict.fromkeys(AT_COST)
    cells = (
        round(row["mean_macs"]),
        percent(row["accuracy_a"]),
        percent(row["accuracy_b"]),
        f"{100 * row['difference']:+.1f}",
        f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}",
    )
    return {"a": row["a"], "b": row["b"], **dict(zip(AT_COST, cells, strict=True))}
