"""The plugin that registers the built-in commands; it imports none of them."""

from __future__ import annotations

from rcnnzoo.hookspecs import Command, hookimpl


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """One row per file beside this one, in the order in which a user meets them."""
    here = "rcnnzoo.cli"
    return [
        Command("list", "list what is installed, and runs", f"{here}.list:list_names"),
        Command("info", "show the layers, parameters and cost of a network", f"{here}.info:info"),
        Command("plan", "say what a training will take before it starts", f"{here}.plan:plan"),
        Command("pack", "resize a data set's images once, into shards", f"{here}.pack:pack"),
        Command("train", "train a network; can be interrupted and resumed", f"{here}.train:train"),
        Command("watch", "draw a run's curves in the terminal while it trains", f"{here}.watch:watch"),
        Command("evaluate", "measure accuracy by time step, and calibration", f"{here}.evaluate:evaluate"),
        Command("predict", "classify image files", f"{here}.predict:predict"),
        Command("profile", "count costs, draw the speed-accuracy curve", f"{here}.profile:profile"),
        Command("calibrate", "choose a threshold, with a guarantee for new images", f"{here}.calibrate:calibrate"),
        Command("compare", "test whether networks differ by more than chance", f"{here}.compare:compare"),
        Command("verify", "check whether weights are what they claim to be", f"{here}.verify:verify"),
        Command("import", "convert weights that others published", f"{here}.import_weights:import_weights"),
        Command("push", "publish a network on the Hugging Face Hub", f"{here}.push:push"),
        Command("pull", "fetch a network from the Hugging Face Hub", f"{here}.pull:pull"),
        Command("trace", "record the logits of all steps for a data set", f"{here}.trace:trace"),
        Command("extract", "record what layers hold after each time step", f"{here}.extract:extract"),
        Command("export", "write a network or activations for other tools", f"{here}.export:export"),
        Command("rdm", "measure how dissimilar images are to layers and steps", f"{here}.rdm:rdm"),
        Command("reproduce", "the whole paper: train, compare, draw, report", f"{here}.reproduce:reproduce"),
        Command("report", "write one page with tables and figures of networks", f"{here}.report:report"),
        Command("new-plugin", "write the package of a new plugin", f"{here}.new_plugin:new_plugin"),
        Command("check-plugin", "check whether a plugin keeps the contract", f"{here}.check_plugin:check_plugin"),
    ]
