"""Sequences in which each row changes and ends at its own time: as if it ran alone, and nothing is wasted."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rcnnzoo
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.engine.sequences import ENDED
from tests.engine.test_conditions import FRAMES
from tests.engine.test_decide import IMAGES, NETWORKS, network

TRIALS = st.lists(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=4), min_size=1, max_size=6
)


def places_of_trials(trials):
    """[B, T] of lists of (image, steps)."""
    rows = [[image for image, steps in trial for _ in range(steps)] for trial in trials]
    longest = max(map(len, rows))
    return torch.tensor([row + [ENDED] * (longest - len(row)) for row in rows])


@pytest.mark.parametrize("name", ["bl", "blt"])
@settings(max_examples=12, deadline=None)
@given(trials=TRIALS, lesion=st.sampled_from([(), ("layers.*.lateral@2",), ("layers.0.bottom_up@1-2",)]))
def test_each_row_is_what_it_would_be_alone(name, trials, lesion):
    model, places = NETWORKS[name], places_of_trials(trials)
    steps = places.shape[1]
    if steps < 2:
        lesion = ()
    unrolling = Conditions(lesions=lesion).on_sequences(model, steps, changes=True)
    found = torch.full((len(trials), steps, 5), torch.nan)
    with torch.inference_mode():
        for t, (_, logits) in enumerate(unrolling.steps(IMAGES[:6], places)):
            found[places[:, t] != ENDED, t] = logits
    for row, logits in zip(places, found, strict=True):
        length = int((row != ENDED).sum())
        longer = row.where(row != ENDED, row[length - 1])  # what follows doesn't change what was before
        alone = rcnnzoo.run(model, IMAGES[longer][None], lesions=lesion)
        torch.testing.assert_close(logits[:length], alone[0, :length], rtol=1e-5, atol=1e-5)
        assert logits[length:].isnan().all()


def test_drives_and_steps_are_computed_as_they_are_counted():
    model, steps, drives = network(), [], []
    model.classifier[0].register_forward_hook(lambda _, inputs, __: steps.append(len(inputs[0])))
    model.layers[0].bottom_up[0].register_forward_hook(lambda _, inputs, __: drives.append(len(inputs[0])))
    places = places_of_trials([[(0, 2), (1, 3)], [(0, 1), (0, 1), (2, 1)], [(4, 9)]])
    unrolling = Conditions().on_sequences(model, 9, changes=True)
    with torch.inference_mode():
        for _ in unrolling.steps(IMAGES, places):
            pass
    assert sum(steps) == 5 + 3 + 9
    assert sum(drives) == 2 + 2 + 1  # the same image again is no other image
    drive = 16 * 16 * 3 * 6 * 7 * 7
    still = torch.tensor(Conditions(steps=9).on(model).count().macs)
    expected = still.expand(3, 9).clone()
    expected[0, 2] += drive
    expected[1, 2] += drive
    assert torch.equal(unrolling.macs(places), expected.where(places != ENDED, 0))


def test_a_network_that_cannot_change_is_refused_unless_nothing_changes():
    model = NETWORKS["b"]
    with pytest.raises(rcnnzoo.errors.OptionError, match="b has exactly one time step"):
        Conditions().on_sequences(model, 3, changes=True)
    assert rcnnzoo.run(model, FRAMES[:, :1]).shape == (3, 1, 5)
