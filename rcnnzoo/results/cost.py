"""What a network costs: `rcnnzoo profile` without further questions."""

from __future__ import annotations

import re

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.profiling.operations import macs_by_module
from rcnnzoo.results.naming import in_words
from rcnnzoo.results.result import Result


def count_cost(network: RecurrentModel, conditions: Conditions = PLAIN) -> Result:
    """Multiply-accumulates of each module and step.

    Raises:
        OptionError: The network can't be run under these conditions.
    """
    unrolling = conditions.on(network)
    modules, steps = macs_by_module(unrolling.network, unrolling.changes), unrolling.count().macs
    shown = _together(modules)
    alike = all(len(set(macs[1:])) <= 1 for macs in shown.values())
    rows = [{"module": name, **_by_step(macs, alike)} for name, macs in [*shown.items(), ("all", steps)]]
    title = ", ".join(["MACs per image", *in_words(conditions, network.num_steps)])
    about = {**conditions.identity(network.num_steps), "steps": len(steps), "trained_steps": network.num_steps}
    return Result({"macs_per_step": steps, "macs": sum(steps), "modules": modules, **about}, [(title, rows)])


def _by_step(macs: list[int], alike: bool) -> dict[str, int]:
    """One column per step; one for all later steps where these are alike."""
    first, *later = macs
    if alike:
        columns = {"a later step": later[0]} if later else {}
    else:
        columns = {f"step {number}": here for number, here in enumerate(later, 2)}
    return {"step 1": first, **columns, "sum": sum(macs)}


def _together(modules: dict[str, list[int]]) -> dict[str, list[int]]:
    """Modules of a list of which each has a step to itself, in one row: an unrolled network has many."""
    members: dict[str, list[str]] = {}
    for name in modules:
        members.setdefault(re.sub(r"\.\d+$", "", name), []).append(name)
    shown = {}
    for stem, names in members.items():
        steps = list(zip(*(modules[name] for name in names), strict=True))
        if len(names) > 1 and all(sum(macs > 0 for macs in step) <= 1 for step in steps):
            shown[f"{stem} ({len(names)} copies)"] = [sum(step) for step in steps]
        else:
            shown |= {name: modules[name] for name in names}
    return shown
