"""The images of a run, made ready."""

from __future__ import annotations

from rcnnzoo.data.images import Images, batches_an_epoch, prepare
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split, fingerprint
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.training.settings import Settings


class RunImages:
    """What a run trains on, validates on after each epoch, and reports on at its end.

    Attributes:
        data: Where they are from.
        train: Images to train on.
        val: Images to validate on; None if none are held out.
        test: Images to report on, which may be those of `val`; None if there are only those that are trained on.
        test_split: Name of the split that `test` is.
        batches: Batches of an epoch.
        unreadable: What could not be decoded so far.
    """

    def __init__(self, settings: Settings, data: Data) -> None:
        self.data, self._settings = data, settings
        self.unreadable = Unreadable(settings.max_bad)
        self.train = self.prepare(data.split("train"))
        self.val = self.prepare(data.split("val")) if "val" in data.splits else None
        self.test_split = data.best_test()
        self.test: Images | None = None
        if self.test_split != "train":
            self.test = self.val if self.test_split == "val" else self.prepare(data.split(self.test_split))
        self.batches = batches_an_epoch(len(self.train), settings.batch_size)

    def prepare(self, split: Split) -> Images:
        """A split at the size of the run."""
        workers = None if self._settings.workers < 0 else self._settings.workers
        return prepare(split, self._settings.image_size, self.unreadable, workers)

    @property
    def identity(self) -> str:
        """Which images are trained on: a run that resumes with others is another run."""
        return f"{fingerprint(self.data.split('train'), stamps=False)} {len(self.train)}"
