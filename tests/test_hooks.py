"""What a plugin's hooks return, and what is refused on registration."""

from types import SimpleNamespace

import pytest

from rcnnzoo import hookspecs
from rcnnzoo.errors import PluginError
from rcnnzoo.hooks import members_of
from rcnnzoo.hookspecs import Architecture, Command, DataSet, Format, Policy, Readout, Recipe, hookimpl


def plugin(**hooks):
    """A plugin whose hooks return these."""
    return SimpleNamespace(
        **{f"rcnnzoo_{kind}": hookimpl(lambda members=members: members) for kind, members in hooks.items()}
    )


def test_what_they_return_comes_back_by_kind():
    net, rule = Architecture("net", "made up", "a.b:c"), Policy("rule", "made up", "a:b.c")
    found = members_of(plugin(architectures=[net], policies=[rule]))
    others: dict[str, list[object]] = {"readouts": [], "data": [], "formats": [], "recipes": [], "commands": []}
    assert found == {"architectures": [net], "policies": [rule], **others}


@pytest.mark.parametrize("name", ["b", "b-k", "resnet18", "3d-net", "zoo/small", "zoo/*", "zoo/convnext_atto.d2"])
def test_names_that_an_architecture_may_have(name):
    (member,) = members_of(plugin(architectures=[Architecture(name, "made up", "a:b")]))["architectures"]
    assert member.name == name


@pytest.mark.parametrize(
    "name", ["MyNet", "my_net", "my net", "-net", "net-", "a--b", "../net", "zoo/", "*", "netz\u00e4"]
)
def test_names_that_nothing_may_have(name):
    words = f"architecture {name!r}: a name consists of lower-case letters and digits, with single hyphens between them"
    with pytest.raises(PluginError) as raised:
        members_of(plugin(architectures=[Architecture(name, "made up", "a:b")]))
    assert str(raised.value) == words


@pytest.mark.parametrize(
    ("kind", "description", "word"),
    [
        ("policies", Policy, "policy"),
        ("readouts", Readout, "readout"),
        ("data", DataSet, "data set"),
        ("formats", Format, "format"),
        ("recipes", Recipe, "recipe"),
        ("commands", Command, "command"),
    ],
)
def test_only_architectures_come_in_families(kind, description, word):
    """Text after the slash would be ignored, and the result would not be what was asked for."""
    with pytest.raises(PluginError) as raised:
        members_of(plugin(**{kind: [description("zoo/*", "made up", "a:b")]}))
    assert str(raised.value) == f"{word} 'zoo/*': only architectures come in families: give each its own name"
    with pytest.raises(PluginError, match="a name consists of"):
        members_of(plugin(**{kind: [description("zoo/one", "made up", "a:b")]}))


@pytest.mark.parametrize(
    "target", ["mine.build", "mine:", ":build", "my-mine:build", "mine/nets.py:build", "mine:build()"]
)
def test_a_target_that_names_nothing_is_said_before_anybody_uses_it(target):
    with pytest.raises(PluginError) as raised:
        members_of(plugin(readouts=[Readout("last", "made up", target)]))
    words = f"readout 'last': its target is {target!r}, and has to look like 'package.module:attribute', with a colon"
    assert str(raised.value) == words


def test_a_hook_that_lacks_its_mark_among_others_that_have_it():
    found = plugin(readouts=[])
    found.rcnnzoo_policies = lambda: [Policy("rule", "made up", "a:b")]
    with pytest.raises(PluginError, match=r"^rcnnzoo_policies lacks @hookimpl: write it above the function$"):
        members_of(found)


def test_what_only_looks_like_a_hook_is_ignored():
    """Helpers whose names begin alike, and the specifications themselves, imported with a star."""
    found = plugin(readouts=[])
    found.rcnnzoo_version, found.rcnnzoo_data = "1.0", hookspecs.rcnnzoo_data
    assert members_of(found)["data"] == []


def test_a_hook_that_is_misspelt_is_told_what_there_is():
    with pytest.raises(
        PluginError,
        match="unknown hook 'rcnnzoo_policy': there are rcnnzoo_architectures, rcnnzoo_policies, rcnnzoo_re",
    ):
        members_of(plugin(policy=[]))
