"""What a user gives, completed; what can't work, refused."""

import pytest

from rcnnzoo.errors import RcnnzooError
from rcnnzoo.training.settings import changed, read_settings, write_settings
from rcnnzoo.training.settling import settle

GIVEN = {"architecture": "bl", "data": "digits"}


def test_options_come_before_the_recipe():
    settings, _ = settle({**GIVEN, "lr": 0.125})
    assert settings.lr == 0.125
    assert settings.batch_size == 128
    assert settings.image_size == 32  # for images of 8x8
    assert settings.mirrored is False  # a mirrored digit is another one, or none


def test_a_file_holds_all_of_it(tmp_path):
    settings, _ = settle({**GIVEN, "steps": 4, "seed": 3})
    write_settings(settings, tmp_path / "config.toml")
    assert settle(read_settings(tmp_path / "config.toml"))[0] == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` 0: take at least 1"),
        ({"batch_size": 0}, "`batch_size` 0: take at least 1"),
        ({"image_size": 1}, "`image_size` 1: take at least 2"),
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
    """A run's settings file says all numbers; those of the recipe that a user asks for come before them."""
    write_settings(settle({**GIVEN, "epochs": 7, "seed": 3})[0], tmp_path / "config.toml")
    before = read_settings(tmp_path / "config.toml")
    again, _ = settle(changed(before, {"recipe": "modern", "lr": 0.5}))
    assert (again.epochs, again.lr, again.seed) == (7, 0.5, 3)
    by_hand = {name: value for name, value in before.items() if name != "recipe"}
    assert changed(by_hand, {"recipe": "spoerer2020"})["epochs"] == 7  # somebody chose that number
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
