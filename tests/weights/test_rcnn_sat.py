"""The authors' weights give here what they give in Keras, and files that aren't theirs are refused."""

import re
from functools import partial

import h5py
import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures import spoerer
from rcnnzoo.architectures.convolution import ConvolutionSum
from rcnnzoo.errors import WeightsError
from rcnnzoo.weights.rcnn_sat import read_rcnn_sat
from tests.weights.published import add, answers, change, delete, replace, unpack

close = partial(torch.testing.assert_close, rtol=0, atol=1e-5)
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@pytest.fixture
def b(tmp_path):
    return unpack("b", tmp_path)


@pytest.fixture
def bl(tmp_path):
    return unpack("bl", tmp_path)


def run(network, images):
    """Logits of images as the authors' code takes them: uint8 [B, H, W, 3], scaled by x / 127.5 - 1."""
    with torch.inference_mode():
        return network(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)


@pytest.mark.parametrize("name", ["b", "b-whole-model", "b-k", "b-f", "b-d", "bl"])
def test_every_step_answers_as_in_keras(name, tmp_path):
    """Random batch-norm statistics, an image of small and one of large squares: a swap of any two tensors shows."""
    architecture = name.removesuffix("-whole-model")
    keras = answers(architecture)
    logits = run(read_rcnn_sat(unpack(name, tmp_path), architecture), keras["images"])
    assert logits.shape == (2, 3 if name == "bl" else 1, 5)
    close(logits, torch.from_numpy(keras["logits"]))
    close(logits.cumsum(dim=1), torch.from_numpy(keras["summed_logits"]))
    probabilities = rcnnzoo.readout("cumulative-logits")(logits)
    close(probabilities, torch.from_numpy(keras["probabilities"]))


def test_transformed_convolutions_answer_the_same(bl):
    network, keras = read_rcnn_sat(bl, "bl"), answers("bl")
    for module in network.modules():
        if isinstance(module, ConvolutionSum):
            module.algorithm = "transformed"
    logits = run(network, keras["images"])
    close(logits, torch.from_numpy(keras["logits"]), atol=1e-4)


def test_the_golden_files_can_tell(bl):
    """Each kind of tensor affects the result; otherwise the comparison above would prove little."""
    keras = answers("bl")
    for layer, array in [
        ("RCL_6_LConv", "kernel"),
        ("RCL_0_BConv", "kernel"),
        *(("BatchNorm_Layer_3_Time_1", array) for array in NORM),
        ("ReadoutDense", "bias"),
    ]:
        change(bl, layer, array, lambda values: 1.5 * values)
        logits = run(read_rcnn_sat(bl, "bl"), keras["images"])
        assert (logits - torch.from_numpy(keras["logits"])).abs().max() > 1e-3, (layer, array)
        change(bl, layer, array, lambda values: values / 1.5)


def test_time_steps_are_as_many_as_the_file_has(bl):
    keras = answers("bl")
    delete(bl, *(f"BatchNorm_Layer_{number}_Time_2" for number in range(7)))
    network = read_rcnn_sat(bl, "bl")
    assert network.num_steps == 2
    close(run(network, keras["images"]), torch.from_numpy(keras["logits"][:, :2]))
    delete(bl, *(f"BatchNorm_Layer_{number}_Time_1" for number in range(7)))
    delete(bl, *(f"RCL_{number}_LConv" for number in range(7)))  # Keras has none that was never used
    network = read_rcnn_sat(bl, "bl")
    close(run(network, keras["images"]), torch.from_numpy(keras["logits"][:, :1]))


def test_what_rebuilds_the_network_is_known(bl):
    card = read_rcnn_sat(bl, "bl").card
    assert card.options == {"image_size": 128, "steps": 3, "width": 1 / 48}
    assert card.categories == ["0", "1", "2", "3", "4"]


def test_code_in_a_saved_model_is_not_looked_at(tmp_path):
    file = unpack("b-whole-model", tmp_path)
    with h5py.File(file, "r+") as opened:
        opened.attrs["model_config"] = b"\x80\x04 neither JSON nor text \xff"
        opened.create_group("optimizer_weights").attrs["weight_names"] = ["nowhere"]
    assert read_rcnn_sat(file, "b").num_steps == 1


@pytest.mark.parametrize(
    ("name", "architecture", "message"),
    [
        ("bl", "b", r"not the weights of b: BatchNorm_Layer_0 is missing; they are for bl: give `arch` bl"),
        ("b", "bl", r"BatchNorm_Layer_0_Time_0 is missing; they are for b: give `arch` b"),
        ("b", "b-d", r"BatchNorm_Layer_7 is missing; they are for b:"),
        ("b-d", "b", r"they are for b-d: give `arch` b-d"),
        (
            "b-k",
            "b",
            r"Conv_Layer_0's kernel is \[11, 11, 3, 2\], not \[7, 7, 3, 2\] \(and 6 more differences\); .* for b-k:",
        ),
    ],
)
def test_another_architectures_weights_are_refused(name, architecture, message, tmp_path):
    with pytest.raises(WeightsError, match=message):
        read_rcnn_sat(unpack(name, tmp_path), architecture)


@pytest.mark.parametrize(("theirs", "given"), [("b-f", "b"), ("b", "b-f")])
def test_b_f_is_not_taken_for_b_at_twice_the_width(theirs, given, tmp_path):
    layout = {"b": spoerer.B, "b-f": spoerer.B_F}[theirs]
    below = 3
    for number, (maps, kernel) in enumerate(zip(layout.maps, layout.kernels, strict=True)):
        add(tmp_path / "full.h5", f"Conv_Layer_{number}", {"kernel": (kernel, kernel, below, maps)})
        add(tmp_path / "full.h5", f"BatchNorm_Layer_{number}", dict.fromkeys(NORM, (maps,)))
        below = maps
    add(tmp_path / "full.h5", "ReadoutDense", {"kernel": (below, 565), "bias": (565,)})
    with pytest.raises(
        WeightsError, match=f"number of feature maps is that of another architecture; they are for {theirs}:"
    ):
        read_rcnn_sat(tmp_path / "full.h5", given)


def spoil(file, what):
    """A fault, by name."""
    match what:
        case "bias":
            replace(file, "ReadoutDense", "bias", np.zeros(7))
        case "transposed dense":
            change(file, "ReadoutDense", "kernel", np.transpose)
        case "transposed convolution":
            change(file, "RCL_2_BConv", "kernel", lambda values: values.transpose(3, 2, 0, 1))
        case "missing layer":
            delete(file, "RCL_3_LConv")
        case "missing step":
            delete(file, *(f"BatchNorm_Layer_{number}_Time_1" for number in range(7)))
        case "extra layer":
            add(file, "ReadoutDense_2", {"kernel": (3, 5)})
        case "extra array":
            with h5py.File(file, "r+") as opened:
                names = [b"RCL_0_BConv/kernel:0", b"RCL_0_BConv/bias:0"]
                opened["RCL_0_BConv"].attrs["weight_names"] = names
                opened["RCL_0_BConv/RCL_0_BConv/bias:0"] = np.zeros(2)
        case "missing array":
            with h5py.File(file, "r+") as opened:
                names = [f"BatchNorm_Layer_4_Time_2/{array}:0".encode() for array in NORM[:3]]
                opened["BatchNorm_Layer_4_Time_2"].attrs["weight_names"] = names
        case "maps":
            for array in NORM:
                replace(file, "BatchNorm_Layer_5_Time_0", array, np.ones(30))
        case "scalar":
            replace(file, "BatchNorm_Layer_5_Time_0", "gamma", 1.0)
        case "NaN":
            change(file, "RCL_4_LConv", "kernel", lambda values: np.where(values == values.max(), np.nan, values))
        case "too large":
            change(file, "RCL_4_LConv", "kernel", lambda values: 1e300 * values.astype("f8"))
        case "negative":
            change(file, "BatchNorm_Layer_0_Time_0", "moving_variance", np.negative)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("bias", "ReadoutDense's kernel is [43, 5], not [43, 7]; nor of any other"),
        ("transposed dense", "ReadoutDense's kernel is [5, 43], not [43, 5], transposed"),
        ("transposed convolution", "RCL_2_BConv's kernel is [4, 3, 3, 3], not [3, 3, 3, 4], transposed"),
        ("missing layer", "RCL_3_LConv is missing"),
        ("missing step", "BatchNorm_Layer_0_Time_1 is missing (and 13 more differences)"),
        ("extra layer", "ReadoutDense_2 is not expected there"),
        ("extra array", "RCL_0_BConv has an unexpected bias"),
        ("missing array", "BatchNorm_Layer_4_Time_2 has no moving_variance"),
        ("maps", "its numbers of feature maps (2, 3, 4, 5, 11, 30, 43) are not a fixed multiple"),
        ("scalar", "BatchNorm_Layer_5_Time_0's gamma is [], not one number per feature map or category"),
        ("NaN", "RCL_4_LConv's kernel holds values that are not finite"),
        ("too large", "RCL_4_LConv's kernel holds values that are not finite"),
        ("negative", "BatchNorm_Layer_0_Time_0's moving_variance has negative values"),
    ],
)
def test_what_is_wrong_is_named(bl, fault, message):
    spoil(bl, fault)
    with pytest.raises(WeightsError, match=re.escape(message)):
        read_rcnn_sat(bl, "bl")
