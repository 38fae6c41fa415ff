"""The sequel's optimiser against a hand calculation."""

from math import sqrt

import pytest
import torch

from rcnnzoo.errors import UnknownName
from rcnnzoo.training.optimisation import AdamEpsilonHat, make_optimizer
from rcnnzoo.training.recipes import recipe


def tensorflow_adam(weight, gradients, lr, decay, epsilon, b1=0.9, b2=0.999):
    """TensorFlow's Adam on one number, with Keras' L2: plain Python, written from its documentation."""
    m = v = 0.0
    for t, gradient in enumerate(gradients, 1):
        gradient = gradient + decay * weight
        m = b1 * m + (1 - b1) * gradient
        v = b2 * v + (1 - b2) * gradient**2
        weight -= lr * sqrt(1 - b2**t) / (1 - b1**t) * m / (sqrt(v) + epsilon)
    return weight


def run(optimizer, weight, gradients):
    for gradient in gradients:
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
    return weight.item()


GRADIENTS = [0.3, -0.2, 0.05, 0.4]


def test_adam_adds_epsilon_before_the_bias_correction():
    weight = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
    result = run(AdamEpsilonHat([weight], lr=0.005, weight_decay=2e-6, epsilon=0.1), weight, GRADIENTS)
    assert result == pytest.approx(tensorflow_adam(0.7, GRADIENTS, 0.005, 2e-6, 0.1), rel=1e-12)


def test_torchs_own_adam_would_have_gone_elsewhere():
    """So the test above can fail: at the first update the difference is a factor of about 13 for this gradient."""
    weight = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
    result = run(torch.optim.Adam([weight], lr=0.005, weight_decay=2e-6, eps=0.1), weight, GRADIENTS[:1])
    ours = 0.7 - tensorflow_adam(0.7, GRADIENTS[:1], 0.005, 2e-6, 0.1)
    assert (0.7 - result) / ours > 8


def test_epsilon_hat_resumes_after_a_checkpoint():
    weight = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
    first = AdamEpsilonHat([weight], lr=0.005, weight_decay=2e-6)
    run(first, weight, GRADIENTS[:2])
    second = AdamEpsilonHat([weight], lr=0.005, weight_decay=2e-6)
    second.load_state_dict(first.state_dict())
    expected = tensorflow_adam(0.7, GRADIENTS, 0.005, 2e-6, 0.1)
    assert run(second, weight, GRADIENTS[2:]) == pytest.approx(expected, rel=1e-12)


def test_keras_l2_of_1e_6_is_a_coupled_decay_of_2e_6():
    """The gradient of 1e-6 * sum(w ** 2), by automatic differentiation, is what the recipe's decay adds."""
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    (1e-6 * (kernel**2).sum()).backward()
    decay = recipe("spoerer2020", "bl", 128)["weight_decay"]
    torch.testing.assert_close(kernel.grad, decay * kernel.detach())


@pytest.mark.parametrize("name", ["adamw", "sgd", "adam-epsilon-hat"])
def test_only_kernels_decay(name):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    decays = {
        id(parameter): group["weight_decay"]
        for group in make_optimizer(model, name, 0.1, 0.5).param_groups
        for parameter in group["params"]
    }
    assert {name: decays[id(parameter)] for name, parameter in model.named_parameters()} == {
        "0.weight": 0.5,
        "0.bias": 0,
        "1.weight": 0,
        "1.bias": 0,
        "2.weight": 0.5,
        "2.bias": 0,
    }


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown optimizer 'adamv': did you mean"):
        make_optimizer(torch.nn.Linear(2, 2), "adamv", 0.1, 0)
