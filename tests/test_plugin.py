"""What plugins import: all of it documented, and earlier names still available."""

import importlib
import re

import pytest

import rcnnzoo
from rcnnzoo import plugin
from rcnnzoo.errors import OptionError, RcnnzooWarning
from tests.docs.test_docs import DOCS, table


def test_the_guide_lists_everything():
    rows = table("plugins.md", "| for | names |")
    listed = [name for _, names in rows for name in re.findall(r"\w+", names)]
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == plugin.__all__
    assert "`rcnnzoo.plugin` and no other part of rcnnzoo" in (DOCS / "plugins.md").read_text()


def test_the_reference_describes_everything():
    described = set(re.findall(r"auto\w+:: (?:\w+\.)*(\w+)", (DOCS / "reference.md").read_text()))
    described |= {name for row in table("reference.md", "| name | what") for name in re.findall(r"\w+", row[0])}
    whole_modules = ("rcnnzoo.hookspecs", "rcnnzoo.errors")
    missing = [
        name
        for name in plugin.__all__
        if name not in described and getattr(getattr(plugin, name), "__module__", None) not in whole_modules
    ]
    assert missing == []


BEFORE = {
    "rcnnzoo.hookspecs": ("Architecture", "Command", "DataSet", "Policy", "Readout", "hookimpl"),
    "rcnnzoo.architectures.contract": ("RecurrentModel", "State"),
    "rcnnzoo.architectures.normalisation": ("BatchNormByStep",),
    "rcnnzoo.data.splits": ("Split",),
    "rcnnzoo.data.digits": ("ArrayReader",),
    "rcnnzoo.data.folders": ("read_folder", "split_of_files"),
    "rcnnzoo.errors": ("DataError", "OptionError", "RcnnzooWarning", "UnknownName"),
    "rcnnzoo.cli.output": ("AsJson", "show_json", "show_table"),
    "rcnnzoo.cli": ("main",),
    "rcnnzoo.checking.packages": ("check_plugin",),
}
"""What the guide and the template imported before there was `rcnnzoo.plugin`, which had the same under other names."""


@pytest.mark.parametrize("module", BEFORE)
def test_what_plugins_imported_before_is_the_same_thing(module):
    for name in BEFORE[module]:
        assert getattr(importlib.import_module(module), name) is getattr(plugin, name)


def test_metadata_says_in_one_line_that_it_is_a_card_now():
    network = rcnnzoo.build("b", categories=["cat", "dog"], image_size=16, width=1 / 16)
    with pytest.warns(RcnnzooWarning, match=r"^network.metadata is now network.card \(docs/plugins.md\)$"):
        metadata = network.metadata
    assert metadata["categories"] == ["cat", "dog"]
    assert metadata["options"]["image_size"] == 16


def test_a_network_not_built_by_rcnnzoo_has_no_card_and_says_so(tmp_path):
    class Bare(plugin.RecurrentModel):
        num_steps = 1

    with pytest.raises(OptionError, match="Bare has no card that says what it is: build it with"):
        rcnnzoo.save(Bare(), tmp_path / "bare.safetensors")
    assert list(tmp_path.iterdir()) == []
