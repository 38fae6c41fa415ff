"""Traces: the network's logits are recorded exactly, and a trace that was stopped resumes."""

import copy
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
import xarray as xr
import zarr
import zarr.codecs
import zarr.errors

import rcnnzoo
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.data import folders
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.devices import computing
from rcnnzoo.errors import DataError, NetworkError, RcnnzooWarning, TraceError
from rcnnzoo.locks import locked
from rcnnzoo.profiling.operations import macs_per_step
from rcnnzoo.recording import recorder, storage
from rcnnzoo.recording.recorder import Recording, record
from tests.data.lookalikes import make_classes


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks even in a small trace: 450 digits are five of 100 images."""
    monkeypatch.setattr(storage, "BLOCK_BYTES", 100 * 4 * 3 * 10)


@pytest.fixture(scope="module")
def network():
    return rcnnzoo.build("bl", categories=list("0123456789"), image_size=8, width=1 / 16, steps=3).eval()


@pytest.fixture(scope="module")
def digits():
    return open_data("digits")


def what_the_network_says(network, split):
    """Its logits, image by image, without any of the code under test."""
    pixels = np.stack([np.asarray(split.read(i)) for i in range(len(split))])
    with torch.no_grad():
        return network(to_input(torch.from_numpy(pixels).permute(0, 3, 1, 2)))


class Listening:
    """A function that keeps what it returned."""

    def __init__(self, function):
        self.function, self.passed = function, []

    def __call__(self, *arguments):
        self.passed.append(self.function(*arguments))
        return self.passed[-1]


def test_a_trace_holds_what_the_network_says(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a.zarr", Recording(batch_size=64))
    trace = rcnnzoo.open_trace(tmp_path / "a.zarr")
    split = digits.splits["test"]
    assert dict(trace.sizes) == {"image": 450, "step": 3, "category": 10}
    assert trace["label"].values.tolist() == split.labels.tolist()
    assert trace["file"].values.tolist() == list(split.files)
    assert trace["category"].values.tolist() == list("0123456789")
    assert trace["macs"].values.tolist() == macs_per_step(network)
    expected = what_the_network_says(network, split).numpy()
    np.testing.assert_allclose(trace["logits"].values, expected, rtol=1e-4, atol=1e-5)
    assert len(trace.attrs["weights_sha256"]) == 64
    assert trace.attrs["architecture"] == "bl"


def test_logits_are_kept_to_the_last_bit(network, digits, tmp_path, monkeypatch):
    """So all readouts, scores and decisions are the network's own; bf16 is exact in float32 too."""
    for precision in ("fp32", "bf16"):
        monkeypatch.setattr(recorder, "_steps", seen := Listening(recorder._steps))
        record(network, digits, "test", tmp_path / precision, Recording(precision=precision))
        monkeypatch.undo()
        kept = torch.from_numpy(rcnnzoo.open_trace(tmp_path / precision)["logits"].values.copy())
        passed = seen.passed[1:]  # the first pass is of a grey image
        said = torch.cat([torch.stack([logits for logits, _ in steps], dim=1) for steps in passed])
        assert said.dtype == (torch.float32 if precision == "fp32" else torch.bfloat16)
        assert torch.equal(kept, said.float())
        readout = rcnnzoo.readout("cumulative")
        assert torch.equal(readout(kept), readout(said))


def overflowing(network):
    """A network with finite weights and infinite logits."""
    changed = rcnnzoo.build("bl", categories=list("0123456789"), image_size=8, width=1 / 16, steps=3).eval()
    with torch.no_grad():
        changed.classifier[0].weight.fill_(3e38)
        changed.classifier[0].bias.fill_(3e38)
    return changed


def test_a_network_that_overflows_has_no_trace(network, digits, tmp_path):
    path = tmp_path / "a.zarr"
    with pytest.raises(NetworkError, match=r"0.*, step 1, fp32: the network's output is not finite"):
        record(overflowing(network), digits, "test", path, Recording())
    assert list(tmp_path.iterdir()) == []


def rewrite(path, name, **options):
    """Put an array in place of a trace's, of the same values, stored in another way."""
    group = zarr.open_group(path, mode="r+")
    values, dimensions = group[name][:], group[name].metadata.dimension_names
    del group[name]
    group.create_array(name, **{"data": values, "dimension_names": dimensions, **options})
    zarr.consolidate_metadata(path)


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("logits", {"compressors": [zarr.codecs.BloscCodec()]}, "logits is stored by BytesCodec, BloscCodec"),
        ("label", {"compressors": None}, "label is stored by BytesCodec, not as rcnnzoo stores it"),
        ("macs", {"data": np.array([1.0, 2.0, 3.0]), "compressors": storage.CHECKSUM}, r"macs is float64 \[step\]"),
        ("label", {"dimension_names": ("step",), "compressors": storage.CHECKSUM}, r"label is int64 \[step\]"),
    ],
)
def test_a_trace_that_is_stored_in_another_way_is_refused(network, digits, tmp_path, name, options, message):
    record(network, digits, "test", tmp_path / "a.zarr", Recording())
    rewrite(tmp_path / "a.zarr", name, **options)
    with pytest.raises(TraceError, match=message):
        rcnnzoo.open_trace(tmp_path / "a.zarr")


def test_zarrs_second_format_is_refused(network, digits, tmp_path):
    """Its codecs are numcodecs', one of which is pickle."""
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"format": 1})
    with pytest.raises(TraceError, match="is not a trace that rcnnzoo wrote"):
        rcnnzoo.open_trace(tmp_path / "a.zarr")


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
def test_values_that_are_not_finite_are_refused_in_a_trace(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a.zarr", Recording())
    zarr.open_group(tmp_path / "a.zarr", mode="r+")["logits"][7, 1, 2] = np.nan
    with pytest.raises(TraceError, match="logits holds values that are not finite"):
        rcnnzoo.open_trace(tmp_path / "a.zarr")


def test_xarray_opens_it_by_itself(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a.zarr", Recording())
    opened = xr.open_zarr(tmp_path / "a.zarr", chunks=None)
    assert opened["logits"].dims == ("image", "step", "category")
    assert opened["step"].values.tolist() == [1, 2, 3]


def test_features_are_what_each_steps_classifier_saw(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a.zarr", Recording(features=True))
    trace = rcnnzoo.open_trace(tmp_path / "a.zarr")
    weight, bias = network.classifier[0].weight.detach().numpy(), network.classifier[0].bias.detach().numpy()
    for step in (1, 2, 3):
        features = trace[f"features_{step}"]
        assert features.dims == ("image", f"feature_{step}")
        logits = features.values @ weight.T + bias
        np.testing.assert_allclose(trace["logits"].sel(step=step).values, logits, rtol=1e-3, atol=1e-4)


def test_a_trace_that_was_stopped_resumes(network, digits, tmp_path, monkeypatch):
    record(network, digits, "test", tmp_path / "whole", Recording())
    write, count = recorder.Block.write, 0

    def interrupted(self):
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        write(self)

    monkeypatch.setattr(recorder.Block, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record(network, digits, "test", tmp_path / "left", Recording())
    with pytest.raises(TraceError, match="250 of 450 images are missing; run the same `rcnnzoo trace` again"):
        rcnnzoo.open_trace(tmp_path / "left")
    monkeypatch.setattr(recorder.Block, "write", write)
    monkeypatch.setattr(recorder, "_steps", seen := Listening(recorder._steps))
    record(network, digits, "test", tmp_path / "left", Recording())
    # What was finished is not done again; the first pass is of a grey image.
    assert sum(len(logits[0][0]) for logits in seen.passed[1:]) == 250
    xr.testing.assert_identical(
        rcnnzoo.open_trace(tmp_path / "left").load(), rcnnzoo.open_trace(tmp_path / "whole").load()
    )


def test_a_trace_says_what_computed_it(network, digits, tmp_path, monkeypatch):
    """Logits of another device, number of threads or algorithm differ in their last digits."""
    network = copy.deepcopy(network)
    set_algorithm(network, "transformed")
    with computing("cpu", threads=1):
        whole = record(network, digits, "test", tmp_path / "whole", Recording())
    # Kernels of size 1 are never transformed.
    transformed = f"cpu with 1 thread, direct and transformed convolutions, torch {torch.__version__}"
    assert whole.attrs["computed_on"] == [transformed]

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, computing("cpu", threads=1), pytest.raises(KeyboardInterrupt):
        patch.setattr(recorder.Block, "write", interrupted)
        record(network, digits, "test", tmp_path / "left", Recording())
    set_algorithm(network, "direct")
    direct = transformed.replace("direct and transformed", "direct")
    said = f"was started on {transformed}, completed on {direct}: logits differ in their last digits"
    with computing("cpu", threads=1), pytest.warns(RcnnzooWarning, match=re.escape(said)):
        left = record(network, digits, "test", tmp_path / "left", Recording())
    assert left.attrs["computed_on"] == [transformed, direct]
    assert rcnnzoo.open_trace(tmp_path / "left").attrs["computed_on"] == [transformed, direct]


def test_a_trace_that_was_killed_resumes(network, digits, tmp_path):
    """A kill -9 at any moment; the batch is small so that the moment is in the middle."""
    weights, folder = tmp_path / "model.safetensors", tmp_path / "a.zarr"
    rcnnzoo.save(network, weights)
    command = [sys.executable, "-c", "from rcnnzoo.recording import storage; storage.BLOCK_BYTES = 1200; "
               "from rcnnzoo.cli import main; import sys; sys.exit(main())",
               "trace", str(weights), "--data", "digits", "--batch-size", "1", "--out", str(folder)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not storage.is_trace(folder) or not storage.array(storage.open_group(folder, "r"), "written")[:].any():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = int(storage.array(storage.open_group(folder, "r"), "written")[:].sum())
    assert 0 < before < 450
    record(network, digits, "test", folder, Recording())
    expected = what_the_network_says(network, digits.splits["test"]).numpy()
    np.testing.assert_allclose(rcnnzoo.open_trace(folder)["logits"].values, expected, rtol=1e-4, atol=1e-5)


def test_a_trace_of_something_else_is_not_continued(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a", Recording())
    other = rcnnzoo.build("bl", categories=list("0123456789"), image_size=8, width=1 / 16, steps=3, seed=1)
    with pytest.raises(TraceError, match="holds a trace that differs in weights: remove it"):
        record(other, digits, "test", tmp_path / "a", Recording())
    with pytest.raises(TraceError, match="differs in split, images, precision"):
        record(network, digits, "train", tmp_path / "a", Recording(precision="bf16"))


def test_a_folder_of_something_else_is_left_alone(network, digits, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TraceError, match="is not a trace that rcnnzoo wrote"):
        record(network, digits, "test", tmp_path, Recording())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_categories_must_be_the_networks(digits, tmp_path):
    other = rcnnzoo.build("b", categories=[*"012345678", "ten"], image_size=8, width=1 / 16)
    with pytest.raises(DataError, match="digits's test split differ from those of the network: 9 is '9', not 'ten'"):
        record(other, digits, "test", tmp_path / "a", Recording())
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("size", [(20, 20), (90, 70)])
def test_images_that_can_not_be_read_are_left_out(tmp_path, size):
    """Small images are held in memory, large ones streamed: the trace is the same."""
    data = open_data(str(make_classes(tmp_path / "pets", size=size)))
    (tmp_path / "pets" / "cat" / "2.jpg").write_bytes(b"no picture")
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16)
    with pytest.warns(DataWarning, match="pets/cat/2.jpg: unreadable, skipped"):
        record(network, data, "all", tmp_path / "a", Recording(batch_size=3, workers=0))
    trace = rcnnzoo.open_trace(tmp_path / "a")
    assert trace["file"].values.tolist() == [*(f"cat/{n}.jpg" for n in (0, 1, 3)), *(f"dog/{n}.jpg" for n in range(4))]
    assert trace["label"].values.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert np.isfinite(trace["logits"].values).all()
    assert (trace["logits"].values != 0).all()


@pytest.mark.parametrize("size", [(20, 20), (90, 70)])
def test_a_block_without_a_readable_image_is_a_block(tmp_path, monkeypatch, size):
    monkeypatch.setattr(storage, "BLOCK_ROWS", 2)
    data = open_data(str(make_classes(tmp_path / "pets", size=size)))
    for name in ("2.jpg", "3.jpg"):
        (tmp_path / "pets" / "cat" / name).write_bytes(b"no picture")
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16)
    with pytest.warns(DataWarning):
        record(network, data, "all", tmp_path / "a", Recording(workers=0))
    assert rcnnzoo.open_trace(tmp_path / "a")["label"].values.tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.filterwarnings("ignore::rcnnzoo.data.unreadable.DataWarning")
def test_an_image_that_can_be_read_again_is_in_its_own_row(tmp_path, monkeypatch):
    """A disk may fail for a moment; images recorded after that must keep their rows."""
    monkeypatch.setattr(storage, "BLOCK_ROWS", 3)
    data = open_data(str(make_classes(tmp_path / "pets", size=(20, 20))))
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16)
    record(network, data, "all", tmp_path / "whole", Recording())
    write, calls = recorder.Block.write, []

    def once(self):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(self)

    monkeypatch.setattr(recorder.Block, "write", once)
    read_image = folders.read_image
    fails = tmp_path / "pets" / "cat" / "1.jpg"
    monkeypatch.setattr(
        folders, "read_image", lambda path: read_image(path.with_name("none") if path == fails else path)
    )
    with pytest.raises(KeyboardInterrupt):
        record(network, data, "all", tmp_path / "left", Recording())
    monkeypatch.setattr(folders, "read_image", read_image)
    record(network, data, "all", tmp_path / "left", Recording())
    found, expected = rcnnzoo.open_trace(tmp_path / "left"), rcnnzoo.open_trace(tmp_path / "whole")
    expected = expected.isel(image=[0, *range(2, 8)])
    assert found["file"].values.tolist() == expected["file"].values.tolist()
    np.testing.assert_allclose(found["logits"].values, expected["logits"].values, rtol=1e-5, atol=1e-6)


def test_blocks_count_features_and_are_not_too_long(tmp_path, monkeypatch):
    monkeypatch.undo()

    def block(categories, features):
        path = tmp_path / f"{categories}-{len(features)}"
        names = [str(i) for i in range(categories)]
        attributes = dict.fromkeys(storage.ATTRIBUTES, "")
        known = {"label": np.zeros(5000), "file": np.array(["a"] * 5000), "macs": np.ones(8)}
        storage.create(path, storage.IMAGE, 8, names, known, features, attributes)
        return storage.blocks(storage.open_group(path, "r"))[0][1]

    assert block(10, []) == 1000
    assert block(1000, []) == 1000
    assert block(10, [20_480] * 8) == 2**25 // (4 * (80 + 8 * 20_480))


@pytest.fixture
def finished(network, digits, tmp_path):
    record(network, digits, "test", tmp_path / "a.zarr", Recording())
    return tmp_path / "a.zarr"


def flip_a_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda trace: shutil.rmtree(trace), "no such trace; write one with `rcnnzoo trace`"),
        (lambda trace: (trace / "zarr.json").write_text("{"), "is not a trace that rcnnzoo wrote, or is damaged"),
        (lambda trace: shutil.rmtree(trace / "label"), "blocks of label are missing"),
        (lambda trace: flip_a_byte(trace / "label/c/0"), "label is damaged"),
        (lambda trace: flip_a_byte(trace / "written/c/0"), "written is damaged"),
        (lambda trace: (trace / "logits/c/1/0/0").unlink(), "blocks of logits are missing"),
        (lambda trace: flip_a_byte(trace / "logits/c/1/0/0"), "logits is damaged"),
        (lambda trace: (trace / "logits/c/2/0/0").write_bytes(b"short"), "logits is damaged"),
    ],
)
def test_damage_is_found_on_opening(finished, spoil, message):
    spoil(finished)
    with pytest.raises(TraceError, match=message):
        rcnnzoo.open_trace(finished)


def test_recording_again_finds_damage_too(finished, network, digits):
    flip_a_byte(finished / "logits/c/1/0/0")
    with pytest.raises(TraceError, match=r"logits is damaged .*; remove that folder, and run the same `rcnnzoo trace`"):
        record(network, digits, "test", finished, Recording())


def test_a_trace_of_a_later_format_is_refused(finished):
    storage.open_group(finished, "r+").attrs["format"] = 99
    with pytest.raises(TraceError, match="a trace of format 99, but this rcnnzoo reads 1"):
        rcnnzoo.open_trace(finished)


def test_two_networks_recorded_at_once_in_one_place_never_mix(network, digits, tmp_path, monkeypatch):
    """The second begins while the first has recorded one block of five; it waits, and is then refused."""
    other = rcnnzoo.build("bl", categories=list("0123456789"), image_size=8, width=1 / 16, steps=3, seed=1).eval()
    path, faults = tmp_path / "a.zarr", []

    def record_the_other():
        try:
            record(other, digits, "test", path, Recording())
        except (TraceError, RcnnzooWarning) as error:
            faults.append(error)

    second, write = threading.Thread(target=record_the_other), storage.write

    def write_and_start(*arguments):
        write(*arguments)
        if not second.ident:
            second.start()
            second.join(timeout=5)  # it can't end before the first does, unless it is wrong

    monkeypatch.setattr(storage, "write", write_and_start)
    trace = record(network, digits, "test", path, Recording())
    second.join()
    np.testing.assert_allclose(
        trace["logits"], what_the_network_says(network, digits.split("test")), rtol=1e-4, atol=1e-5
    )
    assert len(faults) == 1


def test_who_has_to_wait_is_told_so(network, digits, tmp_path):
    path, held, waiting = tmp_path / "a.zarr", threading.Event(), threading.Event()

    def hold():
        with locked(tmp_path / ".a.zarr.lock", path, wait=False):
            held.set()
            waiting.wait(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with pytest.warns(RcnnzooWarning, match=r"a\.zarr: waiting for another process that is writing there"):
        record(network, digits, "test", path, Recording())
    holder.join()


def test_a_trace_is_not_written_through_links(network, digits, tmp_path, monkeypatch):
    path, elsewhere = tmp_path / "a.zarr", tmp_path / "elsewhere"
    write = storage.write
    monkeypatch.setattr(storage, "write", Failing(write))
    with pytest.raises(RuntimeError, match="killed"):
        record(network, digits, "test", path, Recording())
    monkeypatch.setattr(storage, "write", write)
    (path / "logits").rename(elsewhere)
    (path / "logits").symlink_to(elsewhere)
    with pytest.raises(TraceError, match="holds links"):
        record(network, digits, "test", path, Recording())


class Failing:
    """A function that fails when it is called the fifth time."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls == 5:
            raise RuntimeError("killed")
        return self.function(*arguments)
