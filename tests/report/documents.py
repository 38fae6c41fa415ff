"""Documents for the page to show: one with all that a report can hold, made of smooth curves, and a hostile one."""

import math
from collections.abc import Mapping
from typing import Any

NETWORKS = {"b": (1, 0.52), "b-k": (1, 0.55), "b-f": (1, 0.56), "b-d": (1, 0.57), "bl": (8, 0.62)}
FEEDFORWARD_MACS = {"b": 1.991e9, "b-k": 4.478e9, "b-f": 7.496e9, "b-d": 11.877e9}
POLICIES = [{"name": "entropy", "unit": "nats"}, {"name": "max-prob", "unit": "probability"}]
READOUTS = ["cumulative", "instantaneous"]
HOSTILE = (
    '<script>window.hacked=1</script>"><img src=x onerror="window.hacked=1">'
    "</script><script>window.hacked=1</script>'[/bold]\u2028line\nnext & =1+1 " + "x" * 200
)
PICTURE = (
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgiPjxyZWN0IHdp"
    "ZHRoPSI4IiBoZWlnaHQ9IjgiIGZpbGw9IiM4YWIiLz48Y2lyY2xlIGN4PSI0IiBjeT0iNCIgcj0iMyIgZmlsbD0iI2ZlYiIvPjwvc3ZnPg=="
)


def stopping(place: float, steps: int) -> list[float]:
    """Shares of images by step: from all at the first (0) to all at the last (1)."""
    weights = [math.exp(-((step - place * (steps - 1)) ** 2) / 3) for step in range(steps)]
    if place in (0, 1):
        weights = [float(step == place * (steps - 1)) for step in range(steps)]
    return [weight / sum(weights) for weight in weights]


def curve(network: str, policy: str, readout: str, points: int = 13) -> dict[str, Any]:
    """A curve whose every number follows from its place, so that no two points of two curves agree."""
    steps, best = NETWORKS[network]
    gain = 0.1 + 0.011 * (policy == "entropy") + 0.007 * (readout == "cumulative")
    places = [i / (points - 1) for i in range(points)] if steps > 1 else [1.0]
    shares = [stopping(place, steps) for place in places]
    means = [sum(share * (step + 1) for step, share in enumerate(row)) for row in shares]
    accuracy = [best - gain * math.exp(-3 * (mean - 1) / 4) for mean in means] if steps > 1 else [best]
    each = FEEDFORWARD_MACS.get(network)
    return {
        "network": network,
        "policy": policy,
        "readout": readout,
        "threshold": [None, *(6.0 * (1 - place) for place in places[1:-1]), None][: len(places)],
        "accuracy": accuracy,
        "low": [one - 0.012 for one in accuracy],
        "high": [one + 0.012 for one in accuracy],
        "macs": [each or 1.991e9 + 11.645e9 * (mean - 1) for mean in means],
        "steps": means,
        "shares": shares,
    }


def line(name: str, network: str, y: list[float], dashed: bool = False, spread: float | None = None) -> dict[str, Any]:
    """A series of a chart of lines."""
    low, high = ([v - spread for v in y], [v + spread for v in y]) if spread else (None, None)
    x = list(range(1, len(y) + 1))
    return {"name": name, "network": network, "dashed": dashed, "x": x, "y": y, "low": low, "high": high}


def image(kind: str, number: int) -> dict[str, Any]:
    """An image that a network is sure of early (easiest) or late (hardest)."""
    pace = 1.2 if kind == "easiest" else 0.15
    sure = [1 - 0.9 * math.exp(-pace * step) for step in range(8)]
    return {
        "kind": kind,
        "file": f"test/0012_dog/{kind}_{number}.png",
        "label": "dog",
        "picture": PICTURE if number else None,
        "measure": "mean entropy 0.25 nats" if kind == "easiest" else "mean entropy 1.5 nats",
        "right": kind == "easiest" or number != 1,
        "categories": ["dog", "cat", "horse"],
        "probabilities": [sure, [0.7 * (1 - p) for p in sure], [0.3 * (1 - p) for p in sure]],
    }


def people(name: str) -> dict[str, Any]:
    """What one set of people says."""
    return {
        "name": name,
        "title": f"Uncertainty of people: {name}",
        "correlations": [
            {"network": net, "measure": measure, "r": r + shift, "low": r + shift - 0.06, "high": r + shift + 0.06,
             "p": 0.0004, "n": 1500}
            for measure, shift in (("reaction time", 0.0), ("entropy of the last step", -0.09))
            for net, r in (("b", 0.21), ("b-d", 0.27), ("bl", 0.39))
        ],
        "controls": [
            {"network": "bl", "control": "without animacy", "r": 0.31, "low": 0.25, "high": 0.37},
            {"network": "bl", "control": "without b's entropy", "r": 0.18, "low": None, "high": None},
        ],
        "ceilings": [
            {"ceiling": "split half of people", "network": None, "r": 0.71},
            {"ceiling": "ties of the reaction time", "network": "bl", "r": 0.55},
        ],
        "tables": [
            {"title": "Ties", "file": "ties.csv", "rows": [{"network": "bl", "tied images": 1204, "share %": 80.2}]},
        ],
        "methods": "Spearman correlations over 1,500 images with 95 % bootstrap intervals (10,000 resamples). "
        "D = 0.5 - |0.5 - PC|, where PC is the share of people who were correct on the image.",
    }  # fmt: skip


def full() -> dict[str, Any]:
    """A document with every section."""
    names = list(NETWORKS)
    step = range(8)
    return {
        "title": "Recurrence against depth on ecoset",
        "lead": "Five networks, three seeds each, trained on ecoset and read on 28,250 test images.",
        "notes": ["b-u is left out: its run is not finished."],
        "networks": names,
        "claims": [
            {"claim": f"Claim {verdict}: recurrent networks are more accurate than feedforward ones of equal cost",
             "paper": "bl above b-d by 2.1 %", "ours": "bl above b-d by 4.9 %", "interval": "-0.3 to 6.2 %",
             "verdict": verdict, "why": "The interval over seeds lies above zero in each of three comparisons."}
            for verdict in ("holds", "does not hold", "undecided", "not tested")
        ],
        "accuracy": {
            "tables": [
                {"title": "Accuracy after the last step", "file": "models.csv", "rows": [
                    {"network": name, "parameters": 11_037_768 + i, "top-1 %": 52.25 + i,
                     "mean MACs per image": 1.991e9 * (i + 1), "NLL (nats)": 2.123456 if i else None,
                     "note": "+ seeds" if i else '"a", b', "difference": -0.5, "written": "-1.5"}
                    for i, name in enumerate(names)
                ]},
            ],
            "notes": ["b and bl: tests leave out 1 seed of b alone (3)"],
            "matrix": {
                "title": "McNemar's test of each pair", "names": names,
                "cells": [
                    [{"text": "p < 0.001", "detail": f"{a} right alone on 312 images, {b} on 201"} if i < j else None
                     for j, b in enumerate(names)]
                    for i, a in enumerate(names)
                ],
            },
        },
        "sat": {
            "images": 28_250, "interval": "95 % over seeds", "policies": POLICIES, "readouts": READOUTS,
            "policy": "entropy", "readout": "cumulative",
            "steps": {name: steps for name, (steps, _) in NETWORKS.items()},
            "curves": [curve(net, one["name"], readout) for one in POLICIES for readout in READOUTS for net in names],
        },
        "by_step": {
            "charts": [
                {"title": "Top-1 accuracy", "x": "time step", "y": "top-1 accuracy", "percent": True, "series": [
                    line("bl, cumulative", "bl", [0.62 - 0.2 * math.exp(-s / 2) for s in step], spread=0.01),
                    line("bl, instantaneous", "bl", [0.60 - 0.2 * math.exp(-s / 2) for s in step], dashed=True),
                    line("b", "b", [0.52], spread=0.01),
                ]},
            ],
            "tables": [{"title": "Accuracy by step", "file": "by-step.csv",
                        "rows": [{"step": s + 1, "top-1 %": 40.0 + s, "ECE %": 3.25} for s in step]}],
        },
        "training": {
            "charts": [
                {"title": "Loss", "x": "epoch", "y": "cross-entropy (nats)", "percent": False, "series": [
                    line(f"{name}, {split}", name,
                         [6 * math.exp(-e / 8) + 0.3 * i + 0.4 * dashed for e in range(30)], dashed)
                    for i, name in enumerate(names) for split, dashed in (("training", False), ("validation", True))
                ]},
            ],
            "tables": [],
        },
        "images": {
            "network": "bl", "title": "Images on which bl is sure first and last", "note": "By graded reaction time.",
            "images": [image(kind, i) for kind in ("easiest", "hardest") for i in range(3)],
        },
        "people": [people("coco-people"), people("ecoset-people")],
        "settings": {
            "tables": [{"title": "Training", "file": "settings.csv",
                        "rows": [{"setting": "learning rate", "value": 0.005}, {"setting": "batch", "value": 100}]}],
            "commands": ["rcnnzoo train bl --data ecoset --seeds 3", "rcnnzoo report runs/* --out report.html"],
            "citations": ["Spoerer, Kietzmann & Kriegeskorte (2019). Cognitive Computational Neuroscience.",
                          "Spoerer et al. (2020). PLoS Computational Biology. https://doi.org/10.1371/journal.pcbi.1008215"],
            "bibtex": "@article{spoerer2020,\n  title = {Recurrent neural networks can explain flexible trading},\n}",
        },
    }  # fmt: skip


def empty() -> dict[str, Any]:
    """The least that a report can hold."""
    return {
        "title": "Nothing yet", "lead": "", "notes": [], "networks": [], "claims": [],
        "accuracy": {"tables": [], "notes": [], "matrix": None}, "sat": None, "by_step": None, "training": None,
        "images": None, "people": [],
        "settings": {"tables": [], "commands": ["rcnnzoo report"], "citations": [], "bibtex": ""},
    }  # fmt: skip


FIXED = {"verdict", "kind", "picture"}
"""Keys whose values are the page's own words."""


def hostile(value: Any = None, key: str = "") -> Any:
    """The full document with something nasty behind each name; equal names stay equal."""
    value = full() if value is None and not key else value
    if isinstance(value, str):
        return value if key in FIXED else f"{value}{HOSTILE}"
    if isinstance(value, Mapping):
        names = key in ("steps", "rows")  # keys that are names of networks, or columns
        return {hostile(k, "name") if names else k: hostile(v, "" if key == "rows" else k) if v is not None else None
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [hostile(one, key) if one is not None else None for one in value]
    return value


def beyond():
    """The full one, with the wide intervals that two seeds can have."""
    document = full()
    for curve in document["sat"]["curves"]:
        curve["low"], curve["high"] = [-0.4] * len(curve["low"]), [1.7] * len(curve["high"])
    for chart in document["by_step"]["charts"]:
        for one in chart["series"]:
            one["low"], one["high"] = [-0.4] * len(one["x"]), [1.7] * len(one["x"])
    return document
