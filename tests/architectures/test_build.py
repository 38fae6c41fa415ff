"""Options of a network."""

import pytest

import rcnnzoo
from rcnnzoo.errors import OptionError, UnknownName


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": 1}, "1 categories: a network needs at least 2"),
        ({"image_size": 1}, "--image-size 1 is too small: take at least 2"),
        ({"steps": 0}, "--steps 0 is too few: take at least 1"),
        ({"width": 0}, "--width 0 leaves no feature maps: take a positive number"),
        ({"width": float("nan")}, "--width nan leaves no feature maps: take a positive number"),
    ],
)
def test_what_can_not_work_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        rcnnzoo.build("bl", **options)


def test_a_feedforward_network_has_one_step():
    assert rcnnzoo.build("b", categories=5, width=1 / 16).num_steps == 1
    with pytest.raises(OptionError, match="--steps 2: b is feedforward"):
        rcnnzoo.build("b", steps=2)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown architecture 'b-l': did you mean 'bl'"):
        rcnnzoo.build("b-l")


def test_category_names_travel_with_the_network():
    network = rcnnzoo.build("b", categories=["cat", "dog"], width=1 / 16)
    assert network.metadata["categories"] == ["cat", "dog"]
    assert network.classifier[0].out_features == 2
