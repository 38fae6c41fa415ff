"""Whether networks with several members differ by more than another seed would change: `rcnnzoo compare`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from rcnnzoo.analysis.seeds import compare_seeds
from rcnnzoo.figures.comparison import draw_pairs
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.comparison import APART
from rcnnzoo.results.naming import file_stem, images_of_all
from rcnnzoo.results.result import Result, or_none, p_value, percent
from rcnnzoo.results.seeds import OVER, Members, interval_of, labelled
from rcnnzoo.text import counted


def compare(
    networks: Mapping[str, Members], policy: str = POLICY, readout: str = READOUT, *, cost: float | None = None
) -> Result:
    """Mean accuracies, paired t and Wilcoxon tests over seeds, and McNemar's test within each seed.

    Raises:
        OptionError: There are fewer than two networks, two have fewer than two seeds in common, or none can have that
            cost.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The traces have no images, or are of different images.
    """
    traces = {name: {seed: opened.trace for seed, opened in of.items()} for name, of in networks.items()}
    found = compare_seeds(traces, policy, readout, cost=cost)
    members = labelled(networks)
    first = next(iter(members.values()))
    title = f"{images_of_all(members)}, {found.images:,} images, {readout}"
    models, pairs, within = (table.to_dict("records") for table in (found.models, found.pairs, found.within))
    document = {
        "images": found.images,
        "unit": "seed",
        "models": models,
        "pairs": pairs,
        "within": within,
        **{key: first.attrs[key] for key in ("data", "split")},
        "readout": readout,
        "policy": policy,
    }
    tables = [
        (
            f"{title}: mean over seeds",
            [
                {
                    "network": row["name"],
                    "seeds": row["seeds"],
                    "mean top-1 %": percent(row["accuracy"]),
                    OVER: interval_of(row),
                    "parameters": row["parameters"],
                }
                for row in models
            ],
        ),
        ("difference after all steps, mean over seeds", [_differing(row) for row in pairs]),
        ("paired over seeds: t test, and Wilcoxon's signed-rank test (not corrected)", [_tested(row) for row in pairs]),
        ("within each seed, McNemar's exact test (not corrected)", [_within(row) for row in within]),
        (f"at equal mean MACs, exit policy {policy}", [_pair_at_cost(row) for row in pairs]),
    ]
    stem = partial(file_stem, policy=policy, readout=readout)
    drawn = found.pairs.drop(columns=["difference", "low", "high"]).rename(
        columns={f"{column}_at_cost": column for column in ("difference", "low", "high")}
    )
    draw = partial(draw_pairs, found.models, drawn, title, "paired t test over seeds", OVER)
    return Result(
        or_none(document),
        tables,
        data={
            file_stem("models", readout=readout): found.models,
            stem("pairs"): found.pairs,
            file_stem("within-seeds", readout=readout): found.within,
        },
        figures={stem("compare"): draw},
        notes=_notes(pairs, found.alone),
    )


def _notes(pairs: list[dict[Any, Any]], alone: Mapping[tuple[str, str, str], Any]) -> list[str]:
    notes = [
        f"{a} and {b}: tests leave out {counted(len(seeds), 'seed')} of {which} alone ({', '.join(map(str, seeds))})"
        for (a, b, which), seeds in alone.items()
    ]
    fewest = min(row["seeds"] for row in pairs)
    if (least := 2.0 ** (1 - fewest)) > 0.05:
        notes.append(f"with {counted(fewest, 'seed')} in common, Wilcoxon's p can't be below {least:.3g}")
    return notes + [APART] * any(row["mean_macs"] != row["mean_macs"] for row in pairs)


def _points(mean: float, low: float, high: float) -> dict[str, object]:
    """A difference of shares in points with its interval over seeds."""
    return {"a - b, points": f"{100 * mean:+.1f}", OVER: f"{100 * low:+.1f} to {100 * high:+.1f}"}


def _differing(row: Mapping[Any, Any]) -> dict[str, object]:
    return {name: row[name] for name in ("a", "b", "seeds")} | _points(row["difference"], row["low"], row["high"])


def _tested(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        **{name: row[name] for name in ("a", "b")},
        "t": f"{row['t']:.2f}",
        "p": p_value(row["p_t"]),
        "p, Bonferroni": p_value(row["p_corrected"]),
        "p, Holm": p_value(row["p_holm"]),
        "p, Wilcoxon": p_value(row["p_w"]),
    }


def _within(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        **{name: row[name] for name in ("a", "b", "seed")},
        "only a right": row["only_a"],
        "only b right": row["only_b"],
        "p": p_value(row["p"]),
    }


def _pair_at_cost(row: Mapping[Any, Any]) -> dict[str, object]:
    if row["mean_macs"] != row["mean_macs"]:  # NaN: no cost that both can have
        return {"a": row["a"], "b": row["b"], "mean MACs per image": None, "a - b, points": None, OVER: None}
    points = _points(row["difference_at_cost"], row["low_at_cost"], row["high_at_cost"])
    return {"a": row["a"], "b": row["b"], "mean MACs per image": round(row["mean_macs"]), **points}
