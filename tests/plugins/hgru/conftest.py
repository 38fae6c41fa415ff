"""Tests of the plugin rcnnzoo-hgru; they need it installed (`make test` does that)."""

from importlib.util import find_spec

collect_ignore_glob = ["make_goldens.py"] if find_spec("rcnnzoo_hgru") else ["*.py"]
