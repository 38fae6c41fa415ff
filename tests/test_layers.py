"""What imports what: the program starts without torch, and arrows point one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rcnnzoo

ROOT = Path(rcnnzoo.__file__).parent
INNER = ("hookspecs", "hooks", "plugins", "errors", "writing", "progress", "devices", "template")
MEMBERS = ("architectures", "readouts", "policies", "data", "weights", "profiling")
OUTER = ("training", "engine", "traces", "analysis", "figures", "checking")
LEVELS = {
    name: level for level, names in enumerate((INNER, MEMBERS, OUTER, ("cli", "demo", "__main__"))) for name in names
}


def imports(file):
    """Every rcnnzoo module that a file imports, at the top or inside."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rcnnzoo"):
            yield node.module if node.module != "rcnnzoo" else f"rcnnzoo.{node.names[0].name}"
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("rcnnzoo."))


def test_no_inner_module_imports_an_outer_one():
    wrong = []
    for file in ROOT.rglob("*.py"):
        home = file.relative_to(ROOT).with_suffix("").parts[0]
        if home == "__init__":
            continue
        for module in imports(file):
            if LEVELS[module.split(".")[1]] > LEVELS[home]:
                wrong.append(f"{file.relative_to(ROOT)} imports {module}")
    assert wrong == []


def loaded(code):
    """Modules that are there after running some code in a new process."""
    command = f"import sys\ntry:\n    {code}\nfinally:\n    print('|'.join(sys.modules), file=sys.stderr)"
    process = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    return set(process.stderr.strip().splitlines()[-1].split("|"))


HEAVY = {"torch", "timm", "torchvision", "xarray", "pandas", "scipy", "matplotlib", "sklearn", "numpy"}


@pytest.mark.parametrize(
    "typed", ["--help", "list", "list --json", "train --help", "check-plugin --help", "new-plugin --help", "--version"]
)
def test_what_computes_nothing_imports_nothing_heavy(typed):
    modules = loaded(f"from rcnnzoo.cli import main; main({typed.split()!r})")
    assert "rcnnzoo.plugins" in modules
    assert not modules & HEAVY


def test_that_test_can_fail():
    assert "torch" in loaded("from rcnnzoo.cli import main; main(['info', 'b'])")


def test_importing_rcnnzoo_is_light_and_its_names_are_all_there():
    assert not loaded("import rcnnzoo") & HEAVY
    assert rcnnzoo.__all__ == sorted(rcnnzoo.__all__)
    assert all(callable(getattr(rcnnzoo, name)) for name in rcnnzoo.__all__)
    assert set(rcnnzoo.__all__) <= set(dir(rcnnzoo))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rcnnzoo.nothing
