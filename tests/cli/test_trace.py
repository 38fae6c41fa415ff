"""`rcnnzoo trace`, and what other commands say about traces that they can't use."""

import pytest
import torch

import rcnnzoo
from tests.cli.calling import document, printed, refused


def test_trace_says_where_and_of_what(run, capsys):
    found = document(capsys, "trace", run, "--out", "a.zarr", "--features")
    assert (found["trace"], found["images"], found["split"], found["features"]) == ("a.zarr", 450, "test", True)
    assert printed(capsys, "trace", run, "--out", "a.zarr", "--features") == "a.zarr\n"  # again: it exists
    assert printed(capsys, "trace", run).strip() == str(run / "traces" / "digits-test.zarr")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("profile x.zarr --budget 1", "--budget 1: no threshold meets it, the first step alone takes"),
        ("profile x.zarr --accuracy 1", "--accuracy 1: no threshold meets it, the best reaches"),
        ("compare x.zarr x.zarr", "x.zarr is named twice: name each network once"),
        ("compare x.zarr x.zarr --cost 1T", "x.zarr is named twice"),
        ("profile x.zarr --sweep --data digits", "x.zarr is a trace, which has its own images"),
    ],
)
def test_what_a_trace_cannot_answer_gets_one_line(typed, message, run, capsys):
    printed(capsys, "trace", run, "--out", "x.zarr")
    refused(capsys, typed, message)


@pytest.mark.parametrize("command", ["profile x.zarr --sweep", "compare x.zarr run", "profile x.zarr --budget 1G"])
def test_a_trace_cut_in_the_middle_is_damaged(command, run, tmp_path, capsys):
    printed(capsys, "trace", run, "--out", "x.zarr")
    block = tmp_path / "x.zarr" / "logits" / "c" / "0" / "0" / "0"
    block.write_bytes(block.read_bytes()[: block.stat().st_size // 2])
    refused(capsys, command, "x.zarr: logits is damaged")
    block.unlink()
    refused(capsys, command, "x.zarr: blocks of logits are missing")


def test_a_trace_is_stale_when_its_run_was_trained_again(run, capsys):
    trace = printed(capsys, "trace", run).strip()
    network = rcnnzoo.load(run / "model.safetensors")
    torch.nn.init.normal_(next(network.parameters()))
    rcnnzoo.save(network, run / "model.safetensors")
    refused(capsys, f"profile {trace} --sweep", "was recorded from other weights than")
    before = rcnnzoo.open_trace(trace)["logits"].values
    again = document(capsys, "evaluate", run)["trace"]
    assert again != trace
    assert (rcnnzoo.open_trace(again)["logits"].values != before).any()
