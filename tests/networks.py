"""The architectures of rcnnzoo and of timm, as small as they can be built; other packages' tests check their own."""

import contextlib

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.checking.specimen import example_of
from rcnnzoo.errors import OptionError

PACKAGES = ("rcnnzoo", "rcnnzoo-timm")


def every():
    """The names; for a family, its example."""
    names = plugins.names("architectures")
    return [example_of(name) for name in names if plugins.package_of("architectures", name) in PACKAGES]


def small(name, **options):
    """A network with a sixteenth of the feature maps, if it can have that few."""
    with contextlib.suppress(OptionError):
        return rcnnzoo.build(name, width=1 / 16, **options)
    return rcnnzoo.build(name, **options)
