"""Sequences of images from the CSV file to the table and the figure."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.data.opening import open_data
from rcnnzoo.recording import storage, trials
from tests.cli.calling import document, printed, refused


@pytest.fixture
def trial_list(tmp_path):
    """Seven trials of digits with one to four images each, blank and noise among them."""
    split = open_data("digits").split("test")
    names = []
    for number in range(12):
        label = split.categories[split.labels[number]]
        name = f"{label}/{number}.png"
        (tmp_path / "images" / label).mkdir(parents=True, exist_ok=True)
        split.read(number).save(tmp_path / "images" / name)
        names.append(name)
    rows = ["trial,position,image,steps,target"]
    for trial in range(7):
        for position in range(1 + trial % 4):
            image = ("blank", "noise", *names)[(5 * trial + 3 * position) % 14]
            rows.append(f"t{trial},{position + 1},{image},{1 + (trial + position) % 3},{int(position == 1)}")
    (tmp_path / "trials.csv").write_text("\n".join(rows) + "\n")
    return pd.DataFrame([row.split(",") for row in rows[1:]], columns=rows[0].split(","))


TRACE = ["--sequences", "trials.csv", "--images", "images"]


def test_a_trace_of_sequences_is_what_the_network_says_to_its_frames(run, trial_list, capsys):
    found = document(capsys, "trace", run, *TRACE, "--batch-size", 2, "--seed", 3, "--features")
    assert (found["trials"], found["trained_steps"], found["stimulus_seed"]) == (7, 2, 3)
    trace, net = rcnnzoo.open_trace(found["trace"]), rcnnzoo.load(run)
    assert trace["logits"].dims == ("trial", "step", "category")
    for number, (name, rows) in enumerate(trial_list.groupby("trial")):
        row = trace.isel(trial=number)
        assert row["trial"] == name
        steps = rows["steps"].astype(int)
        length = steps.sum()
        assert row["shown"].values.tolist() == [*rows["image"].repeat(steps), *[""] * (trace.sizes["step"] - length)]
        assert row["position"].values[:length].tolist() == rows["position"].astype(int).repeat(steps).tolist()
        assert row["target"].values[:length].tolist() == rows["target"].astype(int).repeat(steps).tolist()
        truth = [int(image[0]) if "/" in image else -1 for image in rows["image"].repeat(steps)]
        assert row["label"].values[:length].tolist() == truth
        assert np.isnan(row["logits"].values[length:]).all()
        assert (row["macs"].values[length:] == 0).all()
        if "noise" in rows["image"].values:
            continue
        frames = [
            torch.zeros(3, 8, 8)
            if image == "blank"
            else torch.from_numpy(np.array(Image.open(f"images/{image}").convert("RGB"))).permute(2, 0, 1) / 127.5 - 1
            for image in rows["image"].repeat(steps)
        ]
        alone = rcnnzoo.run(net, torch.stack(frames)[None])[0]
        np.testing.assert_allclose(row["logits"].values[:length], alone, rtol=1e-4, atol=1e-5)


def test_noise_depends_on_the_seed_the_trial_and_the_position_alone(run, trial_list, capsys):
    some, all_at_once, other = (
        rcnnzoo.open_trace(document(capsys, "trace", run, *TRACE, "--out", f"{name}.zarr", *more)["trace"])
        for name, more in (("a", ["--batch-size", 2]), ("b", []), ("c", ["--seed", 1]))
    )
    np.testing.assert_allclose(some["logits"], all_at_once["logits"], rtol=1e-4, atol=1e-5)
    noisy = (some["shown"] == "noise").any("step").values
    assert 0 < noisy.sum() < 7
    differs = (np.nan_to_num(some["logits"]) != np.nan_to_num(other["logits"])).any(axis=(1, 2))
    assert np.array_equal(differs & noisy, noisy)


def test_evaluate_says_how_often_each_image_wins(run, trial_list, capsys, tmp_path):
    trace = document(capsys, "trace", run, *TRACE)["trace"]
    found = document(capsys, "evaluate", trace, "--out", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "positions.csv")
    pd.testing.assert_frame_equal(table, pd.DataFrame(found["positions"]))
    assert found["readout"] == "instantaneous"
    opened = rcnnzoo.open_trace(trace)
    label, winner = opened["label"].values, np.nan_to_num(opened["logits"].values).argmax(-1)
    first = table[(table["position"] == 1) & (table["step_since_onset"] == 1)].iloc[0]
    known = label[:, 0] >= 0
    assert (first["trials"], first["wins"]) == (known.sum(), (winner[:, 0] == label[:, 0])[known].sum())
    assert (tmp_path / "out" / "positions.png").stat().st_size > 5000
    assert (tmp_path / "out" / "positions.svg").is_file()
    assert "7 trials" in printed(capsys, "evaluate", trace)
    document(capsys, "evaluate", trace, "--readout", "cumulative", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "positions-cumulative.csv").is_file()


def test_a_trace_that_was_stopped_resumes(run, trial_list, capsys, monkeypatch):
    whole = rcnnzoo.open_trace(document(capsys, "trace", run, *TRACE, "--out", "whole.zarr")["trace"])
    monkeypatch.setattr(storage, "BLOCK_ROWS", 2)
    write = trials.Block.write
    written: list[int] = []

    def interrupted(block):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(block.start)
        write(block)

    monkeypatch.setattr(trials.Block, "write", interrupted)
    assert main(["trace", str(run), *TRACE, "--out", "part.zarr"]) == 130
    monkeypatch.setattr(trials.Block, "write", write)
    assert main(["evaluate", "part.zarr"]) == 2
    assert "3 of 7 trials are missing" in capsys.readouterr().err
    again = rcnnzoo.open_trace(document(capsys, "trace", run, *TRACE, "--out", "part.zarr")["trace"])
    np.testing.assert_allclose(again["logits"], whole["logits"], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(again["shown"], whole["shown"])


def test_conditions_of_sequences_are_part_of_their_name(run, trial_list, capsys):
    plain = document(capsys, "trace", run, *TRACE)
    cut = document(capsys, "trace", run, *TRACE, "--lesion", "layers.*.lateral", "--norm-step", 1)
    assert plain["trace"] != cut["trace"]
    assert document(capsys, "trace", run, *TRACE)["trace"] == plain["trace"]
    assert "without layers.*.lateral" in printed(capsys, "evaluate", cut["trace"])


def test_an_untrained_network_is_built_for_them(trial_list, capsys):
    found = document(capsys, "trace", "bl", *TRACE, "--width", 0.0625, "--image-size", 8)
    trace = rcnnzoo.open_trace(found["trace"])
    assert trace["category"].values.tolist() == sorted({name[0] for name in trial_list["image"] if "/" in name})


def test_damage_is_noticed(run, trial_list, capsys):
    trace = document(capsys, "trace", run, *TRACE)["trace"]
    shutil.copytree(trace, "copy.zarr")
    (block,) = (file for file in Path("copy.zarr/position/c").rglob("*") if file.is_file())
    content = bytearray(block.read_bytes())
    content[3] ^= 1
    block.write_bytes(content)
    assert main(["evaluate", "copy.zarr"]) == 2
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("trace run --sequences trials.csv", "--sequences needs --images, the folder of the images"),
        ("trace run --images images", "--images needs --sequences"),
        ("trace run --sequences trials.csv --images images --data digits", "--data can't be combined with --sequences"),
        ("trace run --sequences trials.csv --images images --stimulus image:2", "--stimulus can't be combined with"),
        ("trace run --sequences trials.csv --images images --steps 3", "--steps can't be combined with --sequences"),
        ("trace run --sequences none.csv --images images", "none.csv: can't be read"),
        ("trace run --sequences trials.csv --images nowhere", "nowhere: there is no such folder"),
        ("trace b --sequences trials.csv --images images", "b has exactly one time step"),
        (
            "trace run --sequences text.csv --images images",
            "text.png: unreadable (",
        ),
    ],
)
def test_what_cannot_be_traced_is_said_in_one_line(run, trial_list, capsys, typed, words):
    Path("text.csv").write_text("trial,position,image,steps\na,1,0/text.png,2\na,2,0/good.png,2\n")
    Path("images/0").mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save("images/0/good.png")
    Path("images/0/text.png").write_text("no picture")
    refused(capsys, typed, words)


def test_other_commands_refuse_a_trace_of_sequences(run, trial_list, capsys):
    trace = document(capsys, "trace", run, *TRACE)["trace"]
    for typed in (f"profile {trace} --sweep", f"calibrate {trace} --max-loss 0.1", f"compare {trace} {trace}"):
        refused(capsys, typed, "is a trace of sequences, which only `rcnnzoo evaluate` reads")
    refused(capsys, f"evaluate {trace} --from onset", "--from: steps of sequences are counted from each image's onset")


def test_the_same_image_again_costs_nothing_more(run, trial_list, capsys):
    image = next(name for name in trial_list["image"] if "/" in name)
    Path("again.csv").write_text(f"trial,position,image,steps\na,1,{image},2\na,2,{image},2\nb,1,{image},4\n")
    trace = document(capsys, "trace", run, "--sequences", "again.csv", "--images", "images")["trace"]
    again, once = rcnnzoo.open_trace(trace)["macs"].values
    assert again.tolist() == once.tolist()


def test_of_unequal_durations_the_end_is_where_all_still_show_the_image(run, trial_list, capsys):
    image = next(name for name in trial_list["image"] if "/" in name)
    Path("uneven.csv").write_text(f"trial,position,image,steps\na,1,{image},1\na,2,blank,3\nb,1,{image},4\n")
    trace = document(capsys, "trace", run, "--sequences", "uneven.csv", "--images", "images")["trace"]
    (row,) = [line.split() for line in printed(capsys, "evaluate", trace).splitlines() if line.strip()[:2] == "1 "]
    assert row[:3] == ["1", "2", "1"]  # position, trials, steps shown in both


def test_images_none_of_which_can_be_read_leave_no_trace_behind(run, capsys, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_text("no picture")
    (tmp_path / "trials.csv").write_text("trial,position,image,steps,category\na,1,a.png,2,3\n")
    words = "images/a.png: can't be read as an image (not an image, or in a format that can't be read)"
    refused(capsys, "trace run --sequences trials.csv --images images --out new.zarr", words)
    assert not (tmp_path / "new.zarr").exists()
