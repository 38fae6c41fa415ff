"""BLT-VS as a network of the zoo."""

import json

import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures.lesions import Lesion, cut
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError
from rcnnzoo.plugin import check_plugin
from rcnnzoo.profiling.operations import macs_by_module, macs_per_step

NAMES = ["blt-vs", "blt-vs-biological"]
AREAS = ("LGN", "V1", "V2", "V3", "V4", "LOC")


def network(name="blt-vs", **options):
    return rcnnzoo.build(name, **{"categories": 5, "image_size": 32, "width": 1 / 8} | options).eval()


def noise(number, size=32, seed=0):
    return torch.randn(number, 3, size, size, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)


def shown(net, *frames):
    """Logits of each step while frames are presented one after the other, each at its own step."""
    with torch.inference_mode():
        state, logits = net.begin(frames[0]), []
        for t, frame in enumerate(frames):
            if t:
                state = net.present(state, frame)
            state, now = net.step(state, t)
            logits.append(now)
    return logits


def test_the_package_has_no_faults_and_no_warnings():
    assert [row for row in check_plugin("rcnnzoo-blt-vs") if row.outcome in ("warning", "fault")] == []


@pytest.mark.parametrize(("name", "steps"), [("blt-vs", 6), ("blt-vs-biological", 8)])
def test_steps_are_those_in_which_the_authors_networks_answer(name, steps):
    """Six time steps, and twelve passes of which four come before the readout's first (their README: 8 outputs)."""
    assert network(name).num_steps == steps
    images = noise(2)
    with torch.no_grad():
        long, short = network(name)(images), network(name, steps=3)(images)
    torch.testing.assert_close(short, long[:, :3])


def test_the_first_step_is_the_first_in_which_the_image_arrives():
    """By the skip connection from V1 to V4; without it, by V2 and V3, the image arrives two passes later."""
    net, images = network("blt-vs-biological"), noise(2)
    with torch.inference_mode():
        assert (net(images)[0, 0] - net(images)[1, 0]).abs().max() > 1e-3
        cut(net, [Lesion("areas.V4.skip.pointwise")])
        logits = net(images)
    torch.testing.assert_close(logits[0, :2], logits[1, :2], rtol=0, atol=1e-6)
    assert (logits[0, 2] - logits[1, 2]).abs().max() > 1e-3


@pytest.mark.parametrize(("name", "later"), [("blt-vs", 0), ("blt-vs-biological", 3)])
def test_another_image_arrives_when_signals_can_have_passed_all_areas(name, later):
    """In a sweep at once; otherwise in LGN, V1, V4 and LOC, one pass after the other."""
    net, images = network(name), noise(2)
    one, other = images[:1], images[1:]
    same, changed = shown(net, *[one] * 8), shown(net, *[one] * 3, *[other] * 5)
    apart = [float((first - second).abs().max()) for first, second in zip(same, changed, strict=True)]
    assert apart[: 3 + later] == [0] * (3 + later)
    assert min(apart[3 + later :]) > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_feedback_and_lateral_connections_count(name):
    """Cut, each changes the logits after the first step, and in a sweep not those of the first."""
    images = noise(2)
    with torch.inference_mode():
        whole = network(name)(images)
        for pattern in (
            "areas.V1.from_above",
            "areas.LOC.from_above",
            "areas.V2.bottom_up.lateral.pointwise",
            "areas.V3.top_down.lateral.pointwise",
        ):
            net = network(name)
            cut(net, [Lesion(pattern)])
            apart = (net(images) - whole).abs().amax((0, 2))
            assert apart[-1] > 1e-5, pattern
            if name == "blt-vs":
                assert apart[0] == 0


def test_gates_are_twice_the_sigmoid_of_the_other_stream():
    """V2's bottom-up stream by hand at the second step: relu(drive) * 2 * sigmoid(feedback), normalised."""
    net = network()
    with torch.inference_mode():
        first, _ = net.step(net.begin(noise(2)), 0)
        second, _ = net.step(first, 1)
        before, now = net.activations(first), net.activations(second)
        area = net.areas["V2"]
        drive = area.from_below(now["V1.bottom_up"]) + area.bottom_up.lateral(before["V2.bottom_up"])
        feedback = area.from_above(before["V3.top_down"], output_size=drive.shape[-2:])
        maps = drive.relu() * 2 / (1 + (-feedback).exp())
        centred = maps - maps.mean((1, 2, 3), keepdim=True)
        expected = centred / (centred.square().mean((1, 2, 3), keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(now["V2.bottom_up"], expected, rtol=1e-4, atol=1e-4)


def test_logits_are_means_over_space_of_the_first_maps_that_the_readout_feeds_back():
    net = network(image_size=128)
    with torch.no_grad():
        state, logits = net.step(net.begin(noise(2, 128)), 0)
        maps, fed_back = (net.activations(state)[area] for area in ("LOC.bottom_up", "Readout"))
        kernels = net.classifier.weight.unflatten(1, (-1, 3, 3))
        expected = torch.nn.functional.conv2d(maps, kernels, net.classifier.bias, 2, 1).mean((2, 3))
    torch.testing.assert_close(logits, expected)
    assert fed_back.shape == (2, 105, 4, 4)


@pytest.mark.parametrize(
    ("size", "kernels"), [(32, (5, 3, 3)), (128, (5, 3, 3)), (223, (5, 3, 3)), (224, (7, 7, 5)), (256, (7, 7, 5))]
)
def test_kernels_go_by_the_size_of_images(size, kernels):
    net = network(image_size=size)
    layers = (net.retina.from_below, net.areas["LGN"].from_below, net.areas["V1"].bottom_up.lateral.depthwise)
    assert tuple(layer.kernel_size[0] for layer in layers) == kernels


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [2, 33, 50, 127])
def test_images_may_be_of_any_size(name, size):
    """Odd maps are halved upwards, and feedback comes back to their size."""
    with torch.inference_mode():
        assert network(name, image_size=size)(noise(1, size)).isfinite().all()


def test_width_multiplies_maps_of_areas_but_not_the_readout():
    net = network(width=1 / 4, categories=9)
    assert [area.from_below.out_channels for area in net.areas.values()] == [8, 144, 120, 88, 64, 88]
    assert (net.retina.from_below.out_channels, net.readout.norm.num_channels) == (8, 109)
    with pytest.raises(OptionError, match=r"`width` 0\.01 leaves no feature maps: take at least 0\.0187"):
        network(width=0.01)


def convolution(positions, inputs, maps, kernel=1):
    return positions * inputs * maps * kernel**2


def test_the_cost_of_steps_is_that_of_their_convolutions():
    """By hand, at 224 pixels and full width: a sweep up, then a sweep down and a sweep up in each step."""
    v, l, r = 28**2, 14**2, 7**2  # noqa: E741 - positions of V1 to V4, of LOC, and of the readout
    up = [
        convolution(v, 32, 576, 5),
        convolution(v, 576, 480),
        convolution(v, 480, 352, 5),
        convolution(v, 352, 256, 3),
        v * 576 * 256 // 64 * 49 + convolution(v, 256, 256),  # the skip connection from V1 to V4
        convolution(l, 256, 352, 3),
        352 * 25 * 1000,  # the classifier; its bias adds one each
    ]
    once = convolution(112**2, 3, 32, 7) + convolution(56**2, 32, 32, 7)
    feedback = [
        convolution(r, 352, 1100, 5),
        convolution(r, 1100, 352, 5),
        convolution(l, 352, 256, 3),
        convolution(v, 256, 352, 3),
        convolution(v, 352, 480, 5),
        convolution(v, 480, 576),
        convolution(v, 576, 32, 5),
    ]
    places = ((v, 576), (v, 480), (v, 352), (v, 256), (l, 352))
    lateral = [2 * positions * maps * (25 + maps) for positions, maps in places]
    first, *later = macs_per_step(rcnnzoo.build("blt-vs", categories=1000, image_size=224))
    assert first == pytest.approx(sum(up) + once, rel=1e-3)
    assert later == [pytest.approx(sum(up) + sum(feedback) + sum(lateral), rel=1e-3)] * 5
    costs = macs_by_module(rcnnzoo.build("blt-vs", categories=1000, image_size=224))
    assert costs["readout"] == [0, *[pytest.approx(feedback[0], rel=1e-3)] * 5]


def test_what_stopped_images_cost_is_not_computed():
    """The sweep down after the last sweep up has no effect on any logits."""
    net = network()
    called = []
    for name in ("LGN", "LOC"):
        net.areas[name].from_above.register_forward_hook(lambda *_, name=name: called.append(name))
    decisions = rcnnzoo.decide(net, noise(3), "fixed-steps", 1)
    assert called == []
    assert decisions.macs.tolist() == [macs_per_step(net)[0]] * 3


@pytest.mark.parametrize("name", NAMES)
def test_images_that_stay_decide_as_in_a_full_run(name):
    net, images = network(name), noise(24)
    with torch.no_grad():
        logits = net(images)
        net.classifier.bias.sub_(logits[:, 0].mean(0)).mul_(8 / logits[:, 0].std(0))
        net.classifier.weight.mul_(8 / logits[:, 0].std(0)[:, None])
        probabilities = rcnnzoo.readout("instantaneous")(net(images))
    confidence, category = probabilities.max(-1)
    threshold = float(confidence[:, 0].quantile(0.6)) + 1e-4
    sure = confidence >= threshold
    sure[:, -1] = True
    expected = sure.int().argmax(1)
    decisions = rcnnzoo.decide(net, images, "max-prob", threshold, "instantaneous", rows=7)
    assert decisions.reaction_time.tolist() == (expected + 1).tolist()
    assert decisions.category.tolist() == category[torch.arange(24), expected].tolist()
    assert len(expected.unique()) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_trained_saved_and_loaded_it_is_the_same(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = ["--data", "digits", "--epochs", "1", "--width", "0.0625", "--image-size", "16"]
    assert main(["train", name, *typed]) == 0
    net = rcnnzoo.load(f"runs/{name}-digits-seed0/model.safetensors")
    untrained = rcnnzoo.build(name, categories=10, image_size=16, width=1 / 16).state_dict()
    same = {parameter for parameter, values in net.state_dict().items() if torch.equal(values, untrained[parameter])}
    assert same == {"areas.LGN.top_down.norm.weight", "areas.LGN.top_down.norm.bias"}
    rcnnzoo.save(net, "again.safetensors")
    with torch.inference_mode():
        assert torch.equal(net(noise(3)), rcnnzoo.load("again.safetensors")(noise(3)))


@pytest.mark.parametrize(("name", "form"), [("blt-vs", "onnx-steps"), ("blt-vs-biological", "onnx")])
def test_exported_it_gives_the_same_logits(name, form, tmp_path, capsys):
    """The export itself compares them, on other images, at every step."""
    file, out = tmp_path / "file.safetensors", tmp_path / ("file.onnx" if form == "onnx" else "steps")
    rcnnzoo.save(network(name, width=1 / 16, steps=2), file)
    assert main(["export", str(file), "--format", form, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] < 1e-5


def test_exported_norms_are_those_of_torch():
    """They are written out for other runtimes: onnxruntime's own lose digits on maps as large as these."""
    from rcnnzoo_blt_vs.areas import Norm

    norm = Norm(32)
    torch.nn.init.normal_(norm.weight), torch.nn.init.normal_(norm.bias)
    maps = 3 + noise(2, 96)[:, :1] * torch.rand(2, 32, 96, 96)
    with torch.no_grad():
        exported = torch.export.export(norm, (maps,)).module()(maps)
        torch.testing.assert_close(exported, norm(maps), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(norm(maps), torch.nn.functional.group_norm(maps, 1, norm.weight, norm.bias))
