"""The images of a run, prepared."""

from __future__ import annotations

from dataclasses import dataclass

from rcnnzoo.data.batches import Images, batches_an_epoch
from rcnnzoo.data.images import prepare
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split, fingerprint
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.training.settings import Settings


@dataclass(frozen=True)
class RunImages:
    """What a run trains on, validates on after each epoch, and reports on at its end.

    Attributes:
        data: The data set that they are from.
        image_size: Their side, in pixels.
        workers: Processes that decode large ones; None for as many as there are processors, at most 8.
        unreadable: What could not be decoded so far.
        train: Images to train on.
        val: Images to validate on; None if none are held out.
        test: Images to report on, which may be those of `val`; None if there are only those that are trained on.
        test_split: Name of the split that `test` is.
        batches: Number of batches in an epoch.
        identity: Identifies the training images: with other images it would be another run.
    """

    data: Data
    image_size: int
    workers: int | None
    unreadable: Unreadable
    train: Images
    val: Images | None
    test: Images | None
    test_split: str
    batches: int
    identity: str

    def prepare(self, split: Split) -> Images:
        """Other images, prepared in the same way."""
        return prepare(split, self.image_size, self.unreadable, self.workers)


def prepare_images(settings: Settings, data: Data) -> RunImages:
    """The images of a run, at its size.

    Raises:
        DataError: None of them is readable, or too many are not.
    """
    unreadable, size = Unreadable(settings.max_bad), settings.image_size
    workers = None if settings.workers < 0 else settings.workers
    test = data.best_test()
    names = [name for name in dict.fromkeys(("train", "val", test)) if name in data.splits]
    ready = {name: prepare(data.split(name), size, unreadable, workers) for name in names}
    return RunImages(
        data,
        size,
        workers,
        unreadable,
        train=ready["train"],
        val=ready.get("val"),
        test=None if test == "train" else ready[test],
        test_split=test,
        batches=batches_an_epoch(len(ready["train"]), settings.batch_size),
        identity=f"{fingerprint(data.split('train'), stamps=False)} {len(ready['train'])}",
    )
