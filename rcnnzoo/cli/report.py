"""`rcnnzoo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import MODEL_OR_TRACE, Data, DataDir, PolicyName, ReadoutName, Split, computes
from rcnnzoo.cli.output import AsJson, show_json


@computes
def report(
    models: Annotated[list[str], typer.Argument(help=f"One or more. {MODEL_OR_TRACE}", metavar="MODEL|TRACE...")],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="The page.")],
    title: Annotated[str | None, typer.Option(help="Title of the page.", show_default="the data set")] = None,
    policy: PolicyName = "entropy",
    readout: ReadoutName = "cumulative",
    behaviour: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Results of `rcnnzoo behaviour`, for Fig. 2; may be repeated."),
    ] = None,
    commands: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A text file: the commands that made all this, one per line.")
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    as_json: AsJson = False,
) -> None:
    """Write one page of everything about networks: one HTML file that loads nothing else, to look at and to send.

    Networks are on the same images, those of a run unless --data is given. For folders of several seeds, all of it is
    the mean over seeds with its interval. The page has tables that can be copied as CSV, curves that respond to the
    mouse and the keyboard, the easiest and the hardest images, and how everything was made.

    Example: rcnnzoo report runs/bl-digits-seed0 runs/b-digits-seed0 --out report.html
    """
    from rcnnzoo.errors import OptionError, reason
    from rcnnzoo.policies.lookup import policy as look_up_policy
    from rcnnzoo.processes import rank
    from rcnnzoo.readouts.lookup import readout as look_up_readout
    from rcnnzoo.report.document import gather
    from rcnnzoo.report.page import render
    from rcnnzoo.report.subjects import open_subjects
    from rcnnzoo.results.saving import save_text

    look_up_policy(policy), look_up_readout(readout)  # a wrong name should not cost a trace
    if out.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"`out` {out}: is a page: give it a name that ends in .html")
    try:
        typed = commands.read_text(encoding="utf-8").splitlines() if commands else []
    except (OSError, ValueError) as error:
        raise OptionError(f"`commands` {commands}: can't be read ({reason(error)})") from error
    subjects = open_subjects(models, data, data_dir, split)
    document = gather(
        subjects,
        policy,
        readout,
        title=title,
        behaviour=behaviour or (),
        commands=[line for line in typed if line.strip()],
        data=data,
        data_dir=data_dir,
    )
    page = render(document)
    if rank() != 0:
        return
    save_text(page, out)
    if as_json:
        show_json(
            {
                "out": str(out),
                "bytes": len(page.encode()),
                "networks": document["networks"],
                "claims": document["claims"],
            }
        )
    else:
        print(out)  # noqa: T201
