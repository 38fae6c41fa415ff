"""`rcnnzoo verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import BatchSize, DataDir, MaxBad, Split, Workers, computes
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.devices import DTYPES
from rcnnzoo.errors import OptionError, WeightsError


@computes
def verify(
    model: Annotated[str, typer.Argument(help="A run folder, a folder of several seeds, or a .safetensors file.")],
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
    from rcnnzoo.results.result import Result
    from rcnnzoo.results.seeds import in_turn
    from rcnnzoo.results.verification import check_accuracy, claimed_precision
    from rcnnzoo.results.verification import verify as ask
    from rcnnzoo.weights.verification import check_file, failed

    wrong: list[str] = []

    def verified(text: str, _: Path | None) -> Result:
        file = Reference(text).weights
        if file is None:
            raise WeightsError(
                f"{text}: an architecture has no weights to verify; name a run folder or a .safetensors file"
            )
        network, checks = check_file(file, sha256)
        if data is not None and network is not None and not failed(checks):
            subject = open_subject(text, data, data_dir, split, model=network)
            card = card_of(network)
            used = precision or claimed_precision(card)
            how = Recording(batch_size, precision=used, workers=workers, max_bad=max_bad)
            images = fingerprint(subject.data.split(subject.split), stamps=False)
            checks.append(check_accuracy(card, subject.trace(how).trace, images))
        if names := failed(checks):
            wrong.append(f"{file}: failed the check of {', '.join(names)}")
        return ask(file, checks)

    if sha256 is not None and Reference(model).members:
        raise OptionError(f"`sha256` is of one file, and {model} holds several seeds: name one of them")
    show(in_turn(model, verified), as_json=as_json)
    if wrong:
        raise WeightsError("; ".join(wrong))
