"""Which algorithm computes a convolution, and that the result is the same."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import rcnnzoo
from rcnnzoo.architectures import convolution
from rcnnzoo.architectures.convolution import MEASURED, ConvolutionSum, algorithms_used, set_algorithm
from rcnnzoo.errors import UnknownName


@pytest.fixture
def layer():
    """A sum of two convolutions that is computed by transforms, and its inputs."""
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(maps, 4, 5, padding="same", bias=False) for maps in (2, 3)]
    convolve = ConvolutionSum()
    convolve.algorithm = "transformed"
    return convolve, [torch.randn(2, 2, 10, 10), torch.randn(2, 3, 10, 10)], convolutions


@pytest.fixture
def transformed(monkeypatch):
    """Counts the sums that were computed by transforms, and the convolutions whose kernels were transformed."""
    counts = {"used": 0, "made": 0}
    usual = convolution.transform_kernels

    def counted(*arguments):
        counts["made"] += 1
        return usual(*arguments)

    class Counted(convolution.TransformedConvolutions):
        def __call__(self, inputs):
            counts["used"] += 1
            return super().__call__(inputs)

    monkeypatch.setattr(convolution, "transform_kernels", counted)
    monkeypatch.setattr(convolution, "TransformedConvolutions", Counted)
    return counts


def directly(inputs, convolutions):
    return sum(module(x) for x, module in zip(inputs, convolutions, strict=True))


@pytest.mark.parametrize("name", ["b", "b-k", "b-f", "b-d", "bl", "bt", "blt", "b-u"])
def test_networks_give_the_same_logits_by_either_algorithm(name, transformed):
    network = rcnnzoo.build(name, categories=5, image_size=32, width=1 / 16).eval()
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        set_algorithm(network, "direct")
        expected = network(images)
        assert transformed["used"] == 0
        set_algorithm(network, "transformed")
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5)
        assert transformed["used"] > 3
        if name == "bl":  # six layers with kernels larger than 1, bottom-up and lateral, whatever is added up with what
            assert transformed["made"] == 12


@torch.no_grad()
def test_kernels_are_transformed_once_until_weights_change(layer, transformed):
    convolve, inputs, convolutions = layer
    convolve(inputs, convolutions)
    assert transformed["made"] == 2
    for change in (
        lambda: convolutions[0].weight.mul_(2),
        lambda: setattr(convolutions[1], "weight", nn.Parameter(torch.ones_like(convolutions[1].weight))),
        lambda: setattr(convolutions[0].weight, "data", torch.ones_like(convolutions[0].weight)),
        lambda: setattr(
            convolutions[0], "weight", nn.Parameter(convolutions[0].weight.detach().flip(2).transpose(2, 3))
        ),
        lambda: setattr(convolutions[0], "weight", nn.Parameter(convolutions[0].weight.detach().transpose(2, 3))),
        lambda: convolutions[0].load_state_dict({"weight": torch.full_like(convolutions[0].weight, 3)}),
    ):
        change()
        made = transformed["made"]
        for _ in range(2):
            torch.testing.assert_close(convolve(*layer[1:]), directly(inputs, convolutions), rtol=1e-4, atol=1e-4)
        assert transformed["made"] == made + 1


@torch.no_grad()
def test_a_copy_has_kernels_of_its_own(layer, transformed):
    convolve, inputs, convolutions = layer
    convolve(inputs, convolutions)
    other, others = copy.deepcopy((convolve, convolutions))
    others[0].weight.zero_()
    others[1].weight.zero_()
    assert other(inputs, others).abs().max() == 0
    assert convolve(inputs, convolutions).abs().max() > 0


def test_training_is_direct_unless_told_otherwise(layer, transformed):
    convolve, inputs, convolutions = layer
    convolve.algorithm = "auto"
    assert torch.equal(convolve(inputs, convolutions), directly(inputs, convolutions))
    assert transformed["used"] == 0
    convolve.algorithm = "transformed"
    convolve(inputs, convolutions).square().sum().backward()
    found = convolutions[0].weight.grad.clone()
    convolutions[0].weight.grad = None
    directly(inputs, convolutions).square().sum().backward()
    torch.testing.assert_close(found, convolutions[0].weight.grad, rtol=1e-3, atol=1e-2)
    assert transformed["used"] == 1


@torch.no_grad()
def test_a_convolution_that_is_hooked_or_replaced_is_called(layer, transformed):
    convolve, inputs, convolutions = layer
    seen = []
    handle = convolutions[0].register_forward_hook(lambda *_: seen.append(1))
    convolve(inputs, convolutions)
    handle.remove()
    assert seen == [1]
    with torch.autocast("cpu", torch.float16):
        assert convolve(inputs, convolutions).dtype == torch.float16
    with FlopCounterMode(display=False) as counter:
        convolve(inputs, convolutions)
    assert counter.get_total_flops() == 2 * 2 * 100 * 5 * 4 * 25  # two per multiply-accumulate, two images

    assert transformed["used"] == 0
    doubles = [copy.deepcopy(module).double() for module in convolutions]
    assert convolve([x.double() for x in inputs], doubles).dtype == torch.float64
    assert convolve([x[:0] for x in inputs], convolutions).shape == (0, 4, 10, 10)
    assert transformed["used"] == 0


def conv(**options):
    return nn.Conv2d(4, 4, **{"kernel_size": 5, "padding": 2, "bias": False, **options})


class Lesioned(nn.Conv2d):
    """A convolution that was modified."""

    def forward(self, x):
        return 0 * super().forward(x)


def replaced():
    module = conv()
    module.forward = lambda x: 2 * nn.Conv2d.forward(module, x)
    return module


def hooked(name):
    module = conv()
    getattr(module, name)(lambda *_: None)
    return module


@pytest.mark.parametrize(
    "module",
    [
        conv(bias=True),
        conv(stride=2),
        conv(dilation=2, padding=4),
        conv(groups=2),
        conv(padding=0),
        conv(padding_mode="reflect"),
        conv(kernel_size=(5, 3), padding=(2, 1)),
        conv(kernel_size=4, padding=2),
        conv(kernel_size=1, padding=0),
        Lesioned(4, 4, 5, padding=2, bias=False),
        replaced(),
        hooked("register_forward_pre_hook"),
        hooked("register_forward_hook"),
        hooked("register_full_backward_hook"),
    ],
    ids=str,
)
def test_what_is_not_a_plain_convolution_is_computed_by_the_module(module, layer, transformed):
    x = torch.randn(2, 4, 12, 12)
    with torch.no_grad():
        assert torch.equal(layer[0]([x], [module]), module(x))
    assert transformed["used"] == 0
    layer[0]([x], [conv()])  # that one is
    assert transformed["used"] == 1


@pytest.mark.parametrize("fastest", ["direct", "transformed"])
@torch.no_grad()
def test_inference_takes_what_was_measured_to_be_faster(layer, transformed, monkeypatch, fastest):
    convolve, inputs, convolutions = layer
    convolve.algorithm = "auto"
    monkeypatch.setattr(convolution, "MEASURED", {})
    convolve(inputs, convolutions)
    assert convolution.MEASURED == {}  # too little to gain
    monkeypatch.setattr(convolution, "WORTH_MEASURING", 0)
    times = iter([1.0, 2.0] if fastest == "direct" else [2.0, 1.0])
    monkeypatch.setattr(convolution, "_shortest", lambda *_: next(times))
    for _ in range(3):  # the times are measured once
        convolve(inputs, convolutions)
    assert (transformed["used"] > 0) == (fastest == "transformed")
    ((shape, times_taken),) = convolution.MEASURED.items()
    assert shape.macs == 100 * 5 * 4 * 25
    assert min(times_taken, key=lambda algorithm: times_taken[algorithm]) == fastest


@torch.no_grad()
def test_times_are_measured_on_this_device(layer, monkeypatch):
    convolve, inputs, convolutions = layer
    convolve.algorithm = "auto"
    monkeypatch.setattr(convolution, "WORTH_MEASURING", 0)
    monkeypatch.setattr(convolution, "MEASURED", {})
    torch.testing.assert_close(convolve(inputs, convolutions), directly(inputs, convolutions), rtol=1e-4, atol=1e-4)
    (seconds,) = convolution.MEASURED.values()
    assert set(seconds) == {"direct", "transformed"}
    assert all(value > 0 for value in seconds.values())


def halved(convolve, inputs, convolutions):
    """The sum as it is computed under autocast to bfloat16, in float32."""
    with torch.autocast("cpu", torch.bfloat16):
        return convolve(inputs, convolutions).float()


@pytest.mark.parametrize("algorithm", ["transformed", "packed"])
@torch.no_grad()
def test_in_bfloat16_sums_are_as_close_to_the_truth_as_those_of_the_modules(layer, algorithm):
    """Of 200 inputs to each output, as the noise of few would hide it."""
    convolve, _, _ = layer
    inputs = [torch.randn(2, maps, 32, 32).relu() for maps in (80, 120)]
    for kernel in (3, 7):
        convolutions = [nn.Conv2d(maps, 16, kernel, padding="same", bias=False) for maps in (80, 120)]
        doubles = [copy.deepcopy(module).double() for module in convolutions]
        truth = directly([x.double() for x in inputs], doubles)

        def error(found, truth=truth):
            return ((found - truth).square().mean() / truth.var()).sqrt().item()

        convolve.algorithm = "direct"
        by_modules = error(halved(convolve, inputs, convolutions))
        convolve.algorithm = algorithm
        found = error(halved(convolve, inputs, convolutions))
        assert convolve.used == algorithm
        # Winograd's transform adds up to four pixels before they are rounded.
        assert 1e-4 < found < (2 if (algorithm, kernel) == ("transformed", 3) else 1.2) * by_modules < 1e-2


@torch.no_grad()
def test_in_bfloat16_the_size_of_kernels_decides_and_not_timing(layer, monkeypatch):
    """Otherwise a network could have other reaction times the next time it is run."""
    convolve = layer[0]
    convolve.algorithm = "auto"
    monkeypatch.setattr(convolution, "MEASURED", {})
    monkeypatch.setattr(convolution, "has_matrix_instructions", lambda: False)
    x = torch.randn(1, 4, 12, 12)

    def used(kernel, learning=False):
        with torch.set_grad_enabled(learning):
            halved(convolve, [x], [conv(kernel_size=kernel, padding=kernel // 2)])
        return convolve.used

    assert used(5) == "direct"  # too little to gain
    monkeypatch.setattr(convolution, "WORTH_MEASURING", 0)
    assert [used(kernel) for kernel in (1, 3, 5, 7)] == ["packed", "packed", "transformed", "transformed"]
    assert used(5, learning=True) == "direct"
    monkeypatch.setattr(convolution, "has_matrix_instructions", lambda: True)
    assert used(7) == "packed"
    assert convolution.MEASURED == {}


@pytest.mark.parametrize("algorithm", ["transformed", "packed"])
@torch.no_grad()
def test_in_bfloat16_weights_are_converted_once_until_they_change(layer, algorithm, monkeypatch):
    convolve, inputs, convolutions = layer
    convolve.algorithm = algorithm
    made = []

    def counting(usual):
        def counted(*given):
            made.append(usual)
            return usual(*given)

        return counted

    for name in ("PackedConvolutions", "transform_kernels"):
        monkeypatch.setattr(convolution, name, counting(getattr(convolution, name)))
    first = halved(convolve, inputs, convolutions)
    once = len(made)
    assert torch.equal(halved(convolve, inputs, convolutions), first)
    assert len(made) == once > 0
    convolutions[1].weight.mul_(2)
    torch.testing.assert_close(
        halved(convolve, inputs, convolutions), directly(inputs, convolutions), rtol=2e-2, atol=2e-2
    )
    assert once < len(made) <= 2 * once


@pytest.mark.parametrize("name", ["b", "b-k", "bl", "blt", "b-u"])
def test_networks_are_as_close_to_float32_in_bfloat16_by_any_algorithm(name):
    network = rcnnzoo.build(name, categories=5, image_size=32, width=1 / 8).eval()
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    errors = {}
    with torch.inference_mode():
        exact = network(images)
        for algorithm in ("direct", "transformed", "packed"):
            set_algorithm(network, algorithm)
            with torch.autocast("cpu", torch.bfloat16):
                errors[algorithm] = (network(images) - exact).square().mean().sqrt() / exact.std()
            assert algorithm in algorithms_used(network)
    assert max(errors["transformed"], errors["packed"]) < 1.5 * errors["direct"] < 0.05


def test_an_algorithm_that_there_is_not_is_refused():
    network = rcnnzoo.build("b", categories=2, image_size=32, width=1 / 16)
    with pytest.raises(UnknownName, match="did you mean 'direct'"):
        set_algorithm(network, "indirect")  # type: ignore[arg-type]


def test_the_paper_s_networks_are_measured_and_small_ones_are_not():
    """Small networks are computed in the same way in every process."""
    lateral = convolution.Shape("cpu", 1, 128, 128, (96,), 96, 7)
    assert lateral.macs == 7_398_752_256 > convolution.WORTH_MEASURING
    network = rcnnzoo.build("bl", categories=10, image_size=32, width=1 / 8).eval()
    before = dict(MEASURED)
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    assert before == MEASURED
