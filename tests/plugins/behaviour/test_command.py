"""`rcnnzoo behaviour` as users call it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.cli import main
from rcnnzoo.locks import locked
from rcnnzoo.report.people import people
from rcnnzoo_behaviour import figures
from tests.plugins.behaviour.crowd import make_images, rows_by_image, rows_by_trial, write_csv

SMALL = ["--folds", "4", "--repeats", "2", "--exchanges", "199", "--refits", "19", "--bootstraps", "19"]
SMALL += ["--random-networks", "2"]
FEW = ["--random-networks", "0", "--refits", "0", "--bootstraps", "0"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with images, what people did on them, and three networks."""
    folder = tmp_path_factory.mktemp("behaviour")
    names = make_images(folder / "images")
    write_csv(folder / "people.csv", rows_by_image(names))
    write_csv(folder / "trials.csv", rows_by_trial(names))
    for name, architecture, seed in (("bl", "bl", 0), ("bl1", "bl", 1), ("b", "b", 0)):
        steps = 3 if architecture == "bl" else None
        net = rcnnzoo.build(architecture, categories=5, image_size=8, width=1 / 16, seed=seed, steps=steps)
        rcnnzoo.save(net, folder / f"{name}.safetensors")
    return folder


def typed(place, *arguments, out="out", human="people.csv"):
    fixed = ["--images", place / "images", "--human", place / human, "--out", place / out, *SMALL]
    return ["behaviour", *map(str, [*arguments, *fixed])]


@pytest.fixture(scope="module")
def result(place):
    """All that one run with two networks wrote."""
    assert main(typed(place, place / "bl.safetensors", "--against", place / "b.safetensors", human="trials.csv")) == 0
    return place / "out"


def test_every_table_figure_and_the_words_are_there(result):
    tables = ["correlations", "comparisons", "controls", "ceilings", "beyond", "reaction_times", "thresholds"]
    tables += ["classifiers", "crowds"]
    for name in [*tables, "distributions", "montage"]:
        assert len(pd.read_csv(result / f"{name}.csv")) > 0
    for name in ("correlations", "distributions", "montage"):
        assert (result / f"{name}.png").stat().st_size > 5000
        assert (result / f"{name}.svg").read_text().startswith("<?xml")
    words = (result / "methods.txt").read_text()
    assert "40 images" in words
    assert "4-fold cross-validation stratified by category and D > 0, 2 repeats, seed 0" in words


def test_correlations_say_what_the_readings_say(result):
    table = pd.read_csv(result / "correlations.csv")
    main_rows = table[(table["images"] == "all") & (table["measure"] == "reaction time")].set_index("network")
    assert main_rows.index.tolist() == ["bl", "b"]
    assert main_rows["spearman"].isna().tolist() == [False, True]  # one step: there are no reaction times
    assert main_rows.loc["b", "test"] == "not applicable: all reaction times are equal"
    assert main_rows["p"].iloc[0] == main_rows["p_corrected"].iloc[0]  # a single test
    assert set(table["predicted"]) == {"uncertainty", "human reaction time"}
    assert (table["low"].dropna() <= table["high"].dropna()).all()
    times = pd.read_csv(result / "reaction_times.csv")
    assert times.groupby("network").size().to_dict() == {"bl": 40, "b": 40}
    assert times["reaction_time"].between(1, 3).all()
    area = table[(table["network"] == "bl") & (table["measure"] == "area under uncertainty")].iloc[0]
    part = times[times["network"] == "bl"]
    assert area["spearman"] == pytest.approx(
        part["area_under_uncertainty"].corr(part["uncertainty"], method="spearman")
    )


def test_the_report_reads_what_it_wrote(result):
    found = people(result, "cumulative")
    table = pd.read_csv(result / "correlations.csv")
    (row,) = [row for row in found["correlations"] if (row["network"], row["measure"]) == ("bl", "reaction time")]
    chosen = table[(table["network"] == "bl") & (table["images"] == "all") & (table["predicted"] == "uncertainty")]
    wanted = chosen[chosen["measure"] == "reaction time"].iloc[0]
    assert (row["r"], row["low"], row["p"]) == tuple(wanted[["spearman", "low", "p_corrected"]])
    assert {row["control"] for row in found["controls"]} == {"randomly initialised", "shuffled within animate or not"}
    assert len(found["ceilings"]) > 0
    assert found["methods"] == (result / "methods.txt").read_text().strip()


def test_the_pair_is_compared_by_areas_as_one_has_no_reaction_times(result):
    table = pd.read_csv(result / "comparisons.csv").set_index("measure")
    row = table.loc["area under uncertainty"]
    assert (row["a"], row["b"]) == ("bl", "b")
    assert 0 < row["p"] <= 1
    correlations = pd.read_csv(result / "correlations.csv")
    chosen = correlations[correlations["measure"] == "area under uncertainty"]
    assert row["difference"] == pytest.approx(chosen["spearman"].iloc[0] - chosen["spearman"].iloc[1])
    assert table.loc["reaction time", "test"] == "not applicable: b has no times"


def test_controls_and_ceilings_are_there_for_each_network(result):
    controls = pd.read_csv(result / "controls.csv")
    assert set(controls["control"]) == {"randomly initialised", "shuffled within animate or not"}
    assert controls[controls["control"] == "randomly initialised"]["number"].tolist() == [2]
    ceilings = pd.read_csv(result / "ceilings.csv")
    assert set(ceilings["ceiling"]) == {"half, of people", "true D, without ties", "true D", "noise-free"}


def test_json_is_one_document_and_classifiers_are_not_fitted_again(result, place, capsys, monkeypatch):
    monkeypatch.setattr("rcnnzoo_behaviour.time_courses.cross_fit", None)  # calling it would fail
    both = place / "bl.safetensors", "--against", place / "b.safetensors"
    again = [*typed(place, *both, human="trials.csv"), *FEW, "--json"]
    capsys.readouterr()
    assert main(again) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["correlations"][0]["network"] == "bl"
    assert document["correlations"][0]["folds"] == 4
    assert document["correlations"][0]["p"] is None
    assert document["comparisons"][1]["exact"] is False
    tables = {"correlations", "comparisons", "controls", "ceilings", "crowds", "classifiers", "beyond"}
    assert set(document) == tables | {"methods", "out"}


@pytest.mark.filterwarnings("default::rcnnzoo.errors.RcnnzooWarning")
@pytest.mark.parametrize("damage", ["flipped", "cut", "other"])
def test_kept_answers_of_classifiers_that_are_damaged_are_computed_again(result, place, capsys, damage):
    both = place / "bl.safetensors", "--against", place / "b.safetensors"
    arguments = [*typed(place, *both, human="trials.csv"), *FEW]
    assert main(arguments) == 0
    before = pd.read_csv(result / "reaction_times.csv")
    kept = next((result / "classifiers").glob("bl-????????.safetensors"))
    sound = kept.read_bytes()
    odds = safetensors.numpy.load(sound)["log_odds"]
    if damage == "flipped":
        kept.write_bytes(sound[:-5] + bytes([sound[-5] ^ 4]) + sound[-4:])
    elif damage == "cut":
        kept.write_bytes(sound[:-8])
    else:
        shutil.copy(next((result / "classifiers").glob("b-????????.safetensors")), kept)
    capsys.readouterr()
    assert main(arguments) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warned == [f"warning: {kept}: is damaged, or of something else; what it held is computed again"]
    np.testing.assert_array_equal(safetensors.numpy.load(kept.read_bytes())["log_odds"], odds)
    pd.testing.assert_frame_equal(pd.read_csv(result / "reaction_times.csv"), before)


@pytest.mark.filterwarnings("default::rcnnzoo.errors.RcnnzooWarning")
def test_a_kept_trace_that_is_damaged_is_recorded_again(result, place, capsys):
    arguments = [*typed(place, place / "bl.safetensors", human="trials.csv"), *FEW]
    trace = next((result / "traces").glob("bl-*/*.zarr"))
    block = next(file for file in (trace / "logits").rglob("*") if file.is_file() and file.name != "zarr.json")
    content = block.read_bytes()
    block.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    capsys.readouterr()
    assert main(arguments) == 0
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warning.endswith(": the kept trace is recorded again")
    rcnnzoo.open_trace(trace)


def test_what_a_killed_command_left_is_removed(place):
    left = place / "killed" / ".unfinished-abc123"
    left.mkdir(parents=True)
    (left / "trace").write_text("large, and of no use")
    assert main([*typed(place, place / "b.safetensors", out="killed"), *FEW, "--repeats", "1"]) == 0
    assert [file.name for file in (place / "killed").iterdir() if file.name.startswith(".")] == []


def test_a_second_command_in_a_folder_waits_for_the_first(place, capsys):
    (place / "busy").mkdir()
    results = []
    arguments = [*typed(place, place / "b.safetensors", out="busy"), *FEW, "--repeats", "1"]
    with locked(place / "busy" / ".behaviour.lock", place / "busy", wait=False):
        process = subprocess.Popen([sys.executable, "-m", "rcnnzoo", *arguments], stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            results.append(line)
            if "waiting for another process that is writing there" in line:
                break
        assert not (place / "busy" / "correlations.csv").exists()
    _, _ = process.communicate()
    assert process.returncode == 0, results
    assert (place / "busy" / "correlations.csv").exists()


@pytest.mark.parametrize("option", ["--exchanges", "--refits", "--bootstraps", "--random-networks", "--repeats"])
def test_numbers_that_would_take_for_ever_are_refused(place, capsys, option):
    line = fault(capsys, [*typed(place, place / "bl.safetensors"), option, "1000000000000"])
    assert line.startswith(f"error: Invalid value for '{option}'")


def test_tables_fit_a_terminal_and_say_why_cells_are_empty(place, capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    both = place / "bl.safetensors", "--against", place / "b.safetensors"
    assert main(typed(place, *both, human="trials.csv")) == 0
    out = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)
    # A folder's name can be longer than any terminal is wide.
    assert max(len(line) for line in out.splitlines() if str(place) not in line) <= 80
    assert "Not applicable: b has no reaction times, since all images take equally long" in " ".join(out.split())
    assert "accuracy of the animacy classifiers" in out
    assert "0.0000" not in out


def test_without_out_each_question_has_a_folder_and_traces_are_shared(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = typed(place, place / "bl.safetensors")
    both = typed(place, place / "bl.safetensors", "--against", place / "b.safetensors")
    for arguments in (alone, both):
        where = arguments.index("--out")
        assert main([*arguments[:where], *arguments[where + 2 :], *FEW, "--repeats", "1"]) == 0
    networks = {name: set(pd.read_csv(f"behaviour/{name}/correlations.csv")["network"]) for name in ("bl", "bl+b")}
    assert networks == {"bl": {"bl"}, "bl+b": {"bl", "b"}}
    assert {folder.name.rpartition("-")[0] for folder in Path("behaviour/traces").iterdir()} == {"bl", "b"}


def test_seeds_of_a_network_are_one_entry_and_a_trace_will_do(place, capsys):
    both = f"{place / 'bl.safetensors'},{place / 'bl1.safetensors'}"
    few = ["--random-networks", "0", "--refits", "0"]
    assert main([*typed(place, both, out="seeds"), *few]) == 0
    averaged = pd.read_csv(place / "seeds" / "correlations.csv").iloc[0]
    assert averaged["network"] == "bl and 1 more"
    single = []
    for name in ("bl", "bl1"):
        trace = next((place / "seeds" / "traces").glob(f"{name}-*/*.zarr"))
        assert main([*typed(place, trace, out=f"trace-{name}"), *few]) == 0
        single.append(pd.read_csv(place / f"trace-{name}" / "correlations.csv").iloc[0]["spearman"])
    assert averaged["spearman"] == pytest.approx(np.mean(single))


def test_a_folder_of_seeds_is_the_same_entry(place, tmp_path):
    tiny = ["--data", "digits", "--width", "0.0625", "--image-size", "8", "--epochs", "1"]
    assert main(["train", "b", *tiny, "--out", str(tmp_path / "run")]) == 0
    for seed, name in enumerate(("bl", "bl1")):
        member = tmp_path / "bl" / f"seed{seed}"
        member.mkdir(parents=True)
        shutil.copy(place / f"{name}.safetensors", member / "model.safetensors")
        shutil.copy(tmp_path / "run" / "config.toml", member)
    few = ["--random-networks", "0", "--refits", "0"]
    joined = f"{place / 'bl.safetensors'},{place / 'bl1.safetensors'}"
    found = []
    for text in (joined, tmp_path / "bl"):
        assert main([*typed(place, text, out="folder"), *few]) == 0
        found.append(pd.read_csv(place / "folder" / "correlations.csv")["spearman"].to_list())
    assert found[0] == found[1]


def test_classifiers_fitted_to_other_images(place, tmp_path):
    make_images(tmp_path / "others", 30, seed=1)
    arguments = [*typed(place, place / "bl.safetensors", out="elsewhere"), *FEW, "--repeats", "1"]
    arguments += ["--classifier-images", str(tmp_path / "others")]
    assert main(arguments) == 0
    assert "fitted to 30 other images" in (place / "elsewhere" / "methods.txt").read_text()
    before = pd.read_csv(place / "elsewhere" / "reaction_times.csv")["last_entropy"]
    make_images(tmp_path / "others", 30, seed=2)  # of the same names
    assert main(arguments) == 0
    assert (pd.read_csv(place / "elsewhere" / "reaction_times.csv")["last_entropy"] != before).any()


def test_greyscale_images_of_another_size(place, tmp_path):
    names = make_images(tmp_path / "grey", size=20, mode="L")
    file = write_csv(tmp_path / "people.csv", rows_by_image(names))
    arguments = ["behaviour", place / "bl.safetensors", "--images", tmp_path / "grey", "--human", file]
    assert main([*map(str, arguments), "--out", str(tmp_path / "out"), *FEW, "--repeats", "1"]) == 0


def test_columns_of_reaction_times_in_a_row_an_image_are_the_users_own(place):
    """`n_rt` and `rt_centred_ms` by image, empty for non-animals, as go/no-go data come."""
    rows = pd.read_csv(place / "people.csv").drop(columns="note")
    rows["n_rt"] = 13 * rows["animate"]
    rows["rt_centred_ms"] = np.where(rows["animate"] == 1, rows["pc"] * -100, np.nan)
    rows.to_csv(place / "gonogo.csv", index=False)
    assert main([*typed(place, place / "bl.safetensors", human="gonogo.csv"), *FEW]) == 0
    assert set(pd.read_csv(place / "out" / "correlations.csv")["predicted"]) == {"uncertainty"}


def test_other_networks_and_other_people_may_share_a_folder_and_nothing_is_traced_twice(place, tmp_path, monkeypatch):
    for folder, seed in (("a", 3), ("b", 4)):
        (tmp_path / folder).mkdir()
        net = rcnnzoo.build("bl", categories=5, image_size=8, width=1 / 16, seed=seed, steps=2)
        rcnnzoo.save(net, tmp_path / folder / "bl.safetensors")
    first, second = (tmp_path / folder / "bl.safetensors" for folder in "ab")
    few = [*FEW, "--repeats", "1", "--random-networks", "1", "--folds", "1000000000"]
    arguments = [*typed(place, first, "--against", second, out=tmp_path / "out"), *few]
    assert main(arguments) == 0
    for name in ("correlations", "reaction_times", "thresholds", "distributions"):
        assert pd.read_csv(tmp_path / "out" / f"{name}.csv")["network"].unique().tolist() == ["bl", "bl (2)"]
    folds = (
        pd.read_csv(tmp_path / "out" / "correlations.csv", dtype={"folds": "Int64"}).groupby("images")["folds"].max()
    )
    assert folds.to_dict() == {"all": 4, "D > 0": 2, "animate": 2, "inanimate": 2}  # ten images in each

    write_csv(place / "fewer.csv", rows_by_image([row["image"] for row in rows_by_image(names_in(place))][:36]))
    assert main([*typed(place, first, out=tmp_path / "out", human="fewer.csv"), *few]) == 0
    monkeypatch.setattr("rcnnzoo_behaviour.time_courses.random_twin", None)  # calling it would fail
    monkeypatch.setattr("rcnnzoo.recording.recorder.prepare", None)
    assert main(arguments) == 0


def names_in(place):
    return pd.read_csv(place / "people.csv")["image"].tolist()


def fault(capsys, arguments, status=2):
    capsys.readouterr()
    assert main(arguments) == status
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return line


def test_bad_input_is_one_line_and_status_2(place, capsys, tmp_path):
    rows = rows_by_image([row["image"] for row in rows_by_image(make_images(tmp_path / "x"))])
    rows[3]["pc"] = 1.2
    write_csv(place / "wrong.csv", rows)
    line = fault(capsys, typed(place, place / "bl.safetensors", human="wrong.csv"))
    assert line == f"error: {place / 'wrong.csv'}, row 5: pc is 1.2; a share lies between 0 and 1"
    (tmp_path / "x" / rows[0]["image"]).write_bytes(b"no image")
    rows[3]["pc"] = rows[3]["n_correct"] / 20
    file = write_csv(tmp_path / "people.csv", rows)
    arguments = ["behaviour", str(place / "bl.safetensors"), "--images", str(tmp_path / "x"), "--human", str(file)]
    line = fault(capsys, [*arguments, "--out", str(tmp_path / "out"), *SMALL])
    assert line.startswith(f"error: {file}, row 2: {tmp_path / 'x' / rows[0]['image']} is unreadable (")
    assert "unknown readout 'cumulativ'" in fault(capsys, typed(place, "bl", "--readout", "cumulativ"))


def test_what_is_wrong_with_networks_is_said_before_one_is_traced(place, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("rcnnzoo_behaviour.time_courses.trace_stimuli", None)  # calling it would fail
    bl, bl1, b = (str(place / f"{name}.safetensors") for name in ("bl", "bl1", "b"))
    assert fault(capsys, typed(place, f"{bl},,{bl1}")) == (
        f"error: '{bl},,{bl1}': there is no network before or after a comma; name one there"
    )
    copy = shutil.copy(bl, tmp_path / "copy.safetensors")
    assert fault(capsys, typed(place, bl, "--against", copy)) == (
        f"error: {copy}: the same network as {bl}; name each once"
    )
    assert "the same network" in fault(capsys, typed(place, f"{bl},{bl}"))
    assert fault(capsys, typed(place, f"{bl},{b}")) == (
        f"error: {bl},{b}: networks joined by commas must have the same number of time steps"
    )
    assert "no such run folder" in fault(capsys, typed(place, bl, "--against", place / "none"))


def test_what_is_wrong_with_images_for_classifiers_is_said_before_a_network_is_traced(
    place, result, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("rcnnzoo_behaviour.time_courses.trace_stimuli", None)
    names = make_images(tmp_path, 30, seed=1)
    arguments = typed(place, place / "bl.safetensors", "--classifier-images", tmp_path)
    trace = next((result / "traces").glob("bl-*/*.zarr"))
    assert fault(capsys, typed(place, trace, "--classifier-images", tmp_path)) == (
        f"error: {trace}: a trace; with --classifier-images name its network, which must see these too"
    )
    shutil.copy(place / "images" / "animate" / "03.png", tmp_path / "animate" / "other.png")
    assert fault(capsys, arguments) == (
        f"error: {tmp_path / 'animate' / 'other.png'}: is the same image as {place / 'images' / 'animate' / '03.png'}; "
        "classifiers must not be fitted to images that they judge"
    )
    (tmp_path / "animate" / "other.png").write_bytes(b"no image")
    line = fault(capsys, arguments)
    assert line.startswith(f"error: {tmp_path / 'animate' / 'other.png'}: unreadable (")
    for name in ["animate/other.png", *names[11::2]]:
        (tmp_path / name).unlink()
    assert fault(capsys, arguments) == (
        f"error: {tmp_path}: 5 of the images are animate; classifiers need 6, give more"
    )
    rows = rows_by_image(names_in(place))
    for row in rows[5::2]:
        row["animate"] = 0
    write_csv(place / "few.csv", rows)
    assert fault(capsys, typed(place, place / "bl.safetensors", human="few.csv")) == (
        f"error: {place / 'few.csv'}: 2 of the images are animate; classifiers need 6, give more"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_ctrl_c_ends_it_with_130(place):
    arguments = [*typed(place, place / "bl.safetensors", out="interrupted"), "--refits", "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rcnnzoo", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        # A test run in the background of a script ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    waited = time.monotonic() + 300
    while not list((place / "interrupted" / "classifiers").glob("bl-random1*")) and time.monotonic() < waited:
        time.sleep(0.2)
    time.sleep(2)  # into the shuffles
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "interrupted"


def test_the_command_comes_through_the_public_hook_and_the_core_knows_nothing_of_it(monkeypatch):
    (row,) = [row for row in plugins.listing() if row["name"] == "behaviour" and row["kind"] == "commands"]
    assert row["package"] == "rcnnzoo-behaviour"
    core = Path(rcnnzoo.__file__).parent
    naming = [
        file.name for file in core.rglob("*.py") if re.search(r"rcnnzoo_behaviour|pingouin|numba", file.read_text())
    ]
    assert naming == []
    monkeypatch.setenv("RCNNZOO_LOAD_PLUGINS", "")
    plugins.registry.cache_clear()
    try:
        assert "behaviour" not in plugins.names("commands")
        assert main(["behaviour"]) == 2
    finally:
        plugins.registry.cache_clear()


def test_help_imports_nothing_heavy():
    code = "import sys\nfrom rcnnzoo.cli import main\nmain(['behaviour', '--help'])\nprint(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "rcnnzoo_behaviour.cli" in modules
    assert not {"torch", "numba", "pingouin", "pandas", "sklearn"} & set(modules)


def test_stars_and_distributions_are_those_of_the_tables():
    assert [figures.stars(p) for p in (0.001, 0.0011, 0.01, 0.05, 0.051, float("nan"))] == [
        "***",
        "**",
        "**",
        "*",
        "",
        "",
    ]
    table = pd.DataFrame(
        {
            "network": "net",
            "animate": [1, 1, 1, 0],
            "reaction_time": [1.2, 0.9, 3.0, 2.0],
            "uncertainty": [0.1, 0.3, 0.5, 0.0],
        }
    )
    found = figures.distribution(table).set_index(["kind", "reaction_time"])
    assert found.loc[("animate", 1), "share"] == pytest.approx(2 / 3)
    assert found.loc[("animate", 1), "uncertainty"] == pytest.approx(0.2)
    assert found.loc[("inanimate", 2), "images"] == 1


def test_images_that_appear_late_and_are_masked(place, capsys):
    small = [place / "bl.safetensors", "--stimulus", "blank:2,image:2,noise:1", "--json"]
    assert main([*typed(place, *small, out="masked"), "--from", "onset"]) == 0
    times = pd.read_csv(place / "masked" / "reaction_times.csv")
    assert (times["reaction_time"] - times["reaction_time_since_onset"]).round(9).eq(2).all()
    assert times["reaction_time"].between(1, 5).all()
    words = (place / "masked" / "methods.txt").read_text()
    assert "shown blank:2,image:2,noise:1; 5 steps (trained for 3)" in words
    assert "Reaction times since the image's onset count that step as 1: step 3 for bl." in words
    # Before the image appears, the network knows nothing: classifiers say animate as often as it is.
    classifiers = pd.read_csv(place / "masked" / "classifiers.csv")
    assert (classifiers["step"] - classifiers["step_since_onset"]).eq(2).all()
    share = classifiers["accuracy"].iloc[0]
    animate = times["animate"].mean()
    assert share <= max(animate, 1 - animate)
    capsys.readouterr()
    assert main(typed(place, *small, out="masked", human="people.csv")) == 0  # all is kept
    assert "classifiers" not in capsys.readouterr().err


def test_what_is_shown_is_part_of_what_is_kept(place):
    names = {}
    for out, more in (("plain", []), ("cut", ["--lesion", "layers.*.lateral"]), ("same", ["--stimulus", "image:3"])):
        assert main([*typed(place, place / "bl.safetensors", out=out), *FEW, *more]) == 0
        names[out] = sorted(path.name for path in (place / out / "classifiers").iterdir())
    assert names["plain"] == names["same"] != names["cut"]
    entropies = {out: pd.read_csv(place / out / "reaction_times.csv")["last_entropy"] for out in names}
    assert entropies["plain"].equals(entropies["same"])
    assert not entropies["plain"].equals(entropies["cut"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--stimulus", "blank:3", "--from", "onset"], "--from: bl is never shown the images"),
        (["--stimulus", "image"], "--stimulus 'image': 'image' has no number of time steps"),
        (["--lesion", "layers.9"], "unknown module 'layers.9'"),
    ],
)
def test_conditions_that_cannot_be_are_refused_before_anything_is_traced(place, capsys, more, words):
    assert main([*typed(place, place / "bl.safetensors", out="refused"), *more]) == 2
    assert words in capsys.readouterr().err
    assert not (place / "refused").exists()
