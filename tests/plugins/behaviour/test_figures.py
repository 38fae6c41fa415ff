"""Figures say what their tables say."""

import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from rcnnzoo_behaviour.figures import draw_correlations


@pytest.mark.parametrize("kind", ["people", "judgements"])
@pytest.mark.parametrize("trusted", [True, False])
def test_ceilings_are_called_what_they_are_and_drawn_if_they_can_be_trusted(kind, trusted):
    rows = [{"measure": measure, "spearman": 0.3} for measure in ("reaction time", "area under uncertainty")]
    correlations = pd.DataFrame(rows).assign(network="net", images="all", predicted="uncertainty")
    ceilings = pd.DataFrame(
        {
            "ceiling": [f"half, of {kind}", "true D, without ties", "true D"],
            "network": ["", "", "net"],
            "value": [0.5, 0.7, 0.6],
            "trusted": [True, trusted, trusted],
        }
    )
    nothing = pd.DataFrame(columns=["network", "measure"])
    (axes,) = draw_correlations(correlations, nothing, ceilings, nothing, "title").axes
    labels = [line.get_label() for line in axes.lines]
    assert f"half of the {kind} with the other half" in labels
    assert ("ceiling: true D, without ties" in labels) == trusted
    lines = [part for part in axes.collections if isinstance(part, LineCollection)]
    heights = [segment[0][1] for part in lines for segment in part.get_segments()]
    assert (0.6 in heights) == trusted
