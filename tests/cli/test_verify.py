"""`rcnnzoo verify`."""

import hashlib

import rcnnzoo
from rcnnzoo.cli import main
from tests.cli.calling import document, printed


def test_verify_measures_the_claim_again_and_finds_a_changed_file(run, capsys):
    checks = document(capsys, "verify", run, "--data", "digits")["checks"]
    assert {check["name"]: check["ok"] for check in checks} == {
        "SHA-256 of the file": None,
        "hash of tensors and metadata": True,
        "tensors": True,
        "categories": None,
        "accuracy on digits test": True,
    }
    network = rcnnzoo.load(run / "model.safetensors")
    network.card.metrics["accuracy"][0] += 0.1
    rcnnzoo.save(network, run / "model.safetensors")
    assert main(["verify", str(run), "--data", "digits"]) == 2
    out, error = capsys.readouterr()
    assert "FAILS" in out
    assert error == f"error: {run}/model.safetensors: failed the check of accuracy on digits test\n"


def test_hashes_stand_whole_where_they_can_be_copied(run, capsys):
    digest = hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()
    shown = printed(capsys, "verify", run).splitlines()
    assert f"SHA-256 of the file: {digest}" in shown
    assert not any(digest in line for line in shown[:8])  # the table has its first digits
