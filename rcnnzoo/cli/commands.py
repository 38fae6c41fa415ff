"""The plugin that registers the built-in commands; it imports none of them."""

from __future__ import annotations

from rcnnzoo.hookspecs import Command, hookimpl


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """One row per file beside this one, in the order in which a user meets them."""
    here = "rcnnzoo.cli"
    return [
        Command("list", "what is installed, and from which package", f"{here}.list:list_names"),
        Command("info", "a network's layers, parameters and cost", f"{here}.info:info"),
        Command("train", "train a network, in a run that can be left and resumed", f"{here}.train:train"),
        Command("evaluate", "accuracy by time step and calibration", f"{here}.evaluate:evaluate"),
        Command("predict", "what a network sees on images of yours", f"{here}.predict:predict"),
        Command("profile", "what a network costs, and its speed-accuracy curve", f"{here}.profile:profile"),
        Command("calibrate", "a threshold that keeps its promise on new images", f"{here}.calibrate:calibrate"),
        Command("compare", "whether networks differ by more than chance", f"{here}.compare:compare"),
        Command("verify", "whether weights are what they claim to be", f"{here}.verify:verify"),
        Command("import", "weights that others published, as a file of ours", f"{here}.import_weights:import_weights"),
        Command("trace", "record the logits of all steps for a data set", f"{here}.trace:trace"),
        Command("new-plugin", "a package of your own to begin with", f"{here}.new_plugin:new_plugin"),
        Command("check-plugin", "whether a plugin keeps the contract", f"{here}.check_plugin:check_plugin"),
    ]
