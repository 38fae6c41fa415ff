"""Running networks so that an image that has been decided costs nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import State
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.errors import NetworkError, OptionError
from rcnnzoo.policies.checks import not_a_number, unchecked_scores
from rcnnzoo.policies.contract import ExitPolicy

STATE_BYTES = {"cpu": 2**26}
"""Size of the state of the images that are computed together: on a processor, about what fits into its cache."""
STATE_BYTES_ELSEWHERE = 2**32
COPIES = 4
"""Arrays as large as the logits that readout and policy make of them, these included."""
GROUPS = {"cpu": 4}
"""How many such groups run at once. On a processor, enough for the images that are left to fill a group for long."""


@dataclass(frozen=True)
class Rule:
    """When to stop.

    Attributes:
        readout: From logits [..., T, C] to probabilities.
        policy: The exit policy.
        name: What it is called.
        threshold: In the policy's unit.
    """

    readout: Callable[[Tensor], Tensor]
    policy: ExitPolicy
    name: str
    threshold: float


@dataclass(frozen=True)
class Exits:
    """Images that have been decided.

    Attributes:
        images: Their numbers in the order of input, [R].
        probabilities: The readout up to the step each stopped at, [R, T, C]; later steps have no meaning.
        last: The step each stopped at, from 0, [R].
    """

    images: Tensor
    probabilities: Tensor
    last: Tensor


def run(
    unrolling: Unrolling,
    batches: Iterable[Tensor | Sequence[Tensor]],
    rule: Rule,
    rows: int | None = None,
    names: Sequence[str] | None = None,
) -> Iterator[Exits]:
    """Run a network on images until each has been decided; they are returned in the order in which they stop.

    On a GPU, waiting images take the places of those that stop, so that rows at different time steps share a batch
    that stays full. On a processor, rows are computed in groups that fit its cache. A wave of a few groups begins
    together; as rows stop, the others are packed into fewer groups, and when none is left the next wave begins. All
    rows of a wave are at the same step, so networks whose rows can't mix steps are run in this way too. The device is
    waited for once per step of a group, to learn how many rows stop; where what is shown changes, also to learn for
    which rows. What an image is shown after its exit is never computed.

    Args:
        unrolling: A network in evaluation mode, and what it is shown.
        batches: Images [B, 3, H, W] in [-1, 1], in batches of any size; if a batch is a sequence, such as images and
            labels, its first item.
        rule: When to stop.
        rows: Images computed at once; by default what suits the device and the size of the network's state.
        names: A name for each image, on which random stimuli depend; by default its number.

    Raises:
        OptionError: `rows` is less than 1.
        PluginError: The policy's scores are not numbers, or have another shape.
        NetworkError: The network's logits are not finite.
    """
    if rows is not None and rows < 1:
        raise OptionError(f"`rows` {rows}: take at least 1")
    network = unrolling.network
    device = next(network.parameters()).device
    size, batches = peek(batches)
    if size is None:
        return iter(())
    count = unrolling.count(size)
    logits = 4 * network.num_steps * count.categories
    image = 4 * 3 * size[0] * size[1] if unrolling.changes else 0  # kept, to be shown again or otherwise
    group = max(1, _memory(device) // (count.state_bytes + COPIES * logits + image))
    most = rows or GROUPS.get(device.type, 1) * group
    refill = device.type != "cpu" and network.rows_mix_steps
    return _run(unrolling, _Waiting(batches, device, names), rule, most, min(group, most), refill=refill)


def peek(
    batches: Iterable[Tensor | Sequence[Tensor]],
) -> tuple[tuple[int, ...] | None, Iterable[Tensor | Sequence[Tensor]]]:
    """Height and width of the images in batches, None if there are none; and the batches, none of them lost."""
    waiting = iter(batches)
    first = next(waiting, None)
    if first is None:
        return None, ()
    return tuple(_images(first).shape[-2:]), chain([first], waiting)


def _images(batch: Tensor | Sequence[Tensor]) -> Tensor:
    return batch if isinstance(batch, Tensor) else batch[0]


def _run(
    unrolling: Unrolling, waiting: _Waiting, rule: Rule, rows: int, group: int, *, refill: bool
) -> Iterator[Exits]:
    at_work: list[_Rows] = []
    while True:
        room = min(group, rows - sum(map(len, at_work)))
        joinable = refill or all(part.t == 0 for part in at_work)
        # Where rows can be replaced, wait until there is some room: few new images are computed less efficiently.
        enough = room > rows // 8 or not at_work
        newcomers = waiting.take(room) if room and enough and joinable else None
        if newcomers is None and not at_work:
            return
        if newcomers is not None:
            # They run their first step separately: it costs less than later ones.
            others, moved = at_work, iter([_Rows.begun(unrolling, *newcomers, waiting, mixing=refill)])
        else:
            others, moved = [], (part.stepped(unrolling, waiting) for part in at_work)
        staying = []
        for part in moved:
            exits, stay = part.divided(rule)
            if len(exits.images):
                yield exits
            if len(stay):
                staying.append(stay)
        at_work = _packed([*others, *staying], group)


def _memory(device: torch.device) -> int:
    """Bytes for the images that are computed together: on a GPU, an eighth of the free memory at most."""
    if device.type == "cuda":
        return min(STATE_BYTES_ELSEWHERE, torch.cuda.mem_get_info(device)[0] // 8)
    return STATE_BYTES.get(device.type, STATE_BYTES_ELSEWHERE)


def _packed(groups: Iterable[_Rows], most: int) -> list[_Rows]:
    """The rows in fewer groups, where two fit into one."""
    packed: list[_Rows] = []
    for rows in groups:
        if packed and len(packed[-1]) + len(rows) <= most:
            packed[-1] = packed[-1].joined_by(rows)
        else:
            packed.append(rows)
    return packed


class _Waiting:
    """Images that have not begun, handed out in any number."""

    def __init__(
        self,
        batches: Iterable[Tensor | Sequence[Tensor]],
        device: torch.device,
        names: Sequence[str] | None = None,
    ) -> None:
        self.batches, self.device, self.names = iter(batches), device, names
        self.left: Tensor | None = None
        self.taken = 0

    def names_of(self, numbers: Iterable[int]) -> list[str]:
        """The names of images by their numbers."""
        return [str(number) if self.names is None else self.names[number] for number in numbers]

    def take(self, most: int) -> tuple[Tensor, range] | None:
        """The next images and their numbers, at most that many; None if there are no more."""
        parts: list[Tensor] = []
        missing = most
        while missing and (batch := self._next()) is not None:
            parts.append(batch[:missing].to(self.device, non_blocking=True))
            self.left = batch[missing:]
            missing -= len(parts[-1])
        if missing == most:
            return None
        images = torch.cat(parts) if len(parts) > 1 else parts[0]
        numbers = range(self.taken, self.taken + len(images))
        self.taken += len(images)
        return images.contiguous(memory_format=torch.channels_last), numbers

    def _next(self) -> Tensor | None:
        """The rest of the last batch, or the next one; not yet on the device, which may be too small for it."""
        if self.left is not None and len(self.left):
            return self.left
        batch = next(self.batches, None)
        return None if batch is None else _images(batch)


@dataclass(frozen=True)
class _Rows:
    """Images being computed.

    Attributes:
        numbers: Which images, [R].
        state: The network's.
        logits: Filled up to each row's step, [R, T, C].
        t: The step they ran last: one for all, or of each where they mix, [R].
        images: Where what is shown changes, [R, 3, H, W]; otherwise None.
    """

    numbers: Tensor
    state: State
    logits: Tensor
    t: int | Tensor
    images: Tensor | None

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def begun(cls, unrolling: Unrolling, images: Tensor, numbers: range, waiting: _Waiting, *, mixing: bool) -> _Rows:
        """After their first step."""
        state, now = unrolling.network.step(unrolling.begin(images, waiting.names_of(numbers)), 0)
        logits = torch.zeros(len(now), unrolling.network.num_steps, now.shape[1], device=now.device)
        logits[:, 0] = now
        places = torch.arange(numbers.start, numbers.stop, device=now.device)
        t = torch.zeros_like(places) if mixing else 0
        return cls(places, state, logits, t, images if unrolling.changes else None)

    def stepped(self, unrolling: Unrolling, waiting: _Waiting) -> _Rows:
        """After one more step."""
        t = self.t + 1
        state, now = unrolling.network.step(self._presented(unrolling, waiting, t), t)
        self.logits[torch.arange(len(self), device=now.device), t] = now.float()
        return replace(self, state=state, t=t)

    def _presented(self, unrolling: Unrolling, waiting: _Waiting, t: int | Tensor) -> State:
        """The state before step t, in which what is shown from then on has been presented."""
        if self.images is None:
            return self.state
        if isinstance(t, int):
            if t not in unrolling.changes:
                return self.state
            return unrolling.present(self.state, t, self.images, waiting.names_of(self.numbers.tolist()))
        state, at = self.state, t.tolist()
        for change in sorted(unrolling.changes.intersection(at)):
            rows = torch.tensor([row for row, step in enumerate(at) if step == change], device=t.device)
            names = waiting.names_of(self.numbers[rows].tolist())
            part = unrolling.present(tuple(tensor[rows] for tensor in state), change, self.images[rows], names)
            state = tuple(old.index_copy(0, rows, new) for old, new in zip(state, part, strict=True))
        return state

    def joined_by(self, others: _Rows) -> _Rows:
        """With others, at the same step or, where rows mix, at any."""
        state = tuple(torch.cat(pair) for pair in zip(self.state, others.state, strict=True))
        numbers, logits = torch.cat([self.numbers, others.numbers]), torch.cat([self.logits, others.logits])
        images = None
        if self.images is not None and others.images is not None:
            images = torch.cat([self.images, others.images])
        t = self.t
        if isinstance(self.t, Tensor) and isinstance(others.t, Tensor):
            t = torch.cat([self.t, others.t])
        else:
            assert self.t == others.t
        return _Rows(numbers, state, logits, t, images)

    def divided(self, rule: Rule) -> tuple[Exits, _Rows]:
        """Those that stop at the step they ran last, and the others."""
        probabilities = rule.readout(self.logits)
        scores = unchecked_scores(rule.policy, probabilities, rule.name)
        t = self.t if isinstance(self.t, Tensor) else torch.full_like(self.numbers, self.t)
        score = scores.gather(1, t[:, None])[:, 0]
        sure = score <= rule.threshold if rule.policy.direction == "below" else score >= rule.threshold
        sure |= t == self.logits.shape[1] - 1
        unfit = ~self.logits[torch.arange(len(self), device=t.device), t].isfinite().all(dim=1)
        # The only synchronisation with the device in a step: how many leave, and whether network and policy made sense.
        leaving, wrong, senseless = torch.stack([sure.sum(), unfit.sum(), score.isnan().sum()]).tolist()
        if wrong:
            row = int(unfit.nonzero()[0])
            raise NetworkError(f"image {int(self.numbers[row]) + 1}, step {int(t[row]) + 1}")
        if senseless:
            raise not_a_number(rule.name)
        order = sure.int().argsort(stable=True)
        stay, leave = order[: len(self) - leaving], order[len(self) - leaving :]
        exits = Exits(self.numbers[leave], probabilities[leave], t[leave])
        if not leaving:
            return exits, self
        state = tuple(tensor[stay] for tensor in self.state)
        rest = self.t[stay] if isinstance(self.t, Tensor) else self.t
        images = None if self.images is None else self.images[stay]
        return exits, _Rows(self.numbers[stay], state, self.logits[stay], rest, images)
