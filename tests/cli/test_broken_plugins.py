"""Ways to break a plugin: each is named with its package and the reason, and the rest of the program works."""

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest

from rcnnzoo.cli import main

pytestmark = pytest.mark.filterwarnings("always::rcnnzoo.plugins.PluginWarning")
HEAD = "from rcnnzoo.hookspecs import Architecture, Readout, hookimpl\n"
GOOD = """
@hookimpl
def rcnnzoo_readouts():
    return [Readout("{name}", "made up", f"{{__name__}}:readout")]
"""
LEFT_OUT = "plugin {module} of {package} 1.0 left out: "

BROKEN = {
    "import error": ("from rcnnzoo.hookspecs import nothing\n", LEFT_OUT + "ImportError: cannot import name 'nothing'"),
    "missing dependency": (
        "import a_module_that_is_not_there\n",
        LEFT_OUT + "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    ),
    "misspelt hook": (
        HEAD + GOOD.format(name="half") + "@hookimpl\ndef rcnnzoo_readuots(): return []\n",
        LEFT_OUT
        + "unknown hook 'rcnnzoo_readuots': there are rcnnzoo_architectures, rcnnzoo_policies, rcnnzoo_readouts",
    ),
    "a hook unmarked": (
        HEAD + GOOD.format(name="half") + "def rcnnzoo_policies(): return []\n",
        LEFT_OUT + "rcnnzoo_policies lacks @hookimpl",
    ),
    "wrong return type": (
        HEAD + GOOD.format(name="half") + "@hookimpl\ndef rcnnzoo_architectures(): return {'net': 'a:b'}\n",
        LEFT_OUT + "rcnnzoo_architectures must return a list of Architecture",
    ),
    "a name twice": (
        HEAD + "@hookimpl\ndef rcnnzoo_readouts(): return 2 * [Readout('half', 'made up', 'a:b')]\n",
        LEFT_OUT + "rcnnzoo_readouts names 'half' twice",
    ),
    "somebody else's name": (
        HEAD + GOOD.format(name="ours"),
        "readout 'ours' left out: zoo-broken and zoo-other both claim it; uninstall one of them",
    ),
    "a name of rcnnzoo's": (
        HEAD + GOOD.format(name="cumulative"),
        "readout 'cumulative' of {package} left out: rcnnzoo has one of that name; {package} must rename it",
    ),
    "a hook that raises": (
        HEAD + GOOD.format(name="half") + "@hookimpl\ndef rcnnzoo_policies(): raise ValueError('not today')\n",
        LEFT_OUT + "ValueError: not today",
    ),
    "a hook that prints": (HEAD + "print('hello')\n" + GOOD.format(name="loud"), None),
    "another rcnnzoo": (
        HEAD + GOOD.format(name="half"),
        LEFT_OUT + "it requires rcnnzoo>=99, this is " + importlib.metadata.version("rcnnzoo"),
    ),
}


def put(install, kind, package="zoo-broken"):
    """Install one of them, and return the message that is expected."""
    code, reason = BROKEN[kind]
    install(package, code, requires=["rcnnzoo>=99"] if kind == "another rcnnzoo" else [])
    if kind == "somebody else's name":
        install("zoo-other", code)
    return None if reason is None else reason.format(package=package, module=package.replace("-", "_"))


def readouts(printed):
    return [row["name"] for row in json.loads(printed) if row["kind"] == "readouts"]


BUILT_IN = ["cumulative", "instantaneous", "cumulative-logits"]


@pytest.mark.parametrize("kind", BROKEN)
def test_it_is_named_in_one_line_and_nothing_of_it_is_registered(kind, install, capsys):
    reason = put(install, kind)
    assert main(["list", "--json"]) == 0
    captured = capsys.readouterr()
    if reason is None:
        assert readouts(captured.out) == [*BUILT_IN, "loud"]
        assert captured.err == "hello\n"
    else:
        assert readouts(captured.out) == BUILT_IN
        (line,) = captured.err.splitlines()
        assert line.startswith(f"warning: {reason}")


@pytest.mark.parametrize("kind", [kind for kind, (_, reason) in BROKEN.items() if reason])
def test_in_strict_mode_it_is_an_error(kind, install, capsys, monkeypatch):
    monkeypatch.setenv("RCNNZOO_STRICT_PLUGINS", "1")
    reason = put(install, kind)
    assert main(["list", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: {reason}")
    assert line.endswith("(RCNNZOO_STRICT_PLUGINS is set)")


def test_strict_mode_minds_nothing_where_all_is_well(monkeypatch, install, capsys):
    monkeypatch.setenv("RCNNZOO_STRICT_PLUGINS", "1")
    install("zoo-good", HEAD + GOOD.format(name="fine"))
    assert main(["list", "--json"]) == 0
    assert readouts(capsys.readouterr().out) == [*BUILT_IN, "fine"]


def test_with_all_of_them_installed_what_is_built_in_is_trained(install, tmp_path):
    """As users run it, in a separate process."""
    said = [
        put(install, kind, package=f"zoo-{number}") if kind != "somebody else's name" else put(install, kind)
        for number, kind in enumerate(BROKEN)
    ]
    typed = "train b --data digits --width 0.0625 --image-size 8 --epochs 1 --precision fp32 --out run"
    process = subprocess.run(
        [sys.executable, "-m", "rcnnzoo", *typed.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[-1] == "run/model.safetensors"
    assert (tmp_path / "run" / "model.safetensors").is_file()
    complaints = [line for line in process.stderr.splitlines() if " left out: " in line]
    assert len(complaints) == len(BROKEN) - 1
    for reason in filter(None, said):
        assert sum(line.startswith(f"warning: {reason}") for line in complaints) == 1, reason
