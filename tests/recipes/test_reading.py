"""Recipes: what a file may say, and what is refused."""

from pathlib import Path

import pytest

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.errors import OptionError, PluginError, RcnnzooError
from rcnnzoo.recipes.reading import find_recipe, options, read_recipe
from rcnnzoo.training.settings import checked_types

GOOD = """
title = "Mine"
data = "digits"
networks = ["bl", "b"]
seeds = "0-1"
[training]
width = 0.125
[training_of.b]
batch_size = 64
"""


@pytest.mark.parametrize("name", plugins.names("recipes"))
def test_the_recipes_name_networks_and_settings_that_are_there(name):
    recipe = find_recipe(name)
    assert recipe.data == name
    for network in recipe.networks:
        table = checked_types({**recipe.training, **recipe.training_of.get(network, {})}, name)
        width = min(table.get("width", 1), 1 / 16)
        assert build(network, categories=3, image_size=32, width=width).num_steps >= 1


def test_those_at_full_scale_follow_the_papers_methods():
    for name in ("ecoset", "imagenet"):
        recipe = find_recipe(name)
        assert recipe.training == {"recipe": "spoerer2020"}
        assert set(recipe.networks) == {"b", "b-k", "b-f", "b-d", "bl", "b-u"}


def test_a_file_says_everything(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    recipe = find_recipe(str(tmp_path / "mine.toml"))
    assert (recipe.title, recipe.networks, recipe.seeds) == ("Mine", ["bl", "b"], "0-1")
    assert (recipe.policy, recipe.readout) == ("entropy", "cumulative")
    assert recipe.training_of == {"b": {"batch_size": 64}}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("title", "titel", "unknown key 'titel': did you mean 'title'"),
        ('seeds = "0-1"', "", "x.toml: lacks seeds"),
        ('seeds = "0-1"', "seeds = 3", "x.toml: seeds must be a text"),
        ('["bl", "b"]', '"bl"', "x.toml: networks must be a list of texts"),
        ('["bl", "b"]', '["bl", "bl"]', "x.toml: networks must be a list of texts, each of them once"),
        ('["bl", "b"]', "[1, 2]", "x.toml: networks must be a list of texts"),
        ("training_of.b", "training_of.b-k", "unknown network 'b-k'"),
        ("width = 0.125", "width = [1]", "x.toml: width must be a text, a number, true or false"),
        ("[training]", "[training", "x.toml: is not TOML"),
    ],
)
def test_what_is_wrong_is_said(before, after, words):
    assert before in GOOD
    with pytest.raises(RcnnzooError, match=words):
        read_recipe(GOOD.replace(before, after), "x.toml")


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(OptionError, match=r"none\.toml: can't be read as a recipe"):
        find_recipe(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(OptionError, match=r"bytes\.toml: can't be read as a recipe"):
        find_recipe(str(tmp_path / "bytes.toml"))


def test_a_plugins_recipe_is_a_path_or_a_text(write_plugin):
    code = (
        "from rcnnzoo.plugin import Recipe, hookimpl\nWRONG = 3\n@hookimpl\ndef rcnnzoo_recipes():\n"
        "    return [Recipe('odd', 'made up', f'{__name__}:WRONG')]\n"
    )
    plugins.load_file(Path(write_plugin("odd.py", code)))
    with pytest.raises(PluginError, match=r"recipe 'odd' of odd\.py: odd:WRONG is neither a pathlib\.Path nor a text"):
        find_recipe("odd")


def test_options_are_those_of_the_command_line():
    assert options({"batch_size": 8, "pretrained": True, "cascaded": False}) == ["--batch-size", "8", "--pretrained"]
