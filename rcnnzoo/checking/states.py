"""What a network's state must be, so that images can leave a batch and others join it."""

from __future__ import annotations

import torch
from torch import Tensor

from rcnnzoo.checking.rows import Fault, Skipped, Unusable, change, told
from rcnnzoo.checking.specimen import Specimen
from rcnnzoo.checking.unrolling import KEEP_NOTHING, attributes, expect_close, unrolled


@torch.no_grad()
def state_is_rows(specimen: Specimen) -> None:
    """A flat tuple of batch-first tensors, so that rows can be dropped or joined."""
    for count in (3, 4):
        state: object = specimen.network.begin(specimen.images(count))
        _check_rows(state, count, "begin")
        for t, (state, _) in enumerate(unrolled(specimen.network, specimen.images(count))):
            _check_rows(state, count, f"step {t}")


def _check_rows(state: object, count: int, where: str) -> None:
    if not isinstance(state, tuple):
        raise Unusable(f"{where} gives a {type(state).__name__} for state: a flat tuple of tensors is needed")
    for number, part in enumerate(state):
        if not isinstance(part, Tensor):
            raise Unusable(
                f"state[{number}] of {where} is a value of type {type(part).__name__}, not a tensor: only tensors can "
                "drop rows"
            )
        if part.ndim == 0 or len(part) != count:
            raise Unusable(
                f"state[{number}] of {where} is {list(part.shape)} for {count} images: its rows can't be dropped, "
                "its first dimension must be the batch"
            )


@torch.no_grad()
def state_keeps_its_shapes(specimen: Specimen) -> None:
    """After the first step, unless the network says that its rows do not mix steps."""
    if not specimen.network.rows_mix_steps:
        raise Skipped("it says that its rows do not mix steps")
    states = [state for state, _ in unrolled(specimen.network, specimen.images(2))]
    shapes = [[list(part.shape) for part in state] for state in states]
    for t, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise Fault(
                f"the state after step {t} has the shapes {shape}, after step 0 {shapes[0]}: keep them, or set "
                "rows_mix_steps = False"
            )


@torch.no_grad()
def a_step_leaves_its_state_alone(specimen: Specimen) -> None:
    """Rows that are joined later must be unchanged."""
    network = specimen.network
    state = network.begin(specimen.images(2))
    for t in range(network.num_steps):
        copies = [part.clone() for part in state]
        following, _ = network.step(state, t)
        for number, (part, copy) in enumerate(zip(state, copies, strict=True)):
            if not torch.equal(part, copy):
                raise Fault(f"step {t} changes state[{number}] in place: return a new tensor")
        state = following


@torch.no_grad()
def rows_leave_and_join(specimen: Specimen) -> None:
    """Early exit drops rows of the state and joins those of other images; the others must not be affected."""
    network, images = specimen.network, specimen.images(4)
    rows = torch.tensor([2, 0, 3])
    before = attributes(network)
    one, other = network.begin(images[:3]), network.begin(images[3:])
    course = [logits for _, logits in unrolled(network, images)]
    for t, expected in enumerate(course):
        joined = tuple(torch.cat([a[rows[:2]], b]) for a, b in zip(one, other, strict=True))
        try:
            logits = network.step(joined, t)[1]
            one, other = network.step(one, t)[0], network.step(other, t)[0]
        except Exception as error:
            raise Fault(
                f"rows can't leave or join at step {t} ({told(error)}){change(before, attributes(network))}: "
                f"{KEEP_NOTHING}"
            ) from error
        words = f"rows that leave or join change the logits of step {t}{change(before, attributes(network))}"
        expect_close(logits, expected[rows], words)


@torch.no_grad()
def rows_at_different_steps_share_a_batch(specimen: Specimen) -> None:
    """`step` takes a LongTensor [B] of time steps, unless the network says that its rows do not mix."""
    network = specimen.network
    if network.num_steps == 1:
        raise Skipped("it has one time step")
    if not network.rows_mix_steps:
        raise Skipped("it says that its rows do not mix steps")
    course = list(unrolled(network, specimen.images(4)))
    at = [1 + (3 * row) % (network.num_steps - 1) for row in range(4)]
    state = tuple(
        torch.stack([course[t - 1][0][part][row] for row, t in enumerate(at)]) for part in range(len(course[0][0]))
    )
    advice = "let step take t as a LongTensor [B], one step per row, or set rows_mix_steps = False"
    try:
        following, logits = network.step(state, torch.tensor(at))
    except Exception as error:
        raise Fault(f"rows at different time steps can't share a batch ({told(error)}): {advice}") from error
    words = f"rows at different time steps affect each other: {advice}"
    for row, t in enumerate(at):
        expect_close(logits[row], course[t][1][row], words)
        for number, part in enumerate(following):
            expect_close(part[row], course[t][0][number][row], f"{words}; state[{number}] differs")


@torch.no_grad()
def what_is_shown_may_change(specimen: Specimen) -> None:
    """Presenting other images changes what the network sees from then on, and nothing that it remembers."""
    network, images, others = specimen.network, specimen.images(4), specimen.images(4, seed=8)
    if not network.can_present:
        raise Skipped("it has no method present, so what it is shown can't change")
    rows = torch.tensor([2, 0])
    state = network.begin(images)
    for t in range(network.num_steps):
        try:
            same, shown = network.present(state, images), network.present(state, others)
            some = network.present(tuple(part[rows] for part in state), others[rows])
        except Exception as error:
            raise Fault(f"present fails at step {t} ({told(error)}): it takes a state and images") from error
        _check_rows(shown, 4, f"present before step {t}")
        for number, (part, again, other) in enumerate(zip(state, same, shown, strict=True)):
            if not torch.equal(part, again):
                raise Fault(f"presenting the same images before step {t} changes state[{number}]: keep the memory")
            if part.shape != other.shape:
                raise Fault(f"present changes the shape of state[{number}] before step {t}: keep the shapes")
        if all(map(torch.equal, state, shown)):
            raise Fault(f"presenting other images before step {t} changes nothing: compute what `begin` does of them")
        for number, (part, alone) in enumerate(zip(shown, some, strict=True)):
            expect_close(alone, part[rows], f"presented alone, rows differ in state[{number}] from the same in a batch")
        logits = network.step(shown, t)[1]
        expect_close(network.step(some, t)[1], logits[rows], f"rows that are shown others affect others at step {t}")
        state, _ = network.step(state, t)


@torch.no_grad()
def areas_hold_rows(specimen: Specimen) -> None:
    """The areas that a network names are the same at each step, and each row of them is of its own image."""
    network, images = specimen.network, specimen.images(4)
    if not network.has_areas:
        raise Skipped("it has no method activations, so layers are read from its modules")
    rows, names = torch.tensor([2, 0]), None
    state, some = network.begin(images), network.begin(images[rows])
    for t in range(network.num_steps):
        state, some = network.step(state, t)[0], network.step(some, t)[0]
        before = [part.clone() for part in state]
        try:
            held, alone = network.activations(state), network.activations(some)
        except Exception as error:
            raise Fault(f"activations fails at step {t} ({told(error)}): it takes a state that step gave") from error
        if not (isinstance(held, dict) and held and all(isinstance(tensor, Tensor) for tensor in held.values())):
            raise Fault(f"activations gives a {type(held).__name__} at step {t}: give a dict of names and tensors")
        names = list(held) if names is None else names
        if list(held) != names:
            raise Fault(f"activations names other areas at step {t} than at the first: name the same at each")
        if not all(map(torch.equal, state, before)):
            raise Fault(f"activations changes the state at step {t}: leave it as it is")
        for name, tensor in held.items():
            if not tensor.ndim or len(tensor) != 4:
                raise Fault(
                    f"activations gives {list(tensor.shape)} for {name} at step {t} and 4 images: rows come first"
                )
            expect_close(alone[name], tensor[rows], f"rows of {name} depend on other images of a batch at step {t}")
