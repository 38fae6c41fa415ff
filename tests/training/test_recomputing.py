"""Steps that are computed again learn what they would have learnt, and batch norm sees each batch once."""

import copy

import pytest
import torch

import rcnnzoo
from rcnnzoo.training.recomputing import recompute_steps
from rcnnzoo.training.synchronised import synchronise_batch_norms
from tests.networks import every, small
from tests.training.runs import run

IMAGES = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
SEED = torch.rand(6, generator=torch.Generator().manual_seed(1))


def learn(model, images=IMAGES):
    """Two updates, so that statistics matter."""
    model.train()
    for _ in range(2):
        model.zero_grad()
        logits = model(images)
        (logits.square().mean((1, 2)) * SEED).sum().backward()
    return model


@pytest.mark.parametrize("synchronised", [False, True])
@pytest.mark.parametrize("name", every())
def test_gradients_and_statistics_are_those_of_a_plain_run(name, synchronised):
    model = small(name, categories=5, image_size=32)
    if synchronised:
        synchronise_batch_norms(model)
    twin = copy.deepcopy(model)
    recompute_steps(twin)
    learn(model), learn(twin)
    for (key, plain), again in zip(model.named_parameters(), twin.parameters(), strict=True):
        if plain.grad is None:
            assert again.grad is None, key
        else:
            torch.testing.assert_close(again.grad, plain.grad, rtol=1e-6, atol=1e-7)
    for (key, plain), again in zip(model.named_buffers(), twin.buffers(), strict=True):
        assert torch.equal(again, plain), key


def test_less_is_kept():
    """Tensors that autograd saves for the backward pass, in bytes."""
    kept = []
    for recomputes in (False, True):
        model = rcnnzoo.build("bl", categories=5, image_size=32, width=1 / 8).train()
        if recomputes:
            recompute_steps(model)
        saved: dict[int, int] = {}

        def pack(tensor, saved=saved):
            saved[tensor.data_ptr()] = tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            logits = model(IMAGES)
        parameters = {parameter.data_ptr() for parameter in model.parameters()}
        kept.append(sum(size for place, size in saved.items() if place not in parameters))
        del logits
    assert kept[1] < kept[0] / 2


def test_a_run_that_recomputes_ends_where_the_plain_one_does(tmp_path):
    plain, again = (run(tmp_path / str(asked), checkpoint_activations=asked, epochs=1) for asked in (False, True))
    first, second = (rcnnzoo.load(each.weights).state_dict() for each in (plain, again))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-4, atol=1e-5)
