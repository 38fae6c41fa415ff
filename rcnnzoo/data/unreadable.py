"""Files that can't be decoded: named, counted, skipped, and refused if there are too many."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from rcnnzoo.errors import DataError, RcnnzooWarning

MOST = 10


class DataWarning(RcnnzooWarning):
    """Images are missing: one was skipped, or a data set is incomplete."""


class Unreadable:
    """Counts unreadable files, and says what decoders remarked on others; each once over a whole run."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.names: set[str] = set()
        self.remarks: set[str] = set()

    def see(self, faults: Iterable[tuple[str, str]], remarks: Iterable[str] = ()) -> None:
        """Warn of each file (name, reason) not seen before, and of each remark.

        Raises:
            DataError: There are more than `most`.
        """
        for remark in remarks:
            if remark not in self.remarks:
                self.remarks.add(remark)
                warnings.warn(remark, DataWarning, stacklevel=2)
        for name, reason in faults:
            if name in self.names:
                continue
            self.names.add(name)
            if len(self.names) > self.most:
                if not self.most:  # none may be missing
                    raise DataError(f"{name}: unreadable ({reason}): repair it, or leave it out")
                raise DataError(
                    f"{name}: unreadable ({reason}), and so are {self.most} others: repair or remove them, or allow "
                    "more with `max_bad`"
                )
            warnings.warn(f"{name}: unreadable, skipped ({reason})", DataWarning, stacklevel=2)
