"""Networks run for another number of time steps than they were trained for, or with modules cut."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch

from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.lesions import Lesion, cut, cut_modules, matching
from rcnnzoo.architectures.normalisation import BatchNormByStep
from rcnnzoo.errors import OptionError, reason
from rcnnzoo.profiling.operations import Size
from rcnnzoo.profiling.shapes import blank_image, without_values


def altered(
    model: RecurrentModel,
    steps: int,
    norm_step: int | None = None,
    lesions: Sequence[Lesion] = (),
    size: Size = None,
) -> RecurrentModel:
    """A network that shares a network's weights and is run otherwise; the network itself if nothing differs.

    More steps than it was trained for are for networks that `why_not_longer` says nothing against. Steps beyond the
    last one that has statistics of batch norm use those of the last.

    Args:
        model: Left as it is.
        steps: Time steps T to run.
        norm_step: The step, from 1, whose statistics of batch norm are used at every step.
        lesions: What is cut.
        size: Height and width of the images in pixels; by default those that the network is meant for.

    Raises:
        OptionError: The network can't be run for that many steps, has no batch norm by time step, or a lesion's modules
            can't be cut or are never run.
        UnknownName: A lesion's pattern means no module.
    """
    trained = model.num_steps
    if steps == trained and norm_step is None and not lesions:
        return model
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    network = deepcopy(model, memo=shared)
    network.num_steps, network.trained_steps = steps, trained
    norms = [module for module in network.modules() if isinstance(module, BatchNormByStep)]
    if norm_step is not None:
        if not norms:
            raise OptionError(f"`norm_step` {norm_step}: {name_of(model)} has no batch norm by time step")
        if not 1 <= norm_step <= trained:
            raise OptionError(f"`norm_step` {norm_step}: {name_of(model)} has statistics of steps 1 to {trained}")
    for norm in norms:
        first, last = norm.first_step, norm.first_step + len(norm) - 1
        wanted = range(steps) if norm_step is None else [norm_step - 1] * steps
        norm.of_step = tuple(min(max(step, first), last) for step in wanted)
    if lesions:
        cut(network, lesions)
    if steps > trained or lesions:
        called = _called(network, size)
        for lesion in lesions:
            _check_effect(lesion, matching(network, lesion.pattern), called, steps, name_of(model))
    return network


def _check_effect(lesion: Lesion, names: Sequence[str], called: Sequence[set[str]], steps: int, network: str) -> None:
    """Refuse a lesion of modules none of which is called when it is meant to cut them; copies for other steps may be.

    What `begin` calls has an effect at every step.
    """
    at_start, *later = called
    at = range(steps) if lesion.steps is None else sorted(lesion.steps)
    if at_start.intersection(names) or any(later[min(t, len(later) - 1)].intersection(names) for t in at):
        return
    when = "" if lesion.steps is None else f" at {'these steps' if len(at) > 1 else f'step {at[0] + 1}'}"
    raise OptionError(f"`lesions` {lesion.pattern!r}: {network} doesn't call {names[0]}{when}, so nothing would be cut")


def why_not_longer(model: RecurrentModel) -> str:
    """Why a network can't be run for more steps than it was trained for; empty if it can."""
    name, trained = name_of(model), model.num_steps
    if trained == 1:
        return f"{name} has exactly one time step"
    if not model.rows_mix_steps:
        return f"{name} has weights or shapes of its own at each of its {trained} steps: take at most {trained}"
    return ""


def shown_again(network: RecurrentModel, size: Size = None) -> set[int]:
    """Time steps, from 0, at which what `begin` and `present` compute differs from the step before, by lesions alone.

    The same image is then presented again. Modules that `step` runs are cut as it runs them.
    """
    partly = {name: steps for name, steps in cut_modules(network).items() if steps is not None}
    called = _called(network, size)[0] if partly else set()
    return {
        t
        for name, steps in partly.items()
        for t in range(1, network.num_steps)
        if name in called and (t in steps) != (t - 1 in steps)
    }


def _called(network: RecurrentModel, size: Size) -> list[set[str]]:
    """Names of the modules that `begin` calls, and then each step, which are run without values.

    Of the steps beyond training, the first stands for all.

    Raises:
        OptionError: The network can't be run for that many steps.
    """
    steps = min(network.num_steps, (network.trained_steps or network.num_steps) + 1)
    twin, names, called = without_values(network), set[str](), []
    for name, module in twin.named_modules():
        module.register_forward_pre_hook(lambda *_, name=name: names.add(name))
    try:
        with torch.no_grad():
            state = twin.begin(blank_image(twin, size))
            called.append(set(names))
            for t in range(steps):
                names.clear()
                state, _ = twin.step(state, t)
                called.append(set(names))
    except Exception as error:  # whatever a network does at a step that it doesn't have
        raise OptionError(
            f"`steps` {network.num_steps}: {name_of(network)} can't be run for that many ({reason(error)})"
        ) from error
    return called
