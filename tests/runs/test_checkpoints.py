"""Checkpoints: written whole, read as they were, and refused when damaged; nothing in one is ever executed."""

import pickle

import pytest
import torch

from rcnnzoo.errors import TrainingError
from rcnnzoo.runs.checkpoints import previous, read_checkpoint, write_checkpoint

STATE = {"epoch": 3, "weights": {"a": torch.arange(6.0).view(2, 3)}, "rows": [{"loss": 0.5}], "scaler": None}


def test_what_was_written_is_read(tmp_path):
    write_checkpoint(tmp_path / "checkpoint.pt", STATE)
    found = read_checkpoint(tmp_path / "checkpoint.pt")
    assert torch.equal(found["weights"].pop("a"), STATE["weights"]["a"])
    assert found == {**STATE, "weights": {}}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_the_one_before_is_kept_beside(tmp_path):
    for epoch in range(3):
        write_checkpoint(tmp_path / "checkpoint.pt", {"epoch": epoch})
    assert read_checkpoint(tmp_path / "checkpoint.pt") == {"epoch": 2}
    assert read_checkpoint(previous(tmp_path / "checkpoint.pt")) == {"epoch": 1}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_write_that_fails_leaves_the_one_before(tmp_path):
    file = tmp_path / "checkpoint.pt"
    write_checkpoint(file, {"epoch": 1})
    with pytest.raises(AttributeError):
        write_checkpoint(file, {"epoch": lambda: 2})
    assert read_checkpoint(file) == {"epoch": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_changed_tensor_is_noticed(tmp_path):
    file = tmp_path / "checkpoint.pt"
    write_checkpoint(file, STATE)
    whole = file.read_bytes()
    values = STATE["weights"]["a"].numpy().tobytes()
    assert whole.count(values) == 1
    for place in range(len(values)):
        damaged = bytearray(whole)
        damaged[whole.index(values) + place] ^= 1
        file.write_bytes(damaged)
        with pytest.raises(TrainingError, match=r"checkpoint\.pt: damaged"):
            read_checkpoint(file)


@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_noticed(tmp_path, part):
    file = tmp_path / "checkpoint.pt"
    write_checkpoint(file, STATE)
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: damaged"):
        read_checkpoint(file)


class Code:
    def __reduce__(self):
        return pytest.fail, ("code in a checkpoint was executed",)


@pytest.mark.parametrize("write", [torch.save, lambda state, file: file.write_bytes(pickle.dumps(state))])
def test_code_is_refused_and_not_executed(tmp_path, write):
    file = tmp_path / "checkpoint.pt"
    write({"epoch": Code()}, file)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: damaged"):
        read_checkpoint(file)


def test_something_other_than_a_state_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: damaged"):
        read_checkpoint(tmp_path / "checkpoint.pt")
