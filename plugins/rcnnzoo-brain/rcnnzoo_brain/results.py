"""Layers and time steps of networks beside brains: `rcnnzoo rsa`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from rcnnzoo.plugin import OptionError, Result, UnknownName, dissimilarities, open_activations, or_none, progress
from rcnnzoo_brain import analysis, figures
from rcnnzoo_brain.controls import category_models, image_models
from rcnnzoo_brain.entries import Network, Options
from rcnnzoo_brain.methods import methods
from rcnnzoo_brain.reading import Brain, check_images, names_of_pairs, read_brain

Floats = npt.NDArray[np.float64]
BETWEEN = ","
"""Between activations of a network's members."""
DIFFERENCES = "differences, each at what is best for the other subjects"


def rsa(texts: Sequence[str], brain_file: Path, options: Options) -> Result:
    """Correlations of every layer and step with a brain, ceilings, tests over subjects, and other models beside them.

    Args:
        texts: What users typed for X.zarr, several members of a network joined by commas.
        brain_file: Of dissimilarities by subject.
        options: How they are compared.

    Raises:
        DataError: The brain's file can't be used, or is of other images.
        TraceError: Activations can't be used.
        OptionError: An option can't apply.
        UnknownName: There is no such method.
    """
    if options.method not in analysis.METHODS:
        raise UnknownName("method", options.method, analysis.METHODS, "`method`")
    if options.partial and options.categories is None and options.images is None:
        raise OptionError("`partial` needs `categories` or `images`, which say what is taken out")
    brain = read_brain(brain_file)
    pairs = brain.dissimilarities
    names, read = _read(texts, brain, options.metric)
    images = names_of_pairs(read[0][0])
    others: dict[str, Floats] = {}
    if options.categories is not None:
        others |= category_models(options.categories, images)
    if options.images is not None:
        others |= image_models(options.images, images)
    taken = np.array(list(others.values())) if options.partial else None
    networks = [
        Network(
            name,
            members,
            np.mean([analysis.correlate(one.to_numpy(), pairs, options.method, taken) for one in members], axis=0),
        )
        for name, members in zip(names, read, strict=True)
    ]
    return _result(brain, networks, {} if options.partial else others, list(others), images, options)


def _read(texts: Sequence[str], brain: Brain, metric: str) -> tuple[list[str], list[list[xr.DataArray]]]:
    """Names of networks, and the dissimilarities of their members."""
    names, read = [], []
    for text in texts:
        parts = text.split(BETWEEN)
        if not all(parts):
            raise OptionError(f"{text!r}: there are no activations before or after a comma; name some there")
        members = []
        for part in parts:
            tree = open_activations(part)
            check_images(brain, [str(name) for name in tree["image"].to_numpy()], part)
            states = sum(node.sizes["step"] for node in tree.children.values())
            with progress(f"dissimilarities of {part}", states) as advance:
                members.append(dissimilarities([tree], metric, advance=advance))
        alike = [one["layer"].equals(members[0]["layer"]) and one["step"].equals(members[0]["step"]) for one in members]
        if not all(alike):
            raise OptionError(f"{text}: members joined by commas must have the same layers and steps")
        name = str(tree.attrs["name"]) + f" and {len(parts) - 1} more" * (len(parts) > 1)
        names.append(name if name not in names else text)
        read.append(members)
    return names, read


def _result(
    brain: Brain,
    networks: Sequence[Network],
    others: Mapping[str, Floats],
    controls: Sequence[str],
    images: Sequence[str],
    options: Options,
) -> Result:
    times: tuple[float | None, ...] = brain.times or (None,)
    pairs, how = brain.dissimilarities, (options.flips, options.seed)
    ceiling = analysis.ceilings(pairs, options.method)
    states, steps = {}, {}
    for network in networks:
        given = (network.correlations, network.layers, network.steps, times)
        states[network.name] = analysis.state_table(*given, *how)
        steps[network.name] = analysis.with_first_step(*given, *how)
    of_others = {
        name: analysis.correlate(values[None, None], pairs, options.method)[:, 0, 0] for name, values in others.items()
    }
    by_subject = {network.name: analysis.chosen_elsewhere(network.correlations) for network in networks}
    by_subject |= {name: analysis.chosen_elsewhere(values) for name, values in of_others.items()}
    pairs_of = analysis.compare_all(by_subject, *how)
    best = {name: table.iloc[int(table["correlation"].argmax())] for name, table in states.items()}
    peak = 0 if brain.times is None else times.index(next(iter(best.values()))["time"])
    intervals = None
    if options.bootstraps and len(brain.subjects) > 1 and not options.partial:
        models = {network.name: _state(network, best[network.name]) for network in networks}
        intervals = analysis.bootstrapped(
            models | dict(others), pairs[:, peak], options.method, options.bootstraps, options.seed
        )
    title = f"{Path(brain.file).name}, {len(brain.subjects)} subjects, {len(images)} images, {options.method}"
    if options.partial:
        title += f", without {', '.join(controls)}"
    rows = [_row(name, row, ceiling, times) for name, row in best.items()]
    rows += [_other(name, values, ceiling, times) for name, values in of_others.items()]
    data = {
        "correlations": _with_ceiling(_stacked(states), ceiling, times),
        "subjects": _by_subject(networks, of_others, brain, times),
        "steps": _stacked(steps),
        "pairs": pairs_of,
    }
    if intervals is not None:
        data["intervals"] = intervals
    drawn = {"states": partial(figures.draw_states, states, title)}
    if brain.times is not None:
        for number, (name, one) in enumerate(states.items(), 1):
            drawn[f"times-{number}"] = partial(figures.draw_times, one, ceiling, f"{name}: {title}")
    bars = by_subject if len(brain.subjects) > 1 else _single(networks, of_others)
    drawn["bars"] = partial(figures.draw_bars, list(bars), list(bars.values()), ceiling[:, peak], intervals, title)
    document = {
        "brain": brain.file,
        "subjects": len(brain.subjects),
        "images": len(images),
        "method": options.method,
        "metric": options.metric,
        "partial": list(controls) if options.partial else [],
        "reliability": analysis.reliability(brain),
        "ceiling": [{"time": time, "low": low, "high": high} for time, low, high in zip(times, *ceiling, strict=True)],
        "networks": {name: row.to_dict() for name, row in best.items()},
        "models": {name: float(values.mean(axis=0).max()) for name, values in of_others.items()},
        "pairs": pairs_of.to_dict("records"),
    }
    return Result(
        or_none(document),
        [(title, rows), *([(DIFFERENCES, _pair_rows(pairs_of))] if len(pairs_of) else [])],
        data=data,
        figures=drawn,
        texts={"methods.txt": methods(brain, networks, controls, images, options)},
        notes=_notes(brain),
    )


def _state(network: Network, best: pd.Series) -> Floats:
    """The mean over members of the dissimilarities at a layer and step, [P]."""
    chosen = [one.sel(layer=best["layer"], step=best["step"]).to_numpy() for one in network.members]
    return np.asarray(np.mean(chosen, axis=0))


def _stacked(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    together: pd.DataFrame = pd.concat(tables, names=["network"])
    return together.reset_index("network").reset_index(drop=True)


def _with_ceiling(table: pd.DataFrame, ceiling: Floats, times: Sequence[float | None]) -> pd.DataFrame:
    if times[0] is None:
        return table.assign(ceiling_low=ceiling[0, 0], ceiling_high=ceiling[1, 0])
    return table.merge(pd.DataFrame({"time": times, "ceiling_low": ceiling[0], "ceiling_high": ceiling[1]}), on="time")


def _by_subject(
    networks: Sequence[Network], of_others: Mapping[str, Floats], brain: Brain, times: Sequence[float | None]
) -> pd.DataFrame:
    """One row per network (or model), layer, step, time and subject."""
    rows: list[dict[str, Any]] = []
    for network in networks:
        for subject, layer, step, time in np.argwhere(np.isfinite(network.correlations)):
            about = {"network": network.name, "layer": network.layers[layer], "step": network.steps[step]}
            value = network.correlations[subject, layer, step, time]
            rows.append({**about, "time": times[time], "subject": brain.subjects[subject], "correlation": value})
    for name, values in of_others.items():
        for subject, time in np.ndindex(values.shape):
            about = {"network": name, "layer": None, "step": None, "time": times[time]}
            rows.append({**about, "subject": brain.subjects[subject], "correlation": values[subject, time]})
    return pd.DataFrame(rows)


def _single(networks: Sequence[Network], of_others: Mapping[str, Floats]) -> dict[str, Floats]:
    """The best of each where there is one subject, so that nothing can be chosen elsewhere."""
    best = {network.name: np.array([np.nanmax(network.correlations)]) for network in networks}
    return best | {name: np.array([values.max()]) for name, values in of_others.items()}


def _row(name: str, best: pd.Series, ceiling: Floats, times: Sequence[float | None]) -> dict[str, object]:
    place = 0 if times[0] is None else list(times).index(best["time"])
    when = {} if times[0] is None else {"time": f"{best['time']:g}"}
    return {
        "network": name,
        "best layer": best["layer"],
        "step": str(best["step"]),
        **when,
        "correlation": f"{best['correlation']:.3f}",
        "p, corrected": _p(best["p_corrected"]),
        "noise ceiling": _ceiling(ceiling[:, place]),
    }


def _other(name: str, values: Floats, ceiling: Floats, times: Sequence[float | None]) -> dict[str, object]:
    mean = values.mean(axis=0)
    place = int(mean.argmax())
    when = {} if times[0] is None else {"time": f"{times[place]:g}"}
    return {
        "network": f"({name})",
        "best layer": None,
        "step": None,
        **when,
        "correlation": f"{mean[place]:.3f}",
        "p, corrected": None,
        "noise ceiling": _ceiling(ceiling[:, place]),
    }


def _ceiling(ceiling: Floats) -> str | None:
    return f"{ceiling[0]:.3f} to {ceiling[1]:.3f}" if np.isfinite(ceiling).all() else None


def _p(value: float) -> str | None:
    return None if value != value else f"{value:.3g}"


def _pair_rows(pairs: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {
            **{side: row[side] for side in ("a", "b")},
            "a - b": f"{row['difference']:+.3f}",
            "p": _p(row["p"]),
            "p, Holm": _p(row["p_holm"]),
        }
        for row in pairs.to_dict("records")
    ]


def _notes(brain: Brain) -> list[str]:
    number = len(brain.subjects)
    notes = []
    if brain.images is None:
        notes.append(f"{brain.file} doesn't name its images: they are taken to be in the order of the activations")
    if number == 1:
        notes.append("one subject: correlations are descriptive; ceilings, tests and intervals need several")
    elif 2.0**-number > 0.05:
        notes.append(f"with {number} subjects no p value can be below {2.0**-number:.3g}")
    return notes
