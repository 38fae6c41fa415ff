"""What a user gives is completed, and what can't work is refused."""

from dataclasses import replace

import pytest

from rcnnzoo.errors import RcnnzooError, RcnnzooWarning, TrainingError
from rcnnzoo.training.settings import changed, check_same, read_settings, write_settings
from rcnnzoo.training.settling import settle
from tests.data.lookalikes import make_classes

GIVEN = {"architecture": "bl", "data": "digits"}


def test_options_come_before_the_recipe():
    settings, _ = settle({**GIVEN, "lr": 0.125})
    assert settings.lr == 0.125
    assert settings.batch_size == 128
    assert settings.image_size == 32  # for images of 8x8
    assert settings.mirrored is False  # a mirrored digit is another digit, or not a digit


def test_a_file_holds_all_of_it(tmp_path):
    settings, _ = settle({**GIVEN, "steps": 4, "seed": 3})
    write_settings(settings, tmp_path / "config.toml")
    assert settle(read_settings(tmp_path / "config.toml"))[0] == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` 0: take a number from 1 to 100,000"),
        ({"epochs": 10**12}, "`epochs` 1000000000000: take a number from 1 to 100,000"),
        ({"batch_size": 0}, "`batch_size` 0: take a number from 1"),
        ({"image_size": 1}, "`image_size` 1: take a number from 2 to 10,000"),
        ({"steps": 9_999_999}, "`steps` 9999999: take a number from 1 to 10,000"),
        ({"lr": -1.0}, "`lr` -1.0: take a number above 0"),
        ({"lr": float("nan")}, "`lr` nan: take a number above 0"),
        ({"precision": "bf61"}, "unknown precision 'bf61': did you mean 'bf16'"),
        ({"recipe": "modrn"}, "unknown recipe 'modrn': did you mean 'modern'"),
        ({"val_fraction": 1.5}, "`val_fraction` 1.5: take a number between 0 and 1"),
        ({"data": "ecoste"}, "unknown data set 'ecoste': did you mean 'ecoset'"),
    ],
)
def test_what_can_not_work_is_refused(changes, message):
    with pytest.raises(RcnnzooError, match=message):
        settle({**GIVEN, **changes})


def test_another_recipe_brings_its_own_numbers(tmp_path):
    """A run's settings file has all numbers; those of a recipe that a user asks for override them."""
    write_settings(settle({**GIVEN, "epochs": 7, "seed": 3})[0], tmp_path / "config.toml")
    before = read_settings(tmp_path / "config.toml")
    again, _ = settle(changed(before, {"recipe": "modern", "lr": 0.5}))
    assert (again.epochs, again.lr, again.seed) == (7, 0.5, 3)
    by_hand = {name: value for name, value in before.items() if name != "recipe"}
    assert changed(by_hand, {"recipe": "spoerer2020"})["epochs"] == 7  # a user chose that number
    other, _ = settle(changed(before, {"recipe": "spoerer2020", "lr": 0.5}))
    assert (other.epochs, other.lr, other.optimizer, other.seed) == (90, 0.5, "adam-epsilon-hat", 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epochs = 3.5", "epochs = 3.5 should be of type int"),
        ("epocs = 3", "unknown setting 'epocs': did you mean 'epochs'"),
        ("epochs = ", "is not a TOML file"),
    ],
)
def test_a_settings_file_is_checked(tmp_path, content, message):
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(RcnnzooError, match=message):
        read_settings(file)


def test_the_batch_of_a_recipe_is_fitted_to_few_images(tmp_path):
    """128 of 180 images would be one update in an epoch, and 52 images left out each time."""
    make_classes(tmp_path / "pets", each=90, size=(8, 8))
    given = {"architecture": "b", "data": str(tmp_path / "pets"), "val_fraction": 0.5}
    assert settle(given)[0].batch_size == 9  # ten updates of 90 images
    assert settle({**given, "batch_size": 30})[0].batch_size == 30
    with pytest.warns(RcnnzooWarning, match=r"`batch_size` 64 makes one update per epoch of 90 images"):
        settle({**given, "batch_size": 64})


def test_nothing_is_held_out_unless_that_is_asked_for_and_it_is_said(tmp_path):
    make_classes(tmp_path / "pets", each=20, size=(8, 8))
    with pytest.warns(RcnnzooWarning, match=r"pets: no images are held out .*`val_fraction`"):
        _, data = settle({"architecture": "b", "data": str(tmp_path / "pets")})
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 40}


def test_more_epochs_are_allowed_where_they_change_nothing_of_those_before(tmp_path):
    settings, _ = settle({**GIVEN, "epochs": 3, "schedule": "constant"})
    write_settings(settings, tmp_path / "config.toml")
    check_same(replace(settings, epochs=5), tmp_path / "config.toml")
    with pytest.raises(TrainingError, match="can't be resumed, it was started with epochs 3, not 2"):
        check_same(replace(settings, epochs=2), tmp_path / "config.toml")
    settings, _ = settle({**GIVEN, "epochs": 3})
    write_settings(settings, tmp_path / "config.toml")
    with pytest.raises(TrainingError, match=r"schedule one-cycle, which ends with epoch 3: .*`start_from`"):
        check_same(replace(settings, epochs=5), tmp_path / "config.toml")


@pytest.mark.parametrize(
    "content", ["epochs = " + "9" * 5000, "a = " + "[" * 5000 + "]" * 5000, "epochs = 1_000_000_000_000_000_000_000"]
)
def test_settings_without_end_are_refused_in_one_line(tmp_path, content):
    (tmp_path / "config.toml").write_text(content)
    with pytest.raises(RcnnzooError) as caught:
        read_settings(tmp_path / "config.toml") and settle({**GIVEN, **read_settings(tmp_path / "config.toml")})
    assert len(str(caught.value)) < 400
