"""Plugins: real packages in a folder on the path, as an installation leaves them."""

import re
import textwrap
import warnings

import pytest

from rcnnzoo import hooks, plugins
from rcnnzoo.errors import PluginError, UnknownName

READOUT = """
    from rcnnzoo.hookspecs import Readout, hookimpl

    @hookimpl
    def rcnnzoo_readouts():
        return [Readout("{name}", "made up", "{module}:readout")]

    def readout(logits):
        return logits
"""


def names_with_warnings(kind="readouts"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = plugins.names(kind)
    return found, [str(warning.message) for warning in caught]


BUILT_IN = ["cumulative", "instantaneous", "cumulative-logits"]


def test_a_package_adds_a_name(install):
    install("zoo-extra", READOUT.format(name="last", module="{module}"))
    assert plugins.names("readouts") == [*BUILT_IN, "last"]
    assert plugins.look_up("readouts", "last").load()("x") == "x"
    row = next(row for row in plugins.listing() if row["name"] == "last")
    assert row == {"name": "last", "kind": "readouts", "package": "zoo-extra", "description": "made up"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("def broken(:", "SyntaxError"),
        (
            """
            from rcnnzoo.hookspecs import hookimpl
            @hookimpl
            def rcnnzoo_readuots(): return []
            """,
            "unknown hook 'rcnnzoo_readuots': there are rcnnzoo_architectures",
        ),
        (
            """
            from rcnnzoo.hookspecs import hookimpl
            @hookimpl
            def rcnnzoo_readouts(): return ["last"]
            """,
            "rcnnzoo_readouts must return a list of Readout",
        ),
        (
            """
            from rcnnzoo.hookspecs import hookimpl
            @hookimpl
            def rcnnzoo_readouts(): raise ValueError("not today")
            """,
            "ValueError: not today",
        ),
        (
            """
            from rcnnzoo.hookspecs import Readout, hookimpl
            @hookimpl
            def rcnnzoo_readouts(): return [Readout("a", "b", "c:d"), Readout("a", "b", "c:d")]
            """,
            "rcnnzoo_readouts names 'a' twice",
        ),
        (
            """
            from rcnnzoo.hookspecs import Architecture, Readout, hookimpl
            @hookimpl
            def rcnnzoo_readouts(): return [Readout("half-registered", "b", "c:d")]
            @hookimpl
            def rcnnzoo_architectures(): return None
            """,
            "rcnnzoo_architectures must return a list of Architecture",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_left_out_as_a_whole(install, code, reason):
    install("zoo-broken", code)
    found, messages = names_with_warnings()
    assert found == BUILT_IN
    (message,) = messages
    assert "plugin zoo_broken of zoo-broken 1.0 left out" in message
    assert reason in message


def test_a_plugin_for_another_rcnnzoo_is_left_out(install):
    install("zoo-old", READOUT.format(name="last", module="{module}"), requires=["rcnnzoo>=99"])
    found, messages = names_with_warnings()
    assert found == BUILT_IN
    assert "it requires rcnnzoo>=99" in messages[0]


def test_built_ins_keep_their_names(install):
    install("zoo-thief", READOUT.format(name="cumulative", module="{module}"))
    found, messages = names_with_warnings()
    assert found == BUILT_IN
    assert messages == [
        "readout 'cumulative' of zoo-thief left out: rcnnzoo has one of that name; zoo-thief must rename it"
    ]
    assert plugins.look_up("readouts", "cumulative").load().__module__ == "rcnnzoo.readouts.cumulative"


def test_a_name_that_two_packages_claim_is_left_out(install):
    install("zoo-one", READOUT.format(name="last", module="{module}"))
    install("zoo-two", READOUT.format(name="last", module="{module}"))
    found, messages = names_with_warnings()
    assert found == BUILT_IN
    assert "zoo-one and zoo-two both claim it" in messages[0]
    with pytest.raises(PluginError, match="readout 'last' is claimed by zoo-one and zoo-two"):
        plugins.look_up("readouts", "last").load()


def test_a_third_claimant_does_not_get_the_name(install):
    for package in ("zoo-one", "zoo-three", "zoo-two"):
        install(package, READOUT.format(name="last", module="{module}"))
    found, _ = names_with_warnings()
    assert found == BUILT_IN
    with pytest.raises(PluginError, match="zoo-one and zoo-three and zoo-two"):
        plugins.look_up("readouts", "last")


def test_an_environment_variable_limits_what_is_loaded_but_not_the_built_ins(install, monkeypatch):
    install("zoo-one", READOUT.format(name="first", module="{module}"))
    install("zoo-two", "raise RuntimeError('must not be imported')")
    monkeypatch.setenv("RCNNZOO_LOAD_PLUGINS", "zoo-one")
    assert names_with_warnings() == ([*BUILT_IN, "first"], [])
    plugins.registry.cache_clear()
    monkeypatch.setenv("RCNNZOO_LOAD_PLUGINS", "")
    assert names_with_warnings() == (BUILT_IN, [])


def test_asking_for_what_is_not_installed_is_said(install, monkeypatch):
    """A job would find out late that a plugin it was told to load is missing."""
    install("zoo-one", READOUT.format(name="first", module="{module}"))
    monkeypatch.setenv("RCNNZOO_LOAD_PLUGINS", "zoo-onee, zoo_one,")
    words = "RCNNZOO_LOAD_PLUGINS: unknown plugin 'zoo-onee': did you mean 'zoo-one'"
    names, (warning,) = names_with_warnings()
    assert names == [*BUILT_IN, "first"]
    assert warning.startswith(words)
    plugins.registry.cache_clear()
    monkeypatch.setenv("RCNNZOO_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=re.escape(words)):
        plugins.registry()


def test_an_entry_point_that_can_be_no_module_is_said(install, tmp_path):
    install("zoo-one", READOUT.format(name="first", module="{module}"))
    (tmp_path / "zoo_one-1.0.dist-info" / "entry_points.txt").write_text("[rcnnzoo]\none = zoo-one\n")
    _, messages = names_with_warnings()
    assert messages == [
        "plugin one of zoo-one 1.0 left out: its entry point names the module 'zoo-one', which is not a valid name "
        "for a Python module (letters, digits and _ only): name the module, not the package"
    ]


def test_what_a_plugin_prints_stays_off_standard_output(install, capsys):
    install("zoo-loud", "print('hello')\n" + textwrap.dedent(READOUT.format(name="last", module="{module}")))
    assert "last" in plugins.names("readouts")
    assert capsys.readouterr().out == ""


def test_a_target_that_can_not_be_imported_is_named(install):
    code = READOUT.format(name="last", module="{module}").replace(":readout", ":nothing")
    install("zoo-gap", code)
    with pytest.raises(PluginError, match=r"readout 'last' of zoo-gap can't be used: importing zoo_gap:nothing failed"):
        plugins.look_up("readouts", "last").load()


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(
        UnknownName,
        match=r"unknown data set 'ecosett': did you mean 'ecoset'\? \(rcnnzoo list data, or --plugin FILE\.py\)",
    ):
        plugins.look_up("data", "ecosett")


def test_built_ins_come_through_the_same_entry_points():
    ours = {row["name"] for row in plugins.listing() if row["kind"] == "plugins" and row["package"] == "rcnnzoo"}
    assert {"architectures", "readouts", "data", "commands"} <= ours


def test_every_built_in_target_can_be_imported():
    for kind in hooks.KINDS:
        for name in plugins.names(kind):
            found = plugins.look_up(kind, name).load()
            assert found.is_file() if kind == "recipes" else callable(found)


FAMILY = """
    from rcnnzoo.hookspecs import Architecture, hookimpl

    @hookimpl
    def rcnnzoo_architectures():
        return [Architecture("{name}", "many", "{module}:build", steps=None, pretrained=True, example="x")]

    def build(**options):
        return options
"""


def test_a_family_answers_to_all_its_names_and_is_listed_once(install):
    install("zoo-many", FAMILY.format(name="many/*", module="{module}"))
    assert [name for name in plugins.names("architectures") if name.startswith("many")] == ["many/*"]
    assert plugins.look_up("architectures", "many/one").member.name == "many/*"
    assert plugins.look_up("architectures", "many/a/b").member.name == "many/*"
    assert plugins.package_of("architectures", "many/one") == "zoo-many"
    assert plugins.look_up("architectures", "many/one").load()(a=1) == {"a": 1}
    assert plugins.package_of("architectures", "few/one") is None
    assert plugins.package_of("architectures", "many") is None
    with pytest.raises(UnknownName, match="unknown architecture 'manny/one'"):
        plugins.look_up("architectures", "manny/one")


def test_a_name_of_its_own_comes_before_a_family(install):
    install("zoo-many", FAMILY.format(name="many/*", module="{module}"))
    install("zoo-one", FAMILY.format(name="many/one", module="{module}"))
    assert plugins.package_of("architectures", "many/one") == "zoo-one"
    assert plugins.package_of("architectures", "many/two") == "zoo-many"


def test_a_family_that_two_packages_claim_is_left_out(install):
    install("zoo-many", FAMILY.format(name="many/*", module="{module}"))
    install("zoo-more", FAMILY.format(name="many/*", module="{module}"))
    with pytest.warns(plugins.PluginWarning, match="zoo-many and zoo-more both claim it"):
        plugins.registry()
    with pytest.raises(PluginError, match="architecture 'many/one' is claimed by zoo-many and zoo-more"):
        plugins.look_up("architectures", "many/one")
