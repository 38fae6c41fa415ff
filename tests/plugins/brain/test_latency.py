"""Times of early exit beside latencies of brains."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tests.cli.calling import document, printed, refused

pytest.importorskip("rcnnzoo_brain")

IMAGES, SUBJECTS = 40, 6


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Latencies of six subjects that grow with the steps of one network and not with those of the other."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    names = [f"{number:02}.png" for number in range(IMAGES)]
    steps = random.integers(1, 9, IMAGES)
    latencies = 100 + 10 * steps + random.normal(0, 15, (SUBJECTS, IMAGES))
    rows = [
        {"image": name, "latency": value, "subject": f"s{subject}"}
        for subject, values in enumerate(latencies)
        for name, value in zip(names, values, strict=True)
    ]
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv("it.csv", index=False)
    for network, times in (("bl", steps), ("other", random.permutation(steps))):
        Path(network).mkdir()
        table = pd.DataFrame({"image": [f"photos/{name}" for name in names], "reaction_time": times})
        table.iloc[::-1].to_csv(f"{network}/predictions-entropy.csv", index=False)
    return latencies, steps


BL, OTHER = "bl/predictions-entropy.csv", "other/predictions-entropy.csv"


def test_reaction_times_that_follow_latencies_are_found(files, capsys):
    latencies, steps = files
    document(capsys, "latency", BL, OTHER, "--latencies", "it.csv", "--out", "out")
    table = pd.read_csv("out/latency.csv").set_index("network").to_dict("index")
    expected = np.mean([spearmanr(steps, values).statistic for values in latencies])
    assert table[BL]["correlation"] == pytest.approx(expected)
    assert table[BL]["p_corrected"] == table[BL]["p"] == 1 / 2**SUBJECTS
    assert table[BL]["p_images"] == pytest.approx(spearmanr(steps, latencies.mean(axis=0)).pvalue)
    assert table[OTHER]["p_images"] > 0.05
    assert table[BL]["ceiling_low"] < table[BL]["ceiling_high"]
    others = [
        spearmanr(values, np.delete(latencies, row, 0).mean(axis=0)).statistic for row, values in enumerate(latencies)
    ]
    assert table[BL]["ceiling_low"] == pytest.approx(np.mean(others), abs=0.05)  # of means, not of mean ranks
    by_image = pd.read_csv("out/latency-images.csv")
    np.testing.assert_allclose(by_image["latency"], latencies.mean(axis=0))
    assert by_image[BL].tolist() == steps.tolist()
    assert {file.name for file in Path("out").iterdir()} >= {"latency.png", "latency.svg"}


def test_images_that_a_brain_never_solved_are_left_out_and_named(files, capsys):
    table = pd.read_csv("it.csv")
    table.loc[(table["image"] == "07.png") & (table["subject"] == "s3"), "latency"] = None
    table.to_csv("it.csv", index=False)
    found = document(capsys, "latency", BL, "--latencies", "it.csv", "--out", "out")
    assert found["left_out"] == ["07"]
    assert found["networks"][0]["images"] == IMAGES - 1
    said = printed(capsys, "latency", BL, "--latencies", "it.csv", "--out", "out")
    assert "without a latency of every subject, and left out: 07 (1 in all)" in said


def test_one_subject_gives_a_correlation_and_a_test_over_images(files, capsys):
    latencies, steps = files
    table = pd.read_csv("it.csv").query("subject == 's2'")
    table[["image", "latency"]].to_csv("one.csv", index=False)
    (found,) = document(capsys, "latency", BL, "--latencies", "one.csv", "--out", "out")["networks"]
    assert found["correlation"] == pytest.approx(spearmanr(steps, latencies[2]).statistic)
    assert (found["p"], found["ceiling_low"]) == (None, None)
    assert found["p_images"] < 0.001
    said = printed(capsys, "latency", BL, "--latencies", "one.csv", "--out", "out")
    assert "one subject: no test over subjects and no noise ceiling" in said


def test_a_network_that_takes_the_same_time_for_all_has_no_correlation(files, capsys):
    table = pd.read_csv(BL)
    table.assign(reaction_time=8).to_csv(BL, index=False)
    said = printed(capsys, "latency", BL, "--latencies", "it.csv", "--out", "out")
    assert "all images take the same time, so there is no correlation; take another threshold" in said


def test_bad_files_are_named_in_one_line(files, capsys):
    table = pd.read_csv("it.csv")

    def bad(changed, words):
        changed.to_csv("bad.csv", index=False)
        refused(capsys, f"latency {BL} --latencies bad.csv --out out", words)

    bad(table.drop(columns="latency"), "has no column latency; its columns are image, subject")
    bad(
        pd.concat([table, table.iloc[:1]]),
        f"{Path(table['image'][0]).stem} is there twice of subject {table['subject'][0]}",
    )
    bad(table.assign(latency="soon"), "row 2: latency 'soon' is not a number")
    bad(table.assign(latency="inf"), "row 2: latency 'inf' is not a number")
    bad(table.iloc[:0], "has no rows: give one for each image")
    bad(table.query("image < '03.png'"), "images with a latency of every subject: 3; 4 are the fewest")
    bad(table.assign(image=None), "row 2: names no image")
    bad(table.assign(subject=None), "row 2: names no subject")
    bad(
        table.assign(latency=table["latency"].where(table["subject"] != "s2", 7)),
        "latencies of subject s2 are all the same",
    )
    Path("bad.csv").write_text("image,latency\n1.png,5,\n")
    refused(capsys, f"latency {BL} --latencies bad.csv --out out", "bad.csv, row 2: 3 cells, but the header names 2")
    refused(capsys, f"latency {BL} --latencies nowhere.csv --out out", "nowhere.csv: can't be read")
    refused(capsys, f"latency {BL} {BL} --latencies it.csv --out out", "is named twice")
    predictions = pd.read_csv(BL)
    predictions.iloc[1:].to_csv("few.csv", index=False)
    refused(capsys, "latency few.csv --latencies it.csv --out out", "1 of 40 images are missing in it, for example 39")
    predictions.drop(columns="reaction_time").to_csv("few.csv", index=False)
    refused(capsys, "latency few.csv --latencies it.csv --out out", "has no column reaction_time")
    pd.concat([predictions, predictions]).to_csv("few.csv", index=False)
    refused(capsys, "latency few.csv --latencies it.csv --out out", "is there twice: give one row for each image")
    assert not Path("out").exists()
