"""A run's folder: which may become one, which was finished last, and what is taken away."""

import os

import pytest

from rcnnzoo.errors import TrainingError
from rcnnzoo.runs.folder import Run, newest_run


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
    with pytest.raises(TrainingError, match="holds a run already"):
        run.check_free(resume=False)


def test_discarding_leaves_what_is_not_a_runs(tmp_path):
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.settings.touch()
    run.discard()
    assert not run.folder.exists()
    run.folder.mkdir()
    run.settings.touch()
    (run.folder / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        run.discard()
    assert [file.name for file in run.folder.iterdir()] == ["notes.txt"]


def test_only_the_first_process_logs(tmp_path):
    run = Run(tmp_path)
    with run.logging(is_first=False) as log:
        log.info("from another process")
    assert not run.log.exists()
    for line in ("started", "resumed"):
        with run.logging(is_first=True) as log:
            log.info(line)
    assert [line.rpartition(" ")[2] for line in run.log.read_text().splitlines()] == ["started", "resumed"]
