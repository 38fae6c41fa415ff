"""Placeholders for files that git keeps elsewhere (Git LFS)."""

from __future__ import annotations

from pathlib import Path

START = b"version https://git-lfs.github.com/spec/"


def is_pointer(path: Path) -> bool:
    """Whether a file is a placeholder, left by a clone without Git LFS."""
    with path.open("rb") as opened:
        return opened.read(len(START)) == START
