"""The paper's networks, against the numbers of its code and an independent computation."""

import pytest
import torch
from ptflops import get_model_complexity_info
from torch.nn import functional

import rcnnzoo
from rcnnzoo.errors import OptionError
from rcnnzoo.profiling.operations import macs_per_step

# Counted from the authors' published code: trainable, scale and shift of batch norm included.
PARAMETERS = {
    "b": {1000: 11_037_768, 565: 10_146_453},
    "b-k": {1000: 39_796_040, 565: 38_904_725},
    "b-f": {1000: 40_006_824, 565: 38_224_629},
    "b-d": {1000: 28_819_848, 565: 27_928_533},
    "bl": {1000: 28_870_920, 565: 27_979_605},
}
# G MACs per image at 128x128 with 1,000 categories: convolutions and readout.
GIGAMACS = {"b": 1.991, "b-k": 4.478, "b-f": 7.496, "b-d": 11.877, "bl": 83.509}


@pytest.mark.parametrize(("name", "categories"), [(name, count) for name in PARAMETERS for count in (1000, 565)])
def test_parameters_are_those_of_the_authors_code(name, categories):
    network = rcnnzoo.build(name, categories=categories)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name][categories]


@pytest.mark.parametrize("name", GIGAMACS)
def test_macs_of_a_real_forward_pass(name):
    """Ptflops counts what its operator-level backend records while an image goes through the network."""
    network = rcnnzoo.build(name).eval()
    with torch.no_grad():
        macs, _ = get_model_complexity_info(
            network, (3, 128, 128), backend="aten", as_strings=False, print_per_layer_stat=False
        )
    assert macs == pytest.approx(GIGAMACS[name] * 1e9, rel=1e-3)
    assert sum(macs_per_step(network)) == macs


def test_macs_of_each_step_of_bl():
    first, *later = macs_per_step(rcnnzoo.build("bl"))
    assert first == pytest.approx(1.991e9, rel=1e-3)
    assert later == [pytest.approx(11.645e9, rel=1e-3)] * 7


@pytest.mark.parametrize(("name", "without"), [("bt", "b"), ("blt", "bl")])
def test_parameters_and_macs_of_top_down_connections(name, without):
    """A kernel for each pair of neighbours; each place of the map above is multiplied with all of it."""
    maps, kernels, sides = (96, 128, 192, 256, 512, 1024, 2048), (7, 5, 3, 3, 3, 3), (64, 32, 16, 8, 4, 2)
    pairs = [below * above * k * k for below, above, k in zip(maps, maps[1:], kernels, strict=False)]
    norms = 0 if without == "bl" else 7 * 2 * sum(maps)  # B has them for one step, BT for eight
    network, plain = rcnnzoo.build(name), rcnnzoo.build(without)
    more = sum(p.numel() for p in network.parameters()) - sum(p.numel() for p in plain.parameters())
    assert more == sum(pairs) + norms
    first, *later = macs_per_step(network)
    # A later step of B would be its first without the first layer's drive, which doesn't change.
    plain_later = macs_per_step(plain)[1] if without == "bl" else first - 128 * 128 * 3 * 96 * 49
    assert first == macs_per_step(plain)[0]
    assert later == [plain_later + sum(pair * side**2 for pair, side in zip(pairs, sides, strict=True))] * 7


def test_layers_of_b_d():
    """The paper lists fifteen kernels for fourteen layers; these are the ones of its code."""
    layers = rcnnzoo.build("b-d").layers
    assert [layer.bottom_up[0].kernel_size[0] for layer in layers] == [7, 7, 5, 5, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1]


def heard_from_above(above, kernel, size):
    """A transposed convolution without one: zeros between the places of the map, and a turned kernel.

    above: [B, K_above, H', W']; kernel: [K_above, K, k, k], as PyTorch keeps those of transposed convolutions.
    """
    stride = 1 if tuple(above.shape[2:]) == tuple(size) else 2
    spread = above.new_zeros(*above.shape[:2], *size)
    height, width = (stride * side for side in above.shape[2:])
    spread[:, :, :height:stride, :width:stride] = above
    unpooled = functional.conv2d(spread, kernel.transpose(0, 1).flip(2, 3), padding="same")
    return functional.pad(unpooled[:, :, :height, :width], (0, size[1] - width, 0, size[0] - height))


def by_hand(weights, images, steps):
    """BL, BT or BLT as the papers describe it, every convolution of every step computed again."""
    layers = len({name.split(".")[1] for name in weights if name.startswith("layers.")})
    before = None
    logits = []
    for t in range(steps):
        now, below = [], images
        for i in range(layers):
            if i > 0 and min(below.shape[-2:]) >= 4:
                below = functional.max_pool2d(below, 2)
            x = functional.conv2d(below, weights[f"layers.{i}.bottom_up.0.weight"], padding="same")
            if before is not None and f"layers.{i}.lateral.0.weight" in weights:
                x = x + functional.conv2d(before[i], weights[f"layers.{i}.lateral.0.weight"], padding="same")
            if before is not None and f"layers.{i}.top_down.0.weight" in weights:
                x = x + heard_from_above(before[i + 1], weights[f"layers.{i}.top_down.0.weight"], x.shape[2:])
            norm = {key: weights[f"layers.{i}.norm.{t}.{key}"] for key in ("running_mean", "running_var")}
            scale, shift = weights[f"layers.{i}.norm.{t}.weight"], weights[f"layers.{i}.norm.{t}.bias"]
            x = functional.batch_norm(x, norm["running_mean"], norm["running_var"], scale, shift, eps=1e-3)
            below = functional.relu(x)
            now.append(below)
        before = now
        pooled = now[-1].mean(dim=(2, 3))
        logits.append(functional.linear(pooled, weights["classifier.0.weight"], weights["classifier.0.bias"]))
    return torch.stack(logits, dim=1)


def with_random_statistics(network):
    """Batch norm that has an effect, and a different one at each step."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if ".norm." in name and tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return network.eval()


@pytest.mark.parametrize("size", [32, 20])
@pytest.mark.parametrize("name", ["bl", "bt", "blt"])
def test_a_recurrent_network_is_what_the_papers_say(name, size):
    """At 20 pixels a map of 5 is pooled to 2, and at both sizes the last maps aren't pooled any more."""
    network = with_random_statistics(rcnnzoo.build(name, categories=5, image_size=size, width=1 / 16, steps=4))
    images = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = by_hand(network.state_dict(), images, steps=4)
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)


def test_b_is_the_first_step_of_bl():
    """A feedforward network is the recurrent one without lateral input."""
    bl = with_random_statistics(rcnnzoo.build("bl", categories=5, image_size=32, width=1 / 16))
    b = rcnnzoo.build("b", categories=5, image_size=32, width=1 / 16).eval()
    b.load_state_dict({name: tensor for name, tensor in bl.state_dict().items() if name in b.state_dict()})
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(b(images)[:, 0], bl(images)[:, 0])


def test_b_u_with_equal_weights_at_each_step_is_bl():
    bl = with_random_statistics(rcnnzoo.build("bl", categories=5, image_size=32, width=1 / 16, steps=3))
    b_u = rcnnzoo.build("b-u", categories=5, image_size=32, width=1 / 16, steps=3).eval()
    shared = bl.state_dict()

    def of_bl(name):
        parts = name.split(".")
        if parts[0] == "classifier":
            parts[1] = "0"
        elif parts[2] in ("bottom_up", "lateral"):
            parts[3] = "0"
        return ".".join(parts)

    b_u.load_state_dict({name: shared[of_bl(name)] for name in b_u.state_dict()})
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(b_u(images), bl(images))


@pytest.mark.parametrize(
    ("size", "sides"),
    [(128, [128, 64, 32, 16, 8, 4, 2]), (32, [32, 16, 8, 4, 2, 2, 2]), (7, [7, 3, 3, 3, 3, 3, 3]), (2, [2] * 7)],
)
def test_maps_are_halved_but_never_below_2x2(size, sides):
    network = rcnnzoo.build("bl", categories=5, image_size=size, width=1 / 16, steps=1)
    state, _ = network.step(network.begin(torch.zeros(1, 3, size, size)), 0)
    assert [tuple(layer.shape[2:]) for layer in state[1:]] == [(side, side) for side in sides]


def test_the_first_layers_drive_is_computed_once(monkeypatch):
    network = rcnnzoo.build("bl", categories=5, image_size=32, width=1 / 16)
    first, calls = network.layers[0].bottom_up[0], []
    first.register_forward_hook(lambda *_: calls.append(1))
    network(torch.zeros(1, 3, 32, 32))
    assert len(calls) == 1


def test_initial_weights_are_glorot_uniform_and_convolutions_have_no_bias():
    network = rcnnzoo.build("b", categories=5)
    kernel = network.layers[1].bottom_up[0].weight  # 128 maps of 96, 5x5
    bound = (6 / ((96 + 128) * 25)) ** 0.5
    assert kernel.abs().max() <= bound
    assert kernel.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert network.layers[1].bottom_up[0].bias is None
    assert network.classifier[0].bias is not None


def test_a_width_without_feature_maps_is_refused():
    with pytest.raises(OptionError, match=r"`width` 0.001 leaves no feature maps: take at least 0.00625"):
        rcnnzoo.build("bl", width=0.001)
    rcnnzoo.build("bl", width=0.00625, categories=5)  # the advice works
