"""What everything else relies on, for every architecture that is installed, other people's too."""

import pytest
import torch

import rcnnzoo
from tests.networks import every, small

EVERY = every()


def tiny(name):
    """A small network whose batch norm has seen some images."""
    network = small(name, categories=5, image_size=32)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 32, 32, generator=generator))
    return network.eval()


def some_images(number):
    return torch.randn(number, 3, 32, 32, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", EVERY)
def test_step_by_step_is_forward(name):
    network, images = tiny(name), some_images(3)
    with torch.no_grad():
        expected = network(images)
        assert expected.shape == (3, network.num_steps, 5)
        state = network.begin(images)
        for t in range(network.num_steps):
            state, logits = network.step(state, t)
            torch.testing.assert_close(logits, expected[:, t])


@pytest.mark.parametrize("name", EVERY)
def test_an_image_does_not_feel_the_rest_of_its_batch(name):
    """Early exit drops rows of the state; the rows that stay must not notice."""
    network, images, keep = tiny(name), some_images(3), torch.tensor([2, 0])
    with torch.no_grad():
        state = network.begin(images)
        for t in range(network.num_steps):
            following, logits = network.step(state, t)
            _, kept = network.step(tuple(tensor[keep] for tensor in state), t)
            torch.testing.assert_close(kept, logits[keep])
            state = following


@pytest.mark.parametrize("name", EVERY)
def test_the_state_of_a_step_is_not_changed_by_the_next(name):
    """Whoever joins rows later must find them as they were."""
    network, images = tiny(name), some_images(2)
    with torch.no_grad():
        state = network.begin(images)
        for t in range(network.num_steps):
            copy = [tensor.clone() for tensor in state]
            following, _ = network.step(state, t)
            assert all(torch.equal(a, b) for a, b in zip(state, copy, strict=True))
            state = following


@pytest.mark.parametrize("name", EVERY)
def test_rows_at_different_steps_share_a_batch(name):
    network, images = tiny(name), some_images(4)
    if network.num_steps < 8 or not network.rows_mix_steps:
        pytest.skip(f"{name} is feedforward, or says that its rows do not mix steps")
    with torch.no_grad():
        states, logits, state = [], [], network.begin(images)
        for t in range(network.num_steps):
            state, now = network.step(state, t)
            states.append(state)
            logits.append(now)
        at = torch.tensor([1, 4, 2, 7])
        mixed = tuple(
            torch.stack([states[t - 1][i][row] for row, t in enumerate(at.tolist())]) for i in range(len(state))
        )
        following, now = network.step(mixed, at)
        for row, t in enumerate(at.tolist()):
            torch.testing.assert_close(now[row], logits[t][row], rtol=1e-4, atol=1e-5)
            for before, after in zip(following, states[t], strict=True):
                torch.testing.assert_close(before[row], after[row], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_features_give_the_logits(name):
    """Another classifier is trained on them, so they must be all that the network's own saw."""
    network, images = tiny(name), some_images(2)
    seen = []
    for module in network.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        state = network.begin(images)
        for t in range(network.num_steps):
            state, _ = network.step(state, t)
            torch.testing.assert_close(network.features(state), seen[t])


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_settles_the_weights(name):
    def weights(seed):
        return small(name, categories=5, image_size=32, seed=seed).state_dict()

    before = torch.get_rng_state()
    one, same, other = weights(3), weights(3), weights(4)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", EVERY)
def test_saved_and_loaded_it_says_the_same(name, tmp_path):
    network, images = tiny(name), some_images(2)
    rcnnzoo.save(network, tmp_path / "a.safetensors")
    loaded = rcnnzoo.load(tmp_path / "a.safetensors")
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))


@pytest.mark.parametrize("name", EVERY)
def test_the_loss_of_the_last_step_reaches_every_weight(name):
    network = small(name, categories=5, image_size=32)
    network(some_images(4)).square().mean().backward()
    without = [key for key, weight in network.named_parameters() if weight.grad is None]
    assert without == []
