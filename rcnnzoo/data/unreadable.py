"""Files that can't be decoded: named, counted, skipped, and at some point too many."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from rcnnzoo.errors import DataError, RcnnzooWarning

MOST = 10


class DataWarning(RcnnzooWarning):
    """Images are missing: one was skipped, or a data set is not whole."""


class Unreadable:
    """Counts unreadable files, each once, over a whole run."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.names: set[str] = set()

    def see(self, faults: Iterable[tuple[str, str]]) -> None:
        """Warn of each file (name, reason) not seen before.

        Raises:
            DataError: There are more than `most`.
        """
        for name, reason in faults:
            if name in self.names:
                continue
            self.names.add(name)
            if len(self.names) > self.most:
                raise DataError(
                    f"{name}: unreadable ({reason}), and so are {self.most} others: mend or remove them, or allow more "
                    "with `max_bad`"
                )
            warnings.warn(f"{name}: unreadable, skipped ({reason})", DataWarning, stacklevel=2)
