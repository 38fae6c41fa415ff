"""What `rcnnzoo behaviour` wrote, as the page takes it."""

import pytest

from rcnnzoo.errors import TraceError
from rcnnzoo.report.people import people

TABLES = {
    "correlations": (
        "network,images,n,predicted,measure,spearman,low,high,p_corrected",
        "bl,all,40,uncertainty,reaction time,0.31234567,0.1,0.5,0.02",
        "bl,all,40,uncertainty,graded crossing,0.3,,,",
        "bl,D > 0,20,uncertainty,reaction time,0.2,,,",
        "bl,all,40,reaction time,reaction time,0.1,,,",
        "b,all,40,uncertainty,reaction time,,,,",
    ),
    "comparisons": ("a,b,measure,difference", "bl,b,area under uncertainty,0.1"),
    "controls": ("network,control,spearman,low,high", "bl,randomly initialised,0.05,-0.1,0.2"),
    "ceilings": ("ceiling,network,images,value", "reliability,,40,0.8", "ties,bl,40,"),
    "classifiers": ("network,step,accuracy", "bl,1,0.7"),
}


@pytest.fixture
def folder(tmp_path):
    for name, lines in TABLES.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "methods.txt").write_text("How it was done.\n")
    return tmp_path


def test_all_images_and_the_measures_of_the_figure_are_drawn(folder):
    found = people(folder, "cumulative")
    row = {"network": "bl", "measure": "reaction time", "r": 0.31234567, "low": 0.1, "high": 0.5, "p": 0.02, "n": 40}
    assert found["correlations"] == [row]
    assert found["controls"] == [
        {"network": "bl", "control": "randomly initialised", "r": 0.05, "low": -0.1, "high": 0.2}
    ]
    assert found["ceilings"] == [{"ceiling": "reliability", "network": None, "r": 0.8}]
    assert found["methods"] == "How it was done."
    assert [table["title"] for table in found["tables"]] == list(TABLES)
    assert found["tables"][0]["rows"][0]["spearman"] == 0.3123
    assert found["tables"][0]["rows"][4]["spearman"] is None


def test_another_readout_has_other_files(folder):
    with pytest.raises(TraceError, match=r"it has no correlations-instantaneous\.csv"):
        people(folder, "instantaneous")


def test_a_table_without_a_column_is_refused(folder):
    (folder / "controls.csv").write_text("network,control\nbl,x\n")
    with pytest.raises(TraceError, match=r"controls\.csv: has no column spearman"):
        people(folder, "cumulative")


def test_an_empty_table_is_none(folder):
    (folder / "comparisons.csv").write_text("")
    assert "comparisons" not in [table["title"] for table in people(folder, "cumulative")["tables"]]
