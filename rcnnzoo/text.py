"""Text as people read it, whatever names hold."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
LONGEST_NUMBER = 100_000
"""Below it a whole number is shown in full."""


def visible(text: str) -> str:
    r"""A line of text on which control characters show and do nothing: a file's name can hold anything.

    >>> visible("new\nline")
    'new\\nline'
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def clipped(text: str, longest: int, gap: str = "…") -> str:
    """A text, shortened to at most that many characters: a gap stands for its middle.

    >>> clipped("abcdefghij", 9, " ... "), clipped("abcdefghij", 10)
    ('ab ... ij', 'abcdefghij')
    """
    if len(text) <= longest:
        return text
    kept = longest - len(gap)
    end = kept // 2
    return f"{text[: kept - end]}{gap}{text[-end:]}"


def short(number: float, digits: int = 3) -> str:
    """A number with at most that many digits, in thousands (k), millions (M), billions (G) or trillions (T).

    >>> short(3_869_194), short(20e6), short(999_999), short(950)
    ('3.87M', '20M', '1M', '950')
    """
    rounded = float(f"{number:.{digits}g}")
    for size, letter in STEPS:
        if abs(rounded) >= size:
            return f"{rounded / size:.{digits}g}{letter}"
    return f"{rounded:g}"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "trial"), counted(1_200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def whole(number: int) -> str:
    """A whole number: in full while it is small, else `short`.

    >>> whole(38_694), whole(3_869_194)
    ('38,694', '3.87M')
    """
    return f"{number:,}" if abs(number) < LONGEST_NUMBER else short(number)


def in_ranges(numbers: Sequence[int]) -> str:
    """Rising numbers in words: from the first to the last, where none is missing between.

    >>> in_ranges([1, 2, 3]), in_ranges([2]), in_ranges([1, 4])
    ('1 to 3', '2', '1, 4')
    """
    first, last = numbers[0], numbers[-1]
    if len(numbers) == last - first + 1 > 1:
        return f"{first} to {last}"
    return ", ".join(map(str, numbers))


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(90), duration(7_200), duration(200_000)
    ('1.5 min', '2.0 h', '2.3 days')
    """
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
