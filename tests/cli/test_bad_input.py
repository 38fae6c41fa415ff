"""What the program says about bad input."""

import pickle

import pytest

from rcnnzoo.cli import main
from tests.data.lookalikes import make_classes, save_image

pytestmark = pytest.mark.filterwarnings("always::rcnnzoo.data.unreadable.DataWarning")


def spoiled(tmp_path):
    """The files for bad input."""
    make_classes(tmp_path / "one", ("cat",))
    (make_classes(tmp_path / "gap") / "empty").mkdir()
    make_classes(tmp_path / "pets")
    for folder, files in (("dark", 8), ("dim", 3)):
        make_classes(tmp_path / folder, size=(20, 20))
        for file in sorted((tmp_path / folder).rglob("*.jpg"))[:files]:
            file.write_text("no picture")
    make_classes(tmp_path / "mixed" / "train")
    make_classes(tmp_path / "mixed" / "test", ("cat", "fox"))
    (tmp_path / "text.jpg").write_text("once upon a time")
    save_image(tmp_path / "fine.jpg", 1)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text.tex").write_text("mine")
    content = (tmp_path / "run" / "model.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(content[: len(content) // 2])
    (tmp_path / "bad.safetensors").write_bytes(pickle.dumps({"weights": [1, 2, 3]}))


BAD = {
    "train b-l --data digits": "unknown architecture 'b-l': did you mean 'bl'",
    "train bl --data nowhere/pets": "nowhere/pets: no such folder",
    "train bl --data ecoset": "data set 'ecoset': no folder was given: get it from https://",
    "train bl --data one --val-fraction 0.5": "1 category in all: a classifier needs at least 2",
    "train bl --data ./gap --val-fraction 0.5": "gap/empty: a class folder without images",
    "train bl --data ./dark --val-fraction 0.5": "none can be read",
    "train bl --data ./dim --val-fraction 0.5 --image-size 8 --max-bad 1": "allow more with --max-bad",
    "train bl --data ./mixed": "mixed's test split differ from those of its train split",
    "train bl --data digits --image-size 1": "--image-size 1: take a number from 2 to 10,000",
    "train bl --data digits --width 0.001": "--width 0.001 leaves no feature maps",
    "train bl --data digits --steps 0": "--steps 0: take a number from 1",
    "train bl --data digits --batch-size 0": "--batch-size 0: take a number from 1",
    "train bl --data digits --epochs 0": "--epochs 0: take a number from 1",
    "train bl --data digits --lr nan": "--lr nan",
    "train bl --data digits --lr 1e30": "--lr 1e+30: take a number above 0, up to 1000",
    "train bl --data digits --seed -1": "--seed -1: take a number from 0 below 2**32",
    "train bl --data digits --image-size 0": "--image-size 0: take a number from 2",
    "info bl --width 1e9": "--width 1e+09: take at most 1000",
    "train bl --data digits --optimizer sdg": "unknown optimizer 'sdg'",
    "train bl --data digits --schedule cosin": "unknown schedule 'cosin': did you mean 'cosine'",
    "train bl --data digits --recipe modren": "unknown recipe 'modren': did you mean 'modern'",
    "train bl --data digits --precision fp8": "unknown precision 'fp8'",
    "train bl --data digits --out thesis": "thesis: exists and is not a run folder",
    "train b --data digits --resume --out run": "can't be resumed, it was started with architecture 'bl', not 'b'",
    "train bl --config none.toml": "error: none.toml: can't be read",
    "train": "architecture is missing: name one",
    "train bl": "data is missing: give --data",
    "info half.safetensors": "damaged or not a safetensors file",
    "evaluate half.safetensors --data digits": "damaged or not a safetensors file",
    "predict bad.safetensors fine.jpg": "is a pickle, which can hold code and is never opened here",
    "predict run text.jpg --figure": "text.jpg: can't be read as an image (not an image",
    "predict run fine.jpg none.jpg": "none.jpg: can't be read as an image (No such file or directory)",
    "predict run": "Missing argument 'IMAGE...'",
    "predict run fine.jpg --readout cumulativ": "unknown readout 'cumulativ': did you mean 'cumulative'",
    "evaluate run --data ./pets": "categories of pets differ from those of the network: 2 categories",
    "evaluate run --split val": "digits has no split 'val': there are train, test",
    "evaluate run --readout lats": "unknown readout 'lats'",
    "evaluate bl": "bl: it is not known which images it was trained on: give --data",
    "trace run --out thesis": "thesis: is not a trace that rcnnzoo wrote",
    "trace run --precision fp7": "unknown precision 'fp7'",
    "profile run --policy entropie --sweep": "unknown policy 'entropie': did you mean 'entropy'",
    "profile run --sweep --threshold 1": "--sweep and --threshold can't be combined",
    "profile run --against run": "--against needs --sweep",
    "calibrate run --max-loss 1": "--max-loss 1: take a share between 0 and 1, like 0.01",
    "calibrate run --max-loss 0.1 --confidence 95": "--confidence 95: take a share between 0 and 1, like 0.95",
    "calibrate run --max-loss 0.1 --policy entropie": "unknown policy 'entropie': did you mean 'entropy'",
    "calibrate run --max-loss 0.1 --readout cumulativ": "unknown readout 'cumulativ': did you mean 'cumulative'",
    "calibrate run": "Missing option '--max-loss'",
    "calibrate none.zarr --max-loss 0.1 --data digits": "none.zarr",
    "predict run fine.jpg --policy entropy": "--policy entropy needs --threshold: see `rcnnzoo calibrate`",
    "predict run fine.jpg --threshold 3": "--threshold 3 is outside entropy's bounds: take 0 to 2.30258509 (nats)",
    "predict run fine.jpg --policy entropie --threshold 1": "unknown policy 'entropie'",
    "profile run --against run --bootstrap 200": "--against needs --sweep",
    "profile run --bootstrap 200": "--bootstrap needs --sweep",
    "profile run --precision bf16": "--precision needs --measure",
    "profile run --images 9": "--images needs --measure",
    "compare nope run": "unknown architecture 'nope'",
    "profile run --out there": "--out needs --sweep or --measure",
    "profile run --data digits": "--data needs --sweep or --threshold or --budget or --accuracy or --measure",
    "profile run --measure --precision bf15": "unknown precision 'bf15': did you mean 'bf16'",
    "profile run --measure --images 0": "Invalid value for '--images'",
    "profile bl --measure": "bl: it is not known which images it was trained on: give --data",
    "profile run --sweep --bootstrap 5": "Invalid value for '--bootstrap'",
    "profile run --budget 20Q": "'20Q' is not a number of MACs above 0: write it like 20G or 2e10",
    "profile run --budget -1G": "'-1G' is not a number of MACs above 0",
    "profile run --budget infG": "'infG' is not a number of MACs above 0",
    "profile run --budget 1G --accuracy 0.5": "--budget and --accuracy can't be combined: give one of them",
    "profile run --accuracy 60": "Invalid value for '--accuracy'",
    "compare run": "a comparison needs two networks: name another MODEL or TRACE",
    "compare run b --policy entropie": "unknown policy 'entropie'",
    "compare none.zarr run": "none.zarr: no such trace; write one with `rcnnzoo trace`",
    "profile": "runs: holds no finished run; train one, or name",
    "info nets": "unknown architecture 'nets'",
    "info bl --steps 0": "--steps 0 is too few",
    "list archtectures": "unknown kind 'archtectures': did you mean 'architectures'",
    "trian bl": "No such command 'trian'",
}


@pytest.mark.parametrize("typed", BAD)
def test_bad_input_gets_one_line_and_leaves_nothing_behind(typed, run, tmp_path, capsys):
    spoiled(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main(typed.split()) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert BAD[typed] in lines[0]
    assert captured.out == ""
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
