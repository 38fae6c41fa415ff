"""Networks that break the contract, each named in words by the checks that it fails, and by no others."""

import pytest

from tests.checking.conftest import expect

BATCH = "in evaluation mode an image's logits depend on the other images of its batch: compute nothing over the batch"
EARLY = "stopped early, after step 0, its confidence differs from that with all steps computed"
LEAVE = "rows that leave or join change the logits of step 0"
SICK = {
    "healthy": {},
    "large": {},
    "stepless": {("builds", "fault"): "Stepless has no step: write step (docs/plugins.md)"},
    "stepsless": {
        (
            "builds",
            "fault",
        ): "got an unexpected keyword argument 'steps'; the target is called with categories, image_size"
    },
    "timeless": {("builds", "fault"): "'sick-timeless': Timeless.__init__ doesn't set self.num_steps = steps"},
    "stubborn": {("builds", "fault"): "Stubborn.num_steps is 2, and 4 was asked for: set self.num_steps = steps"},
    "crashing": {
        ("builds", "fault"): "it can't be built and run on images: AttributeError: 'Tensor' object has no attribute "
        "'no_such_method' (sick.py, line N)"
    },
    "fickle": {
        ("builds", "fault"): "it can't be built and run on images: ValueError: too small (sick.py, line N) (tried 32 "
        "pixels at width 0.0625, 64 pixels"
    },
    "leaving": {("builds", "fault"): "SystemExit: no network today"},
    "bare": {("builds", "fault"): "architecture 'sick-bare' built a Linear, which is not a RecurrentModel"},
    "sideways": {
        (
            "state has one row per image",
            "fault",
        ): "state[0] of begin is [4, 3, 32, 32] for 3 images: its rows can't be dropped, its "
        "first dimension must be the batch"
    },
    "keyed": {
        ("state has one row per image", "fault"): "begin gives a dict for state: a flat tuple of tensors is needed"
    },
    "counting": {
        (
            "state has one row per image",
            "fault",
        ): "state[2] of begin is a value of type int, not a tensor: only tensors can drop rows"
    },
    "forward": {
        ("steps agree with forward", "fault"): "logits of step 0 differ between step and forward",
        ("stops early", "fault"): EARLY,
    },
    "growing": {("state keeps its shapes", "fault"): "keep them, or set rows_mix_steps = False"},
    "inplace": {
        ("step does not change its state", "fault"): "step 0 changes state[1] in place: return a new tensor",
        ("rows at different steps", "fault"): "rows at different time steps affect each other",
        ("gradients reach every weight", "fault"): "modified by an inplace operation",
    },
    "feeling": {
        ("images of a batch do not affect each other", "fault"): BATCH,
        ("rows leave and join", "fault"): LEAVE,
    },
    "training": {
        ("images of a batch do not affect each other", "fault"): BATCH,
        ("rows leave and join", "fault"): LEAVE,
    },
    "perstep": {
        ("rows at different steps", "fault"): "rows at different time steps can't share a batch (TypeError: only "
        "integer tensors of a single element can be converted to an index (sick.py, line N)): let step take t as a"
    },
    "mixless": {},
    "lying": {
        ("features give the logits", "fault"): "features disagree with the logits: they are not the classifier's "
        "inputs at step 0"
    },
    "convolved": {("features give the logits", "warning"): "no nn.Linear gave the logits"},
    "dropping": {
        (
            "evaluation is repeatable",
            "fault",
        ): "two calls in evaluation mode give different logits: use no random numbers"
    },
    "remembering": {
        ("evaluation is repeatable", "fault"): "two calls in evaluation mode give different logits, and self.past "
        "changed: use no random numbers there, and keep nothing on self between calls"
    },
    "baked": {
        (
            "evaluation is repeatable",
            "fault",
        ): "it fails on other images (RuntimeError: The size of tensor a (3) must match the size of tensor b (8)"
    },
    "hiding": {
        (
            "rows leave and join",
            "fault",
        ): "), and self.past changed: keep nothing on self between calls: put it",
        ("rows at different steps", "fault"): "rows at different time steps affect each other",
    },
    "logits": {("builds", "fault"): "Logits.step gives a tensor [8, 5]: it must give (state, logits)"},
    "swapped": {
        ("builds", "fault"): "Swapped.step gives (a tensor [8, 5], (a tensor [8, 4, 32, 32], a tensor [8, 4, 32, "
    },
    "nothing": {("builds", "fault"): "Nothing.step gives nothing: it must give (state, logits)"},
    "turned": {("builds", "fault"): "Turned.step takes t and state: write step(self, state, t)"},
    "narrow": {("width counts", "warning"): "width has no effect (0.0625 or 1): multiply the number of maps by it"},
    "answering": {
        ("features give the logits", "warning"): "no nn.Linear gave the logits",
        ("logits are not probabilities", "warning"): "the logits of step 0 sum to 1, as probabilities do",
    },
    "mixing": {
        (
            "no batch norm mixes steps",
            "warning",
        ): "norm, a batch norm, is called 4 times per forward pass: its statistics "
        "mix those calls, so that evaluation can be no better than chance; take BatchNormByStep"
    },
    "normed": {},
    "deep": {
        (
            "features give the logits",
            "fault",
        ): "features gives [3, 4] at step 0, and the nn.Linear that gave the logits takes [3, 7]: give its inputs"
    },
    "unseeded": {
        ("same seed gives the same weights", "fault"): "built twice with the same seed, lateral.weight differs"
    },
    "meddling": {
        ("same seed gives the same weights", "fault"): "building it changes the random numbers of numpy or Python"
    },
    "forgetful": {
        ("save and load", "fault"): "saved and loaded, it gives other logits: it keeps a tensor that is neither "
        "nn.Parameter nor register_buffer",
        ("cost can be counted", "fault"): "keep tensors as parameters or buffers",
    },
    "idle": {("gradients reach every weight", "warning"): "no gradient reaches spare.weight, spare.bias"},
    "looking": {("cost can be counted", "fault"): "let nothing depend on the values in them"},
    "viewing": {("stops early", "fault"): "rcnnzoo.decide fails (RuntimeError: view size is not compatible"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"architecture sick-{name}"), SICK[name])


def test_each_network_that_is_made_up_is_one_of_these(checked):
    assert {row["member"] for row in checked[1] if row["member"].startswith("architecture")} == {
        f"architecture sick-{name}" for name in SICK
    }


def test_a_size_that_a_network_refuses_is_left_for_one_that_it_takes(checked):
    (words,) = (
        row["words"]
        for row in checked[1]
        if (row["member"], row["check"]) == ("architecture sick-large", "cost can be counted")
    )
    # 4 maps of 64 x 64 from 3 by a 3x3 kernel once, from 4 in each step, and the classifier; biases count as well.
    macs = 64 * 64 * 4 * (9 * 3 + 1) + 4 * (64 * 64 * 4 * (9 * 4 + 1) + 5 * (4 + 1))
    assert words == f"{macs:,} MACs in 4 steps at 64 pixels, width 0.0625"


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("perstep", "state keeps its shapes", None),
        ("mixless", "rows at different steps", "it says that its rows do not mix steps"),
    ],
)
def test_what_there_is_nothing_to_check_of_is_not_called_well(name, check, words, checked):
    (row,) = (row for row in checked[1] if (row["member"], row["check"]) == (f"architecture sick-{name}", check))
    assert (row["outcome"], row["words"]) == (("skipped", words) if words else ("ok", ""))
