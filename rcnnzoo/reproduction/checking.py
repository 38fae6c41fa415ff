"""What may be wrong with a recipe, found before anything is trained."""

from __future__ import annotations

import inspect

from rcnnzoo import plugins
from rcnnzoo.data.opening import Data
from rcnnzoo.errors import UnknownName
from rcnnzoo.policies.lookup import policy
from rcnnzoo.readouts.lookup import readout
from rcnnzoo.reproduction.steps import Reproduction
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.settling import settle


def check(reproduction: Reproduction) -> dict[str, tuple[Settings, Data]]:
    """Look up all names, and open the data; the settings of each network's training, and its images.

    Raises:
        UnknownName: A network, a data set, a policy, a readout, or an option of `rcnnzoo behaviour` is not there.
        OptionError: A setting can't work, or there are members that were not asked for.
        DataError: The images can't be used.
    """
    recipe = reproduction.recipe
    policy(recipe.policy), readout(recipe.readout)
    reproduction.check_members()
    if reproduction.studies:
        known = inspect.signature(plugins.look_up("commands", "behaviour").load()).parameters
        for name in recipe.behaviour:
            if name not in known:
                raise UnknownName("option", name, known, "the recipe's table behaviour")
    return {
        network: settle({**reproduction.settings(network), "seed": reproduction.seeds[0]})
        for network in recipe.networks
    }
