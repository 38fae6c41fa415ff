"""Hashes of files, by which downloads, pictures and shards are checked."""

from __future__ import annotations

import hashlib
from pathlib import Path


def bytes_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as publishers give it."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
