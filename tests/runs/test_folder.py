"""A run's folder: which may become one, which was finished last, and what is removed."""

import os

import pytest

from rcnnzoo.errors import BusyError, TrainingError
from rcnnzoo.runs.folder import Run, newest_run
from rcnnzoo.writing import temporary_name


def test_the_newest_run_is_the_one_finished_last(tmp_path):
    for name, when in (("a", 300), ("b", 500), ("c", 400)):
        run = Run(tmp_path / name)
        run.folder.mkdir()
        run.weights.touch()
        os.utime(run.weights, (when, when))
    Run(tmp_path / "unfinished").folder.mkdir()
    assert newest_run(tmp_path) == tmp_path / "b"


def test_without_a_finished_run_it_says_what_to_do(tmp_path):
    (tmp_path / "unfinished").mkdir()
    with pytest.raises(TrainingError, match="holds no finished run; train one, or name a run"):
        newest_run(tmp_path)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_is_not_there_or_empty_can_become_a_run(tmp_path, resume):
    Run(tmp_path / "new").check_free(resume)
    Run(tmp_path).check_free(resume)


def test_a_folder_of_something_else_cannot(tmp_path):
    (tmp_path / "thesis.tex").touch()
    for resume in (False, True):
        with pytest.raises(TrainingError, match="is not a run folder"):
            Run(tmp_path).check_free(resume)
        with pytest.raises(TrainingError, match="is not a run folder"):
            Run(tmp_path / "thesis.tex").check_free(resume)


def test_a_run_is_resumed_only_if_that_was_asked_for(tmp_path):
    run = Run(tmp_path)
    run.settings.touch()
    run.check_free(resume=True)
    with pytest.raises(TrainingError, match="already holds a run"):
        run.check_free(resume=False)


def test_discarding_leaves_what_is_not_a_runs(tmp_path):
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.settings.touch()
    (run.folder / "notes.txt").write_text("mine")
    run.discard()
    assert [file.name for file in run.folder.iterdir()] == ["notes.txt"]


def test_a_locked_run_is_locked_for_others_and_leaves_no_empty_folder(tmp_path):
    run = Run(tmp_path / "run")
    with run.locked(), pytest.raises(BusyError, match=r"run: another process is writing there: wait"), run.locked():
        pass
    assert not run.folder.exists()
    with run.locked():
        run.settings.touch()
    assert list(run.folder.iterdir()) == [run.settings]


def test_a_run_takes_away_what_a_killed_process_left_of_it(tmp_path):
    run = Run(tmp_path)
    killed = temporary_name(run.metrics)
    killed.write_text("epoch")
    (tmp_path / ".notes.part").write_text("mine")
    with run.locked():
        pass
    assert [file.name for file in tmp_path.iterdir()] == [".notes.part"]


@pytest.mark.parametrize("name", ["log.txt", "checkpoint.pt", "metrics.csv"])
def test_a_run_is_not_written_through_links(tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.settings.touch()
    (run.folder / name).symlink_to(elsewhere)
    with pytest.raises(TrainingError, match=f"{name}: is a link"):
        run.check_free(resume=True)
