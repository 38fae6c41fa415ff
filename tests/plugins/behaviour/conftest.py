"""Tests of the plugin rcnnzoo-behaviour; they need it installed (`make test` does that)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("rcnnzoo_behaviour") and find_spec("pingouin") else ["test_*.py"]
