"""Which steps are done: a file beside their results, with the commands and the hashes of what they read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rcnnzoo.errors import RcnnzooError, reason
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.reproduction.steps import Step
from rcnnzoo.writing import atomic_write

FILE = "reproduction.json"


class Record:
    """Steps that are done, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self.steps: dict[str, Any] = {}
        if self.file.is_file():
            try:
                self.steps = dict(json.loads(self.file.read_text(encoding="utf-8"))["steps"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise RcnnzooError(
                    f"{self.file}: can't be read ({reason(error)}); remove it, and what is finished is found again"
                ) from error

    def is_done(self, step: Step) -> bool:
        """Whether a step was done by the same command on the same files, and its results are there."""
        if not all(path.exists() for path in step.writes):
            return False
        return bool(self.steps.get(step.name) == identity_of(step))

    def add(self, step: Step, identity: Mapping[str, Any]) -> None:
        """Note that a step is done.

        Args:
            step: The step.
            identity: What it was before it began: what it reads may have been changed since.
        """
        self.steps[step.name] = dict(identity)
        with atomic_write(self.file) as temporary:
            temporary.write_text(json.dumps({"steps": self.steps}, indent=2) + "\n", encoding="utf-8")


def identity_of(step: Step) -> dict[str, Any]:
    """What a step's result depends on; a file that isn't there yet has no hash."""
    hashes = {str(file): bytes_hash(file) if file.is_file() else None for file in step.reads}
    return {"command": list(step.command), "reads": hashes}
