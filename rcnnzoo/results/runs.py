"""Which runs there are, and how far each has come: `rcnnzoo list runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rcnnzoo.errors import DataError, RcnnzooError
from rcnnzoo.results.result import Result, percent
from rcnnzoo.runs.folder import RUNS, SETTINGS, Run
from rcnnzoo.runs.members import members
from rcnnzoo.training.settings import read_settings
from rcnnzoo.weights.files import read_header


def list_runs(folder: Path) -> Result:
    """A row for each run in a folder: architecture, data, epochs, accuracy after all steps, state.

    Raises:
        DataError: There is no such folder.
    """
    files = [*folder.glob(f"*/{SETTINGS}")]
    files += [run / SETTINGS for several in folder.glob("*") for run in members(several).values()]
    runs = [_describe(Run(settings.parent)) for settings in sorted(files)]
    rows = [
        {
            "run": str(Path(run["name"]).relative_to(folder)),
            "architecture": run["architecture"],
            "data": run["data"],
            "epochs": f"{run['epochs_done']} of {run['epochs']}",
            "top-1 %": None if run["accuracy"] is None else f"{percent(run['accuracy'])} ({run['split']})",
            "state": run["state"],
        }
        for run in runs
    ]
    if not folder.is_dir() and folder != Path(RUNS):  # without runs yet, its own folder is not there
        raise DataError(f"{folder}: there is no such folder; name one that holds runs")
    if not runs:
        return Result(runs, notes=[f"{folder}: holds no runs"])
    notes = (
        ["Where top-1 % is empty, the run is not finished, or no images were held out."]
        if any(run["accuracy"] is None for run in runs)
        else []
    )
    return Result(runs, [(str(folder), rows)], notes=notes)


def _describe(run: Run) -> dict[str, Any]:
    try:
        settings = read_settings(run.settings)
        metrics = read_header(run.weights)[0].get("metrics") if run.finished else None
        state = "finished" if run.finished else "training" if run.is_busy else "not finished"
    except RcnnzooError as error:
        settings, metrics, state = {}, None, f"can't be read: {error}"
    return {
        "name": str(run.folder),
        **{name: settings.get(name) for name in ("architecture", "data", "epochs")},
        "epochs_done": run.epochs_done(),
        "accuracy": None if metrics is None else metrics["accuracy"][-1],
        "split": None if metrics is None else metrics["split"],
        "state": state,
    }
