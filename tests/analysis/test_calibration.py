"""Thresholds with a guarantee: against plain loops and scipy's exact tests, and the guarantee itself."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.analysis.calibration import calibrate, in_sequence
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.errors import OptionError, PluginError, TraceError, UnknownName
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.traces import trace_of
from rcnnzoo.training.loop import train
from rcnnzoo.training.settling import settle
from tests.analysis.test_sat_curve import traces

CONFIDENCE, SETS, ALLOWED = 0.95, 500, 33


def exits(outcomes, threshold):
    """The step at which each image stops, from 0, image by image."""
    steps = []
    for scores in outcomes.scores.tolist():
        sure = [score <= threshold if outcomes.below else score >= threshold for score in scores]
        steps.append(sure.index(True) if any(sure[:-1]) else len(scores) - 1)
    return steps


def losses(outcomes, threshold):
    """Number of images that are right after all steps and wrong where they stop."""
    return sum(
        bool(right[-1]) and not right[step]
        for right, step in zip(outcomes.right, exits(outcomes, threshold), strict=True)
    )


def plain_choice(outcomes, max_loss, confidence):
    """Each distinct score tested in turn, from the most cautious, until one fails."""
    chosen = -np.inf if outcomes.below else np.inf
    for threshold in sorted(set(outcomes.scores.ravel().tolist()), reverse=not outcomes.below):
        count = losses(outcomes, threshold)
        if binomtest(count, len(outcomes.right), max_loss, alternative="less").pvalue > 1 - confidence:
            break
        chosen = threshold
    return chosen


@pytest.mark.parametrize("policy", plugins.names("policies"))
@settings(max_examples=30)
@given(trace=traces(), max_loss=st.floats(0.05, 0.95), confidence=st.floats(0.05, 0.95))
def test_the_choice_is_the_plain_loops(policy, trace, max_loss, confidence):
    outcomes = find_outcomes(trace, policy, "instantaneous")
    expected = exits(outcomes, plain_choice(outcomes, max_loss, confidence))
    found = calibrate(trace, policy, max_loss, confidence, "instantaneous")
    rows = np.arange(len(expected))
    assert exits(outcomes, found.threshold) == expected
    assert found.loss == pytest.approx(losses(outcomes, found.threshold) / len(expected))
    assert found.accuracy == pytest.approx(outcomes.right[rows, expected].mean())
    assert found.accuracy_all_steps == pytest.approx(outcomes.right[:, -1].mean())
    assert found.mean_steps == pytest.approx(np.mean(expected) + 1)
    assert found.mean_macs == pytest.approx(outcomes.macs[expected].mean())
    assert found.saving == pytest.approx(1 - outcomes.macs[expected].mean() / outcomes.macs[-1])
    assert found.accuracy_all_steps - found.accuracy <= found.loss + 1e-9
    assert found.bound <= max_loss + 1e-9


@settings(max_examples=30)
@given(trace=traces(), max_loss=st.floats(0.05, 0.95))
def test_p_values_and_bounds_are_scipys_and_agree(trace, max_loss):
    outcomes = find_outcomes(trace, "entropy", "cumulative")
    table, images = in_sequence(outcomes, max_loss, 0.9), len(outcomes.right)
    for threshold, p_value, bound in table[["threshold", "p_value", "bound"]].to_numpy()[1:].tolist():
        test = binomtest(losses(outcomes, threshold), images, max_loss, alternative="less")
        assert p_value == pytest.approx(test.pvalue)
        assert bound == pytest.approx(test.proportion_ci(0.9, method="exact").high)
        assert (p_value <= 0.1) == (bound <= max_loss)
    first = table.iloc[0]
    assert (first.loss, first.bound, first.tested, first.passed) == (0, 0, False, True)


def made(images, lost, *, last_right=True):
    """Images of two steps, right at the first except the boldest `lost`, which only the last gets right."""
    scores = np.stack([np.linspace(0, 1, images), np.zeros(images)], axis=1).astype(np.float32)
    right = np.ones((images, 2), dtype=bool)
    right[images - lost :, 0] = False
    right[:, 1] = last_right
    return Outcomes(scores, right, np.array([10, 30]), below=True)


def choice(outcomes, max_loss, confidence=CONFIDENCE):
    table = in_sequence(outcomes, max_loss, confidence)
    return table[table["passed"]].iloc[-1]


@pytest.mark.parametrize(("images", "lost", "mean_steps"), [(58, 0, 2), (59, 0, 1), (92, 1, 1 + 1 / 92), (93, 1, 1)])
def test_how_many_images_it_takes(images, lost, mean_steps):
    """0.95^58 = 0.0510 and 0.95^59 = 0.0485; with one loss it takes 93: Wilks' 59 and 93 at 95 % and 95 %."""
    assert choice(made(images, lost), 0.05).mean_steps == pytest.approx(mean_steps)


def test_what_is_wrong_in_the_end_is_not_a_loss():
    assert choice(made(100, 50, last_right=False), 0.05).mean_steps == 1


def test_the_sequence_ends_at_the_first_failure():
    """Images that later steps get wrong don't make up for losses: 10 early exits lose, then 1,000 don't."""
    outcomes = made(1010, 0)
    outcomes.right[:10, 0] = False
    table = in_sequence(outcomes, 0.003, CONFIDENCE)
    assert table["passed"].sum() < 12
    assert table["tested"].sum() == table["passed"].sum()  # the first isn't tested, the one that failed is
    assert not table["passed"].iloc[-1]


def test_too_few_images_and_no_early_exit_are_told_apart():
    few = rcnnzoo.make_trace(np.zeros((5, 2, 3)), [0] * 5, [10, 10])
    found = calibrate(few, "entropy", 0.01)
    assert (found.all_steps, found.threshold, found.images_needed) == (True, -np.inf, 299)
    assert found.note == "no threshold can pass with 5 images (at least 299 are needed): run all steps"
    assert calibrate(few, "max-prob", 0.01).threshold == np.inf
    one_step = rcnnzoo.make_trace(np.zeros((500, 1, 3)), [0] * 500, [10])
    assert "no threshold makes this network stop earlier" in (calibrate(one_step, "entropy", 0.01).note or "")
    logits = np.tile([[[0.0, 1.0], [1.0, 0.0]]], (500, 1, 1))
    lost = calibrate(rcnnzoo.make_trace(logits, [0] * 500, [10, 10]), "entropy", 0.01)
    assert "even the most cautious threshold" in (lost.note or "")
    assert calibrate(rcnnzoo.make_trace(logits, [1] * 500, [10, 10]), "entropy", 0.01).note is None


@given(max_loss=st.floats(0.001, 0.9), confidence=st.floats(0.1, 0.999))
def test_the_number_of_images_needed_is_the_least(max_loss, confidence):
    needed = calibrate(rcnnzoo.make_trace(np.zeros((1, 1, 2)), [0], [1]), "entropy", max_loss, confidence).images_needed
    assert binom.cdf(0, needed, max_loss) <= (1 - confidence) * (1 + 1e-9)
    assert needed == 1 or binom.cdf(0, needed - 1, max_loss) > (1 - confidence) * (1 - 1e-9)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A trained network on 1,347 images of digits."""
    chosen, data = settle(
        {"architecture": "bl", "data": "digits", "width": 0.0625, "image_size": 16, "steps": 3, "epochs": 2}
    )
    run = train(chosen, data, tmp_path_factory.mktemp("runs") / "bl")
    trace = trace_of(str(run.folder), split="train", how=Recording()).trace
    return find_outcomes(trace, "entropy", "instantaneous")


def risk(outcomes, threshold):
    """As `losses`, as a share; many images at once."""
    sure = outcomes.scores <= threshold if outcomes.below else outcomes.scores >= threshold
    sure[:, -1] = True
    at = outcomes.right[np.arange(len(sure)), sure.argmax(axis=1)]
    return (outcomes.right[:, -1] & ~at).mean()


def chance_of_failure(images, max_loss):
    """The most that the exact test may pass wrongly: less than 0.05, as counts are whole."""
    below = binom.cdf(np.arange(images), images, max_loss)
    return below[below <= 1 - CONFIDENCE].max(initial=0.0)


def safest(max_loss):
    """A number of images for which that probability is small, so that the tests below don't fail by chance."""
    images = min(range(150, 400), key=lambda n: chance_of_failure(n, max_loss))
    assert binom.sf(ALLOWED, SETS, chance_of_failure(images, max_loss)) < 1e-6
    return images


def breaches(populations, max_loss):
    """In how many sets the threshold, and one chosen naively, has a risk above `max_loss` in its population."""
    random, images = np.random.default_rng(1), safest(max_loss)
    ours = naive = 0
    for population in populations:
        drawn = random.integers(0, len(population.right), images)
        sample = replace(population, scores=population.scores[drawn], right=population.right[drawn])
        table = in_sequence(sample, max_loss, CONFIDENCE)
        ours += risk(population, table[table["passed"]]["threshold"].iloc[-1]) > max_loss
        naive += risk(population, table[table["loss"] <= max_loss]["threshold"].iloc[-1]) > max_loss
    return ours, naive


def test_the_guarantee_holds_on_a_real_trace(real):
    """Its images are the population, 500 calibration sets are drawn from it.

    A set breaks the promise with a probability of at most 0.03, by the choice of its size: more than 33 of 500 come
    about less than once in a million such tests. A naive choice breaks it in every other set or so.
    """
    highest = max(risk(real, threshold) for threshold in np.unique(real.scores))
    assert highest > 0.01  # there are images to lose
    ours, naive = breaches([real] * SETS, max_loss=highest / 2)
    assert ours <= ALLOWED < naive


def simulated(seed):
    """2,000 images whose early answers are worse the higher the score; scores tie, go up and down, either way."""
    random = np.random.default_rng(seed)
    steps = random.integers(2, 6)
    levels = random.choice([4, 30, 10**6])
    scores = np.cumsum(random.normal(-0.3, 1, (2000, steps)), axis=1)
    scores = (np.round(scores * levels) / levels).astype(np.float32)
    fine = 1 / (1 + np.exp(random.uniform(0, 2) * scores - random.uniform(0, 2)))
    below = bool(random.integers(2))
    right = random.random((2000, steps)) < fine
    return Outcomes(scores if below else -scores, right, np.arange(1, steps + 1), below)


def test_the_guarantee_holds_on_fresh_populations():
    """A new population for each of the 500 sets; chance can't explain a failure, as above."""
    populations = [simulated(seed) for seed in range(SETS)]
    ours, naive = breaches(populations, max_loss=0.05)
    assert ours <= ALLOWED < naive


def test_the_guarantee_is_not_stronger_than_needed():
    """With one threshold and a risk just above the limit, the promise is broken as often as the exact test may err."""
    random, images, max_loss = np.random.default_rng(2), 182, 0.05  # 4 losses pass: with a probability of 0.049
    level = chance_of_failure(images, max_loss)
    assert 0.04 < level < 0.05
    broken = 0
    for _ in range(600):
        outcomes = made(images, 0)
        outcomes.scores[:] = 0
        outcomes.right[:, 0] = random.random(images) >= max_loss
        broken += int(choice(outcomes, max_loss).threshold == 0)
    assert binomtest(broken, 600, level).pvalue > 1e-6


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, math.nan, math.inf])
def test_what_can_not_be_promised_is_refused(value):
    trace = rcnnzoo.make_trace(np.zeros((5, 2, 3)), [0] * 5, [10, 10])
    with pytest.raises(OptionError, match=r"`max_loss` .*: take a share between 0 and 1"):
        calibrate(trace, "entropy", value)
    with pytest.raises(OptionError, match=r"`confidence` .*: take a share between 0 and 1"):
        calibrate(trace, "entropy", 0.1, value)


def test_a_trace_that_can_not_be_calibrated_is_refused(monkeypatch):
    with pytest.raises(TraceError, match="the trace has no images"):
        calibrate(rcnnzoo.make_trace(np.zeros((0, 1, 3)), [], [1]), "entropy", 0.1)
    trace = rcnnzoo.make_trace(np.zeros((5, 2, 3)), [0] * 5, [10, 10])
    with pytest.raises(UnknownName, match="did you mean 'entropy'"):
        calibrate(trace, "entropie", 0.1)
    monkeypatch.setattr("rcnnzoo.policies.entropy.Entropy.scores", lambda _, p: p.sum(-1) * -np.inf)
    with pytest.raises(PluginError, match="policy 'entropy' gave infinite scores"):
        calibrate(trace, "entropy", 0.1)
