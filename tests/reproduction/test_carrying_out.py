"""A recipe as commands: which are run, which are not run again, and how an interrupted one resumes."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from rcnnzoo.errors import BusyError, OptionError, RcnnzooError
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.recipes.reading import Recipe
from rcnnzoo.reproduction.carrying_out import carry_out, write_jobs
from rcnnzoo.reproduction.steps import Reproduction, Study, adapted

RECIPE = Recipe(
    "Title of it",
    "digits",
    ["bl", "b"],
    "0-1",
    training={"epochs": 2, "width": 0.5},
    training_of={"b": {"batch_size": 7, "width": 0.25}},
    behaviour={"refits": 9},
)


@pytest.fixture
def reproduction(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("image,animate,pc\n")
    return Reproduction(RECIPE, Path("data"), [Study(Path("people.csv"), Path("photos"))], Path("out"))


class Program:
    """Stands in for the program: does a command by writing what it would write, or fails at one."""

    def __init__(self, reproduction, fails_at=None, status=130):
        self.written = {step.command: step.writes for step in reproduction.steps()}
        self.ran, self.fails_at, self.status = [], fails_at, status

    def __call__(self, command):
        print(f"table of {command[0]}")  # noqa: T201 - as the program prints its results
        if len(self.ran) == self.fails_at:
            return self.status
        self.ran.append(command[0])
        for path in self.written[tuple(command)]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(" ".join([*command, Path("people.csv").read_text()]))
        return 0


WHOLE = ["train", "train", "evaluate", "evaluate", "compare", "profile", "behaviour", "report"]


def test_the_commands_are_those_that_a_user_would_type(reproduction):
    commands = [shlex.join(step.command) for step in reproduction.steps()]
    data = "--data digits --data-dir data"
    assert commands == [
        f"train bl --epochs 2 --width 0.5 {data} --seeds 0-1 --out out/runs/bl --resume",
        f"train b --epochs 2 --width 0.25 --batch-size 7 {data} --seeds 0-1 --out out/runs/b --resume",
        "evaluate out/runs/bl --readout cumulative --data-dir data --out out/accuracy/bl",
        "evaluate out/runs/b --readout cumulative --data-dir data --out out/accuracy/b",
        "compare out/runs/bl out/runs/b --policy entropy --readout cumulative --data-dir data --out out/compare",
        "profile out/runs/bl --sweep --against out/runs/b --policy entropy --readout cumulative --data-dir data "
        "--out out/profile",
        "behaviour out/runs/bl --against out/runs/b --images photos --human people.csv --refits 9 --readout cumulative "
        "--out out/behaviour/people",
        "report out/runs/bl out/runs/b --behaviour out/behaviour/people --policy entropy --readout cumulative "
        "--data-dir data --title 'Title of it' --commands out/commands.txt --out out/report.html",
    ]


def test_a_single_seed_is_a_single_network(reproduction):
    one = Reproduction(adapted(RECIPE, "3-3", {}), None, [], Path("out"))
    assert one.steps()[2].command[:2] == ("evaluate", "out/runs/bl/seed3")


def test_what_a_user_gives_comes_before_what_the_recipe_says(reproduction):
    recipe = adapted(RECIPE, None, {"width": 1.0})
    other = Reproduction(recipe, None, [], Path("out"))
    assert other.settings("b") == {"epochs": 2, "width": 1.0, "batch_size": 7, "architecture": "b", "data": "digits"}
    assert recipe.seeds == "0-1"


def test_all_is_done_once_and_noted(reproduction, capsys):
    program = Program(reproduction)
    assert carry_out(reproduction, program, {"bl": 90.0, "b": 30.0}) == 0
    assert program.ran == WHOLE
    said = capsys.readouterr()
    assert said.out == ""
    assert "1 of 8: train bl, about 2.0 min of training left" in said.err
    assert "2 of 8: train b, about 30.0 s of training left" in said.err
    assert "8 of 8: report\n" in said.err
    lines = Path("out/commands.txt").read_text().splitlines()
    assert [shlex.split(line) for line in lines] == [["rcnnzoo", *step.command] for step in reproduction.steps()]
    assert Path("out/log.txt").read_text().count("table of train") == 2
    again = Program(reproduction)
    assert carry_out(reproduction, again, {}) == 0
    assert again.ran == []
    assert capsys.readouterr().err.count("done before") == 8


@pytest.mark.parametrize("place", [0, 1, 3, 6, 7])
def test_stopped_anywhere_it_resumes_there(reproduction, place):
    stopped = Program(reproduction, fails_at=place)
    assert carry_out(reproduction, stopped, {}) == 130
    assert stopped.ran == WHOLE[:place]
    rest = Program(reproduction)
    assert carry_out(reproduction, rest, {}) == 0
    assert rest.ran == WHOLE[place:]


def test_what_depends_on_other_weights_or_answers_is_done_again(reproduction):
    carry_out(reproduction, Program(reproduction), {})
    Path("out/runs/b/seed1/model.safetensors").write_text("trained again")
    again = Program(reproduction)
    carry_out(reproduction, again, {})
    assert again.ran == ["evaluate", "compare", "profile", "behaviour", "report"]
    Path("people.csv").write_text("image,animate,pc\nother,1,1\n")
    more = Program(reproduction)
    carry_out(reproduction, more, {})
    assert more.ran == ["behaviour", "report"]


def test_what_was_removed_or_is_asked_otherwise_is_done_again(reproduction):
    carry_out(reproduction, Program(reproduction), {})
    Path("out/profile/sat.csv").unlink()
    again = Program(reproduction)
    carry_out(reproduction, again, {})
    assert again.ran == ["profile"]
    other = Reproduction(adapted(RECIPE, "0-2", {}), Path("data"), [], Path("out"))
    program = Program(other)
    carry_out(other, program, {})
    assert program.ran == ["train", "train", "evaluate", "evaluate", "compare", "profile", "report"]


def test_one_process_at_a_time_works_in_a_folder(reproduction):
    Path("out").mkdir()
    with locked(Path("out", LOCK), Path("out"), wait=False), pytest.raises(BusyError, match="another process"):
        carry_out(reproduction, Program(reproduction), {})


def test_a_damaged_record_is_said(reproduction):
    Path("out").mkdir()
    Path("out/reproduction.json").write_text("{")
    with pytest.raises(RcnnzooError, match=r"reproduction\.json: can't be read .*remove it"):
        carry_out(reproduction, Program(reproduction), {})


def test_a_file_that_changes_while_it_is_read_is_read_again(reproduction):
    """What was noted is what was there when the step began."""
    program = Program(reproduction)

    def run(command):
        status = program(command)
        if command[0] == "behaviour":
            Path("people.csv").write_text("edited meanwhile")
        return status

    carry_out(reproduction, run, {})
    again = Program(reproduction)
    carry_out(reproduction, again, {})
    assert again.ran == ["behaviour", "report"]


def test_members_that_were_not_asked_for_are_refused(reproduction):
    Path("out/runs/b/seed7").mkdir(parents=True)
    Path("out/runs/b/seed7/config.toml").write_text("")
    with pytest.raises(OptionError, match=r"`seeds` 0-1: out/runs/b/seed7 is another member"):
        carry_out(reproduction, Program(reproduction), {})


@pytest.mark.parametrize("name", ["architecture", "data", "data_dir", "seed"])
def test_what_the_recipe_says_elsewhere_is_not_a_setting(reproduction, name):
    recipe = replace(RECIPE, training={name: "b"})
    with pytest.raises(OptionError, match=f"{name} doesn't belong there"):
        Reproduction(recipe, None, [], Path("out")).settings("bl")


def test_networks_that_would_share_a_folder_are_refused():
    with pytest.raises(OptionError, match="would share a folder"):
        Reproduction(replace(RECIPE, networks=["timm/x", "timm-x"]), None, [], Path("out"))


def test_studies_of_one_name_are_refused():
    with pytest.raises(OptionError, match="two files have the same name"):
        Reproduction(RECIPE, None, [Study(Path("a/p.csv"), Path()), Study(Path("b/p.csv"), Path())], Path("out"))


def test_jobs_are_one_training_for_each_member(reproduction):
    words = write_jobs(reproduction)
    jobs = [shlex.split(line) for line in Path("out/jobs.txt").read_text().splitlines()]
    assert [job[2] for job in jobs] == ["bl", "bl", "b", "b"]
    assert [job[-5:] for job in jobs[:2]] == [
        ["--seed", str(seed), "--out", f"out/runs/bl/seed{seed}", "--resume"] for seed in (0, 1)
    ]
    assert "--array=1-4" in words


def test_the_record_is_json_with_commands_and_hashes(reproduction):
    carry_out(reproduction, Program(reproduction), {})
    steps = json.loads(Path("out/reproduction.json").read_text())["steps"]
    read = steps["answers of people in people.csv (Fig. 2)"]["reads"]
    assert len(read) == 5
    assert all(len(digest) == 64 for digest in read.values())
