"""`rcnnzoo profile`."""

import json
import shutil

import pandas as pd
import pytest

from rcnnzoo.cli import main
from tests.cli.calling import TINY, document, printed, refused


def test_profile_counts_what_each_module_costs(run, capsys):
    found = document(capsys, "profile", run)
    assert found["macs"] == document(capsys, "info", run)["macs"]
    assert [sum(step) for step in zip(*found["modules"].values(), strict=True)] == found["macs_per_step"]
    assert "layers.1.lateral.0" in printed(capsys, "profile", run)


def test_profile_sweeps_the_newest_run_beside_another(trained, run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "runs" / "mine")
    assert main(["train", "b", "--data", "digits", *TINY, "--out", "control"]) == 0
    capsys.readouterr()
    assert main(["profile", "--policy", "entropy", "--sweep", "--against", "control", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "profiling runs/mine"
    found = json.loads(captured.out)
    accuracy = document(capsys, "evaluate", "runs/mine")["accuracy"]
    assert (found["accuracy"][0], found["accuracy"][-1]) == pytest.approx(tuple(accuracy))
    assert (found["mean_steps"][0], found["mean_steps"][-1]) == (1, 2)
    assert [other["name"] for other in found["against"]] == ["control"]
    folder = tmp_path / "runs/mine/traces/digits-test/control"
    assert {f.name for f in folder.iterdir()} == {"sat.csv", "against.csv", "oracle.csv", "sat.png", "sat.svg"}
    table = pd.read_csv(folder / "sat.csv")
    assert list(table) == ["threshold", "accuracy", "mean_steps", "mean_macs"]
    assert len(table) == len(found["accuracy"])
    at = document(capsys, "profile", "runs/mine", "--threshold", table["threshold"][7])
    assert at["accuracy"] == table["accuracy"][7]
    assert at["mean_macs"] == table["mean_macs"][7]
    assert "distinct outcomes" in printed(capsys, "profile", "--sweep", "--policy", "max-prob")


def test_profile_draws_a_band_of_every_network(run, twin, tmp_path, capsys):
    typed = ["profile", run, "--sweep", "--against", twin, "--bootstrap", 100, "--seed", 5, "--out", "seen"]
    found = document(capsys, *typed)
    assert found["bootstrap"] == {"resamples": 100, "seed": 5}
    table = pd.read_csv("seen/band.csv")
    assert list(table) == ["network", "mean_macs", "accuracy", "low", "high", "resamples", "seed"]
    assert table["network"].unique().tolist() == [str(run), str(twin)]  # both are called run: neither hides the other
    assert table["low"].tolist() == found["band"]["low"] + found["against"][0]["band"]["low"]
    assert found["band"]["accuracy"][-1] == found["accuracy"][-1]
    assert set(pd.read_csv("seen/against.csv")["network"]) == {str(run), str(twin)}
    assert document(capsys, *typed)["band"] == found["band"]
    assert document(capsys, *typed[:-4], "--seed", 6)["band"] != found["band"]


def test_profile_finds_a_threshold_for_a_budget_or_an_accuracy(run, capsys):
    first, both = (sum(document(capsys, "info", run)["macs_per_step"][:steps]) for steps in (1, 2))
    found = document(capsys, "profile", run, "--budget", f"{(first + both) / 2e6}M")
    assert (found["chosen_on"]["images"], found["reported_on"]["images"]) == (225, 225)
    assert first <= found["chosen_on"]["mean_macs"] <= found["budget"] == pytest.approx((first + both) / 2)
    at = document(capsys, "profile", run, "--threshold", found["threshold"])
    halves = [found["chosen_on"]["accuracy"], found["reported_on"]["accuracy"]]
    assert at["accuracy"] == pytest.approx(sum(halves) / 2)  # the halves make up the whole
    least = document(capsys, "profile", run, "--accuracy", 0, "--policy", "max-prob")
    assert least["chosen_on"]["mean_steps"] == 1
    assert "reported on" in printed(capsys, "profile", run, "--budget", both)
    assert document(capsys, "profile", run, "--budget", both, "--seed", 1)["reported_on"] != found["reported_on"]


def test_profile_measures_what_stopping_early_takes_here(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rcnnzoo.architectures.convolution.MEASURED", {})  # of other tests in this process
    options = ["--measure", "--images", 20, "--out", "there"]
    found = document(capsys, "profile", run, "--threshold", 1.5, *options, "--precision", "bf16")
    measured = found["measurement"]
    assert measured["threshold"] == [None, 1.5]
    assert measured["mean_steps"][0] == 2
    assert min(measured["latency_ms"] + measured["images_per_second"] + measured["peak_memory"]) > 0
    assert measured["joules"] == [None, None]
    assert measured["agreement"]["threshold"] == [None, 1.5]
    assert (measured["images"], measured["precision"], measured["convolutions"]) == (20, "bf16", [])
    assert {f.name for f in (tmp_path / "there").iterdir()} == {
        "measure-bf16.csv",
        "measure-bf16.png",
        "measure-bf16.svg",
    }
    assert pd.read_csv("there/measure-bf16.csv")["images_per_second"].tolist() == measured["images_per_second"]
    assert found["mean_steps"] == document(capsys, "profile", run, "--threshold", 1.5)["mean_steps"]
    shown = printed(capsys, "profile", run, *options)
    assert "MACs per image" in shown
    assert "times fewer MACs" in shown
    chosen = document(capsys, "profile", run, "--accuracy", 0, *options)
    assert chosen["measurement"]["threshold"] == [None, chosen["threshold"]]


def test_a_threshold_that_no_score_can_reach_is_refused(run, capsys):
    assert main(["profile", str(run), "--threshold", "3"]) == 2
    assert (
        "--threshold 3 is outside entropy's bounds: take 0 to 2.30258509 (nats), or inf or -inf"
        in capsys.readouterr().err
    )


BROKEN_POLICY = """
    from rcnnzoo.hookspecs import Policy, hookimpl

    @hookimpl
    def rcnnzoo_policies():
        return [Policy(name, "broken", f"{module}:{name.title()}") for name in ("nan", "short", "list")]

    class Nan:
        direction, unit = "below", "-"

        def scores(self, probabilities):
            return probabilities[..., 0] * float("nan")

        def bounds(self, categories, steps):
            return 0.0, 1.0

    class Short(Nan):
        def scores(self, probabilities):
            return probabilities[..., 0, 0]

    class List(Nan):
        def scores(self, probabilities):
            return probabilities[..., 0].tolist()
"""


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("nan", "policy 'nan' of lab-rules gave a score that is not a number (NaN)"),
        ("short", "policy 'short' of lab-rules gave scores of shape [450] for probabilities of shape [450, 2, 10]"),
        ("list", "policy 'list' of lab-rules gave a list for scores: a tensor is needed"),
    ],
)
def test_a_plugins_policy_that_gives_no_scores_is_named(policy, message, run, install, capsys):
    install("lab-rules", BROKEN_POLICY.replace("{module}:{name.title()}", "lab_rules:{name.title()}"))
    for command in ("profile run --sweep", "profile run --threshold 0.5", "profile run --budget 1G"):
        refused(capsys, f"{command} --policy {policy}", message)
