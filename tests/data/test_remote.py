"""Packed data sets on a web server that fails in every way that one may."""

import http.server
import json
import shutil
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rcnnzoo.cli import main
from rcnnzoo.data import remote
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.packing import Packing, pack
from rcnnzoo.data.splits import fingerprint
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError
from tests.data.lookalikes import make_imagenet

SHARD = "train-000000.tar"


class Server:
    """Serves a folder; `faults` says what becomes of the next requests for a file."""

    def __init__(self, folder):
        self.folder = folder
        self.faults: dict[str, list[object]] = {}
        self.asked: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = Path(self.path).name
                server.asked[name] += 1
                fault = server.faults[name].pop(0) if server.faults.get(name) else None
                file = server.folder / name
                if isinstance(fault, int) or not file.is_file():
                    self.send_response(fault if isinstance(fault, int) else 404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                content, first = file.read_bytes(), 0
                if "Range" in self.headers:
                    first = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
                else:
                    self.send_response(200)
                body = content[first:]
                if fault == "other":
                    body = bytes(len(body))
                if fault == "half":  # it claims that this is all
                    body = body[: len(body) // 2]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if fault == "dies":
                    body = body[: len(body) // 2]
                server.sent[name] += len(body)
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.handler, self.port = Handler, 0
        self.start()

    def start(self):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/photographs"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    pack(open_data(str(make_imagenet(folder / "images"))), folder / "photographs", Packing(40, 90, 0, 10))
    return folder / "photographs"


@pytest.fixture
def server(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "WAITS", (0, 0))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RCNNZOO_DATA", raising=False)
    server = Server(shutil.copytree(packed, tmp_path / "served"))
    yield server
    server.stop()


def check_complete(data, packed):
    """Every image is there, and is that of the packing."""
    here = open_data(str(packed))
    assert data.splits.keys() == here.splits.keys()
    for name, split in here.splits.items():
        assert fingerprint(data.split(name)) == fingerprint(split)
        for position in range(len(split)):
            assert np.array_equal(np.asarray(data.split(name).read(position)), np.asarray(split.read(position)))


def test_what_is_on_a_server_is_fetched_once(server, packed):
    check_complete(open_data(f"{server.url}/"), packed)
    asked = server.asked.copy()
    again = open_data(server.url)
    assert server.asked - asked == Counter({"index.json": 1})
    assert (again.name, again.source) == ("photographs", server.url)


@pytest.mark.parametrize("fault", ["dies", "half", 500, 503, 429, "other"])
@pytest.mark.parametrize("name", [SHARD, "index.json", "train-index.npz"])
def test_a_fault_that_passes_loses_no_image(fault, name, server, packed, capsys):
    if (fault, name) in {("other", "index.json"), ("half", "index.json")}:
        pytest.skip("the index has no hash: what can't be read is refused below")
    server.faults[name] = [fault]
    check_complete(open_data(server.url), packed)
    assert server.asked[name] == 2


def test_a_shard_that_broke_off_is_continued(server, packed, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 512)
    size = (packed / SHARD).stat().st_size
    server.faults[SHARD] = ["dies"] * 3
    check_complete(open_data(server.url), packed)
    # What was received of a chunk when the connection broke is lost, and no more.
    assert size <= server.sent[SHARD] <= size + 3 * 512


def test_a_server_that_goes_down_is_waited_for(server, packed, monkeypatch, capsys):
    server.faults[SHARD] = ["dies"]
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            server.stop()
        if len(waits) == 6:
            server.start()

    monkeypatch.setattr("time.sleep", sleep)
    server.faults[SHARD] = ["dies", 500, 500, 500]
    monkeypatch.setattr(remote, "WAITS", (0,) * 6)
    check_complete(open_data(server.url), packed)
    assert "trying again in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (404, "the server answers 404; check the address"),
        (403, "the server answers 403"),
        (500, "can't be fetched"),
        ("half", "can't be fetched"),
        ("other", "was changed or damaged, by its hash"),
    ],
)
def test_a_fault_that_stays_is_an_error_and_nothing_is_read(fault, message, server, packed, tmp_path):
    server.faults[SHARD] = [fault] * 50
    with pytest.raises(DataError, match=message) as error:
        open_data(server.url)
    assert SHARD in str(error.value)
    (folder,) = (tmp_path / "cache" / "rcnnzoo").iterdir()
    with pytest.raises(DataError):
        open_data(str(folder))  # it is not complete
    server.faults.clear()
    check_complete(open_data(server.url), packed)


def test_without_a_connection_the_copy_is_used_and_said_to_be(server, packed):
    url = server.url
    open_data(url)
    server.http.shutdown()
    server.http.server_close()
    with pytest.warns(DataWarning, match=r"index\.json: can't be fetched .* the copy in .* is used"):
        check_complete(open_data(url), packed)
    server.start()


def test_a_file_that_is_missing_or_cut_short_in_the_copy_is_fetched_again(server, packed, tmp_path):
    open_data(server.url)
    (folder,) = (tmp_path / "cache" / "rcnnzoo").iterdir()
    (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:100])
    (folder / "val-000000.tar").unlink()
    check_complete(open_data(server.url), packed)


def test_another_packing_at_the_address_replaces_the_copy(server, tmp_path):
    open_data(server.url)
    pack(open_data(str(make_imagenet(tmp_path / "images"))), tmp_path / "smaller", Packing(20, 90, 0, 10))
    for file in (tmp_path / "smaller").iterdir():
        shutil.copy(file, server.folder)
    check_complete(open_data(server.url), tmp_path / "smaller")


def test_files_outside_the_folder_are_not_written(server, tmp_path):
    index = json.loads((server.folder / "index.json").read_text())
    index["splits"]["train"]["shards"][0]["file"] = "../../escaped.tar"
    (server.folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"names a file '../../escaped.tar', which is not in its folder"):
        open_data(server.url)
    assert not list(tmp_path.rglob("escaped.tar"))


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b'{"format": 1}', b'{"format": 99, "splits": {}, "categories": ["a"]}']
)
def test_an_address_that_holds_no_packing_is_refused(content, server):
    (server.folder / "index.json").write_bytes(content)
    with pytest.raises(DataError, match=r"index\.json: "):
        open_data(server.url)


def test_no_room_is_said_before_anything_is_fetched(server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(DataError, match="GB are free: make room, or give another folder"):
        open_data(server.url)
    assert not server.asked[SHARD]


def test_training_on_shards_of_a_server_is_training_on_the_folder(server, packed, tmp_path):
    tiny = ["--width", "0.0625", "--image-size", "32", "--epochs", "1", "--batch-size", "4", "--workers", "0"]
    for run, where in (("a", [server.url, "--data-dir", str(tmp_path / "copies")]), ("b", [str(packed)])):
        assert main(["train", "b", *tiny, "--out", str(tmp_path / run), "--data", *where]) == 0
    one, two = (losses(tmp_path / run / "metrics.csv") for run in "ab")
    assert one == two
    assert server.url in (tmp_path / "a" / "config.toml").read_text()
    assert [folder.name.startswith("photographs-") for folder in (tmp_path / "copies").iterdir()] == [True]


def losses(file):
    """The losses of each epoch."""
    header, *rows = (line.split(",") for line in file.read_text().splitlines())
    return [[cell for name, cell in zip(header, row, strict=True) if "loss" in name] for row in rows]
