"""Calling the program as users do."""

import json
import os

from rcnnzoo.cli import main

TINY = ["--width", "0.0625", "--image-size", "8", "--epochs", "1", "--precision", "fp32"]


def printed(capsys, *typed):
    assert main([*map(str, typed)]) == 0
    return capsys.readouterr().out


def document(capsys, *typed):
    return json.loads(printed(capsys, *typed, "--json"))


def refused(capsys, typed, message):
    assert main(typed.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if not line.startswith("tracing ")]
    assert line.startswith("error: ")
    assert message in line


def rcnnzoo_file(run):
    with open(os.path.join(run, "model.safetensors"), "rb") as file:
        return file.read()
