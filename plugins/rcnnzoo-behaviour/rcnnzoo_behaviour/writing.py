"""Writing what was found: tables, figures with the tables that they draw, and the words for a methods section."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from rcnnzoo.figures.saving import save_figure, save_table
from rcnnzoo.writing import whole
from rcnnzoo_behaviour.entries import Findings
from rcnnzoo_behaviour.figures import distribution, draw_correlations, draw_montage, draw_reaction_times, hardest


def write_findings(findings: Findings, methods: str, images: Path, out: Path) -> None:
    """A CSV a table, three figures as PNG and SVG, and `methods.txt`.

    Args:
        findings: What came out.
        methods: The words.
        images: Folder of the images.
        out: Where to.
    """
    for table in fields(findings):
        save_table(getattr(findings, table.name), out / f"{table.name}.csv")
    title = f"{findings.reaction_times['image'].nunique():,} images"
    figure = draw_correlations(findings.correlations, findings.controls, findings.ceilings, findings.comparisons, title)
    save_figure(figure, out / "correlations")
    save_table(distribution(findings.reaction_times), out / "distributions.csv")
    save_figure(draw_reaction_times(findings.reaction_times, title), out / "distributions")
    chosen = hardest(findings.reaction_times)
    save_table(chosen, out / "montage.csv")
    save_figure(
        draw_montage(chosen, images, f"hesitated on most; network: {chosen['network'].iloc[0]}"), out / "montage"
    )
    with whole(out / "methods.txt") as temporary:
        temporary.write_text(methods + "\n", encoding="utf-8")
