"""Doing what of a recipe is not done yet, in order."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout

from rcnnzoo import plugins
from rcnnzoo.errors import TrainingError
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.progress import say
from rcnnzoo.reproduction.record import Record, identity_of
from rcnnzoo.reproduction.steps import COMMANDS, JOBS, LOG, Reproduction
from rcnnzoo.results.saving import save_text
from rcnnzoo.text import duration

PROGRAM = "rcnnzoo"


def as_typed(command: Sequence[str]) -> str:
    """A command as a user would type it in a shell, with the files of plugins that are loaded.

    >>> as_typed(["train", "bl", "--data", "my photos"])
    "rcnnzoo train bl --data 'my photos'"
    """
    loaded = [plugin for plugin in plugins.registry().plugins if plugin.package.endswith(".py")]
    files = [word for plugin in loaded for word in ("--plugin", str(sys.modules[plugin.module].__file__))]
    return shlex.join([PROGRAM, *files, *command])


def carry_out(
    reproduction: Reproduction, run: Callable[[Sequence[str]], int], seconds_left: Mapping[str, float]
) -> int:
    """Run each command that is not done; the exit status of the one that failed, or 0.

    What commands print, their tables, is appended to a log in the folder.

    Args:
        reproduction: What is to be done.
        run: Runs a command of the program; gives its exit status.
        seconds_left: Of the training of each network.

    Raises:
        OptionError: There are members that were not asked for.
        BusyError: Another process is doing this in the same folder.
        TrainingError: The folder is a file.
    """
    reproduction.check_members()
    out, steps = reproduction.out, reproduction.steps()
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out}: is not a folder; give another one (`out`)")
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / LOCK, out, wait=False):
        save_text("".join(f"{as_typed(step.command)}\n" for step in steps), out / COMMANDS)
        record = Record(out)
        for number, step in enumerate(steps, 1):
            head = f"{number} of {len(steps)}: {step.name}"
            if record.is_done(step):
                say(f"{head}: done before")
                continue
            left = sum(seconds_left.get(other.network or "", 0.0) for other in steps[number - 1 :])
            say(f"{head}, about {duration(left)} of training left" if left else head)
            identity = identity_of(step)
            with (out / LOG).open("a", encoding="utf-8") as log, redirect_stdout(log):
                print(f"$ {as_typed(step.command)}")  # noqa: T201 - the log, above what the command prints
                status = run(step.command)
            if status:
                return status
            record.add(step, identity)
    return 0


def write_jobs(reproduction: Reproduction, shared: Sequence[str] = ()) -> str:
    """Write one training command per member, for a cluster's array job; how to use it.

    Args:
        reproduction: What is to be done.
        shared: Options of each command.
    """
    jobs = [as_typed([*command, *shared]) for command in reproduction.jobs()]
    file = reproduction.out / JOBS
    save_text("".join(f"{job}\n" for job in jobs), file)
    line = f'sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(file))} | sh'
    return (
        f"{file}: {len(jobs)} commands, one on each line. In an array job of Slurm (--array=1-{len(jobs)}), run {line} "
        "in this folder; when all have ended, run this command again without --jobs."
    )
