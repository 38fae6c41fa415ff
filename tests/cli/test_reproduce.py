"""`rcnnzoo reproduce` and `rcnnzoo report`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused
from tests.data.lookalikes import make_ecoset

TINY = """
title = "Tiny <b>digits</b>"
data = "digits"
networks = ["bl", "b"]
seeds = "0-1"
[training]
epochs = 1
width = 0.0625
image_size = 8
[training_of.bl]
steps = 2
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which a recipe was carried out, which no test changes."""
    folder = tmp_path_factory.mktemp("reproduced")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("tiny.toml").write_text(TINY)
        assert main(["reproduce", "tiny.toml", "--out", "out"]) == 0
    return folder


def content_of(page):
    """The data that a page draws."""
    (text,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_it_leaves_runs_tables_figures_and_a_page(done):
    out = done / "out"
    assert {path.name for path in (out / "runs").iterdir()} == {"bl", "b"}
    assert (out / "runs/bl/seed1/model.safetensors").is_file()
    for file in ("compare/models.csv", "profile/sat.png", "accuracy/b/accuracy.csv", "log.txt"):
        assert (out / file).is_file()
    page = (out / "report.html").read_text()
    assert "Tiny &lt;b&gt;digits&lt;/b&gt;" in page
    assert "<b>digits" not in page
    assert "rcnnzoo train bl --epochs 1" in page


def test_again_it_does_nothing_and_the_page_is_the_same(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    before = Path("out/report.html").read_bytes()
    assert main(["reproduce", "tiny.toml", "--out", "out"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("done before") == 7
    assert captured.out.strip() == "out/report.html"
    Path("out/report.html").rename("other.html")
    assert main(["reproduce", "tiny.toml", "--out", "out"]) == 0
    assert Path("out/report.html").read_bytes() == before


def test_the_plan_says_what_is_done_and_what_it_costs(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    found = document(capsys, "reproduce", "tiny.toml", "--out", "out", "--dry-run")
    assert all(step["done"] for step in found["steps"])
    assert found["seconds_left"] == 0
    more = document(capsys, "reproduce", "tiny.toml", "--out", "out", "--dry-run", "--seeds", "0-3")
    bl, info = more["networks"]["bl"], document(capsys, "info", "out/runs/bl/seed0")
    assert (bl["parameters"], bl["macs"]) == (info["parameters"], info["macs"])
    assert (bl["done"], bl["left"]) == (2, 2)
    assert bl["measured"] == "finished epochs"
    seconds = [float(line.split(",")[-2]) for seed in (0, 1) for line in lines(done / f"out/runs/bl/seed{seed}")]
    assert bl["seconds_left"] == pytest.approx(sum(seconds))
    elsewhere = document(capsys, "reproduce", "tiny.toml", "--out", "none", "--dry-run")
    assert elsewhere["networks"]["b"]["measured"] == "a few updates"
    assert elsewhere["seconds_left"] > 0
    assert not (done / "none").exists()


def lines(run):
    return (run / "metrics.csv").read_text().splitlines()[1:]


def test_the_page_has_what_the_commands_say(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    page = Path("out/report.html").read_text()
    drawn = content_of(page)
    compared = document(capsys, "compare", "out/runs/bl", "out/runs/b")
    for model in compared["models"]:
        name = model["name"]
        (curve,) = [
            one
            for one in drawn["sat"]["curves"]
            if (one["network"], one["policy"], one["readout"]) == (name, "entropy", "cumulative")
        ]
        assert curve["accuracy"][-1] == pytest.approx(model["accuracy"])
        assert curve["macs"][-1] == document(capsys, "info", f"out/runs/{name}/seed0")["macs"]
    assert page.count('src="data:image/png;base64,') == 12


@pytest.mark.filterwarnings("ignore:.*of ecoset's 565 categories")
def test_a_recipe_at_full_scale_runs_on_a_look_alike(tmp_path):
    make_ecoset(tmp_path / "data")
    small = ["--epochs", "1", "--width", "0.0625", "--image-size", "8"]
    assert main(["reproduce", "ecoset", "--data-dir", "data", *small, "--out", "out"]) == 0
    found = content_of(Path("out/report.html").read_text())
    assert found["networks"] == ["bl-seed0", "b-seed0", "b-k-seed0", "b-f-seed0", "b-d-seed0", "b-u-seed0"]


def test_jobs_are_written_and_nothing_else(tmp_path, capsys):
    Path("tiny.toml").write_text(TINY)
    assert main(["reproduce", "tiny.toml", "--out", "out", "--jobs"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"jobs.txt"}
    assert len(Path("out/jobs.txt").read_text().splitlines()) == 4
    assert "sed -n" in capsys.readouterr().err


def test_what_can_t_work_is_refused_before_anything_is_trained(tmp_path, capsys):
    Path("tiny.toml").write_text(TINY)
    Path("people.csv").write_text("image,animate,pc\n")
    refused(capsys, "reproduce nothing --out out", "unknown recipe 'nothing'")
    refused(capsys, "reproduce tiny.toml --out out --human people.csv", "go together")
    refused(capsys, "reproduce tiny.toml --out out --human none.csv --images .", "none.csv: there is no such file")
    refused(capsys, "reproduce tiny.toml --out out --human people.csv --images no", "no: there is no such folder")
    refused(capsys, "reproduce tiny.toml --out out --dry-run --jobs", "--dry-run and --jobs can't be combined")
    refused(capsys, "reproduce tiny.toml --out out --seeds 3", "write them like 0-4")
    refused(capsys, "reproduce tiny.toml --out out --json", "--json needs --dry-run")
    Path("wrong.toml").write_text(TINY.replace("epochs = 1", "epoch = 1"))
    refused(capsys, "reproduce wrong.toml --out out", "unknown setting 'epoch': did you mean 'epochs'?")
    for before, after, words in (
        ("[training]", 'policy = "entropi"\n[training]', "did you mean 'entropy'?"),
        ('"b"]', '"b-x"]', "unknown architecture 'b-x'"),
        ("epochs = 1", "epochs = 1\nseed = 3", "seed doesn't belong there"),
        ('"digits"', '"digitz"', "'digitz'"),
    ):
        Path("wrong.toml").write_text(TINY.replace(before, after))
        refused(capsys, "reproduce wrong.toml --out out --jobs", words)
    assert not Path("out").exists()


def test_a_report_of_single_networks_and_traces(run, trained_b, capsys):
    assert main(["trace", str(trained_b), "--out", "b.zarr"]) == 0
    capsys.readouterr()
    found = json.loads(printed(capsys, "report", run, "b.zarr", "--out", "page.html", "--json"))
    page = Path("page.html").read_text()
    assert found["bytes"] == len(page.encode())
    assert found["networks"] == ["run", "b"]
    assert "Without human data" in page
    verdicts = {claim["claim"]: claim["verdict"] for claim in found["claims"]}
    (one,) = [verdict for claim, verdict in verdicts.items() if "more accurate than b-k" in claim]
    assert one == "not tested"


def test_networks_of_one_name_are_told_apart_and_one_named_twice_is_refused(run, twin, capsys):
    found = json.loads(printed(capsys, "report", run, twin, "--out", "page.html", "--json"))
    assert found["networks"] == [str(run), str(twin)]
    refused(capsys, f"report {run} {run} --out twice.html", "is named twice")


def test_members_that_others_lack_are_left_out_and_named(done, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(done)
    shutil.copytree("out/runs/b", tmp_path / "b")
    shutil.copytree("out/runs/bl/seed0", tmp_path / "single")
    page = tmp_path / "page.html"
    found = json.loads(printed(capsys, "report", tmp_path / "b", tmp_path / "single", "--out", page, "--json"))
    assert found["networks"] == ["b", "bl-seed0"]  # the name that its trace was recorded under
    assert "b: 1 member (1) left out, as not all networks have them." in page.read_text()
    assert "one seed each" in page.read_text()
    assert content_of(page.read_text())["sat"]["interval"] == "95 % over images"


def test_a_report_refuses_what_it_can_t_show(run, capsys):
    refused(capsys, f"report {run} --out page.txt", "give it a name that ends in .html")
    refused(
        capsys, f"report {run} --out page.html --behaviour nowhere", "is not a folder that `rcnnzoo behaviour` wrote"
    )
    refused(capsys, f"report {run} --out page.html --commands none.txt", "none.txt: can't be read")
    refused(capsys, f"report {run} --out page.html --policy entropi", "did you mean 'entropy'?")
    assert not Path("page.html").exists()
