"""Tests of the plugin rcnnzoo-timm; they need it installed (`make test` does that)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("rcnnzoo_timm") else ["test_*.py"]
