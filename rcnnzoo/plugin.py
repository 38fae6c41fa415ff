"""Everything that a plugin may import: names keep their meaning until the changelog says otherwise.

The names are imported when they are first used, so that `from rcnnzoo.plugin import Policy, hookimpl` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rcnnzoo.analysis.dissimilarity import dissimilarities as dissimilarities
    from rcnnzoo.analysis.intervals import percentiles as percentiles
    from rcnnzoo.analysis.sat_curve import sat_curve as sat_curve
    from rcnnzoo.architectures.build import build as build
    from rcnnzoo.architectures.card import Card as Card
    from rcnnzoo.architectures.card import card_of as card_of
    from rcnnzoo.architectures.contract import RecurrentModel as RecurrentModel
    from rcnnzoo.architectures.contract import State as State
    from rcnnzoo.architectures.normalisation import BatchNormByStep as BatchNormByStep
    from rcnnzoo.checking.packages import check_plugin as check_plugin
    from rcnnzoo.cli import main as main
    from rcnnzoo.cli.options import FigureFormats as FigureFormats
    from rcnnzoo.cli.options import From as From
    from rcnnzoo.cli.options import Origin as Origin
    from rcnnzoo.cli.options import PolicyName as PolicyName
    from rcnnzoo.cli.options import ReadoutName as ReadoutName
    from rcnnzoo.cli.options import computes as computes
    from rcnnzoo.cli.options import under_conditions as under_conditions
    from rcnnzoo.cli.output import AsJson as AsJson
    from rcnnzoo.cli.output import show as show
    from rcnnzoo.cli.output import show_json as show_json
    from rcnnzoo.cli.tables import show_table as show_table
    from rcnnzoo.data.batches import evaluation_batches as evaluation_batches
    from rcnnzoo.data.decoding import read_image as read_image
    from rcnnzoo.data.digits import ArrayReader as ArrayReader
    from rcnnzoo.data.folders import read_class_folders as read_class_folders
    from rcnnzoo.data.folders import read_folder as read_folder
    from rcnnzoo.data.folders import split_of_files as split_of_files
    from rcnnzoo.data.images import prepare as prepare
    from rcnnzoo.data.images import usual_size as usual_size
    from rcnnzoo.data.opening import Data as Data
    from rcnnzoo.data.rows import find_image as find_image
    from rcnnzoo.data.rows import read_rows as read_rows
    from rcnnzoo.data.splits import UNKNOWN as UNKNOWN
    from rcnnzoo.data.splits import Split as Split
    from rcnnzoo.data.splits import fingerprint as fingerprint
    from rcnnzoo.data.transforms import to_input as to_input
    from rcnnzoo.data.unreadable import Unreadable as Unreadable
    from rcnnzoo.devices import best_device as best_device
    from rcnnzoo.engine.conditions import PLAIN as PLAIN
    from rcnnzoo.engine.conditions import Conditions as Conditions
    from rcnnzoo.engine.conditions import run as run
    from rcnnzoo.engine.decide import decide as decide
    from rcnnzoo.errors import DataError as DataError
    from rcnnzoo.errors import NetworkError as NetworkError
    from rcnnzoo.errors import OptionError as OptionError
    from rcnnzoo.errors import PluginError as PluginError
    from rcnnzoo.errors import RcnnzooError as RcnnzooError
    from rcnnzoo.errors import RcnnzooWarning as RcnnzooWarning
    from rcnnzoo.errors import TraceError as TraceError
    from rcnnzoo.errors import TrainingError as TrainingError
    from rcnnzoo.errors import UnknownName as UnknownName
    from rcnnzoo.errors import WeightsError as WeightsError
    from rcnnzoo.errors import reason as reason
    from rcnnzoo.figures.style import COLOURS as COLOURS
    from rcnnzoo.figures.style import plain as plain
    from rcnnzoo.figures.style import style as style
    from rcnnzoo.hookspecs import Architecture as Architecture
    from rcnnzoo.hookspecs import Command as Command
    from rcnnzoo.hookspecs import DataSet as DataSet
    from rcnnzoo.hookspecs import Format as Format
    from rcnnzoo.hookspecs import Policy as Policy
    from rcnnzoo.hookspecs import Readout as Readout
    from rcnnzoo.hookspecs import Recipe as Recipe
    from rcnnzoo.hookspecs import hookimpl as hookimpl
    from rcnnzoo.locks import locked as locked
    from rcnnzoo.plugins import load_file as load_file
    from rcnnzoo.policies.contract import ExitPolicy as ExitPolicy
    from rcnnzoo.policies.lookup import policy as policy
    from rcnnzoo.profiling.shapes import without_values as without_values
    from rcnnzoo.progress import progress as progress
    from rcnnzoo.readouts.lookup import readout as readout
    from rcnnzoo.recording.labelled import make_trace as make_trace
    from rcnnzoo.recording.opening import open_trace as open_trace
    from rcnnzoo.recording.opening_activations import open_activations as open_activations
    from rcnnzoo.recording.recorder import Recording as Recording
    from rcnnzoo.references import Reference as Reference
    from rcnnzoo.results.naming import conditions_of as conditions_of
    from rcnnzoo.results.naming import file_stem as file_stem
    from rcnnzoo.results.naming import folder_of as folder_of
    from rcnnzoo.results.result import Result as Result
    from rcnnzoo.results.result import or_none as or_none
    from rcnnzoo.subjects import OpenTrace as OpenTrace
    from rcnnzoo.subjects import Subject as Subject
    from rcnnzoo.traces import trace_of as trace_of
    from rcnnzoo.weights.files import load as load
    from rcnnzoo.weights.files import save as save
    from rcnnzoo.weights.files import weights_hash as weights_hash
    from rcnnzoo.weights.torch_files import fill as fill
    from rcnnzoo.weights.torch_files import read_torch as read_torch
    from rcnnzoo.writing import atomic_write as atomic_write
    from rcnnzoo.writing import file_name as file_name

_HOMES = {
    "Architecture": "rcnnzoo.hookspecs",
    "ArrayReader": "rcnnzoo.data.digits",
    "AsJson": "rcnnzoo.cli.output",
    "BatchNormByStep": "rcnnzoo.architectures.normalisation",
    "COLOURS": "rcnnzoo.figures.style",
    "Card": "rcnnzoo.architectures.card",
    "Command": "rcnnzoo.hookspecs",
    "Conditions": "rcnnzoo.engine.conditions",
    "Data": "rcnnzoo.data.opening",
    "DataError": "rcnnzoo.errors",
    "DataSet": "rcnnzoo.hookspecs",
    "ExitPolicy": "rcnnzoo.policies.contract",
    "FigureFormats": "rcnnzoo.cli.options",
    "Format": "rcnnzoo.hookspecs",
    "From": "rcnnzoo.cli.options",
    "NetworkError": "rcnnzoo.errors",
    "OpenTrace": "rcnnzoo.subjects",
    "OptionError": "rcnnzoo.errors",
    "Origin": "rcnnzoo.cli.options",
    "PLAIN": "rcnnzoo.engine.conditions",
    "PluginError": "rcnnzoo.errors",
    "Policy": "rcnnzoo.hookspecs",
    "PolicyName": "rcnnzoo.cli.options",
    "RcnnzooError": "rcnnzoo.errors",
    "RcnnzooWarning": "rcnnzoo.errors",
    "Readout": "rcnnzoo.hookspecs",
    "ReadoutName": "rcnnzoo.cli.options",
    "Recording": "rcnnzoo.recording.recorder",
    "Recipe": "rcnnzoo.hookspecs",
    "RecurrentModel": "rcnnzoo.architectures.contract",
    "Reference": "rcnnzoo.references",
    "Result": "rcnnzoo.results.result",
    "Split": "rcnnzoo.data.splits",
    "State": "rcnnzoo.architectures.contract",
    "Subject": "rcnnzoo.subjects",
    "TraceError": "rcnnzoo.errors",
    "TrainingError": "rcnnzoo.errors",
    "UNKNOWN": "rcnnzoo.data.splits",
    "UnknownName": "rcnnzoo.errors",
    "Unreadable": "rcnnzoo.data.unreadable",
    "WeightsError": "rcnnzoo.errors",
    "atomic_write": "rcnnzoo.writing",
    "best_device": "rcnnzoo.devices",
    "build": "rcnnzoo.architectures.build",
    "card_of": "rcnnzoo.architectures.card",
    "check_plugin": "rcnnzoo.checking.packages",
    "computes": "rcnnzoo.cli.options",
    "conditions_of": "rcnnzoo.results.naming",
    "decide": "rcnnzoo.engine.decide",
    "dissimilarities": "rcnnzoo.analysis.dissimilarity",
    "evaluation_batches": "rcnnzoo.data.batches",
    "file_name": "rcnnzoo.writing",
    "file_stem": "rcnnzoo.results.naming",
    "folder_of": "rcnnzoo.results.naming",
    "fill": "rcnnzoo.weights.torch_files",
    "find_image": "rcnnzoo.data.rows",
    "fingerprint": "rcnnzoo.data.splits",
    "hookimpl": "rcnnzoo.hookspecs",
    "load": "rcnnzoo.weights.files",
    "load_file": "rcnnzoo.plugins",
    "locked": "rcnnzoo.locks",
    "main": "rcnnzoo.cli",
    "make_trace": "rcnnzoo.recording.labelled",
    "open_activations": "rcnnzoo.recording.opening_activations",
    "open_trace": "rcnnzoo.recording.opening",
    "or_none": "rcnnzoo.results.result",
    "percentiles": "rcnnzoo.analysis.intervals",
    "plain": "rcnnzoo.figures.style",
    "policy": "rcnnzoo.policies.lookup",
    "prepare": "rcnnzoo.data.images",
    "progress": "rcnnzoo.progress",
    "read_class_folders": "rcnnzoo.data.folders",
    "read_folder": "rcnnzoo.data.folders",
    "read_image": "rcnnzoo.data.decoding",
    "read_rows": "rcnnzoo.data.rows",
    "read_torch": "rcnnzoo.weights.torch_files",
    "readout": "rcnnzoo.readouts.lookup",
    "reason": "rcnnzoo.errors",
    "run": "rcnnzoo.engine.conditions",
    "sat_curve": "rcnnzoo.analysis.sat_curve",
    "save": "rcnnzoo.weights.files",
    "show": "rcnnzoo.cli.output",
    "show_json": "rcnnzoo.cli.output",
    "show_table": "rcnnzoo.cli.tables",
    "split_of_files": "rcnnzoo.data.folders",
    "style": "rcnnzoo.figures.style",
    "to_input": "rcnnzoo.data.transforms",
    "trace_of": "rcnnzoo.traces",
    "under_conditions": "rcnnzoo.cli.options",
    "usual_size": "rcnnzoo.data.images",
    "weights_hash": "rcnnzoo.weights.files",
    "without_values": "rcnnzoo.profiling.shapes",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"rcnnzoo.plugin has no {name!r}: see docs/plugins.md for what plugins may import")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
