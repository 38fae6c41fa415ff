"""Metrics for experiment trackers, by accelerate."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from rcnnzoo.errors import OptionError
from rcnnzoo.training.session import Session
from rcnnzoo.training.watchers import Watcher

PROJECT = "rcnnzoo"


def check_tracker(name: str) -> None:
    """Refuse a tracker that is not installed, before anything is trained.

    Raises:
        OptionError: It isn't.
    """
    if name and find_spec(name) is None:
        raise OptionError(f"`tracker` {name}: is not installed: pip install 'rcnnzoo[{name}]'")


class Tracking(Watcher):
    """Hands a run's settings, and each epoch's row of metrics, to a tracker; a resumed run goes on under its own name.

    Args:
        name: Which tracker.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def starts(self, session: Session, *, resumed: bool) -> None:
        """Open the tracker."""
        from accelerate.tracking import TensorBoardTracker, WandBTracker

        folder = session.run.folder.absolute()
        if self.name == "wandb":
            # Made of the folder and the settings, so that resuming finds it.
            identity = hashlib.sha256(repr((str(folder), session.settings)).encode("utf-8", "surrogateescape"))
            more = {"name": folder.name, "id": identity.hexdigest()[:16], "resume": "allow", "dir": str(folder)}
            self.tracker: Any = WandBTracker(PROJECT, **more)
        else:
            self.tracker = TensorBoardTracker("", folder / self.name)
        self.tracker.start()
        if not resumed:
            self.tracker.store_init_configuration(asdict(session.settings))

    def epoch_ends(self, session: Session) -> None:
        """Hand over the last row."""
        row = {name: value for name, value in session.state.rows[-1].items() if name != "epoch"}
        self.tracker.log(row, step=session.state.rows[-1]["epoch"])

    def stops(self, session: Session, error: BaseException) -> None:
        """Close the tracker."""
        self.tracker.finish()

    def ends(self, session: Session) -> None:
        """Close the tracker."""
        self.tracker.finish()
