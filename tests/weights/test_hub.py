"""Weights on a hub that runs on this machine, good and bad."""

import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.weights.hub import address_of, fetch
from tests.weights.hub_server import TOKEN, serving

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # how the client calls httpx


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder, in which a network lies."""
    monkeypatch.chdir(tmp_path)
    network = rcnnzoo.build("bl", categories=["ant", "b|<script>"], image_size=32, width=1 / 16, steps=2, seed=4)
    rcnnzoo.save(network, "x.safetensors", metadata={"metrics": METRICS, "training": {"data": "pets", "epochs": 3}})
    return tmp_path


METRICS = {"accuracy": [0.6, 0.8], "images": 50, "data": "pets", "split": "test", "readout": "cumulative"}


@pytest.fixture
def hub(elsewhere, monkeypatch):
    """A server in place of the Hub, an empty cache, and somebody who is logged in."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(elsewhere / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the server speaks the older protocol alone
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)  # seconds for which a silent server is waited for
    with serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


def push(file="x.safetensors", *options):
    return main(["push", str(file), "lab/x", "--licence", "MIT", *options])


def refused(capsys, *typed):
    """The one line of an error."""
    capsys.readouterr()
    assert main(list(typed)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


def test_what_was_pushed_is_pulled_byte_for_byte(hub, elsewhere, capsys):
    assert push("x.safetensors", "--json") == 0
    pushed = json.loads(capsys.readouterr().out)
    assert main(["pull", "lab/x", "--out", "new/y.safetensors", "--json"]) == 0
    pulled = json.loads(capsys.readouterr().out)
    assert Path("new/y.safetensors").read_bytes() == Path("x.safetensors").read_bytes()
    assert pushed["sha256"] == pulled["sha256"] == bytes_hash(Path("x.safetensors"))
    assert pushed["revision"] == pulled["revision"] == next(iter(hub.repositories["lab/x"]))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        logits = rcnnzoo.load("hf://lab/x")(images)
        assert torch.equal(logits, rcnnzoo.load("x.safetensors")(images))
    assert main(["info", "hf://lab/x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["architecture"] == "bl"


def test_the_token_is_neither_shown_nor_written(hub, elsewhere, capsys):
    assert push() == 0
    assert main(["pull", "lab/x"]) == 0
    hub.status = 403
    assert main(["--debug", "push", "x.safetensors", "lab/x", "--licence", "MIT"]) == 2
    said = capsys.readouterr()
    assert any(token == f"Bearer {TOKEN}" for _, _, token in hub.asked)
    assert TOKEN not in said.out + said.err
    assert not any(TOKEN.encode() in file.read_bytes() for file in elsewhere.rglob("*") if file.is_file())


def test_the_page_says_what_the_metadata_say(hub):
    assert push() == 0
    (commit,) = hub.repositories["lab/x"].values()
    page = commit["README.md"].decode()
    assert page.startswith("---\n")
    for words in (
        "license: mit",
        'rcnnzoo.load("hf://lab/x")',
        "On pets, test, 50 images, readout cumulative.",
        "| 2 | 80.0 | 67.0 to 88.8 |",  # Wilson, by hand: (40.5 + 1.92) / 53.84 -+ ...
        "| data | pets |",
        "| epochs | 3 |",
        r"(ant ... b\|&lt;script&gt;)",
        "10.1371/journal.pcbi.1008215",
    ):
        assert words in page, words
    assert sorted(commit) == ["README.md", "model.safetensors"]


def test_a_revision_stays_what_it_was(hub, elsewhere, capsys):
    assert push() == 0
    first = next(iter(hub.repositories["lab/x"]))
    rcnnzoo.save(rcnnzoo.build("b", categories=2, image_size=32, width=1 / 16), "other.safetensors")
    assert push("other.safetensors") == 0
    assert rcnnzoo.load("hf://lab/x").card.architecture == "b"
    assert rcnnzoo.load(f"hf://lab/x@{first}").card.architecture == "bl"
    assert fetch(address_of(f"lab/x@{first}")).address.revision == first


def test_a_changed_file_is_refused(hub, elsewhere, capsys):
    assert push() == 0
    content = bytearray(Path("x.safetensors").read_bytes())
    content[-1] ^= 1
    hub.commit("lab/x", {"model.safetensors": bytes(content)})
    assert "was changed after it was written" in refused(capsys, "pull", "lab/x")
    assert not Path("x-new.safetensors").exists()


def test_a_copy_that_was_changed_in_the_cache_is_refused(hub, elsewhere, capsys):
    assert push() == 0
    assert main(["pull", "lab/x", "--out", "y.safetensors"]) == 0
    blob = (elsewhere / "cache").rglob(bytes_hash(Path("x.safetensors")))
    file = next(file for file in blob if file.stat().st_size > 1000)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "is not what was published, its hash is" in refused(capsys, "info", "hf://lab/x")
    file.unlink()
    assert main(["info", "hf://lab/x"]) == 0


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("lab/x@v2", "hf://lab/x@v2: lab/x has no revision 'v2'"),
        ("lab/none", "has no such repository, or it is not open to you"),
        ("lab/empty", "holds no model.safetensors, so it is not a network of rcnnzoo's"),
        ("lab", "lab: is not OWNER/NAME or OWNER/NAME@REVISION"),
        ("lab/x@", "is not OWNER/NAME or OWNER/NAME@REVISION"),
        ("lab/a..b", "is not"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(hub, capsys, typed, message):
    assert push() == 0
    hub.repositories["lab/empty"] = {}
    hub.commit("lab/empty", {"README.md": b"nothing"})
    assert message in refused(capsys, "pull", typed, "--out", "new.safetensors")
    assert message in refused(capsys, "info", f"hf://{typed}")
    assert not Path("new.safetensors").exists()


def test_a_server_that_stops_halfway_is_said_and_the_next_call_goes_on(hub, capsys):
    assert push() == 0
    hub.breaks_after = 1000
    line = refused(capsys, "pull", "lab/x", "--out", "new.safetensors")
    assert line.startswith("error: hf://lab/x: ")
    assert not Path("new.safetensors").exists()
    hub.breaks_after = None
    assert main(["pull", "lab/x", "--out", "new.safetensors"]) == 0
    assert Path("new.safetensors").read_bytes() == Path("x.safetensors").read_bytes()


def test_without_a_network_the_cache_is_used_if_it_can_be(hub, capsys, monkeypatch):
    assert push() == 0
    assert main(["pull", "lab/x", "--out", "new.safetensors"]) == 0
    commit = next(iter(hub.repositories["lab/x"]))
    nowhere = "http://127.0.0.1:9"
    monkeypatch.setattr(constants, "ENDPOINT", nowhere)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", nowhere + "/{repo_id}/resolve/{revision}/{filename}")
    assert main(["pull", "lab/x", "--out", "again.safetensors"]) == 0
    assert main(["pull", f"lab/x@{commit}", "--out", "again.safetensors"]) == 0
    assert Path("again.safetensors").read_bytes() == Path("x.safetensors").read_bytes()
    assert "can't be reached, and the cache has no copy" in refused(capsys, "pull", "lab/y")
    assert "hf://lab/x" in refused(capsys, "push", "x.safetensors", "lab/x", "--licence", "MIT")


def test_pushing_needs_a_login_and_a_licence(hub, capsys, monkeypatch):
    assert "licence" in refused_by_usage(capsys, "push", "x.safetensors", "lab/x")
    assert hub.repositories == {}
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "log in with `hf auth login`" in refused(capsys, "push", "x.safetensors", "lab/x", "--licence", "MIT")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "none")
    assert "nobody is logged in" in refused(capsys, "push", "x.safetensors", "lab/x", "--licence", "MIT")
    assert hub.repositories == {}


def refused_by_usage(capsys, *typed):
    assert main(list(typed)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["b", "lab/x"], "b is an architecture, whose weights are random: name a run or a .safetensors file"),
        (["hf://lab/x", "lab/x"], "hf://lab/x is on the Hub"),
        (["x.safetensors", "x"], "x: is not OWNER/NAME"),
        (["none.safetensors", "lab/x"], "none.safetensors: can't be read"),
        (["x.safetensors", "lab/x", "--trace", "none.zarr"], "none.zarr"),
        (["hf://lab/x.zarr", "lab/x"], "hf://lab/x.zarr is on the Hub"),
    ],
)
def test_what_cannot_be_pushed_is_refused_before_anything_is_sent(hub, capsys, typed, message):
    assert message in refused(capsys, "push", *typed, "--licence", "MIT")
    assert not any(method != "GET" for method, *_ in hub.asked)


@pytest.mark.parametrize("licence", ["", "  ", "MIT\n\n# Mine"])
def test_a_licence_is_one_line(hub, capsys, licence):
    assert "name it in one line, for example MIT" in refused(
        capsys, "push", "x.safetensors", "lab/x", "--licence", licence
    )
    assert hub.repositories == {}


def test_what_is_to_be_private_is_not_put_where_everybody_sees_it(hub, capsys):
    assert push("x.safetensors", "--private") == 0
    assert hub.private == {"lab/x"}
    assert push("x.safetensors", "--private") == 0
    hub.private.clear()
    assert "is there already and open to all" in refused(
        capsys, "push", "x.safetensors", "lab/x", "--licence", "MIT", "--private"
    )
    assert len(hub.repositories["lab/x"]) == 2


def test_a_branch_is_made_where_there_is_none(hub):
    assert main(["push", "x.safetensors", "lab/x@trial", "--licence", "MIT"]) == 0
    assert hub.branches == {("lab/x", "trial")}
    assert rcnnzoo.load("hf://lab/x@trial").card.architecture == "bl"


@pytest.mark.parametrize(
    "metadata",
    [
        {"metrics": {"accuracy": 0.8, "images": 10}},
        {"metrics": {"accuracy": [1.7, "x"], "images": 10}},
        {"metrics": {"accuracy": [0.5], "images": "abc"}},
        {"metrics": "good"},
        {"training": "by hand"},
        {"source": "elsewhere"},
        {"licence": 3},
    ],
)
def test_metadata_of_another_kind_are_one_line(hub, capsys, metadata):
    rcnnzoo.save(rcnnzoo.build("b", categories=2, image_size=32, width=1 / 16), "odd.safetensors", metadata=metadata)
    assert "metadata" in refused(capsys, "push", "odd.safetensors", "lab/odd", "--licence", "MIT")
    assert hub.repositories == {}


def test_nothing_in_the_metadata_is_taken_for_markup(hub):
    names = ["<b>&lt;", "https://evil.example", "a`b", "~~x~~ @y $z$", "[c](d)"]
    network = rcnnzoo.build("b", categories=[names[3], *names[1:3], names[4], names[0]], image_size=32, width=1 / 16)
    hostile = {"recipe": "<script>alert(1)</script>\n# Title | cell", "url": names[1]}
    rcnnzoo.save(network, "odd.safetensors", metadata={"training": hostile})
    assert main(["push", "odd.safetensors", "lab/odd", "--licence", "MIT"]) == 0
    (commit,) = hub.repositories["lab/odd"].values()
    page = commit["README.md"].decode().partition("# odd")[2]
    assert "<" not in page
    assert "\n# Title" not in page
    assert names[1] not in page
    assert r"\~\~x\~\~ \@y \$z\$" in page


def test_a_network_to_start_from_stays_the_same(hub, capsys):
    assert push() == 0
    first = next(iter(hub.repositories["lab/x"]))
    typed = ["train", "--start-from", "hf://lab/x", "--data", "digits", "--epochs", "1", "--out", "run"]
    assert main(typed) == 0
    assert f'start_from = "hf://lab/x@{first}"' in Path("run/config.toml").read_text()
    assert rcnnzoo.load("run").card.training["started_from"]["file"] == f"hf://lab/x@{first}"


def test_a_licence_that_contradicts_the_weights_is_refused(hub, capsys):
    assert push() == 0
    rcnnzoo.save(rcnnzoo.load("x.safetensors"), "x.safetensors", metadata={"licence": "CC BY-NC 4.0"})
    line = refused(capsys, "push", "x.safetensors", "lab/x", "--licence", "MIT")
    assert "--licence MIT: the weights' own metadata say CC BY-NC 4.0" in line
    assert main(["push", "x.safetensors", "lab/x", "--licence", "cc-by-nc-4.0"]) == 0


def test_a_run_is_pushed_with_the_accuracy_and_curve_of_its_trace(hub, elsewhere, capsys):
    typed = ["bl", "--data", "digits", "--width", "0.0625", "--steps", "2", "--epochs", "1", "--out", "run"]
    assert main(["train", *typed]) == 0
    assert main(["trace", "run"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "run", "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["accuracy"]
    assert push("run") == 0
    (commit,) = hub.repositories["lab/x"].values()
    assert commit["speed-accuracy.png"].startswith(b"\x89PNG")
    page = commit["README.md"].decode()
    assert f"| 2 | {100 * accuracy[1]:.1f} |" in page
    assert "](speed-accuracy.png)" in page
    front = page.split("---")[1]
    assert "type: digits" in front
    assert main(["train", *typed[:-1], "other", "--seed", "1"]) == 0
    assert "was recorded from other weights" in refused(
        capsys, "push", "other", "lab/x", "--licence", "MIT", "--trace", "run/traces/digits-test.zarr"
    )
    assert main(["evaluate", "hf://lab/x", "--data", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == accuracy
    (trace,) = Path("traces").glob("*/digits-test.zarr")
    assert trace.parent.name == f"lab-x@{next(iter(hub.repositories['lab/x']))[:7]}"


def test_addresses_have_one_form():
    assert str(address_of("hf://lab/x@v1")) == "hf://lab/x@v1"
    for text in ("hf://lab", "lab/x/y", "hf://lab/x@a@b", "lab/x y", "hf://", "../x@", "lab/x@../y"):
        with pytest.raises(OptionError, match="is not OWNER/NAME"):
            address_of(text)
    with pytest.raises((OptionError, WeightsError)):
        rcnnzoo.load("hf://lab")
