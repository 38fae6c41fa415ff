"""The paper's networks at its own scale, to stand beside those of a report; none of it is a result of ours.

Parameters and multiply-accumulates are those of full width, 1,000 categories and images of 128x128, counted from the
authors' published code (cjspoerer/rcnn-sat). Claims and their numbers are those of the abstract of Spoerer et al. 2020
(doi 10.1371/journal.pcbi.1008215); its accuracies are not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rcnnzoo.text import short

PARAMETERS = {"b": 11_037_768, "b-k": 39_796_040, "b-f": 40_006_824, "b-d": 28_819_848, "bl": 28_870_920}
MACS = {"b": 1.991e9, "b-k": 4.478e9, "b-f": 7.496e9, "b-d": 11.877e9, "bl": 83.509e9}


def networks(architectures: Iterable[str]) -> dict[str, Any]:
    """A table of those of the paper's networks that a report has."""
    rows = [
        {"network": name, "parameters": PARAMETERS[name], "MACs per image": short(MACS[name], 4)}
        for name in architectures
        if name in PARAMETERS
    ]
    title = "the paper's networks (full width, 1,000 categories, 128x128; counted from the authors' code)"
    return {"title": title, "file": "paper.csv", "rows": rows}
