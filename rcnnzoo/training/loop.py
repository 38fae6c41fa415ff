"""Training: back-propagation through time, batch by batch and epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rcnnzoo.architectures.freezing import evaluate_all_but_classifiers
from rcnnzoo.data.batches import Batch, mix_seed, training_batches
from rcnnzoo.data.opening import Data
from rcnnzoo.data.transforms import to_input
from rcnnzoo.errors import TrainingError
from rcnnzoo.processes import rank
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.interruption import interruption
from rcnnzoo.training.memory import most_at_once, naming_memory
from rcnnzoo.training.metrics import losses_by_step
from rcnnzoo.training.report import report
from rcnnzoo.training.session import Session, open_session
from rcnnzoo.training.settings import AUTO, Settings, check_same, read_settings, write_settings
from rcnnzoo.training.state import TrainingState
from rcnnzoo.training.tracking import Tracking, check_tracker
from rcnnzoo.training.watchers import Checkpoints, Divergence, Log, MetricsFile, Narration, Watcher
from rcnnzoo.training.world import deterministic
from rcnnzoo.weights.files import read_header


def train(
    settings: Settings, data: Data, folder: Path, *, resume: bool = False, watchers: Sequence[Watcher] = ()
) -> Run:
    """Train a network, or resume a run; a run that is finished is returned as it is.

    Args:
        settings: From `settling.settle`.
        data: The images, opened with the same settings.
        folder: The run's folder.
        resume: Continue from the folder's checkpoint, if it has one.
        watchers: Called during training, after those that every run has.

    Raises:
        TrainingError: The folder is taken, the run was started with other settings, memory runs out, or the loss is
            not a number.
        OptionError: A setting can't work, or the tracker is not installed.
        BusyError: Another process is training in the folder.
        DataError: Too many images can't be read.
        KeyboardInterrupt: Somebody stopped it; a checkpoint was written.
    """
    check_tracker(settings.tracker)
    run = Run(folder)
    if _is_finished(run, settings, resume=resume):  # so nothing is written into its folder
        return run
    with run.locked() if rank() == 0 else nullcontext():  # of several processes, the first one writes
        if not _is_finished(run, settings, resume=resume):  # what was checked before may have changed
            with deterministic(settings.deterministic), naming_memory():
                _train(open_session(settings, data, run), watchers)
    return run


def _is_finished(run: Run, settings: Settings, *, resume: bool) -> bool:
    """Whether nothing is left to train.

    Raises:
        TrainingError: The folder is taken, or the run was started with other settings.
        WeightsError: The run is finished, and its weights are damaged.
    """
    run.check_free(resume)
    if resume and run.settings.is_file():
        check_same(settings, run.settings)
    if not run.finished:
        return False
    read_header(run.weights)
    return read_settings(run.settings)["epochs"] == settings.epochs if run.settings.is_file() else True


def _train(session: Session, others: Sequence[Watcher]) -> None:
    """Train from the last checkpoint, or from the start, to the end."""
    run = session.run
    is_new = not run.settings.is_file()
    resumed = not is_new and session.read_checkpoint()
    session.world.wait()  # until all have looked: now the first one writes
    if run.finished and not resumed:
        raise TrainingError(f"{run.folder}: can't be given more epochs, its {run.checkpoint.name} is missing")
    if session.world.is_first:
        write_settings(session.settings, run.settings)
        run.weights.unlink(missing_ok=True)  # a finished run that gets more epochs is not finished
    if not resumed and session.settings.micro_batch == AUTO:
        session.state.micro_batch = most_at_once(session.state, session.settings.label_smoothing)
    try:
        with run.logging(session.world.is_first) as log, interruption() as session.request:
            # Values that are not finite must be noticed before anything is written.
            divergence = Divergence()
            watchers: list[Watcher] = [divergence]
            if session.world.is_first:
                watchers += [MetricsFile(), Log(log), Narration(), *others]
                watchers += [Tracking(session.settings.tracker)] if session.settings.tracker else []
            watchers.append(Checkpoints(divergence))
            for watcher in watchers:
                watcher.starts(session, resumed=resumed)
            try:
                while session.state.epoch < session.settings.epochs:
                    run_epoch(session, watchers)
                report(session, log)
            except BaseException as error:
                for watcher in watchers:
                    watcher.stops(session, error)
                if isinstance(error, KeyboardInterrupt):
                    raise type(error)(f"interrupted: {run.how_to_resume}") from error
                raise
            for watcher in watchers:
                watcher.ends(session)
            session.world.wait()
    except Exception:
        if is_new and session.state.is_new and session.world.is_first:
            run.discard()  # nothing was learnt, and the next attempt needs the folder
        raise


def run_epoch(session: Session, watchers: Sequence[Watcher]) -> None:
    """Train the rest of an epoch, and validate."""
    state, settings = session.state, session.settings
    if state.batch == 0:
        other = [session.world.rank] if session.world.rank else []
        torch.manual_seed(mix_seed(settings.seed, state.epoch, *other))
    batches = training_batches(
        session.images.train,
        settings.batch_size,
        seed=settings.seed,
        epoch=state.epoch,
        mirrored=settings.mirrored,
        first=state.batch,
        part=(session.world.rank, session.world.processes),
    )
    started, seen = time.monotonic(), state.metrics.images
    run_batches(session, batches, watchers)
    seconds = time.monotonic() - started
    row: dict[str, Any] = {"epoch": state.epoch + 1, "lr": state.last_lr}
    metrics = state.metrics.over(session.world.total)
    row |= metrics.row("train")
    if session.images.val is not None:
        for watcher in watchers:
            watcher.validation_starts(session)
        row |= session.measure(session.images.val).row("val")
    speed = (state.metrics.images - seen) * session.world.processes / seconds  # all have parts alike
    row |= {"seconds": round(seconds, 2), "images_per_second": round(speed, 1)}
    session.count_unreadable()
    state.end_epoch(row)
    for watcher in watchers:
        watcher.epoch_ends(session)


def run_batches(session: Session, batches: Iterable[Batch], watchers: Sequence[Watcher]) -> None:
    """Train on each batch.

    Raises:
        KeyboardInterrupt: Somebody asked to stop.
    """
    state = session.state
    state.network.train()
    if session.settings.classifiers_only:
        evaluate_all_but_classifiers(state.model)
    for batch in batches:
        session.images.unreadable.see(batch.faults, batch.remarks)
        total = int(session.world.total(torch.tensor(len(batch.labels))))
        loss = update(state, session.settings, batch, total) if total else None
        state.batch += 1
        session.agree()
        for watcher in watchers:
            watcher.batch_ends(session, loss)
        if session.stop:
            raise session.stop


def update(state: TrainingState, settings: Settings, batch: Batch, total: int) -> Tensor:
    """One step of the optimiser on a batch, of which this process has a part.

    Args:
        state: What changes.
        settings: How.
        batch: The images of this process.
        total: Number of images of all processes.

    Returns:
        The loss, still on the device; its mean over processes is that of the whole batch.
    """
    world = state.world
    images = to_input(batch.images.to(world.device, non_blocking=True))
    labels = batch.labels.to(world.device, non_blocking=True)
    parts = list(zip(images.tensor_split(state.parts), labels.tensor_split(state.parts), strict=True))
    loss = torch.zeros((), device=world.device)
    for number, (part, truth) in enumerate(parts, 1):
        with nullcontext() if number == len(parts) else world.apart(state.network):
            loss += _learn(state, settings, part, truth, world.processes * len(truth) / total)
    if settings.clip:
        world.clip_gradients(state.model, settings.clip)
    state.last_lr = state.optimizer.param_groups[0]["lr"]
    state.optimizer.step()
    state.optimizer.zero_grad()
    if not world.skipped_update:  # fp16's scaler found infinite gradients
        state.schedule.step()
    if state.average is not None:
        state.average.update(state.model)
    return loss


def _learn(state: TrainingState, settings: Settings, images: Tensor, labels: Tensor, share: float) -> Tensor:
    """Add the gradients of some images' mean loss, times their share in the batch; that loss, times its share."""
    known = len(labels)
    if not known:
        if state.world.processes == 1:
            return torch.zeros((), device=images.device)
        # None could be read, but other processes wait for the gradients of this one.
        images, labels = images.new_zeros(1, *images.shape[1:]), labels.new_zeros(1)
    logits = state.network(images)
    state.last_images = images
    losses = losses_by_step(logits, labels, settings.label_smoothing, settings.td_lambda)
    loss = losses.mean() * share
    state.world.backward(loss)
    if known:
        # What is reported is comparable with validation, whatever is minimised.
        usual = settings.label_smoothing == 0 and settings.td_lambda == 1
        plain = losses if usual else losses_by_step(logits.detach(), labels)
        state.metrics.add(plain, logits, labels)
    return loss.detach()
