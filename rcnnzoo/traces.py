"""What users type for MODEL|TRACE, as traces: a network is traced unless it was before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.errors import OptionError, TraceError
from rcnnzoo.recording import storage
from rcnnzoo.recording.opening import open_trace
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference, open_subject
from rcnnzoo.subjects import OpenTrace, Subject
from rcnnzoo.weights.files import file_hash
from rcnnzoo.writing import WEIGHTS, as_utf8


def trace_of(
    text: str,
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    how: Recording,
    out: Path | None = None,
    sequences: bool = False,
) -> OpenTrace:
    """A trace as it is, or a network's, recorded unless it already exists for these weights and images.

    Args:
        text: What a user typed for MODEL|TRACE.
        data: As for `open_subject`, with a network.
        data_dir: Likewise.
        split: Likewise.
        seed: Likewise.
        how: How a network is traced.
        out: Where results go; so does the trace of a network whose own folder is not writable.
        sequences: Whether a trace of sequences will do.

    Raises:
        OptionError: A trace was named together with images, or with options for recording one.
        TraceError: The trace can't be used.
    """
    if not Reference(text).is_trace:
        subject = open_subject(text, data, data_dir, split, seed=seed, conditions=how.conditions)
        return subject.kept_in(out).trace(how)
    if data or split or data_dir:
        raise OptionError(f"{text} is a trace, which has its own images: leave out `data`, `data_dir` and `split`")
    usual = Recording()
    pairs = [(how, usual, fields(how)), (how.conditions, PLAIN, fields(PLAIN))]
    given = [
        f"`{each.name}`"
        for one, other, names in pairs
        for each in names
        if each.name not in ("conditions", "seed") and getattr(one, each.name) != getattr(other, each.name)
    ]
    if given:
        raise OptionError(f"{text} is a trace, which was recorded before: leave out {', '.join(given)}")
    _check_fresh(Path(text))
    opened = OpenTrace(Path(text), open_trace(text))
    if "trial" in opened.trace.dims and not sequences:
        raise TraceError(f"{text}: is a trace of sequences, which only `rcnnzoo evaluate` reads; name another trace")
    return opened


def _check_fresh(trace: Path) -> None:
    """Refuse a trace that is beside its network's weights but was recorded from others: the network was trained again.

    A trace elsewhere is used as it is: it may have been moved away from its network.

    Raises:
        TraceError: It is stale, or there is none.
        WeightsError: The weights beside it can't be read.
    """
    recorded = storage.open_group(trace, mode="r").attrs["weights_sha256"]
    folder = trace.absolute().parent
    # As `open_subject` has it: RUN/traces/x.zarr of RUN/model.safetensors, traces/NAME/x.zarr of NAME.safetensors.
    if folder.name == "traces":
        weights = folder.parent / WEIGHTS
    elif folder.parent.name == "traces":
        weights = folder.parent.parent / f"{folder.name}.safetensors"
    else:
        return
    if weights.is_file() and file_hash(weights) != recorded:
        raise TraceError(
            f"{trace}: was recorded from other weights than {weights} holds now; name the network to "
            "trace it again, or move the old trace elsewhere"
        )


def traces_of(
    models: Sequence[str | Subject],
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    how: Recording,
    out: Path | None = None,
) -> dict[str, OpenTrace]:
    """The trace of each MODEL|TRACE, as `trace_of`, or of a subject, by a unique name.

    A network goes by its trace's name; those that share one go by what was typed for them.

    Raises:
        OptionError: A network was named twice, or images as well as a trace.
        TraceError: A trace can't be used.
    """
    typed = [model.typed if isinstance(model, Subject) else model for model in models]
    traces = [
        model.kept_in(out).trace(how)
        if isinstance(model, Subject)
        else trace_of(model, data, data_dir, split, seed=seed, how=how, out=out)
        for model in models
    ]
    for number, one in enumerate(traces):
        if one.path.resolve() in (other.path.resolve() for other in traces[:number]):
            raise OptionError(f"{typed[number]} is named twice: name each network once")
    names = told_apart([one.trace.attrs["name"] for one in traces], typed)
    return dict(zip(names, traces, strict=True))


def told_apart(names: Sequence[str], typed: Sequence[str]) -> Sequence[str]:
    """Names of networks; those that share one go by what was typed for them."""
    shared = {name for name, count in Counter(names).items() if count > 1}
    shown = [text if name in shared else name for name, text in zip(names, typed, strict=True)]
    # A network's name may be what was typed for another one.
    return typed if len(set(shown)) < len(shown) else shown


def have_members(models: Sequence[str]) -> bool:
    """Whether these are networks with several members each, rather than single ones.

    Raises:
        OptionError: Some are, and others are not.
        TrainingError: Members differ in more than their seed.
    """
    several = {model: bool(Reference(model).members) for model in models}
    if len(set(several.values())) > 1:
        single = next(model for model, is_folder in several.items() if not is_folder)
        raise OptionError(
            f"{single} is a single network, and others are folders of several that differ in their seed: name a folder "
            "for each, or one member of each"
        )
    return any(several.values())


def traces_of_members(
    models: Sequence[str],
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    how: Recording,
    out: Path | None = None,
) -> dict[str, dict[int, OpenTrace]]:
    """The traces of the members of each folder by their seeds, by a unique name of the folder.

    Raises:
        OptionError: A folder was named twice.
        WeightsError: A member is not finished.
        TraceError: A trace can't be used.
    """
    places = [Path(model).resolve() for model in models]
    for model, place in zip(models, places, strict=True):
        if places.count(place) > 1:
            raise OptionError(f"{model} is named twice: name each network once")
    names = told_apart([as_utf8(place.name) for place in places], models)
    return {
        name: {
            seed: trace_of(member.text, data, data_dir, split, how=how, out=out)
            for seed, member in Reference(model).members.items()
        }
        for name, model in zip(names, models, strict=True)
    }
