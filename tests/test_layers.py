"""What imports what: imports go one way, plugins import one module, and the program starts without torch."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rcnnzoo
from rcnnzoo import plugin

ROOT = Path(rcnnzoo.__file__).parent
PLUGINS = ROOT.parent / "plugins"

GROUND = {"errors", "text", "writing", "locks", "pointers", "hashing", "progress", "processes", "devices"}
REGISTRY = GROUND | {"hookspecs", "hooks", "registry", "plugins"}
MEMBERS = REGISTRY | {"architectures", "readouts", "policies", "data"}
ENGINE = MEMBERS | {"profiling", "weights", "engine"}
REFERENCES = ENGINE | {"recording", "runs", "training", "subjects", "references", "traces"}
RESULTS = REFERENCES | {"analysis", "exporting", "figures", "results"}
ALLOWED = {
    "errors": set(),
    "text": set(),
    "writing": set(),
    "locks": {"errors"},
    "pointers": set(),
    "hashing": set(),
    "progress": set(),
    "processes": {"errors", "progress"},
    "devices": {"errors"},
    "hookspecs": set(),
    "hooks": {"errors", "hookspecs"},
    "registry": {"hookspecs"},
    "plugins": {"errors", "hookspecs", "hooks", "registry"},
    "readouts": REGISTRY,
    "policies": REGISTRY | {"readouts"},
    "data": REGISTRY,
    "recipes": REGISTRY,
    "architectures": REGISTRY,
    "profiling": REGISTRY | {"architectures"},
    "weights": MEMBERS,
    "engine": ENGINE - {"engine"},
    "recording": ENGINE,
    "exporting": ENGINE | {"recording"},
    "runs": GROUND,
    "training": ENGINE - {"engine"} | {"runs"},
    "analysis": {"errors", "text", "readouts", "policies"},
    "figures": {"errors", "text", "readouts", "policies"},
    "subjects": ENGINE | {"recording"},
    "references": REFERENCES - {"references", "traces"},
    "traces": REFERENCES - {"traces"},
    "results": RESULTS - {"results"},
    "report": RESULTS,
    "reproduction": RESULTS | {"recipes"},
    "checking": ENGINE | {"recipes"},
    "template": {"errors", "writing"},
    "cli": RESULTS | {"checking", "recipes", "report", "reproduction", "template"},
    "demo": RESULTS | {"cli"},
    "__main__": {"cli"},
    "__init__": RESULTS,
    "plugin": RESULTS | {"checking", "cli"},
}
"""What each folder or file of rcnnzoo may import, besides itself: the layers of CONTRIBUTING, from the bottom up."""


def file_of(module, importer):
    """The file of a module or package of ours, seen from one that imports it; None if there is none."""
    tops = [parent for parent in (PLUGINS.parent, *importer.parents) if (parent / module.split(".")[0]).is_dir()]
    for top in tops:
        path = top.joinpath(*module.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def imports(file):
    """Every module that a file imports, at the top, inside or for types alone."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            # A name may be a module of that package, which then is what is imported.
            assert node.module is not None
            inner = [f"{node.module}.{name.name}" for name in node.names]
            modules = [name for name in inner if file_of(name, file)] or [node.module]
            yield from inner if node.module == "rcnnzoo" else modules
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def home(module):
    """The folder or file of rcnnzoo that a module is in; of what `import rcnnzoo` gives, that itself."""
    name = module.split(".")[1] if "." in module else "__init__"
    return "__init__" if name in rcnnzoo.__all__ else name


BESIDE = {init.parent.name for init in PLUGINS.glob("*/*/__init__.py")}
"""Our own packages that are plugins: rcnnzoo itself must not import them."""


def wrong_arrows(root):
    """Imports that are not allowed, and folders without a rule."""
    wrong = []
    for file in sorted(root.rglob("*.py")):
        start = file.relative_to(root).with_suffix("").parts[0]
        if start not in ALLOWED:
            wrong.append(f"{start} is not among the floors")
            continue
        for module in imports(file):
            top = module.split(".")[0]
            if top in BESIDE or (top == "rcnnzoo" and home(module) not in ALLOWED[start] | {start}):
                wrong.append(f"{file.relative_to(root)} imports {module}")
    return wrong


def test_no_folder_imports_what_it_may_not():
    assert wrong_arrows(ROOT) == []


def test_every_floor_is_there():
    assert set(ALLOWED) == {
        path.stem for path in ROOT.iterdir() if path.suffix in ("", ".py") and path.stem[:3] != "__p"
    }


@pytest.mark.parametrize(
    ("file", "code", "word"),
    [
        ("engine/new.py", "from rcnnzoo.analysis.sat_curve import sat_curve", "imports rcnnzoo.analysis.sat_curve"),
        ("figures/new.py", "def draw():\n    import rcnnzoo.engine.exits", "imports rcnnzoo.engine.exits"),
        ("training/new.py", "from rcnnzoo import figures", "imports rcnnzoo.figures"),
        ("training/new.py", "from rcnnzoo import errors, figures", "imports rcnnzoo.figures"),
        ("analysis/new.py", "from rcnnzoo.weights.files import load", "imports rcnnzoo.weights.files"),
        ("data/new.py", "import rcnnzoo_behaviour.human", "imports rcnnzoo_behaviour.human"),
        ("rooms/new.py", "", "rooms is not among the floors"),
    ],
)
def test_that_test_can_fail(file, code, word, tmp_path):
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(code)
    (found,) = wrong_arrows(tmp_path)
    assert word in found


def test_no_floors_import_each_other_in_a_circle():
    TopologicalSorter(ALLOWED).prepare()


PACKAGES = [ROOT, *sorted(path.parent for path in PLUGINS.glob("*/*/__init__.py"))]


def arrows(package):
    """Each file of a package, and those of it that it imports."""
    files = list(package.rglob("*.py"))
    return {file: {file_of(module, file) for module in imports(file)} & set(files) for file in files}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_files_import_each_other_in_a_circle(package):
    TopologicalSorter(arrows(package)).prepare()


def test_a_circle_would_be_found(tmp_path):
    package = tmp_path / "rooms"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from rooms import two")
    (package / "two.py").write_text("def late():\n    from rooms.one import name")
    with pytest.raises(CycleError):
        TopologicalSorter(arrows(package)).prepare()


@pytest.mark.parametrize(
    "folder", sorted(path for path in PLUGINS.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_plugins_import_one_module_of_ours(folder):
    files = [file for file in folder.rglob("*.py") if "build" not in file.parts]
    assert files
    assert {module for file in files for module in imports(file) if module.split(".")[0] == "rcnnzoo"} == {
        "rcnnzoo.plugin"
    }


def test_what_plugins_may_import_is_all_there():
    """As it is for type checkers: the same names from the same modules."""
    tree = ast.parse(Path(plugin.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    typed = {name.name: node.module for node in imported for name in node.names}
    assert typed == plugin._HOMES
    assert plugin.__all__ == sorted(typed)
    assert all(getattr(plugin, name) is not None for name in plugin.__all__)
    with pytest.raises(AttributeError, match=r"rcnnzoo.plugin has no 'nothing': see docs/plugins.md"):
        _ = plugin.nothing


def test_no_file_is_long():
    files = [*ROOT.rglob("*.py"), *PLUGINS.rglob("*.py")]
    assert {file.name: lines for file in files if (lines := len(file.read_text().splitlines())) > 350} == {}


def loaded(code):
    """Modules that are loaded after running some code in a new process."""
    command = f"import sys\ntry:\n    {code}\nfinally:\n    print('|'.join(sys.modules), file=sys.stderr)"
    process = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    return set(process.stderr.strip().splitlines()[-1].split("|"))


HEAVY = {"torch", "timm", "torchvision", "xarray", "pandas", "scipy", "matplotlib", "sklearn", "numpy"}
HEAVY |= {"accelerate", "statsmodels", "zarr", "safetensors"}


@pytest.mark.parametrize(
    "typed", ["--help", "list", "list --json", "train --help", "check-plugin --help", "new-plugin --help", "--version"]
)
def test_what_computes_nothing_imports_nothing_heavy(typed):
    modules = loaded(f"from rcnnzoo.cli import main; main({typed.split()!r})")
    assert "rcnnzoo.plugins" in modules
    assert not modules & HEAVY


def test_that_one_can_fail_too():
    assert "torch" in loaded("from rcnnzoo.cli import main; main(['info', 'b'])")


@pytest.mark.parametrize(
    ("code", "late"),
    [
        ("import rcnnzoo.results.accuracy", {"statsmodels", "sklearn", "timm"}),
        ("import rcnnzoo.results.comparison", {"statsmodels", "sklearn", "timm"}),
        ("import rcnnzoo.results.training", {"statsmodels", "sklearn", "timm"}),
        ("from rcnnzoo.plugin import Policy, hookimpl, AsJson, show", HEAVY),
    ],
)
def test_what_few_need_is_imported_late(code, late):
    assert not loaded(code) & late


def test_importing_rcnnzoo_is_light_and_its_names_are_all_there():
    assert not loaded("import rcnnzoo") & HEAVY
    assert rcnnzoo.__all__ == sorted(rcnnzoo.__all__)
    assert all(callable(getattr(rcnnzoo, name)) for name in rcnnzoo.__all__)
    assert set(rcnnzoo.__all__) <= set(dir(rcnnzoo))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rcnnzoo.nothing
