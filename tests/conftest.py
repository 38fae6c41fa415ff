"""Settings for every test."""

import contextlib
import importlib
import os
import sys
import textwrap
from pathlib import Path

import hypothesis
import pytest

from rcnnzoo import plugins

# Needs Keras, which nothing else here does; its golden files are beside it.
collect_ignore = ["weights/rcnn_sat/make_goldens.py"]

# Test networks are so small that threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadlines, and failures are reproducible.
hypothesis.settings.register_profile("rcnnzoo", deadline=None, derandomize=True)
hypothesis.settings.load_profile("rcnnzoo")


@contextlib.contextmanager
def plugins_of(folder):
    """Modules loaded from a folder in the meantime are unloaded afterwards."""
    path, modules = [*sys.path], set(sys.modules)
    plugins.registry.cache_clear()
    try:
        yield
    finally:
        plugins.registry.cache_clear()
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]


@pytest.fixture
def write_plugin(tmp_path):
    """A function that writes a plugin that is not a package yet, and gives its file."""

    def write(name, code):
        file = tmp_path / name
        file.write_text(textwrap.dedent(code))
        return file

    with plugins_of(tmp_path):
        yield write


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that puts a package of one module beside rcnnzoo."""
    monkeypatch.delenv("RCNNZOO_LOAD_PLUGINS", raising=False)

    def put(package, code, requires=()):
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code).replace("{module}", module))
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {package}", "Version: 1.0"]
        (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires)]) + "\n")
        (info / "entry_points.txt").write_text(f"[rcnnzoo]\n{module} = {module}\n")
        importlib.invalidate_caches()
        plugins.registry.cache_clear()

    with plugins_of(tmp_path):
        monkeypatch.syspath_prepend(tmp_path)
        yield put
