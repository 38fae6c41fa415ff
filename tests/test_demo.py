"""The demonstration, with smaller networks: it writes both figures, each with its data."""

import pandas as pd
import pytest

from rcnnzoo import demo
from rcnnzoo.training.settling import settle


def small_demo(monkeypatch, folder):
    """The demonstration at its quickest."""
    monkeypatch.setattr(demo, "DATA", "digits")
    monkeypatch.setattr(demo, "EPOCHS", 1)
    monkeypatch.setattr(demo, "settle", lambda given: settle({**given, "width": 0.0625, "image_size": 8}))
    demo.demo(folder)


def test_the_demonstration_ends_with_the_papers_figure(tmp_path, monkeypatch, capsys):
    small_demo(monkeypatch, tmp_path)
    assert str(tmp_path / "sat.png") in capsys.readouterr().out
    for name in ("accuracy", "sat"):
        assert all((tmp_path / f"{name}.{suffix}").is_file() for suffix in ("csv", "png", "svg"))
    tables = dict(list(pd.read_csv(tmp_path / "against.csv").groupby("network")))
    steps = pd.read_csv(tmp_path / "accuracy.csv")
    accuracy = steps[steps["network"] == "bl"]["accuracy"]
    # The curve joins what stopping at once reaches and what all steps reach; b is a point; the oracle is above.
    ends = tables["bl"]["accuracy"].iloc[[0, -1]].tolist()
    assert ends == pytest.approx(accuracy.iloc[[0, -1]].tolist())
    assert tables["b"]["accuracy"].tolist() == pytest.approx(steps[steps["network"] == "b"]["accuracy"].tolist())
    assert pd.read_csv(tmp_path / "oracle.csv")["accuracy"].max() >= tables["bl"]["accuracy"].max()
