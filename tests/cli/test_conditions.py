"""What is shown, steps and lesions, on the commands that run networks."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import rcnnzoo
from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused


def test_a_trace_says_what_was_shown_and_is_kept_apart(run, capsys):
    plain = document(capsys, "trace", run)
    shown = document(capsys, "trace", run, "--stimulus", "blank:1,image:2,noise:1")
    again = document(capsys, "trace", run, "--stimulus", "blank:1,image:2,noise:1")
    assert plain["trace"] != shown["trace"] == again["trace"]
    assert (shown["stimulus"], shown["image_onset"], shown["trained_steps"]) == ("blank:1,image:2,noise:1", 2, 2)
    other = document(capsys, "trace", run, "--stimulus", "blank:1,image:2,noise:1", "--seed", 1)
    assert other["trace"] != shown["trace"]  # other noise
    same = document(capsys, "trace", run, "--stimulus", "image:2")
    assert same["trace"] == plain["trace"]
    logits = {name: rcnnzoo.open_trace(each["trace"])["logits"].values for name, each in (("a", shown), ("b", other))}
    assert logits["a"].shape[1] == 4
    assert np.array_equal(logits["a"][:, :3], logits["b"][:, :3])
    assert not np.array_equal(logits["a"][:, 3], logits["b"][:, 3])


def test_all_commands_take_them(run, twin, capsys, tmp_path):
    options = ["--stimulus", "blank:1,image:4", "--lesion", "layers.*.lateral@2-3", "--norm-step", 2]
    accuracy = document(capsys, "evaluate", run, *options)["accuracy"]
    assert len(accuracy) == 5
    assert accuracy[0] == pytest.approx(0.1, abs=0.03)  # nothing was shown yet
    stopped = document(capsys, "profile", run, "--threshold", 0.5, *options)
    assert 1 <= stopped["mean_steps"] <= 5
    assert len(document(capsys, "profile", run, *options)["macs_per_step"]) == 5
    assert document(capsys, "calibrate", run, "--max-loss", 0.3, *options)["images"] == 450
    assert len(document(capsys, "compare", run, twin, *options)["models"]) == 2
    measured = document(capsys, "profile", run, "--measure", "--images", 4, *options)["measurement"]
    assert measured["mean_steps"][0] == 5


def test_costs_of_a_programme_and_of_what_is_cut(run, capsys):
    plain = document(capsys, "profile", run)
    shown = document(capsys, "profile", run, "--stimulus", "blank:1,image:1")
    drive = plain["modules"]["layers.0.bottom_up.0"][0]
    assert shown["macs_per_step"] == [plain["macs_per_step"][0], plain["macs_per_step"][1] + drive]
    cut = document(capsys, "profile", run, "--lesion", "layers.*.lateral")
    lateral = sum(macs[1] for name, macs in plain["modules"].items() if ".lateral." in name)
    assert cut["macs_per_step"] == [plain["macs_per_step"][0], plain["macs_per_step"][1] - lateral]


def test_an_untrained_network_is_built_for_the_steps_that_are_asked_for(capsys):
    assert len(document(capsys, "profile", "bl", "--steps", 3)["macs_per_step"]) == 3
    assert len(document(capsys, "profile", "b-u", "--stimulus", "image:4,blank:6")["macs_per_step"]) == 10


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("trace run --stimulus image", "--stimulus 'image': 'image' has no number of time steps"),
        ("trace run --stimulus image:3 --steps 4", "--steps 4: the stimulus 'image:3' has 3 time steps"),
        ("evaluate run --stimulus picture.png:3", "'picture.png' is none of image, blank, noise, scrambled"),
        ("evaluate run --norm-step 3", "--norm-step 3: bl has statistics of steps 1 to 2"),
        ("profile run --lesion layers.2", "layers.2 is a Layer, not a convolution, normalisation or linear layer"),
        ("compare run run --lesion lateral", "unknown module 'lateral'"),
        ("evaluate run --seed 3", "--seed 3: run is trained: leave that out"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, capsys, typed, words):
    refused(capsys, typed, words)


def test_a_trace_was_recorded_before(run, capsys):
    trace = document(capsys, "trace", run)["trace"]
    assert main(["evaluate", trace, "--steps", "4", "--lesion", "classifier"]) == 2
    assert "is a trace, which was recorded before: leave out --steps, --lesion" in capsys.readouterr().err


def test_time_since_the_images_onset_can_be_asked_for(run, capsys, tmp_path):
    shown = ["--stimulus", "blank:2,image:2", "--from", "onset"]
    accuracy = document(capsys, "evaluate", run, *shown, "--out", tmp_path)
    assert accuracy["step_since_onset"] == [-1, 0, 1, 2]
    table = pd.read_csv(tmp_path / "accuracy.csv")
    assert (table["step"] - table["step_since_onset"]).eq(2).all()
    for asked in (["--threshold", 0.5], ["--budget", "1G"]):
        found = document(capsys, "profile", run, *shown, *asked)
        part = found.get("chosen_on", found)
        assert part["mean_steps_since_onset"] == pytest.approx(part["mean_steps"] - 2)
    sweep = document(capsys, "profile", run, *shown, "--sweep", "--out", tmp_path)
    assert (sweep["mean_steps_since_onset"][0], sweep["mean_steps_since_onset"][-1]) == (-1, 2)
    measured = document(capsys, "profile", run, *shown, "--measure", "--images", 4, "--out", tmp_path)["measurement"]
    assert measured["mean_steps_since_onset"][0] == 2


def test_reaction_times_since_onset_of_images(run, capsys, tmp_path):
    picture = tmp_path / "three.png"
    Image.new("RGB", (8, 8), "grey").save(picture)
    shown = ["--stimulus", "blank:2,image:2", "--from", "onset"]
    (late,) = document(capsys, "predict", run, picture, *shown, "--figure", "--out", tmp_path)
    assert (late["reaction_time"], late["reaction_time_since_onset"]) == (4, 2)
    (early,) = document(capsys, "predict", run, picture, *shown, "--threshold", 2.3)
    assert (early["reaction_time"], early["reaction_time_since_onset"]) == (1, -1)  # before it was shown


def test_onset_of_what_is_never_shown(run, capsys):
    refused(capsys, "evaluate run --stimulus blank:2 --from onset", "--from: the stimulus never shows the image")
    refused(capsys, "profile run --from onset", "--from needs --sweep or --threshold or --budget or --accuracy")


def test_results_under_other_conditions_are_kept_apart(run, twin, capsys, tmp_path):
    picture = tmp_path / "three.png"
    Image.new("RGB", (8, 8), "grey").save(picture)
    for options in ([], ["--stimulus", "image:1,noise:2"]):
        document(capsys, "predict", run, picture, "--figure", *options)
        document(capsys, "compare", run, twin, *options)
        document(capsys, "profile", run, "--measure", "--images", 4, *options)
    assert len(list((tmp_path / "predictions").iterdir())) == 2
    assert len(list((tmp_path / "compare").glob("**/pairs.csv"))) == 2
    assert len(list((tmp_path / "run" / "traces").glob("*/measure.csv"))) == 2


def test_noise_does_not_depend_on_how_a_path_is_typed(run, capsys, tmp_path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (8, 8), "grey").save(tmp_path / "pictures" / "three.png")
    typed = ("pictures/three.png", "./pictures/../pictures/three.png", str(tmp_path / "pictures" / "three.png"))
    found = [document(capsys, "predict", run, name, "--stimulus", "noise:2,image:1")[0]["confidence"] for name in typed]
    assert found[0] == found[1] == found[2]


def test_titles_say_under_which_conditions_each_network_was_run(run, twin, capsys):
    plain = document(capsys, "trace", run)["trace"]
    masked = document(capsys, "trace", twin, "--stimulus", "image:1,noise:2")["trace"]
    for traces in ((plain, masked), (masked, plain)):
        said = " ".join(printed(capsys, "compare", *traces).split())
        assert "run as usual" in said
        assert "shown image:1,noise:2" in said
    assert "shown image:1,noise:2" in printed(capsys, "compare", run, twin, "--stimulus", "image:1,noise:2")


def test_tables_say_under_which_conditions(run, capsys, tmp_path):
    options = ["--stimulus", "blank:1,image:2", "--lesion", "layers.*.lateral@2-3", "--norm-step", 1]
    words = "shown blank:1,image:2, 3 steps (trained for 2), batch norm of step 1, without layers.*.lateral@2-3"
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    for typed in (["profile", run], ["predict", run, tmp_path / "one.png"], ["profile", run, "--measure"]):
        more = ["--images", 4] if "--measure" in typed else []
        assert words in printed(capsys, *typed, *more, *options)
    cost = document(capsys, "profile", run, *options)
    assert (cost["stimulus"], cost["steps"], cost["trained_steps"]) == ("blank:1,image:2", 3, 2)


def test_calibrate_draws_other_noise_with_another_seed(run, capsys):
    typed = ["calibrate", run, "--max-loss", 0.3, "--stimulus", "image:1,noise:1"]
    one, other = (document(capsys, *typed, "--seed", seed)["trace"] for seed in (0, 1))
    assert one != other
    refused(capsys, "calibrate run --max-loss 0.3 --seed 1", "--seed 1: run is trained: leave that out")
