"""Decisions: category, confidence, reaction time and cost of each image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.freezing import evaluating
from rcnnzoo.devices import PRECISION, autocast, check_precision
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.engine.exits import Rule, peek, run
from rcnnzoo.engine.unrolling import Unrolling, check_names
from rcnnzoo.policies.checks import check_threshold
from rcnnzoo.policies.lookup import DEFAULT as ENTROPY
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.best import first_best
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE
from rcnnzoo.readouts.lookup import readout as look_up_readout


@dataclass(frozen=True)
class Decisions:
    """What a network decided, in the order of the images; tensors [N] on the processor.

    Attributes:
        category: Index of the most probable category at the exit, the lowest among equals.
        confidence: Its probability.
        reaction_time: Time steps run, from 1.
        macs: Multiply-accumulates spent.
    """

    category: Tensor
    confidence: Tensor
    reaction_time: Tensor
    macs: Tensor


_NOTHING = torch.zeros(0, dtype=torch.long)
NONE = Decisions(_NOTHING, torch.zeros(0), _NOTHING, _NOTHING)
"""On no images."""


def make_rule(policy: str, threshold: float, readout: str, *, categories: int, steps: int) -> Rule:
    """A rule for a network with this number of categories and of time steps.

    Raises:
        UnknownName: There is no such policy or readout.
        OptionError: The threshold is outside the policy's bounds.
    """
    chosen = look_up_policy(policy)
    check_threshold(chosen, policy, threshold, categories, steps)
    return Rule(look_up_readout(readout), chosen, policy, threshold)


def decide(
    model: RecurrentModel,
    images: Tensor | Iterable[Tensor | Sequence[Tensor]],
    policy: str = ENTROPY,
    threshold: float = 0.5,
    readout: str = CUMULATIVE,
    *,
    stimulus: str | None = None,
    steps: int | None = None,
    norm_step: int | None = None,
    lesions: Sequence[str] = (),
    seed: int = 0,
    names: Sequence[str] | None = None,
    precision: str = PRECISION,
    rows: int | None = None,
) -> Decisions:
    """Decide on images, computing no time step that is not needed.

    Args:
        model: Any network that keeps the contract, on any device; it is run in evaluation mode, and its weights are
            laid out with channels last.
        images: [N, 3, H, W] in [-1, 1], or batches of such; of a data loader's images and labels, the images are taken.
        policy: A registered exit policy.
        threshold: In the policy's unit.
        readout: A registered readout.
        stimulus: What is shown when, for example `image:3,blank:5`; reaction times count from its first time step.
            This and the following as for `rcnnzoo.run`.
        steps: Time steps T, fewer or more than the network was trained for.
        norm_step: The step, from 1, whose statistics of batch norm are used at every step.
        lesions: Modules whose output is zero.
        seed: Random seed of noise and of scrambled images.
        names: A name for each image, on which these depend as well; by default, its number.
        precision: What the network computes in: `fp32`, `bf16` or `fp16`; probabilities and scores are float32.
        rows: Images computed at once; by default what suits the device.

    Raises:
        UnknownName: There is no such policy, readout or precision, or no module that a lesion means.
        OptionError: The threshold is outside the policy's bounds, `rows` is less than 1, or the network can't be run
            under these conditions.
        DataError: A picture can't be read.
        PluginError: The policy's scores are not numbers, or have another shape.
        NetworkError: The network's logits are not finite.

    >>> from rcnnzoo.architectures.build import build
    >>> net = build("bl", categories=10, image_size=32, width=1 / 16)
    >>> decide(net, torch.zeros(3, 3, 32, 32), "fixed-steps", 2).reaction_time
    tensor([2, 2, 2])
    """
    size, batches = peek([images] if isinstance(images, Tensor) else images)
    if size is None and model.card is None:
        return NONE
    model.to(memory_format=torch.channels_last)
    unrolling = Conditions(stimulus, steps, norm_step, lesions, seed).on(model, size)
    return decide_while(unrolling, batches, policy, threshold, readout, precision=precision, rows=rows, names=names)


def decide_while(
    unrolling: Unrolling,
    images: Tensor | Iterable[Tensor | Sequence[Tensor]],
    policy: str,
    threshold: float,
    readout: str,
    *,
    precision: str = PRECISION,
    rows: int | None = None,
    names: Sequence[str] | None = None,
) -> Decisions:
    """As `decide`, with a network that is set up for what it is shown."""
    check_precision(precision)
    if isinstance(images, Tensor) and names is not None:
        check_names(names, len(images))
    size, batches = peek([images] if isinstance(images, Tensor) else images)
    count, network = unrolling.count(size), unrolling.network
    rule = make_rule(policy, threshold, readout, categories=count.categories, steps=network.num_steps)
    spent = torch.tensor(count.macs).cumsum(0)
    device = next(network.parameters()).device
    parts = []
    with evaluating(network), torch.inference_mode(), autocast(device, precision):
        for exits in run(unrolling, batches, rule, rows, names):
            at = exits.probabilities[torch.arange(len(exits.last), device=device), exits.last]
            category = first_best(at)
            parts.append((exits.images, category, at.gather(1, category[:, None])[:, 0], exits.last + 1))
    if not parts:
        return NONE
    numbers, category, confidence, time = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    order = numbers.argsort()
    time = time[order]
    return Decisions(category[order], confidence[order], time, spent[time - 1])
