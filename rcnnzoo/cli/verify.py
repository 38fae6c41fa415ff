"""`rcnnzoo verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from rcnnzoo.cli.options import BatchSize, DataDir, MaxBad, Split, Workers, computes
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.devices import DTYPES
from rcnnzoo.errors import WeightsError


@computes
def verify(
    model: Annotated[str, typer.Argument(help="A run folder or a .safetensors file.")],
    data: Annotated[str | None, typer.Option(help="Data set or folder on which to measure accuracy again.")] = None,
    data_dir: DataDir = None,
    split: Split = None,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 of the file, as its publisher gives it.")] = None,
    batch_size: BatchSize = 100,
    precision: Annotated[
        str | None, typer.Option(help=f"Precision: one of {', '.join(DTYPES)}.", show_default="that of the claim")
    ] = None,
    workers: Workers = None,
    max_bad: MaxBad = 10,
    as_json: AsJson = False,
) -> None:
    """Check the hash, tensors and category names of weights and, with --data, the accuracy that they claim.

    The exit status is 2 if a check fails.

    Example: rcnnzoo verify runs/bl-digits-seed0 --data digits
    """
    from rcnnzoo.architectures.card import card_of
    from rcnnzoo.data.splits import fingerprint
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference, open_subject
    from rcnnzoo.results.verification import check_accuracy, claimed_precision
    from rcnnzoo.results.verification import verify as ask
    from rcnnzoo.weights.verification import check_file, failed

    file = Reference(model).weights
    if file is None:
        raise WeightsError(
            f"{model}: an architecture has no weights to verify; name a run folder or a .safetensors file"
        )
    network, checks = check_file(file, sha256)
    if data is not None and network is not None and not failed(checks):
        subject = open_subject(model, data, data_dir, split, model=network)
        card = card_of(network)
        how = Recording(batch_size, precision=precision or claimed_precision(card), workers=workers, max_bad=max_bad)
        images = fingerprint(subject.data.split(subject.split), stamps=False)
        checks.append(check_accuracy(card, subject.trace(how).trace, images))
    show(ask(file, checks), as_json=as_json)
    if names := failed(checks):
        raise WeightsError(f"{file}: failed the check of {', '.join(names)}")
