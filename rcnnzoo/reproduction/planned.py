"""What is to be done, before it is: for `--dry-run`, and before a start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from rcnnzoo.reproduction.carrying_out import as_typed
from rcnnzoo.reproduction.estimate import Estimate
from rcnnzoo.reproduction.record import Record
from rcnnzoo.reproduction.steps import Reproduction
from rcnnzoo.results.result import Result
from rcnnzoo.text import counted, duration, short


def planned(reproduction: Reproduction, estimates: Mapping[str, Estimate]) -> Result:
    """The networks with their costs, and the steps with the commands that do them.

    Args:
        reproduction: What is to be done.
        estimates: Of each network.
    """
    record, recipe = Record(reproduction.out), reproduction.recipe
    total = sum(one.seconds_left for one in estimates.values())
    steps = [
        {"step": step.name, "done": record.is_done(step), "command": as_typed(step.command)}
        for step in reproduction.steps()
    ]
    members = len(reproduction.seeds)
    networks = [
        {
            "network": name,
            "parameters": one.parameters,
            "MACs per image": short(one.macs),
            "epochs": f"{members} x {one.epochs}" if members > 1 else str(one.epochs),
            "finished": one.done,
            "time per epoch": duration(one.seconds) if one.seconds else None,
            "left": duration(one.seconds_left),
        }
        for name, one in estimates.items()
    ]
    rows = [
        {"": str(number), "step": step["step"], "done": "yes" if step["done"] else None, "command": step["command"]}
        for number, step in enumerate(steps, 1)
    ]
    measured = {one.measured for one in estimates.values() if one.left}
    notes = [f"{duration(total)} of training are left on this device, from {' and '.join(sorted(measured))}."] * bool(
        total
    )
    if total:
        notes.append("Recording traces and analyses come on top, usually minutes.")
    document = {
        "recipe": asdict(recipe),
        "out": str(reproduction.out),
        "seconds_left": total,
        "networks": {name: {**asdict(one), "seconds_left": one.seconds_left} for name, one in estimates.items()},
        "steps": steps,
    }
    title = f"{recipe.title}: {counted(members, 'seed')}"
    return Result(document, [(title, networks), ("commands, in order", rows)], notes=notes)
