"""`rcnnzoo list`."""

import shutil

import rcnnzoo
from rcnnzoo import plugins
from tests.cli.calling import document, printed, refused


def test_list(capsys):
    rows = document(capsys, "list")
    assert {"name": "bl", "kind": "architectures", "package": "rcnnzoo"}.items() <= rows[4].items()
    assert {row["kind"] for row in rows} >= {"architectures", "readouts", "data", "commands", "plugins"}
    assert [row["name"] for row in document(capsys, "list", "readouts")] == plugins.names("readouts")
    assert "cumulative-logits" in printed(capsys, "list", "readouts")


def test_architectures_are_listed_by_package_with_what_they_can_do(capsys):
    rows = {row["name"]: row for row in document(capsys, "list", "architectures")}
    assert (rows["bl"]["presentable"], rows["bl"]["weights"], rows["bl"]["licence"]) == (
        True,
        ["import rcnn-sat"],
        "MIT",
    )
    assert (rows["blt"]["presentable"], rows["blt"]["weights"]) == (True, [])
    assert (rows["timm/*"]["presentable"], rows["timm/*"]["weights"]) == (False, ["--pretrained"])
    shown = printed(capsys, "list", "architectures")
    assert shown.index("rcnnzoo (MIT): architectures") < shown.index("rcnnzoo-timm (MIT): architectures")
    assert "GPL-3.0" in printed(capsys, "list", "commands").split("rcnnzoo-behaviour (", 1)[1].partition(")")[0]


def test_runs_are_listed_with_how_far_they_have_come(trained, capsys, tmp_path):
    (tmp_path / "runs").mkdir()
    shutil.copytree(trained, tmp_path / "runs" / "done")
    shutil.copytree(trained, tmp_path / "runs" / "left")
    (tmp_path / "runs" / "left" / "model.safetensors").unlink()
    (tmp_path / "runs" / "left" / "metrics.csv").unlink()
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "config.toml").write_text("epochs = [")
    rows = {row["name"]: row for row in document(capsys, "list", "runs")}
    assert {name: row["state"] for name, row in rows.items() if "bad" not in name} == {
        "runs/done": "finished",
        "runs/left": "not finished",
    }
    assert rows["runs/bad"]["state"].startswith("can't be read")
    assert (rows["runs/done"]["epochs_done"], rows["runs/left"]["epochs_done"]) == (1, 0)
    assert rows["runs/left"]["epochs"] == 1
    accuracy = rcnnzoo.load(trained).card.metrics["accuracy"][-1]
    assert rows["runs/done"]["accuracy"] == accuracy
    shown = printed(capsys, "list", "runs")
    assert f"{100 * accuracy:.1f} (test)" in shown
    assert "runs/done" not in shown  # the folder stands above the table
    refused(capsys, "list runs nowhere", "nowhere: there is no such folder; name one that holds runs")
    shutil.rmtree(tmp_path / "runs")
    assert "runs: holds no runs" in printed(capsys, "list", "runs")


def test_a_run_that_is_not_finished_says_how_it_is_resumed(trained, capsys, tmp_path):
    shutil.copytree(trained, tmp_path / "left")
    (tmp_path / "left" / "model.safetensors").unlink()
    refused(capsys, "evaluate left", "left: is not finished (epoch 1 of 1): resume with `rcnnzoo train --config left/")


def test_a_run_by_its_name_alone_is_found_under_runs(trained, capsys, tmp_path):
    (tmp_path / "runs").mkdir()
    shutil.copytree(trained, tmp_path / "runs" / "mine")
    refused(capsys, "evaluate mine", "mine: there is no such run here; did you mean runs/mine?")
