"""Every architecture that is installed, including third-party ones, as small as it can be built."""

import contextlib

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.checking.specimen import example_of
from rcnnzoo.errors import OptionError


def every():
    """The names; for a family, its example."""
    return [example_of(name) for name in plugins.names("architectures")]


def small(name, **options):
    """A network with a sixteenth of the feature maps, if it can have that few."""
    with contextlib.suppress(OptionError):
        return rcnnzoo.build(name, width=1 / 16, **options)
    return rcnnzoo.build(name, **options)
