"""Runs that take a second, whole or stopped in the middle."""

import pytest

from rcnnzoo.training import loop
from rcnnzoo.training.loop import train
from rcnnzoo.training.settling import settle
from rcnnzoo.training.watchers import Watcher

TINY = {
    "architecture": "bl",
    "data": "digits",
    "image_size": 8,
    "width": 1 / 16,
    "steps": 3,
    "epochs": 2,
    "precision": "fp32",
}
BATCHES = 10  # of 128, in 1,347 images


def run(folder, resume=False, **changes):
    settings, data = settle({**TINY, **changes})
    return train(settings, data, folder, resume=resume)


def stopped(folder, monkeypatch, batches=BATCHES, **changes):
    """A run that was stopped in its second epoch."""
    update, count = loop.update, 0

    def leaving(*arguments):
        nonlocal count
        count += 1
        if count > batches:
            raise KeyboardInterrupt
        return update(*arguments)

    monkeypatch.setattr(loop, "update", leaving)
    with pytest.raises(KeyboardInterrupt):
        run(folder, **changes)
    monkeypatch.setattr(loop, "update", update)


class Stops(Watcher):
    """Asks to stop after the first batch, so that the second is the last."""

    def batch_ends(self, session, loss):
        session.request.asked = KeyboardInterrupt
