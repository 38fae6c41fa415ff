"""Everything that rcnnzoo raises about its input.

RcnnzooError
├── UnknownName     a name that is not registered
├── PluginError     a name that two packages claim, a description that is malformed
├── OptionError     an option whose value can't work
├── DataError       images, folders, labels
│   └── WorkerKilled    a process that decodes images was killed
├── WeightsError    weight files
├── NetworkError    networks that compute values that are not finite
├── TraceError      traces
├── ExportError     files for other tools that don't do what the network does
├── TrainingError   runs that can't start, resume or converge
└── BusyError       a folder that another process is writing into

Each message is one line: what is wrong, where, what to do. The command line prints it and exits with 2. A message names
a field in backticks, as a caller of the library writes it: `image_size`. The command line turns it into the option,
--image-size. What is not an error but should be known is a `RcnnzooWarning`, also printed as one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def reason(error: BaseException) -> str:
    r"""The message of a foreign error, in one line; its class if it has none.

    >>> reason(OSError("image file is\n  truncated")), reason(EOFError())
    ('image file is truncated', 'EOFError')
    """
    return " ".join(str(error).split()) or type(error).__name__


class RcnnzooError(Exception):
    """The input or an option is wrong; the message says which and what to do."""


class RcnnzooWarning(UserWarning):
    """Something that the user should know but that stops nothing; one line, like an error."""


class UnknownName(RcnnzooError):  # noqa: N818 - the name says enough
    """A name that is not registered; the message offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str | None = None) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if near:
            advice = f"did you mean {' or '.join(map(repr, near))}?"
        else:
            advice = f"there are {', '.join(known)}." if known else "none is installed."
        super().__init__(f"unknown {kind} {name!r}: {advice}{f' ({where})' if where else ''}")


class PluginError(RcnnzooError):
    """A plugin's name or description that can't be used."""


class OptionError(RcnnzooError):
    """An option whose value can't work."""


class DataError(RcnnzooError):
    """Images, folders or labels that can't be used."""


class WorkerKilled(DataError):  # noqa: N818 - the name says enough
    """A process that decodes images was killed from outside."""

    SIGN = "DataLoader worker"
    """The words of torch for this; it may say so at any time, in the middle of anything."""

    def __init__(self) -> None:
        super().__init__(
            "a process that decodes images was killed, most likely because memory ran out: take fewer `workers` "
            "(0 decodes in the main process) or a smaller `batch_size`"
        )


class WeightsError(RcnnzooError):
    """A weight file that is damaged, not rcnnzoo's, or of another network."""


class NetworkError(RcnnzooError):
    """A network whose output can't be used: it holds values that are not finite."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: the network's output is not finite (NaN or infinity): compute in fp32 (`precision`), or train "
            "the network again with a lower `lr`"
        )


class TraceError(RcnnzooError):
    """A trace that is damaged, unfinished or of another network.

    Attributes:
        fault: What is wrong; the message adds what to do about it, if there is anything.
    """

    def __init__(self, fault: str, advice: str = "") -> None:
        super().__init__(f"{fault}; {advice}" if advice else fault)
        self.fault = fault


class ExportError(RcnnzooError):
    """A file for other tools that doesn't do what the network does."""


class TrainingError(RcnnzooError):
    """A run that can't start, resume or converge."""


class BusyError(RcnnzooError):
    """A folder that another process is writing into."""
