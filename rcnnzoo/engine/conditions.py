"""Under what conditions a network is run: what it is shown, for how many time steps, with what cut."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.freezing import evaluating
from rcnnzoo.architectures.lesions import read_lesion
from rcnnzoo.engine.altering import altered, shown_again, why_not_longer
from rcnnzoo.engine.programme import Programme, Segment, read_programme
from rcnnzoo.engine.sequences import SequenceUnrolling, places_of
from rcnnzoo.engine.unrolling import Unrolling, check_names
from rcnnzoo.errors import OptionError
from rcnnzoo.profiling.operations import Size
from rcnnzoo.text import counted

LONGEST = 60
"""Characters of a label, without its hash."""


@dataclass(frozen=True)
class Conditions:
    """What differs from showing a still image for the time steps that a network was trained for.

    Attributes:
        stimulus: A programme, as `read_programme` reads it; it sets the number of time steps.
        steps: Time steps; without a programme, the image is shown at all of them.
        norm_step: The step, from 1, whose statistics of batch norm are used at every step.
        lesions: What is cut: `PATTERN` or `PATTERN@STEPS`.
        seed: Random seed of noise and of scrambled images.
    """

    stimulus: str | None = None
    steps: int | None = None
    norm_step: int | None = None
    lesions: Sequence[str] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.stimulus, str | None):
            raise OptionError(f"`stimulus` {self.stimulus!r}: give a programme as text, like 'image:3,blank:5'")
        if isinstance(self.lesions, str):
            raise OptionError(f"`lesions` {self.lesions!r}: give a list of texts")
        for name in ("steps", "norm_step", "seed"):
            value, least = getattr(self, name), int(name != "seed")
            if value is not None and (not isinstance(value, Integral) or value < least):
                raise OptionError(f"`{name}` {value}: give a whole number from {least}")
        object.__setattr__(self, "lesions", tuple(self.lesions))

    @property
    def total(self) -> int | None:
        """Time steps that are asked for; None for those that the network was trained for."""
        return self.steps if self._read is None else self._read.steps

    @property
    def is_random(self) -> bool:
        """Whether anything that is shown depends on the seed."""
        return self._read is not None and self._read.is_random

    @cached_property
    def _read(self) -> Programme | None:
        """The programme, read once, with its pictures."""
        if self.stimulus is None:
            return None
        programme = read_programme(self.stimulus, self.seed)
        if self.steps not in (None, programme.steps):
            raise OptionError(
                f"`steps` {self.steps}: the stimulus {self.stimulus!r} has {counted(programme.steps, 'time step')}: "
                "leave out `steps`"
            )
        return programme

    def programme(self, trained_steps: int) -> Programme:
        """What is shown at each time step.

        Raises:
            OptionError: The programme can't be read, or its number of steps is not `steps`.
            DataError: A picture can't be read.
        """
        return self._read or Programme((Segment("image", trained_steps if self.steps is None else self.steps),))

    def on(self, model: RecurrentModel, size: Size = None) -> Unrolling:
        """A network under these conditions; it shares the weights of `model`, which stays as it is.

        Args:
            model: The network.
            size: Height and width of its images in pixels; by default those that it is meant for.

        Raises:
            OptionError: The network can't be run like this.
            UnknownName: A lesion's pattern means no module.
            DataError: A picture can't be read.
        """
        programme = self.programme(model.num_steps)
        what = f"`steps` {programme.steps}" if self.stimulus is None else f"`stimulus` {self.stimulus!r}"
        network, again = self._altered(model, programme.steps, size, what)
        onsets = frozenset(programme.onsets[1:])
        _check_can_present(model, "`stimulus`", onsets)
        return Unrolling(network, programme, onsets | again)

    def on_sequences(
        self, model: RecurrentModel, steps: int, changes: bool, size: Size = None, what: str = "`sequences`"
    ) -> SequenceUnrolling:
        """The same for sequences of images in place of a programme.

        Args:
            model: The network.
            steps: Time steps T of the longest sequence.
            changes: Whether any sequence shows more than one image.
            size: Height and width of its images in pixels; by default those that it is meant for.
            what: Shows them, for errors.

        Raises:
            OptionError: The network can't be run like this.
            UnknownName: A lesion's pattern means no module.
        """
        network, again = self._altered(model, steps, size, f"{what} of up to {counted(steps, 'time step')}")
        _check_can_present(model, what, changes)
        return SequenceUnrolling(network, again)

    def _altered(
        self, model: RecurrentModel, steps: int, size: Size, what: str
    ) -> tuple[RecurrentModel, frozenset[int]]:
        """A network with these steps and lesions, and when its image is presented again because of them.

        `what` asks for that many steps, for an error.
        """
        if steps > model.num_steps and (reason_against := why_not_longer(model)):
            raise OptionError(f"{what}: {reason_against}")
        lesions = [read_lesion(text, steps) for text in self.lesions]
        network = altered(model, steps, self.norm_step, lesions, size)
        again = frozenset(shown_again(network, size) if lesions else ())
        _check_can_present(model, "`lesions`", again)
        return network, again

    def label(self, trained_steps: int) -> str:
        """The end of a trace's name; empty if nothing differs. A hash tells apart what is written alike.

        >>> Conditions("image:8").label(8), Conditions("image:3,blank:5").label(8)
        ('', 'image-3-blank-5-0d110358')
        """
        identity = self.identity(trained_steps)
        if identity == PLAIN.identity(trained_steps):
            return ""
        words = [
            identity["stimulus"],
            *identity["lesions"],
            *([] if self.norm_step is None else [f"norm-{self.norm_step}"]),
        ]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return f"{re.sub(r'[^A-Za-z0-9.@]+', '-', '-'.join(words))[:LONGEST].strip('-')}-{digest[:8]}"

    def named(self, name: str, trained_steps: int) -> str:
        """A name with the label at its end, if there is one.

        >>> Conditions().named("digits-test", 8), Conditions(steps=3).named("digits-test", 8)
        ('digits-test', 'digits-test-image-3-e5b23650')
        """
        label = self.label(trained_steps)
        return f"{name}-{label}" if label else name

    def identity(self, trained_steps: int) -> Mapping[str, Any]:
        """What tells traces under these conditions from others, as JSON has it."""
        programme = self.programme(trained_steps)
        return {
            "stimulus": str(programme),
            "stimulus_pictures": programme.pictures,
            "stimulus_seed": self.seed if programme.is_random else None,
            "norm_step": self.norm_step,
            "lesions": sorted(set(self.lesions)),
        }


def _check_can_present(model: RecurrentModel, what: str, changes: object) -> None:
    """Refuse changes to what a network is shown if it doesn't know them."""
    if changes and not model.can_present:
        raise OptionError(
            f"{what}: what {name_of(model)} is shown can't change while it runs, as its network has no method `present`"
        )


PLAIN = Conditions()
"""A still image, for the time steps that a network was trained for, with nothing cut."""


def run(
    model: RecurrentModel,
    images: Tensor,
    stimulus: str | None = None,
    steps: int | None = None,
    norm_step: int | None = None,
    *,
    lesions: Sequence[str] = (),
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Tensor:
    """Logits of all time steps under given conditions; nothing else of the network changes.

    Args:
        model: Any network that keeps the contract, on any device; it is run in evaluation mode.
        images: [B, 3, H, W] in [-1, 1]; or what is shown at each time step, [B, T, 3, H, W].
        stimulus: What is shown when, for example `image:3,blank:5`; by default, the image at all steps.
        steps: Time steps T, fewer or more than the network was trained for.
        norm_step: The step, from 1, whose statistics of batch norm are used at every step.
        lesions: Modules whose output is zero: `PATTERN`, or `PATTERN@STEPS` with steps from 1.
        seed: Random seed of noise and of scrambled images.
        names: A name for each image, on which these depend as well; by default, its number in the batch.

    Returns:
        Logits [B, T, C].

    Raises:
        OptionError: The network can't be run like this.
        UnknownName: A lesion's pattern means no module.
        DataError: A picture can't be read.

    >>> from rcnnzoo.architectures.build import build
    >>> net = build("bl", categories=10, image_size=32, width=1 / 16)
    >>> run(net, torch.zeros(2, 3, 32, 32), "image:3,noise:9").shape
    torch.Size([2, 12, 10])
    """
    if images.ndim == 5:
        if stimulus is not None or steps not in (None, images.shape[1]):
            given = "`steps`" if stimulus is None else "`stimulus`"
            raise OptionError(
                f"{given}: the images are {counted(images.shape[1], 'frame')}, which set the time steps: leave it out"
            )
        steps = images.shape[1]
        if not steps:
            raise OptionError("the images have no frame: give [B, T, 3, H, W] with at least one")
    elif images.ndim != 4:
        raise OptionError(f"images have {images.ndim} dimensions: give [B, 3, H, W] or frames [B, T, 3, H, W]")
    names = [str(number) for number in range(len(images))] if names is None else names
    check_names(names, len(images))
    images = images.to(next(model.parameters()).device)
    conditions = Conditions(stimulus, steps, norm_step, lesions, seed)
    size = images.shape[-2:]
    if images.ndim == 4:
        unrolling = conditions.on(model, size)
        with evaluating(unrolling.network), torch.no_grad():
            return unrolling.logits(images, names)
    places = places_of(images)
    changes = bool((places[:, 1:] != places[:, :-1]).any())
    sequences = conditions.on_sequences(model, images.shape[1], changes, size, "frames")
    with evaluating(sequences.network), torch.no_grad():
        return torch.stack([logits for _, logits in sequences.steps(images.flatten(0, 1), places)], dim=1)
