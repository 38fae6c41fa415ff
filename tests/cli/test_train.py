"""`rcnnzoo train`."""

from pathlib import Path

import pandas as pd
import pytest

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.training import loop
from tests.cli.calling import TINY, document, printed, rcnnzoo_file, refused
from tests.data.lookalikes import make_classes, make_ecoset, make_imagenet, make_kaggle_imagenet

pytestmark = pytest.mark.filterwarnings("always::rcnnzoo.data.unreadable.DataWarning")


def test_train_says_what_it_came_to(capsys):
    summary = document(capsys, "train", "b", "--data", "digits", *TINY)
    assert summary["run"] == "runs/b-digits-seed0"
    assert summary["metrics"]["images"] == 450
    assert 0 <= summary["metrics"]["accuracy"][0] <= 1


def test_a_runs_config_repeats_it(trained, capsys):
    printed(capsys, "train", "--config", trained / "config.toml", "--out", "again")
    assert rcnnzoo_file("again") == rcnnzoo_file(trained)


def test_resuming_a_finished_run_says_so_and_is_not_an_error(run, capsys):
    before = rcnnzoo_file(run)
    assert main(["train", "--config", str(run / "config.toml"), "--out", str(run), "--resume"]) == 0
    assert "already finished" in capsys.readouterr().err
    assert rcnnzoo_file(run) == before


@pytest.mark.parametrize("make", [make_imagenet, make_kaggle_imagenet])
def test_imagenet_runs_to_the_end(make, tmp_path, capsys):
    """On a tiny look-alike with greyscale and CMYK JPEGs and a PNG named .JPEG, at the usual 128 pixels."""
    make(tmp_path / "imagenet")
    options = ["--width", "0.0625", "--steps", "2", "--epochs", "2", "--batch-size", "4", "--workers", "1"]
    summary = document(capsys, "train", "bl", "--data", "imagenet", "--data-dir", tmp_path, *options)
    assert rcnnzoo.load("runs/bl-imagenet-seed0/model.safetensors").card.options["image_size"] == 128
    assert summary["metrics"]["split"] == "val"
    assert summary["metrics"]["images"] == 9


def test_ecoset_runs_to_the_end(tmp_path, capsys, monkeypatch):
    make_ecoset(tmp_path / "data" / "ecoset")
    monkeypatch.setenv("RCNNZOO_DATA", str(tmp_path / "data"))
    options = ["--width", "0.0625", "--steps", "2", "--epochs", "2", "--batch-size", "4", "--workers", "1"]
    assert main(["train", "bl", "--data", "ecoset", *options]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: ")
    assert "4 of ecoset's 565 categories" in captured.err
    card = rcnnzoo.load("runs/bl-ecoset-seed0/model.safetensors").card
    assert card.categories == ["0001_man", "0002_house", "0005_car", "0017_fish"]
    assert pd.read_csv("runs/bl-ecoset-seed0/metrics.csv")["val_accuracy_2"].notna().all()
    assert card.metrics["split"] == "test"


def test_large_images_found_unreadable_while_training_leave_a_run_to_resume(tmp_path, capsys):
    """They are found one by one; allowing more of them and --resume must be enough."""
    make_classes(tmp_path / "pets")
    for file in sorted((tmp_path / "pets").rglob("*.jpg"))[:3]:
        file.write_text("no picture")
    typed = ["train", "b", "--data", "./pets", "--val-fraction", "0.5", "--batch-size", "2", "--workers", "0", *TINY]
    assert main([*typed, "--max-bad", "1"]) == 2
    assert "allow more with --max-bad" in capsys.readouterr().err
    assert not (tmp_path / "runs/b-pets-seed0/model.safetensors").exists()
    assert main([*typed, "--max-bad", "3", "--resume"]) == 0


def test_a_loss_that_is_not_a_number(tmp_path, capsys, monkeypatch):
    losses = loop.losses_by_step
    monkeypatch.setattr(loop, "losses_by_step", lambda *arguments: losses(*arguments) * float("nan"))
    assert main(["train", "b", "--data", "digits", *TINY]) == 2
    assert "the loss is nan at batch 1 of epoch 1" in capsys.readouterr().err
    assert not (tmp_path / "runs/b-digits-seed0/model.safetensors").exists()


def test_a_config_says_where_the_images_lie(tmp_path, capsys, monkeypatch):
    """From another folder, or without the variable, the run finds them again."""
    make_imagenet(tmp_path / "data" / "imagenet")
    monkeypatch.setenv("RCNNZOO_DATA", "data")
    assert main(["train", "b", "--data", "imagenet", *TINY, "--out", "run"]) == 0
    monkeypatch.delenv("RCNNZOO_DATA")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert document(capsys, "evaluate", tmp_path / "run")["images"] == 9


def test_several_seeds_are_the_networks_that_each_seed_gives(capsys):
    found = document(capsys, "train", "b", "--data", "digits", *TINY, "--seeds", "1-2", "--out", "several")
    for seed in (1, 2):
        printed(capsys, "train", "b", "--data", "digits", *TINY, "--seed", seed, "--out", f"alone{seed}")
        assert rcnnzoo_file(Path("several", f"seed{seed}")) == rcnnzoo_file(Path(f"alone{seed}"))
    one, two = (found["members"][seed]["metrics"]["accuracy"][-1] for seed in ("1", "2"))
    over = found["accuracy"][-1]
    assert over["mean"] == pytest.approx((one + two) / 2)
    # Of two values the standard error is half of their difference; t of one degree of freedom is 12.706.
    assert over["high"] - over["mean"] == pytest.approx(12.706 * abs(one - two) / 2, rel=1e-3)


def test_more_seeds_are_added_and_finished_ones_kept(capsys, monkeypatch):
    command = ["train", "b", "--data", "digits", *TINY, "--out", "several", "--seeds"]
    assert main([*command, "0-0"]) == 0
    first = Path("several", "seed0", "model.safetensors").stat().st_mtime_ns
    update, updates = loop.update, []

    def interrupted(*arguments):
        updates.append(1)
        if len(updates) > 3:
            raise KeyboardInterrupt
        return update(*arguments)

    monkeypatch.setattr(loop, "update", interrupted)
    assert main([*command, "0-1"]) == 130
    monkeypatch.setattr(loop, "update", update)
    capsys.readouterr()
    assert main([*command, "0-1"]) == 2
    assert "several/seed1: already holds a run: resume it (--resume)" in capsys.readouterr().err
    assert main([*command, "0-2", "--resume"]) == 0
    assert "several/seed0: is already finished" in capsys.readouterr().err
    assert Path("several", "seed0", "model.safetensors").stat().st_mtime_ns == first
    assert all(Path("several", f"seed{seed}", "model.safetensors").exists() for seed in (1, 2))


@pytest.mark.parametrize("seeds", ["3", "4-2", "a-b", "0-99999"])
def test_seeds_that_can_not_be_read_are_refused(capsys, seeds):
    refused(capsys, f"train b --data digits --seeds {seeds}", f"--seeds {seeds}: ")
    refused(capsys, "train b --data digits --seeds 0-1 --seed 3", "--seed and --seeds can't be combined")
