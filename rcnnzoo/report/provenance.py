"""How the networks of a report came about: settings, versions, hashes, commands, what to cite."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rcnnzoo.report import paper
from rcnnzoo.report.subjects import Member, Subjects
from rcnnzoo.results.model_card import CITATION
from rcnnzoo.text import short

SETTINGS = (
    "width",
    "steps",
    "image_size",
    "recipe",
    "epochs",
    "batch_size",
    "lr",
    "optimizer",
    "schedule",
    "precision",
)
"""Of a training, those that people ask for first; all of them are in each run's config.toml and weights."""
PACKAGES = (
    "rcnnzoo",
    "rcnnzoo-behaviour",
    "rcnnzoo-brain",
    "rcnnzoo-timm",
    "torch",
    "timm",
    "numpy",
    "scipy",
    "statsmodels",
)
BIBTEX = """@article{spoerer2020recurrent,
  title = {Recurrent neural networks can explain flexible trading of speed and accuracy in biological vision},
  author = {Spoerer, Courtney J. and Kietzmann, Tim C. and Mehrer, Johannes and Charest, Ian and
            Kriegeskorte, Nikolaus},
  journal = {PLoS Computational Biology},
  volume = {16},
  number = {10},
  pages = {e1008215},
  year = {2020},
  doi = {10.1371/journal.pcbi.1008215}
}
"""


def provenance(subjects: Subjects, commands: Sequence[str]) -> dict[str, Any]:
    """Tables, commands and references for the end of a page."""
    rows, hashes = [], []
    for name, members in subjects.networks.items():
        first = next(iter(members.values()))
        attributes = first.opened.trace.attrs
        training = (first.card.training or {}) if first.card is not None else {}
        options = attributes.get("options", {})
        rows.append(
            {
                "network": name,
                "architecture": attributes.get("architecture"),
                "seeds": len(members),
                "parameters": attributes.get("parameters"),
                "MACs per image": short(int(first.opened.trace["macs"].to_numpy().sum())),
                **{key.replace("_", " "): training.get(key, options.get(key)) for key in SETTINGS},
                "trained on": attributes.get("training_data"),
            }
        )
        hashes += [_hashes(name, member) for member in members.values()]
    versions = [{"package": package, "version": found} for package in PACKAGES if (found := _version(package))]
    versions.append({"package": "Python", "version": platform.python_version()})
    tables = [
        {"title": "networks", "file": "networks.csv", "rows": rows},
        paper.networks(subjects.by_architecture),
        {"title": "hashes of weights and images (SHA-256)", "file": "hashes.csv", "rows": hashes},
        {"title": "versions", "file": "versions.csv", "rows": versions},
    ]
    return {
        "tables": [table for table in tables if table["rows"]],
        "commands": list(commands),
        "citations": [
            CITATION,
            "The first report of these networks: Spoerer, Kietzmann & Kriegeskorte (2019), Conference on Cognitive "
            "Computational Neuroscience, doi 10.32470/CCN.2019.1068-0.",
        ],
        "bibtex": BIBTEX,
    }


def _hashes(name: str, member: Member) -> dict[str, Any]:
    attributes = member.opened.trace.attrs
    return {
        "network": name,
        "seed": member.seed,
        "weights": attributes.get("weights_sha256"),
        "images": attributes.get("data_sha256"),
        "traced by": f"rcnnzoo {attributes.get('rcnnzoo_version')}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
