"""Files that stand for others, which git keeps elsewhere (Git LFS)."""

from __future__ import annotations

from pathlib import Path

START = b"version https://git-lfs.github.com/spec/"


def is_pointer(path: Path) -> bool:
    """Whether a file is what a clone without Git LFS leaves in place of a large one."""
    with path.open("rb") as opened:
        return opened.read(len(START)) == START
