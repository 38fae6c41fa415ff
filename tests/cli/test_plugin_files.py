"""`rcnnzoo --plugin FILE.py`: a file that is not a package yet is available for one run of the program."""

import concurrent.futures
import dataclasses
import json
import multiprocessing

import pytest

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.architectures.card import card_of
from rcnnzoo.cli import main
from rcnnzoo.data.opening import open_data
from rcnnzoo.errors import WeightsError
from tests.data.lookalikes import make_classes

MINE = '''
    from rcnnzoo.hookspecs import Architecture, Command, DataSet, hookimpl

    @hookimpl
    def rcnnzoo_architectures():
        return [Architecture("mine", "a mean", "mine:build", steps=1)]

    @hookimpl
    def rcnnzoo_data():
        return [DataSet("tiles", "class folders", "mine:read", page="p", size="s", licence="l", layout="o")]

    @hookimpl
    def rcnnzoo_commands():
        return [Command("greet", "say hello", "mine:greet")]

    def build(*, categories, image_size, width, steps):
        from torch import nn
        from rcnnzoo.architectures.contract import RecurrentModel

        class Mean(RecurrentModel):
            def __init__(self):
                super().__init__()
                self.num_steps = 1
                self.classifier = nn.Linear(3, categories)

            def begin(self, images):
                return (images,)

            def step(self, state, t):
                return state, self.classifier(self.features(state))

            def features(self, state):
                return state[0].mean(dim=(-2, -1))

        return Mean()

    class Reader:
        """Defined here, so that processes that decode images have to find this file."""

        def __init__(self, read):
            self.inner = read

        def __call__(self, position):
            return self.inner(position)

    def read(folder):
        from dataclasses import replace
        from rcnnzoo.data.folders import read_folder

        return {name: replace(split, read=Reader(split.read)) for name, split in read_folder(folder).items()}

    def greet(name: str = "world") -> None:
        """Say hello.

        Example: rcnnzoo greet --name you
        """
        print(f"hello {name}")
'''


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_its_members_belong_to_the_file_and_work(write_plugin, capsys):
    file = str(write_plugin("mine.py", MINE))
    assert main(["--plugin", file, "greet", "--name", "you"]) == 0
    assert capsys.readouterr().out == "hello you\n"
    assert main(["--plugin", file, "list", "architectures", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    about = {"presentable": False, "weights": [], "licence": None}
    assert rows[-1] == {"name": "mine", "kind": "architectures", "package": "mine.py", "description": "a mean"} | about
    assert main(["--plugin", file, "--help"]) == 0
    assert "say hello" in capsys.readouterr().out
    assert main(["--plugin", file, "gret"]) == 2
    assert "Did you mean 'greet'" in capsys.readouterr().err


def test_what_it_trains_can_be_loaded_where_the_file_is(write_plugin, capsys):
    file = str(write_plugin("mine.py", MINE))
    assert main(["--plugin", file, "train", "mine", "--data", "digits", "--image-size", "8", "--epochs", "1"]) == 0
    weights = "runs/mine-digits-seed0/model.safetensors"
    assert rcnnzoo.load(weights).num_steps == 1
    assert rcnnzoo.build("mine", categories=3).card.architecture == "mine"
    capsys.readouterr()
    plugins.registry.cache_clear()  # as in another process
    assert main(["info", weights]) == 2
    complaint = capsys.readouterr().err
    assert "its network can't be rebuilt: its architecture 'mine' came with the plugin mine.py" in complaint
    assert "which isn't loaded: give --plugin mine.py before the command" in complaint
    assert main(["--plugin", file, "info", weights]) == 0


def test_weights_say_which_package_brought_their_architecture(install, tmp_path):
    install("zoo-mine", MINE.replace("mine:", "zoo_mine:"))
    network = rcnnzoo.build("mine", categories=3)
    assert network.card.plugin == "zoo-mine 1.0"
    rcnnzoo.save(network, tmp_path / "mine.safetensors")
    (tmp_path / "zoo_mine-1.0.dist-info" / "entry_points.txt").unlink()
    plugins.registry.cache_clear()
    words = "its architecture 'mine' came with the plugin zoo-mine 1.0, which isn't loaded: install that"
    with pytest.raises(WeightsError, match=words):
        rcnnzoo.load(tmp_path / "mine.safetensors")
    assert rcnnzoo.build("b", categories=3, width=1 / 16).card.plugin is None


def test_an_architecture_that_its_plugin_no_longer_has_is_said_to_be_gone(install, tmp_path):
    install("zoo-mine", MINE.replace("mine:", "zoo_mine:"))
    network = rcnnzoo.build("mine", categories=3)
    network.card = dataclasses.replace(card_of(network), architecture="older")
    rcnnzoo.save(network, tmp_path / "older.safetensors")
    words = "'older' came with the plugin zoo-mine 1.0, and the version that is loaded doesn't have it"
    with pytest.raises(WeightsError, match=words):
        rcnnzoo.load(tmp_path / "older.safetensors")


def test_processes_that_decode_images_find_it(write_plugin, tmp_path):
    """Spawned, as they are on some systems; the folder of the file is not the current one."""
    make_classes(tmp_path / "data" / "tiles" / "train")
    (tmp_path / "there").mkdir()
    plugins.load_file(write_plugin("there/mine.py", MINE))
    split = open_data("tiles", tmp_path / "data").split("train")
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as others:
        assert others.submit(split.read, 0).result().tobytes() == split.read(0).tobytes()


def test_several_files_and_one_twice(write_plugin, capsys):
    one = str(write_plugin("mine.py", MINE))
    other = str(
        write_plugin(
            "other.py",
            """
            from rcnnzoo.hookspecs import Readout, hookimpl

            @hookimpl
            def rcnnzoo_readouts():
                return [Readout("other", "made up", "other:softmax")]
            """,
        )
    )
    assert main(["--plugin", one, "--plugin", other, "--plugin", one, "list", "--json"]) == 0
    captured = capsys.readouterr()
    packages = [row["package"] for row in json.loads(captured.out) if row["kind"] != "plugins"]
    assert packages.count("mine.py") == 3
    assert packages.count("other.py") == 1
    assert captured.err == ""


def test_a_file_whose_package_is_installed_too_is_one_too_many(install, write_plugin, capsys):
    install("zoo-mine", MINE.replace("mine:", "zoo_mine:"))
    assert main(["--plugin", str(write_plugin("mine.py", MINE)), "list"]) == 2
    words = (
        "architecture 'mine' left out: zoo-mine and mine.py both claim it; uninstall zoo-mine, or do without mine.py"
    )
    assert capsys.readouterr().err == f"error: {words}\n"


HOOK = "from rcnnzoo.hookspecs import Readout, hookimpl\n@hookimpl\ndef rcnnzoo_readouts(): "
BAD = {
    "missing.py": (None, "missing.py: no such Python file"),
    "notes.txt": ("", "notes.txt: no such Python file"),
    "my-plugin.py": ("", "my-plugin.py: is not a valid name for a Python module; use letters, digits and _ only"),
    "broken.py": ("def broken(:", "broken.py: SyntaxError: invalid syntax"),
    "lacking.py": ("import a_module_that_is_not_there", "lacking.py: ModuleNotFoundError: No module named"),
    "leaving.py": ("raise SystemExit('no')", "leaving.py: SystemExit: no"),
    "hookless.py": ("def policies(): return []", "hookless.py: it has no hook: a function like"),
    "unmarked.py": (
        "def rcnnzoo_policies(): return []",
        "unmarked.py: rcnnzoo_policies lacks @hookimpl: write it above",
    ),
    "misspelt.py": (HOOK.replace("readouts", "readuots") + "return []", "misspelt.py: unknown hook 'rcnnzoo_readuots'"),
    "wrong.py": (HOOK + "return 'last'", "wrong.py: rcnnzoo_readouts must return a list of Readout"),
    "raising.py": (HOOK + "raise ValueError('not today')", "raising.py: ValueError: not today"),
    "json.py": (HOOK + "return []", "json.py: Python already has another module of that name, 'json'; rename the file"),
    "thief.py": (
        HOOK + "return [Readout('cumulative', 'made up', 'thief:f')]",
        "readout 'cumulative' of thief.py left out: rcnnzoo has one of that name; thief.py must rename it",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_was_asked_for_and_does_not_load_is_an_error(name, write_plugin, tmp_path, capsys):
    code, reason = BAD[name]
    file = tmp_path / name if code is None else write_plugin(name, code)
    assert main(["--plugin", str(file), "list"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert reason in line


def test_what_a_plugins_code_raises_later_is_not_called_a_fault_of_ours(write_plugin, capsys):
    file = str(write_plugin("mine.py", MINE.replace("state[0].mean(dim=(-2, -1))", "state[0].no_such_method()")))
    assert main(["--plugin", file, "info", "mine"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a fault of the plugin mine.py: AttributeError: 'Tensor' object has no attribute")
    assert "`rcnnzoo check-plugin mine.py` may say more" in line


def test_what_our_own_code_raises_is(write_plugin, capsys, monkeypatch):
    file = str(write_plugin("mine.py", MINE))
    monkeypatch.setattr(plugins, "listing", lambda: 1 / 0)
    assert main(["--plugin", file, "list"]) == 1
    assert "a fault of rcnnzoo's, please report it: ZeroDivisionError" in capsys.readouterr().err


def test_debug_shows_where_a_file_broke(write_plugin, capsys):
    file = str(write_plugin("raising.py", HOOK + "raise ValueError('not today')"))
    assert main(["--debug", "--plugin", file, "list"]) == 2
    assert 'raising.py", line 3, in rcnnzoo_readouts' in capsys.readouterr().err


def test_a_file_called_like_a_module_of_pythons_is_refused(tmp_path, capsys, monkeypatch):
    (tmp_path / "time.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["--plugin", "time.py", "list"]) == 2
    assert "time.py: Python already has another module of that name, 'time'" in capsys.readouterr().err
