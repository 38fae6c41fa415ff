"""Renders the report: one HTML file that holds all it needs, loads nothing, and runs nothing but its own script."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from rcnnzoo.report import tables

SECTIONS = {
    "claims": "The paper's claims",
    "accuracy": "Accuracy (Table 1)",
    "sat": "Accuracy against computation (Fig. 1)",
    "reaction-times": "Reaction times",
    "by-step": "Accuracy by time step",
    "training": "Training",
    "images": "Easiest and hardest images",
    "people": "People (Fig. 2)",
    "settings": "Settings and how to cite",
}
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def render(document: Mapping[str, Any]) -> str:
    """The page of a report.

    Args:
        document: Plain values, as `json` writes them: what each section shows. A section whose value is None or empty
            is left out. All text is shown as it is, whatever it holds.

    Returns:
        The HTML, which loads nothing from elsewhere.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["tables"] = tables
    style, script = _ours("page.css"), _ours("page.js")
    page = environment.from_string(_ours("page.html.jinja")).render(
        document,
        sections={name: title for name, title in SECTIONS.items() if _filled(document, name)},
        policy=_content_security_policy(style, script),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(embedded(_chart_data(document))),  # noqa: S704
    )
    return page.encode("utf-8", "replace").decode()  # a file's name may hold what no encoding can write


def embedded(value: Any) -> str:
    r"""JSON that cannot end the element of HTML that holds it.

    >>> embedded({"name": "</script>"})
    '{"name": "\\u003c/script\\u003e"}'
    """
    return json.dumps(value, allow_nan=False).translate(ESCAPES)  # all beyond ASCII is escaped, line separators too


def _ours(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _content_security_policy(style: str, script: str) -> str:
    hashes = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    return "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'".format(*hashes)


def _filled(document: Mapping[str, Any], section: str) -> bool:
    if section == "reaction-times":
        return bool(document["sat"]) and max(document["sat"]["steps"].values(), default=1) > 1
    found = document[section.replace("-", "_")]
    if section == "images":
        return bool(found) and bool(found["images"])
    if section == "sat":
        return bool(found) and bool(found["curves"])
    return any(found.values()) if isinstance(found, Mapping) else bool(found)


def _chart_data(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the script draws; a chart's key is the name that the template gives its place."""
    charts = {
        f"{section}-{i}": chart
        for section in ("by_step", "training")
        if document[section]
        for i, chart in enumerate(document[section]["charts"])
    }
    images = document["images"]["images"] if document["images"] else []
    return {
        "networks": document["networks"],
        "sat": document["sat"],
        "charts": charts | {f"images-{i}": tables.picture_lines(image) for i, image in enumerate(images)},
        "people": [
            {key: found[key] for key in ("correlations", "controls", "ceilings")} for found in document["people"]
        ],
    }
