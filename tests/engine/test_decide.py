"""Decisions, against a full run with the policy applied afterwards; and nothing is computed unnecessarily."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.architectures.spoerer import BL
from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.engine.decide import make_rule
from rcnnzoo.engine.exits import COPIES, STATE_BYTES, _run, _Waiting
from rcnnzoo.errors import NetworkError, OptionError, PluginError, UnknownName
from rcnnzoo.profiling.operations import count_operations, macs_per_step
from rcnnzoo.readouts.best import first_best
from tests.networks import every, small


def rule_for(model, policy, threshold, readout):
    return make_rule(policy, threshold, readout, categories=len(model.card.categories), steps=model.num_steps)


def network(name="bl"):
    """A small network whose logits differ from step to step and image to image."""
    built = small(name, categories=5, image_size=16)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(3):
            built(torch.randn(16, 3, 16, 16, generator=generator))
        for classifier in built.classifier:
            classifier.weight.mul_(20)
    return built.eval()


NETWORKS = {name: network(name) for name in every()}
CPU = torch.device("cpu")
IMAGES = torch.randn(30, 3, 16, 16, generator=torch.Generator().manual_seed(1))
LOGITS = {name: built(IMAGES).detach() for name, built in NETWORKS.items()}


def stopped(probabilities, policy, threshold):
    """The policy applied to all steps, image by image: category and reaction time."""
    rule = rcnnzoo.policy(policy)
    scores = rule.scores(probabilities)
    sure = scores <= threshold if rule.direction == "below" else scores >= threshold
    sure[:, -1] = True
    times = sure.int().argmax(1)
    return first_best(probabilities[torch.arange(len(times)), times]), times + 1


def afterwards(name, policy, threshold, readout):
    """All steps, then the policy."""
    return stopped(rcnnzoo.readout(readout)(LOGITS[name]), policy, threshold)


def between(probabilities, policy, quantile):
    """Between two scores that occur, so that rounding decides nothing; of whole numbers one that occurs."""
    scores = rcnnzoo.policy(policy).scores(probabilities).unique()
    if policy in ("patience", "fixed-steps") or len(scores) == 1:
        return float(scores[int(quantile * (len(scores) - 1))])
    gaps = (scores[1:] + scores[:-1]) / 2
    wide = gaps[(scores[1:] - scores[:-1]) > 1e-5]
    return float(wide[int(quantile * (len(wide) - 1))]) if len(wide) else 1.0  # a blank gets the same score everywhere


def quantile_threshold(name, policy, readout, quantile):
    return between(rcnnzoo.readout(readout)(LOGITS[name]), policy, quantile)


MIDDLING = {policy: quantile_threshold("bl", policy, "cumulative", 0.5) for policy in ("entropy", "max-prob")}


@pytest.mark.parametrize("name", every())
@pytest.mark.parametrize("readout", plugins.names("readouts"))
@pytest.mark.parametrize("policy", plugins.names("policies"))
@settings(max_examples=8)
@given(quantile=st.floats(0, 1), rows=st.integers(1, 40), group=st.integers(1, 9), refill=st.booleans())
def test_decisions_are_those_of_a_full_run(name, readout, policy, quantile, rows, group, refill):
    model = NETWORKS[name]
    threshold = quantile_threshold(name, policy, readout, quantile)
    category, time = afterwards(name, policy, threshold, readout)
    with torch.inference_mode():
        waiting = _Waiting(IMAGES.split(7), torch.device("cpu"))
        rule = rule_for(model, policy, threshold, readout)
        found = list(_run(PLAIN.on(model), waiting, rule, rows, group, refill=refill and model.rows_mix_steps))
    numbers = torch.cat([one.images for one in found])
    assert sorted(numbers.tolist()) == list(range(30))
    times = torch.cat([one.last for one in found])[numbers.argsort()] + 1
    assert times.tolist() == time.tolist()
    decisions = rcnnzoo.decide(model, IMAGES, policy, threshold, readout, rows=rows)
    assert decisions.category.tolist() == category.tolist()
    assert decisions.reaction_time.tolist() == time.tolist()


def test_confidence_and_cost_are_those_of_the_exit():
    decisions = rcnnzoo.decide(NETWORKS["bl"], IMAGES, "max-prob", MIDDLING["max-prob"])
    probabilities = rcnnzoo.readout("cumulative")(LOGITS["bl"])
    rows = torch.arange(30)
    expected = probabilities[rows, decisions.reaction_time - 1, decisions.category]
    torch.testing.assert_close(decisions.confidence, expected, rtol=1e-4, atol=1e-5)
    spent = np.cumsum(macs_per_step(NETWORKS["bl"]))
    assert decisions.macs.tolist() == spent[decisions.reaction_time.numpy() - 1].tolist()
    assert len(decisions.reaction_time.unique()) > 2


@pytest.mark.parametrize("refill", [False, True])
@pytest.mark.parametrize("rows", [1, 4, 30])
def test_no_step_is_computed_in_vain(refill, rows, monkeypatch):
    """The classifier runs once per image and time step, so it counts them."""
    model, seen = network(), []
    model.classifier[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    monkeypatch.setattr(
        "rcnnzoo.engine.decide.run",
        lambda u, b, rule, r, names: _run(u, _Waiting(b, IMAGES.device), rule, r, 3, refill=refill),
    )
    decisions = rcnnzoo.decide(model, IMAGES, "entropy", MIDDLING["entropy"], rows=rows)
    assert sum(seen) == decisions.reaction_time.sum()
    assert 30 < sum(seen) < 30 * 8


def test_a_full_batch_stays_full():
    """While images wait, each later step is run by as many rows as there is room for."""
    model, later = network(), []
    waiting = _Waiting([IMAGES], IMAGES.device)

    def note(module, inputs, output):
        later.append((len(inputs[0]), waiting.taken < 30))

    model.layers[0].lateral[0].register_forward_hook(note)
    rule = rule_for(model, "entropy", MIDDLING["entropy"], "cumulative")
    with torch.inference_mode():
        for _ in _run(PLAIN.on(model), waiting, rule, 6, 6, refill=True):
            pass
    while_images_wait = [rows for rows, wait in later if wait]
    assert len(while_images_wait) > 3
    assert set(while_images_wait) == {6}


@pytest.mark.parametrize("refill", [False, True])
def test_the_device_is_waited_for_once_per_step(refill, monkeypatch):
    """On a GPU each of these calls waits for it."""
    asked, steps = [], []
    for name in ("tolist", "item", "cpu", "nonzero", "__bool__", "numpy", "__int__", "__float__"):
        usual = getattr(torch.Tensor, name)

        def counted(self, *arguments, usual=usual, name=name, **options):
            asked.append(name)
            return usual(self, *arguments, **options)

        monkeypatch.setattr(torch.Tensor, name, counted)
    model = network()
    model.classifier[0].register_forward_hook(lambda *_: steps.append(1))
    rule = rule_for(model, "entropy", MIDDLING["entropy"], "cumulative")
    asked.clear()
    with torch.inference_mode():
        found = list(_run(PLAIN.on(model), _Waiting([IMAGES], IMAGES.device), rule, 6, 4, refill=refill))
    assert sum(len(exits.images) for exits in found) == 30
    assert asked == ["tolist"] * len(steps)


def test_as_many_images_are_computed_together_as_suit_their_state(monkeypatch):
    """Groups of 5, four of them at once; the remaining images are packed into fewer."""
    model, seen = network(), []
    # Maps of all layers, and the first layer's drive; the side is halved down to 2.
    maps, sides = (6, 6, 8, 12, 16, 32, 64, 128), (16, 16, 8, 4, 2, 2, 2, 2)
    size = 4 * sum(count * side**2 for count, side in zip(maps, sides, strict=True))
    assert count_operations(model).state_bytes == size
    monkeypatch.setitem(STATE_BYTES, "cpu", 5 * (size + COPIES * 4 * 8 * 5))
    model.layers[0].bottom_up[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    model.layers[0].lateral[0].register_forward_hook(lambda _, inputs, __: seen.append(-len(inputs[0])))
    rcnnzoo.decide(model, IMAGES, "fixed-steps", 3)
    assert seen == [5, 5, 5, 5, *[-5] * 8, 5, 5, *[-5] * 4]
    seen.clear()
    decisions = rcnnzoo.decide(model, IMAGES, threshold=MIDDLING["entropy"], rows=20)
    later = [-count for count in seen if count < 0]
    needed = int((decisions.reaction_time - 1).sum())
    assert sum(later) == needed
    assert len(later) < needed / 2.5


@pytest.mark.parametrize("size", [1, 4, 7, 30])
def test_small_batches_are_put_together(size):
    """New images fill the free room, whatever the size of their batches."""
    model, seen = network(), []
    model.layers[0].bottom_up[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    decisions = rcnnzoo.decide(model, [IMAGES[:0], *IMAGES.split(size)], threshold=MIDDLING["entropy"], rows=8)
    assert seen[0] == 8
    assert seen[-1] < 8  # they came to an end
    assert sum(seen) == 30
    assert len(seen) <= 12
    expected = rcnnzoo.decide(NETWORKS["bl"], IMAGES, threshold=MIDDLING["entropy"])
    assert decisions.reaction_time.tolist() == expected.reaction_time.tolist()


def test_other_precisions_decide_nearly_alike():
    low = rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropy", MIDDLING["entropy"], precision="bf16")
    full = rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropy", MIDDLING["entropy"])
    assert not torch.equal(low.confidence, full.confidence)
    torch.testing.assert_close(low.confidence, full.confidence, rtol=0.2, atol=0.05)
    with pytest.raises(UnknownName, match="unknown precision"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES, precision="int8")


def test_a_policy_that_makes_no_sense_stops_the_run_and_is_named(monkeypatch):
    rule = rule_for(NETWORKS["bl"], "entropy", 0.5, "cumulative")
    monkeypatch.setattr(type(rule.policy), "scores", lambda self, p: p[..., 0] * float("nan"))
    with pytest.raises(PluginError, match="policy 'entropy' of rcnnzoo gave a score that is not a number"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES)
    monkeypatch.setattr(type(rule.policy), "scores", lambda self, p: p)
    with pytest.raises(PluginError, match="policy 'entropy' of rcnnzoo gave scores of shape"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES)


def test_a_loader_of_images_and_labels_will_do():
    loader = DataLoader(TensorDataset(IMAGES, torch.zeros(30)), batch_size=7)
    found, expected = (rcnnzoo.decide(NETWORKS["bl"], images, threshold=0.9) for images in (loader, IMAGES))
    assert found.reaction_time.tolist() == expected.reaction_time.tolist()
    assert found.category.tolist() == expected.category.tolist()


def test_loaders_of_batches_and_no_images_at_all():
    decisions = rcnnzoo.decide(NETWORKS["bl"], (batch for batch in IMAGES.split(4)), threshold=MIDDLING["entropy"])
    assert (
        decisions.reaction_time.tolist()
        == rcnnzoo.decide(NETWORKS["bl"], IMAGES, threshold=MIDDLING["entropy"]).reaction_time.tolist()
    )
    assert len(rcnnzoo.decide(NETWORKS["bl"], IMAGES[:0]).category) == 0
    assert len(rcnnzoo.decide(NETWORKS["bl"], []).category) == 0


def test_infinite_thresholds_stop_at_once_or_never():
    assert rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropy", float("inf")).reaction_time.unique().tolist() == [1]
    assert rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropy", float("-inf")).reaction_time.unique().tolist() == [8]


def test_a_network_in_training_is_left_in_training():
    model = network().train()
    model.layers[2].norm[0].eval()  # frozen
    statistics = {name: value.clone() for name, value in model.state_dict().items()}
    rcnnzoo.decide(model, IMAGES[:4])
    assert [name for name, module in model.named_modules() if not module.training] == ["layers.2.norm.0"]
    assert all(torch.equal(statistics[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("step", [0, 2])
def test_logits_that_are_not_finite_are_no_decision(value, step):
    """At the first step that is run; what was decided before such a step holds."""
    built = network()

    usual: Any = type(built)

    class Spoilt(usual):
        def step(self, state, t):
            state, logits = super().step(state, t)
            if t == step:
                logits[:, 1].fill_(value)
            return state, logits

    built.__class__ = Spoilt
    with pytest.raises(NetworkError, match=rf"image 1, step {step + 1}: the network's output is not finite"):
        rcnnzoo.decide(built, IMAGES, "fixed-steps", step + 1)
    if step:
        assert rcnnzoo.decide(built, IMAGES, "fixed-steps", step).reaction_time.tolist() == [step] * len(IMAGES)


def test_what_can_not_decide_is_refused():
    with pytest.raises(OptionError, match=r"`threshold` 2 is outside entropy's bounds: take 0 to 1.60943791 \(nats\)"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropy", 2)
    with pytest.raises(UnknownName, match="did you mean 'entropy'"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES, "entropie")
    with pytest.raises(OptionError, match="`rows` -1: take at least 1"):
        rcnnzoo.decide(NETWORKS["bl"], IMAGES, rows=-1)


def test_a_network_without_a_card_decides_as_its_twin_does():
    """A network built without rcnnzoo has no card: categories and costs come from running it on the images."""
    built = network()
    bare = BL.build(categories=5, image_size=16, width=1 / 16, steps=8)
    bare.load_state_dict(built.state_dict())
    images = torch.randn(6, 3, 16, 16).clamp(-1, 1)
    for policy, threshold in (("entropy", MIDDLING["entropy"]), ("fixed-steps", 3)):
        one, other = (rcnnzoo.decide(net, images, policy, threshold) for net in (built, bare))
        for name in ("category", "confidence", "reaction_time", "macs"):
            assert torch.equal(getattr(one, name), getattr(other, name))
    assert len(rcnnzoo.decide(bare, []).category) == 0
    with pytest.raises(OptionError, match="`threshold` 9 is outside entropy's bounds"):
        rcnnzoo.decide(bare, images, "entropy", 9)


def test_costs_are_those_of_the_images_that_were_given():
    """A network that is meant for 16 pixels and given 32 costs as much as one that is meant for 32."""
    shown = rcnnzoo.decide(network(), torch.zeros(2, 3, 32, 32), "fixed-steps", 8).macs
    meant = sum(macs_per_step(rcnnzoo.build("bl", categories=5, image_size=32, width=1 / 16)))
    assert shown.tolist() == [meant, meant]
