"""What every network must do, so that training, traces and early exit work with it."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from rcnnzoo import plugins
from rcnnzoo.architectures.normalisation import shared_batch_norms
from rcnnzoo.checking.rows import Check, Doubt, Fault, Row, Skipped, Unusable, change, run_all, told
from rcnnzoo.checking.specimen import CATEGORIES, Specimen, example_of, specimen
from rcnnzoo.checking.states import (
    a_step_leaves_its_state_alone,
    areas_hold_rows,
    rows_at_different_steps_share_a_batch,
    rows_leave_and_join,
    state_is_rows,
    state_keeps_its_shapes,
    what_is_shown_may_change,
)
from rcnnzoo.checking.unrolling import KEEP_NOTHING, TOLERANCE, attributes, distance, expect_close, unrolled
from rcnnzoo.engine.decide import decide
from rcnnzoo.errors import RcnnzooError
from rcnnzoo.hookspecs import Architecture
from rcnnzoo.plugins import one_line
from rcnnzoo.profiling.operations import macs_per_step
from rcnnzoo.readouts.lookup import readout
from rcnnzoo.weights.files import load, save


def check_architecture(name: str) -> Iterator[Row]:
    """One row per check of the architecture of that name; only the first faults if nothing else can be checked.

    One that can be built as a cascade is checked twice.
    """
    yield from run_all(f"architecture {name}", "builds", lambda: specimen(example_of(name)), CHECKS)
    if cast(Architecture, plugins.look_up("architectures", name).member).cascaded:
        cascade = partial(specimen, cascaded=True)
        yield from run_all(f"architecture {name}, cascaded", "builds", lambda: cascade(example_of(name)), CHECKS)


def says_whether_it_can_be_presented(specimen: Specimen) -> None:
    """`rcnnzoo list` says so without building the network."""
    description = cast(Architecture, plugins.look_up("architectures", specimen.architecture).member)
    if not specimen.cascaded and description.presentable != specimen.network.can_present:
        has = "has" if specimen.network.can_present else "doesn't have"
        raise Doubt(f"its network {has} a method present: write presentable={specimen.network.can_present}")


@torch.no_grad()
def evaluation_repeats_itself(specimen: Specimen) -> None:
    """The same images get the same logits twice; otherwise nothing could be compared."""
    network, images = specimen.network, specimen.images(3)
    before = attributes(network)
    try:
        first, second = network(images), network(images)
    except Exception as error:  # it ran before, with another number of images
        raise Unusable(
            f"it fails on other images ({told(error)}){change(before, attributes(network))}: {KEEP_NOTHING}"
        ) from error
    if not distance(first, second) <= TOLERANCE:
        raise Unusable(
            f"two calls in evaluation mode give different logits{change(before, attributes(network))}: use no "
            f"random numbers there, and {KEEP_NOTHING}"
        )


@torch.no_grad()
def step_by_step_is_forward(specimen: Specimen) -> None:
    """`forward` gives logits [B, T, C], those that `begin` and `step` give."""
    network, images = specimen.network, specimen.images(3)
    expected = network(images)
    shape = (3, network.num_steps, CATEGORIES)
    if tuple(expected.shape) != shape:
        raise Fault(f"forward gives {list(expected.shape)}: [B, T, C] is {list(shape)}")
    if not expected.isfinite().all():
        raise Fault("forward gives logits that are not finite on images of noise")
    for t, (_, logits) in enumerate(unrolled(network, images)):
        if tuple(logits.shape) != shape[::2]:
            raise Fault(f"step {t} gives logits {list(logits.shape)}: [B, C] is {list(shape[::2])}")
        expect_close(logits, expected[:, t], f"logits of step {t} differ between step and forward")


@torch.no_grad()
def images_of_a_batch_do_not_affect_each_other(specimen: Specimen) -> None:
    """An image gets the same logits on its own as in a batch with others."""
    images = specimen.images(3)
    batch = specimen.network(images)
    for row in range(3):
        expect_close(
            specimen.network(images[row : row + 1])[0],
            batch[row],
            "in evaluation mode an image's logits depend on the other images of its batch: compute nothing over the "
            "batch (statistics of it, or batch norm in training mode)",
        )


@torch.no_grad()
def features_are_what_the_classifier_saw(specimen: Specimen) -> None:
    """Other classifiers are trained on them, so they must be all the inputs of the network's own classifier."""
    network, images = specimen.network, specimen.images(3)
    seen: list[tuple[Tensor, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
        for module in network.modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        state = network.begin(images)
        for t in range(network.num_steps):
            seen.clear()
            state, logits = network.step(state, t)
            given = [inputs for inputs, output in seen if distance(output, logits) <= TOLERANCE]
            features = network.features(state)
            if features.ndim != 2 or len(features) != 3:
                raise Fault(f"features gives {list(features.shape)} at step {t} for 3 images: [B, F] is needed")
            if not given:
                raise Doubt("no nn.Linear gave the logits, so features can't be compared with the classifier's inputs")
            if features.shape != given[0].shape:
                raise Fault(
                    f"features gives {list(features.shape)} at step {t}, and the nn.Linear that gave the logits takes "
                    f"{list(given[0].shape)}: give its inputs (those of the last one, if the classifier has several)"
                )
            words = f"features disagree with the logits: they are not the classifier's inputs at step {t}"
            expect_close(features, given[0], words)
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def logits_are_not_probabilities(specimen: Specimen) -> None:
    """The loss and the readouts take a softmax; a second one leaves hardly any difference between categories."""
    for t, (_, logits) in enumerate(unrolled(specimen.network, specimen.images(3))):
        if (logits >= 0).all() and ((logits.sum(dim=-1) - 1).abs() < TOLERANCE).all():
            raise Doubt(f"the logits of step {t} sum to 1, as probabilities do: leave the softmax to the readout")


def no_batch_norm_mixes_steps(specimen: Specimen) -> None:
    """Batch norm shared by all steps has statistics that are right for none of them."""
    for name, count in shared_batch_norms(specimen.network, specimen.images(3)).items():
        raise Doubt(
            f"{name}, a batch norm, is called {count} times per forward pass: its statistics mix those calls, so that "
            "evaluation can be no better than chance; take BatchNormByStep (docs/plugins.md)"
        )


def width_counts(specimen: Specimen) -> None:
    """`--width` multiplies the number of feature maps."""
    other = 0.5 if specimen.width == 1 else 1.0
    try:
        resized = replace(specimen, width=other).build()
    except RcnnzooError as error:
        raise Skipped(one_line(error)) from error
    if sum(weight.numel() for weight in resized.parameters()) == sum(w.numel() for w in specimen.network.parameters()):
        raise Doubt(
            f"width has no effect ({specimen.width:g} or {other:g}): multiply the number of maps by it, or raise "
            "OptionError where it isn't 1"
        )


def the_same_seed_gives_the_same_weights(specimen: Specimen) -> None:
    """The same seed gives the same weights, and no other random numbers are affected."""
    of_numpy, of_python = np.random.get_state(), random.getstate()
    try:
        np.random.random(), random.random()  # a generator that was just seeded would look as if it had not been used
        before = _others()
        one, same, other = (specimen.build(seed).state_dict() for seed in (3, 3, 4))
        if _others() != before:
            raise Fault("building it changes the random numbers of numpy or Python: draw with torch's own generator")
    finally:
        np.random.set_state(of_numpy), random.setstate(of_python)
    for name, weights in one.items():
        if not torch.equal(weights, same[name]):
            raise Fault(f"built twice with the same seed, {name} differs: draw with torch's own generator")
    if one and all(torch.equal(weights, other[name]) for name, weights in one.items()):
        raise Doubt("another seed gives the same weights")


def _others() -> tuple[str, str]:
    return repr(np.random.get_state()), repr(random.getstate())


@torch.no_grad()
def saved_and_loaded_it_says_the_same(specimen: Specimen) -> None:
    """The file is enough to rebuild the network."""
    images = specimen.images(3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.safetensors")
        save(specimen.network, file)
        loaded = load(file)
    expect_close(
        loaded(images),
        specimen.network(images),
        "saved and loaded, it gives other logits: it keeps a tensor that is neither nn.Parameter nor register_buffer",
    )


def gradients_reach_every_weight(specimen: Specimen) -> None:
    """The loss of all steps depends on every parameter."""
    network = specimen.build()
    network(specimen.images(4)).square().mean().backward()
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    if without:
        raise Doubt(f"no gradient reaches {', '.join(without[:3])}{', ...' if len(without) > 3 else ''}")


def it_stops_early(specimen: Specimen) -> None:
    """`rcnnzoo.decide` agrees with all steps cut short, for one image and for several."""
    network, images = specimen.build().eval(), specimen.images(4)
    with torch.no_grad():
        expected = readout()(network(images)).amax(dim=-1)
    for t in sorted({1, network.num_steps}):
        try:
            decisions = decide(network, images, "fixed-steps", t)
        except Exception as error:
            raise Fault(
                f"rcnnzoo.decide fails ({told(error)}): it stores images and weights with channels last, so use "
                "reshape or flatten, not view; it runs in inference mode, so change nothing in place"
            ) from error
        words = f"stopped early, after step {t - 1}, its confidence differs from that with all steps computed"
        expect_close(decisions.confidence, expected[:, t - 1], words)


def its_cost_can_be_counted(specimen: Specimen) -> str:
    """Without values: what a step computes must not depend on the values of tensors."""
    try:
        macs = macs_per_step(specimen.network)
    except Exception as error:
        raise Unusable(
            f"it can't run on tensors without values ({told(error)}): keep tensors as parameters or buffers, and let "
            "nothing depend on the values in them"
        ) from error
    if len(macs) != specimen.network.num_steps or min(macs) < 1:
        raise Fault(f"MACs per step are counted as {macs}: each step needs a convolution or linear layer")
    return f"{sum(macs):,} MACs in {len(macs)} steps at {specimen.image_size} pixels, width {specimen.width:g}"


CHECKS: dict[str, Check[Specimen]] = {
    "evaluation is repeatable": evaluation_repeats_itself,
    "state has one row per image": state_is_rows,
    "steps agree with forward": step_by_step_is_forward,
    "state keeps its shapes": state_keeps_its_shapes,
    "step does not change its state": a_step_leaves_its_state_alone,
    "images of a batch do not affect each other": images_of_a_batch_do_not_affect_each_other,
    "rows leave and join": rows_leave_and_join,
    "rows at different steps": rows_at_different_steps_share_a_batch,
    "description": says_whether_it_can_be_presented,
    "what is shown may change": what_is_shown_may_change,
    "areas hold a row per image": areas_hold_rows,
    "features give the logits": features_are_what_the_classifier_saw,
    "logits are not probabilities": logits_are_not_probabilities,
    "no batch norm mixes steps": no_batch_norm_mixes_steps,
    "width counts": width_counts,
    "same seed gives the same weights": the_same_seed_gives_the_same_weights,
    "save and load": saved_and_loaded_it_says_the_same,
    "gradients reach every weight": gradients_reach_every_weight,
    "cost can be counted": its_cost_can_be_counted,
    "stops early": it_stops_early,
}
