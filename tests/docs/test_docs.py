"""The documentation, run: its examples work, and its statements are true."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.cli import main
from rcnnzoo.training.recipes import recipe
from tests.conftest import plugins_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(page, *languages):
    """Fenced code blocks of a page, in order: language and text."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [(language, code) for language, code in found if language in languages]


def run_commands(code):
    """Commands of rcnnzoo, one on each line, in this process, which saves starting one for each."""
    for line in code.splitlines():
        program, *typed = shlex.split(line)
        assert program == "rcnnzoo", line
        assert main(typed) == 0, line


WRITTEN = {
    "tutorial": [
        "predictions/bl-digits-clutter-seed0/predictions.png",
        "runs/b-digits-clutter-seed0/traces/digits-clutter-test/accuracy.svg",
    ],
    "own-network": ["mine.html"],
    "own-people": ["behaviour/correlations.csv", "behaviour/methods.txt", "people.html"],
    "brains-and-time": ["rsa/correlations.csv", "rsa/steps.csv"],
}
"""Tutorials, and some of the files that are there in the end."""


@pytest.mark.parametrize("page", WRITTEN)
def test_the_tutorials_run_as_written_but_for_their_number_of_epochs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with plugins_of(tmp_path):
        for language, code in blocks(DOCS / f"{page}.md", "bash", "python"):
            if language == "python":
                exec(code, {})  # noqa: S102 - the page's own code
            else:
                run_commands(re.sub(r"--epochs \d+", "--epochs 1", code))
    for file in WRITTEN[page]:
        assert (tmp_path / file).is_file()


def test_the_page_on_stopping_early_runs_as_written(tmp_path):
    for _, code in blocks(DOCS / "early-exit.md", "python"):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    assert [row[0] for row in table("early-exit.md", "| policy | score")] == plugins.names("policies")


def test_the_page_of_commands_is_what_the_commands_say():
    process = subprocess.run([sys.executable, DOCS / "write_cli.py", "--check"], capture_output=True, text=True)
    assert process.stderr == ""


def table(page, heading):
    """Rows of the table that follows a heading row."""
    lines = (DOCS / page).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(heading))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip(" `") for cell in line.strip("|").split("|")])
    return rows


def test_the_table_of_networks_is_what_info_says():
    from rcnnzoo.profiling.summary import summarise

    rows = table("words.md", "| name | what it is")
    ours = [name for name in plugins.names("architectures") if plugins.package_of("architectures", name) == "rcnnzoo"]
    assert [row[0] for row in rows] == ours
    for name, _, parameters, macs in rows:
        summary = summarise(rcnnzoo.build(name))
        assert parameters == f"{summary['parameters']:,}"
        first, *later = summary["macs_per_step"]
        said = [float(number) for number in re.findall(r"([\d.]+) G", macs)]
        assert said == [round(first / 1e9, 3), *({round(step / 1e9, 3) for step in later})]


def test_the_table_of_recipes_is_what_they_are():
    rows = {row[0]: row[1:] for row in table("recipes.md", "| | `modern`")}
    recipes = [recipe("modern", "bl", 32), recipe("modern", "bl", 128), recipe("spoerer2020", "bl", 128)]
    assert [float(cell) for cell in rows["epochs"]] == [r["epochs"] for r in recipes]
    assert [float(cell.split()[0]) for cell in rows["batch"]] == [r["batch_size"] for r in recipes]
    assert [cell.split(", ")[1] for cell in rows["learning rate"]] == [r["schedule"] for r in recipes]
    assert [float(cell.split(",")[0]) for cell in rows["learning rate"]] == [r["lr"] for r in recipes]
    assert [float(cell.split(",")[0]) for cell in rows["weight decay"]] == [r["weight_decay"] for r in recipes]
    assert [float(cell.replace("-", "0")) for cell in rows["label smoothing"]] == [
        r["label_smoothing"] for r in recipes
    ]
    assert [float(cell.replace("unlimited", "0")) for cell in rows["largest gradient norm"]] == [
        r["clip"] for r in recipes
    ]
    momenta = [float(cell) for cell in rows["batch norm: weight of a new batch"]]
    assert momenta == [r["batch_norm_momentum"] for r in recipes]


def test_pages_link_to_pages_that_are_there():
    for page in [*DOCS.glob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
