"""Checks and their results: one row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from rcnnzoo import plugins
from rcnnzoo.errors import PluginError
from rcnnzoo.plugins import one_line

Subject = TypeVar("Subject")
Example = TypeVar("Example")
Check = Callable[[Subject], str | None]


class Fault(PluginError):  # noqa: N818 - the name says enough
    """What is checked breaks the contract; the message says how."""


class Unusable(Fault):
    """A fault after which nothing else can be checked."""


class Doubt(PluginError):  # noqa: N818 - as above
    """What is checked may be as its author wants it; the message says what is unusual."""


class Skipped(PluginError):  # noqa: N818 - as above
    """There is nothing to check; the message says why."""


@dataclass(frozen=True)
class Row:
    """The result of a check.

    Attributes:
        check: What was checked.
        member: Of which member.
        outcome: "ok", "skipped" (there is nothing to check), "warning" or "fault".
        words: What is wrong, or worth saying.
        error: What was raised.
    """

    check: str
    member: str
    outcome: Literal["ok", "skipped", "warning", "fault"]
    words: str = ""
    error: BaseException | None = field(default=None, compare=False, repr=False)


def run(name: str, member: str, check: Check[Subject], subject: Subject) -> Row:
    """The row of one check; whatever it raises is a fault and goes no further.

    >>> run("is even", "3", lambda number: None if number % 2 == 0 else f"half is {number / 2:g}", 3)
    Row(check='is even', member='3', outcome='ok', words='half is 1.5')
    """
    try:
        return Row(name, member, "ok", check(subject) or "")
    except Skipped as error:
        return Row(name, member, "skipped", one_line(error))
    except Doubt as error:
        return Row(name, member, "warning", one_line(error), error)
    except (Exception, SystemExit) as error:  # other people's code raises anything
        return Row(name, member, "fault", told(error), error)


def told(error: BaseException) -> str:
    """What an error says, in one line, with the line of the plugin that it comes from."""
    culprit = None if isinstance(error, PluginError) else plugins.culprit(error)
    return f"{one_line(error)} ({culprit.place})" if culprit else one_line(error)


def run_all(
    member: str, first: str, make: Callable[[], Subject], checks: Mapping[str, Check[Subject]]
) -> Iterator[Row]:
    """One row for making what is checked and one per check, by the name of each, as far as it can be checked."""
    made: list[Subject] = []
    yield run(first, member, lambda _: made.append(make()), None)
    for subject in made:
        for name, check in checks.items():
            row = run(name, member, check, subject)
            yield row
            if isinstance(row.error, Unusable):
                return


def change(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """In words, which attribute has changed; nothing if none has.

    >>> change({"weight": 1}, {"weight": 1, "past": 2})
    ', and self.past changed'
    """
    changed = [name for name, value in after.items() if before.get(name) is not value]
    return f", and self.{changed[0]} changed" if changed else ""


def on_all(check: Callable[[Subject, Example], None], examples: Callable[[], Iterable[Example]]) -> Check[Subject]:
    """The check of a subject that runs another on each example, up to the first fault."""

    def run_on_all(subject: Subject) -> None:
        for example in examples():
            check(subject, example)

    return run_on_all
