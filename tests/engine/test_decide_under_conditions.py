"""Decisions while what is shown changes, against a full run with the policy applied afterwards; nothing is wasted."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.engine.decide import decide_while
from rcnnzoo.engine.exits import _run, _Waiting
from rcnnzoo.engine.programme import Programme
from tests.engine.test_decide import IMAGES, NETWORKS, between, network, rule_for, stopped

NAMES = [f"{number}.png" for number in range(len(IMAGES))]
WHAT = st.sampled_from(["image", "image@0.4", "blank", "noise", "scrambled"])
SEGMENTS = st.lists(st.tuples(WHAT, st.integers(1, 4)), min_size=1, max_size=5)


def text_of(segments):
    return ",".join(f"{what}:{steps}" for what, steps in segments)


@pytest.mark.parametrize("name", ["bl", "blt", "b-u"])
@pytest.mark.parametrize("policy", plugins.names("policies"))
@settings(max_examples=4, deadline=None)
@given(
    readout=st.sampled_from(plugins.names("readouts")),
    segments=SEGMENTS,
    quantile=st.floats(0, 1),
    rows=st.integers(2, 40),
    group=st.integers(2, 9),
    refill=st.booleans(),
    lesion=st.sampled_from([(), ("layers.*.lateral@2-5",), ("layers.0.bottom_up@2", "layers.3.norm@1,4")]),
)
def test_decisions_are_those_of_a_full_run(name, readout, policy, segments, quantile, rows, group, refill, lesion):
    if name == "b-u":  # its weights end after eight steps
        while sum(steps for _, steps in segments) > 8:
            segments = segments[:-1]
    model, text = NETWORKS[name], text_of(segments)
    if sum(steps for _, steps in segments) < 5:
        lesion = ()
    conditions = Conditions(text, lesions=lesion, seed=1)
    unrolling = conditions.on(model)
    with torch.inference_mode():
        probabilities = rcnnzoo.readout(readout)(unrolling.logits(IMAGES, NAMES))  # what a trace holds
    threshold = between(probabilities, policy, quantile)
    category, times = stopped(probabilities, policy, threshold)
    with torch.inference_mode():
        waiting = _Waiting(IMAGES.split(7), torch.device("cpu"), NAMES)
        rule = rule_for(unrolling.network, policy, threshold, readout)
        found = list(_run(unrolling, waiting, rule, rows, group, refill=refill and model.rows_mix_steps))
    numbers = torch.cat([one.images for one in found])
    assert sorted(numbers.tolist()) == list(range(30))
    last = torch.cat([one.last for one in found])[numbers.argsort()]
    assert (last + 1).tolist() == times.tolist()
    decisions = decide_while(unrolling, IMAGES, policy, threshold, readout, rows=rows, names=NAMES)
    assert decisions.reaction_time.tolist() == times.tolist()
    assert decisions.category.tolist() == category.tolist()
    spent = np.cumsum(unrolling.count().macs)
    assert decisions.macs.tolist() == spent[times.numpy() - 1].tolist()


@pytest.mark.parametrize("refill", [False, True])
@pytest.mark.parametrize("group", [1, 4, 30])
def test_steps_and_drives_are_computed_as_they_are_counted(refill, group):
    """The classifier runs once per image and step, the first layer's convolution once per image that is presented."""
    model, steps, drives = network(), [], []
    model.classifier[0].register_forward_hook(lambda _, inputs, __: steps.append(len(inputs[0])))
    model.layers[0].bottom_up[0].register_forward_hook(lambda _, inputs, __: drives.append(len(inputs[0])))
    unrolling = Conditions("blank:1,image:2,noise:2,scrambled:4").on(model)
    with torch.inference_mode():
        full = unrolling.logits(IMAGES, NAMES)
    assert (sum(steps), sum(drives)) == (30 * 9, 30 * 4)
    scores = rcnnzoo.policy("entropy").scores(rcnnzoo.readout()(full))
    threshold = float(scores[:, 1].median())
    steps.clear()
    drives.clear()
    with torch.inference_mode():
        rule = rule_for(unrolling.network, "entropy", threshold, "cumulative")
        waiting = _Waiting([IMAGES], IMAGES.device, NAMES)
        found = list(_run(unrolling, waiting, rule, 30, group, refill=refill))
    times = torch.cat([one.last for one in found]) + 1
    assert len(times.unique()) > 2
    assert sum(steps) == times.sum()
    presented = sum((times > onset).sum() for onset in (0, 1, 3, 5))
    assert sum(drives) == presented
    first_drive = 16 * 16 * 3 * 6 * 7 * 7
    counted = np.cumsum(unrolling.count().macs)[times.numpy() - 1].sum()
    without_drives = np.cumsum(Conditions(steps=9).on(model).count().macs)[times.numpy() - 1].sum() - 30 * first_drive
    assert counted - without_drives == first_drive * sum(drives)


def test_what_would_be_shown_after_the_exit_is_never_made(monkeypatch):
    made, usual = [], Programme.shown

    def counted(self, t, images, names):
        made.append((t, len(images)))
        return usual(self, t, images, names)

    monkeypatch.setattr(Programme, "shown", counted)
    decisions = rcnnzoo.decide(NETWORKS["bl"], IMAGES, "fixed-steps", 3, stimulus="image:3,noise:5")
    assert decisions.reaction_time.tolist() == [3] * 30
    assert {t for t, _ in made} == {0}
    rcnnzoo.decide(NETWORKS["bl"], IMAGES, "fixed-steps", 4, stimulus="image:3,noise:5")
    assert sum(count for t, count in made if t == 3) == 30


def test_images_that_exit_while_it_is_blank_are_all_decided_alike():
    """Nothing was seen of them, so that they are right by chance alone."""
    decisions = rcnnzoo.decide(NETWORKS["bl"], IMAGES, "fixed-steps", 2, stimulus="blank:3,image:5")
    assert decisions.reaction_time.tolist() == [2] * 30
    assert len(decisions.category.unique()) == 1


def test_a_still_programme_decides_bit_by_bit_as_none():
    for threshold in (0.3, 1.0, 1.5):
        plain = rcnnzoo.decide(NETWORKS["bl"], IMAGES, threshold=threshold)
        shown = rcnnzoo.decide(NETWORKS["bl"], IMAGES, threshold=threshold, stimulus="image:8")
        assert torch.equal(plain.confidence, shown.confidence)
        assert torch.equal(plain.reaction_time, shown.reaction_time)
        assert torch.equal(plain.macs, shown.macs)
