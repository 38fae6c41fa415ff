"""`rcnnzoo verify`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rcnnzoo.cli.options import BatchSize, DataDir, MaxBad, Split, Workers
from rcnnzoo.cli.output import AsJson, show_json, show_table
from rcnnzoo.errors import WeightsError


def verify(
    model: Annotated[str, typer.Argument(help="A run folder or a .safetensors file.")],
    data: Annotated[str | None, typer.Option(help="Measure accuracy again, on a registered name or a folder.")] = None,
    data_dir: DataDir = None,
    split: Split = None,
    sha256: Annotated[str | None, typer.Option(help="Of the file, as its publisher gives it.")] = None,
    batch_size: BatchSize = 100,
    precision: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16 (that of the claim).")] = None,
    workers: Workers = None,
    max_bad: MaxBad = 10,
    as_json: AsJson = False,
) -> None:
    """Check that weights are what they say: hash, tensors, category names and, with --data, the accuracy they claim.

    Exit status 2 says that something is not.

    Example: rcnnzoo verify runs/bl-digits-seed0 --data digits
    """
    from rcnnzoo.analysis.verification import check_accuracy, check_file, claimed_precision, failed
    from rcnnzoo.data.splits import fingerprint
    from rcnnzoo.traces.finding import find_subject
    from rcnnzoo.traces.opening import open_trace
    from rcnnzoo.traces.recording import Recording
    from rcnnzoo.weights.models import weights_file

    file = weights_file(model)
    if file is None:
        raise WeightsError(
            f"{model}: an architecture has no weights to verify; name a run folder or a .safetensors file"
        )
    checks = check_file(file, sha256)
    if data is not None and not failed(checks):
        subject = find_subject(model, data, data_dir, split)
        precision = precision or claimed_precision(subject.model.metadata)
        how = Recording(batch_size, precision=precision, workers=workers, max_bad=max_bad)
        trace = open_trace(subject.find(how))
        images = fingerprint(subject.data.split(subject.split), stamps=False)
        checks.append(check_accuracy(subject.model.metadata, trace, images))
    if as_json:
        show_json({"file": str(file), "checks": [asdict(check) for check in checks]})
    else:
        words = {True: "holds", False: "FAILS", None: "no claim"}
        show_table(
            [{"check": check.name, "": words[check.ok], "found": check.found} for check in checks], title=str(file)
        )
    if names := failed(checks):
        raise WeightsError(f"{file}: {', '.join(names)}: not what it should be")
