"""How often each image of a sequence wins, counted by hand."""

import numpy as np
import pytest
import xarray as xr

import rcnnzoo
from rcnnzoo.analysis.sat_curve import sat_curve
from rcnnzoo.analysis.sequences import wins_by_position
from rcnnzoo.errors import TraceError


def trace(winners, positions, labels, target=None):
    """A trace whose most probable category is given: [N, T] each; position 0 is after the end."""
    positions = np.array(positions)
    logits = np.where(np.eye(3)[np.array(winners)] > 0, 2.0, 0.0).astype(np.float32)
    logits[positions == 0] = np.nan
    known = {} if target is None else {"target": (("trial", "step"), np.array(target))}
    return xr.Dataset(
        {"logits": (("trial", "step", "category"), logits), "label": (("trial", "step"), np.array(labels)), **known},
        coords={"position": (("trial", "step"), positions)},
        attrs={"name": "net"},
    )


def test_wins_from_the_onset_to_the_end_of_the_trial():
    table = wins_by_position(
        trace(
            winners=[[0, 0, 1, 0], [1, 2, 2, 0]],
            positions=[[1, 1, 2, 2], [1, 2, 2, 0]],
            labels=[[0, 0, 1, 1], [1, 2, 2, -1]],
        )
    )
    first, second = (table[table["position"] == place] for place in (1, 2))
    assert first["trials"].tolist() == [2, 2, 2, 1]
    assert first["still_shown"].tolist() == [2, 1, 0, 0]
    assert first["wins"].tolist() == [2, 1, 0, 1]
    assert second["step_since_onset"].tolist() == [1, 2]
    assert second["wins"].tolist() == [2, 1]
    assert second["share"].tolist() == [1.0, 0.5]
    assert second["low"].iloc[1] == pytest.approx(0.0945, abs=1e-4)  # Wilson's interval of 1 of 2


def test_targets_apart_and_images_of_no_known_category_left_out():
    table = wins_by_position(
        trace([[0, 1], [0, 1], [0, 1]], [[1, 2]] * 3, [[0, 1], [0, -1], [1, 1]], target=[[1, 0], [0, 1], [1, 0]])
    )
    rows = {(row["position"], row["target"], row["step_since_onset"]): row for row in table.to_dict("records")}
    assert rows[1, 1, 1]["trials"] == 2
    assert rows[1, 1, 1]["wins"] == 1
    assert rows[1, 0, 2]["wins"] == 0
    assert (2, 1, 1) not in rows  # its category is not known
    assert rows[2, 0, 1]["wins"] == 2


def test_other_analyses_refuse_it_and_it_refuses_other_traces():
    sequences = trace([[0]], [[1]], [[0]])
    with pytest.raises(TraceError, match="is a trace of sequences, which only `rcnnzoo evaluate` reads"):
        sat_curve(sequences)
    with pytest.raises(TraceError, match="is not a trace of sequences"):
        wins_by_position(rcnnzoo.make_trace(np.zeros((1, 1, 2)), [0], [1]))
    with pytest.raises(TraceError, match="the category of no image is known"):
        wins_by_position(trace([[0]], [[1]], [[-1]]))
