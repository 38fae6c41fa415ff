"""Tests of the plugin rcnnzoo-blt-vs; they need it installed (`make test` does that)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("rcnnzoo_blt_vs") else ["test_*.py", "published.py"]
