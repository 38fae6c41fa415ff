"""Command line, library and demo give the same documents, tables and figures."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.architectures.card import card_of
from rcnnzoo.cli import main
from rcnnzoo.cli.output import show
from rcnnzoo.data.splits import fingerprint
from rcnnzoo.errors import RcnnzooWarning
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference, open_subject
from rcnnzoo.results import (
    accuracy,
    calibration,
    comparison,
    cost,
    measurement,
    network,
    predictions,
    recorded,
    speed_accuracy,
    training,
    verification,
)
from rcnnzoo.runs.folder import Run
from rcnnzoo.traces import trace_of, traces_of
from rcnnzoo.weights.verification import check_file
from tests.data.lookalikes import save_image
from tests.test_demo import small_demo


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The demo's folder, which no test changes but for results."""
    place = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        small_demo(patch, Path("demo"))
        save_image(place / "photo.png", 3, form="PNG")
        yield place


def contents(folder):
    return {file.name: file.read_bytes() for file in Path(folder).iterdir() if file.is_file()}


QUESTIONS = {
    "evaluate demo/bl": lambda: accuracy.evaluate(trace_of("demo/bl", how=Recording())),
    "evaluate demo/b --readout instantaneous": lambda: accuracy.evaluate(
        trace_of("demo/b", how=Recording()), "instantaneous"
    ),
    "profile demo/bl --sweep --against demo/b --bootstrap 100": lambda: speed_accuracy.sweep(
        traces_of(["demo/bl", "demo/b"], how=Recording()), bootstrap=Bootstrap(100)
    ),
    "profile demo/bl --sweep --policy max-prob": lambda: speed_accuracy.sweep(
        traces_of(["demo/bl"], how=Recording()), "max-prob"
    ),
    "calibrate demo/bl --max-loss 0.1": lambda: calibration.calibrate(trace_of("demo/bl", how=Recording()), 0.1),
    "compare demo/bl demo/b --bootstrap 100": lambda: comparison.compare(
        traces_of(["demo/bl", "demo/b"], how=Recording()), bootstrap=Bootstrap(100)
    ),
    "predict demo/bl photo.png --figure": lambda: predictions.predict(Reference("demo/bl").open(), [Path("photo.png")]),
}


@pytest.mark.parametrize("typed", QUESTIONS)
def test_the_command_line_says_and_writes_what_the_library_does(typed, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main([*typed.split(), "--out", str(tmp_path / "typed"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    result = QUESTIONS[typed]().write(tmp_path / "asked")
    assert json.loads(json.dumps(result.document).replace(str(tmp_path / "asked"), str(tmp_path / "typed"))) == document
    assert contents(tmp_path / "typed") == contents(tmp_path / "asked")
    assert {path.name for path in result.pictures} <= set(contents(tmp_path / "asked"))
    assert main([*typed.split(), "--out", str(tmp_path / "typed")]) == 0
    printed = capsys.readouterr().out
    show(result, as_json=False)
    assert printed == capsys.readouterr().out.replace(str(tmp_path / "asked"), str(tmp_path / "typed"))


@pytest.mark.parametrize(
    ("typed", "ask"),
    [
        ("profile demo/bl", lambda: cost.count_cost(Reference("demo/bl").open())),
        ("info demo/bl", lambda: network.describe(Reference("demo/bl").open())),
        (
            "profile demo/bl --budget 250K",
            lambda: speed_accuracy.meet(
                "bl", trace_of("demo/bl", how=Recording()), "entropy", "cumulative", budget=250_000
            )[0],
        ),
        (
            "verify demo/bl --data digits",
            lambda: verification.verify(
                Path("demo/bl/model.safetensors"),
                [
                    *check_file(Path("demo/bl/model.safetensors"))[1],
                    verification.check_accuracy(
                        card_of(Reference("demo/bl").open()),
                        trace_of("demo/bl", how=Recording()).trace,
                        fingerprint(open_subject("demo/bl").data.split("test"), stamps=False),
                    ),
                ],
            ),
        ),
        (
            "trace demo/bl --data digits --out demo/bl/traces/digits-test.zarr",
            lambda: recorded.describe(trace_of("demo/bl", how=Recording())),
        ),
        (
            "profile demo/bl --threshold 0.5",
            lambda: speed_accuracy.stop_at("bl", trace_of("demo/bl", how=Recording()), "entropy", "cumulative", 0.5),
        ),
    ],
)
def test_so_does_what_writes_nothing(typed, ask, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main([*typed.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(ask().document))
    assert main(typed.split()) == 0
    printed = capsys.readouterr().out
    show(ask(), as_json=False)
    assert printed == capsys.readouterr().out


def test_what_is_measured_beside_a_sweep_is_as_the_library_measures_it(place, tmp_path, monkeypatch, capsys):
    """But for the times, which are never the same."""
    monkeypatch.chdir(place)
    typed = "profile demo/bl --threshold 0.5 --measure --images 8 --out"
    assert main([*typed.split(), str(tmp_path / "typed"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["measurement"]
    result = measurement.measure(open_subject("demo/bl"), threshold=0.5, images=8).write(tmp_path / "asked")
    asked = json.loads(json.dumps(result.document))
    assert found.keys() == asked.keys()
    for name in ("device", "images", "precision", "threshold", "mean_steps", "macs_saving", "agreement"):
        assert found[name] == asked[name]
    assert contents(tmp_path / "typed").keys() == contents(tmp_path / "asked").keys()


def test_a_finished_run_is_described_as_when_it_was_trained(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main(["train", "--config", "demo/bl/config.toml", "--out", "demo/bl", "--resume", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == training.trained(Run(Path("demo/bl"))).document
    assert document["last_epoch"] == pd.read_csv("demo/bl/metrics.csv").to_dict("records")[-1]


def test_the_demo_writes_what_the_commands_do(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main(["profile", "demo/bl", "--sweep", "--against", "demo/b", "--out", str(tmp_path)]) == 0
    for name, content in contents(tmp_path).items():
        assert (place / "demo" / name).read_bytes() == content
    capsys.readouterr()
    assert main(["evaluate", "demo/bl", "--json"]) == 0
    table = pd.read_csv("demo/accuracy.csv")
    accuracies = table[table["network"] == "bl"]["accuracy"].tolist()
    assert accuracies == json.loads(capsys.readouterr().out)["accuracy"]


def test_the_run_of_a_subject_is_opened_once(place, monkeypatch):
    """A trace that is there is neither recorded nor checked twice, nor are weights hashed or images looked at twice."""
    monkeypatch.chdir(place)
    from rcnnzoo.recording import opening, recorder

    counted = {"weights_hash": 0, "fingerprint": 0, "verify": 0}

    def counting(module, name):
        usual = getattr(module, name)

        def count(*arguments, **options):
            counted[name] += 1
            return usual(*arguments, **options)

        monkeypatch.setattr(module, name, count)

    counting(recorder, "weights_hash"), counting(recorder, "fingerprint"), counting(opening, "verify")
    open_subject("demo/bl").trace(Recording())
    assert counted == {"weights_hash": 1, "fingerprint": 1, "verify": 1}


def test_a_finished_run_with_damaged_metrics_is_still_finished(place, tmp_path):
    run = Run(shutil.copytree(place / "demo" / "bl", tmp_path / "bl"))
    for content in ("", '"', "epoch\n"):
        run.metrics.write_text(content)
        with pytest.warns(RcnnzooWarning, match=r"metrics\.csv: can't be read, so the last epoch isn't known"):
            assert training.trained(run).document["last_epoch"] is None
