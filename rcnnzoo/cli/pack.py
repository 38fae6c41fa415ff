"""`rcnnzoo pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import DataDir, MaxBad, Workers
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.data.unreadable import MOST

QUALITY = 90


def pack(
    data: Annotated[
        str, typer.Argument(help="A registered data set, or a folder of class folders; with --verify, a packed folder.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the shards.")] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=10_000,
            help="Shorter side in pixels; smaller images stay as they are.",
            show_default="1.25 times the side to train at: 160, or 40 for small images",
        ),
    ] = None,
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="JPEG quality.", show_default=str(QUALITY))
    ] = None,
    data_dir: DataDir = None,
    workers: Workers = None,
    max_bad: MaxBad = MOST,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the shards of a packed folder with its hashes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Resize a data set's images once and write them into tar shards, which every --data takes; resumes if interrupted.

    Training then decodes small images instead of large ones. The shards are named as WebDataset's, so other programs
    read them too. Images are stored as JPEG, which loses detail, so pack photographs rather than small images.

    Example: rcnnzoo pack ecoset --data-dir data --out packed/ecoset-160
    """
    from rcnnzoo.data.images import number_of_workers, usual_size
    from rcnnzoo.data.opening import open_data
    from rcnnzoo.data.packing import Packing
    from rcnnzoo.errors import OptionError
    from rcnnzoo.results.packed import pack_images, verify_shards

    if verify:
        given = {"out": out, "image_size": image_size, "quality": quality, "data_dir": data_dir, "workers": workers}
        if beside := [f"`{name}`" for name, value in given.items() if value is not None]:
            raise OptionError(f"{' and '.join(beside)} can't be combined with `verify`")
        show(verify_shards(Path(data)), as_json=as_json)
        return
    if out is None:
        raise OptionError("`out` is missing: give the folder of the shards")
    opened = open_data(data, data_dir)
    side = image_size or round(1.25 * usual_size(next(iter(opened.splits.values()))))
    how = Packing(side, quality or QUALITY, number_of_workers(workers), max_bad)
    show(pack_images(opened, out, how), as_json=as_json)
