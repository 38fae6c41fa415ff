"""What happens alongside the updates: metrics, log, divergence, checkpoints. Each is called as training proceeds."""

from __future__ import annotations

import time
from contextlib import ExitStack
from logging import Logger
from typing import Any, NoReturn

import pandas as pd
import torch
from torch import Tensor, nn

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.freezing import evaluating
from rcnnzoo.errors import TrainingError, reason
from rcnnzoo.progress import progress, say, time_left
from rcnnzoo.text import counted
from rcnnzoo.training.optimisation import is_fused
from rcnnzoo.training.session import Session
from rcnnzoo.writing import atomic_write

LOG_EVERY = 300.0
"""Seconds between two lines of the log within an epoch, which may take hours."""
CHECK_EVERY = 50
"""Updates between checks of the loss: on a GPU each check waits for the device."""


class Watcher:
    """A subclass writes the methods that it needs; the others do nothing."""

    def starts(self, session: Session, *, resumed: bool) -> None:
        """Training is about to begin, or a checkpoint was read."""

    def batch_ends(self, session: Session, loss: Tensor | None) -> None:
        """A batch was trained on; its loss, still on the device, is None if none of its images could be read."""

    def validation_starts(self, session: Session) -> None:
        """All batches of an epoch were trained on, and its validation is next."""

    def epoch_ends(self, session: Session) -> None:
        """An epoch is over; its row of metrics is the last one of the state."""

    def stops(self, session: Session, error: BaseException) -> None:
        """The user asked to stop, or training can't continue."""

    def ends(self, session: Session) -> None:
        """The run is finished."""


class MetricsFile(Watcher):
    """Writes `metrics.csv`, one row for each epoch."""

    def starts(self, session: Session, *, resumed: bool) -> None:
        """Write the earlier rows again: the file may have been damaged."""
        if session.state.rows:
            self.epoch_ends(session)

    def epoch_ends(self, session: Session) -> None:
        """Write all rows."""
        with atomic_write(session.run.metrics) as temporary:
            pd.DataFrame(session.state.rows).to_csv(temporary, index=False)


class Log(Watcher):
    """Writes the run's log."""

    def __init__(self, log: Logger) -> None:
        self.log = log
        self.last = time.monotonic()

    def starts(self, session: Session, *, resumed: bool) -> None:
        """Log what is trained, and on what machine."""
        self.log.info("%s: %s", "resumed" if resumed else "started", session.settings)
        self.log.info("torch %s on %s", torch.__version__, session.world.device)
        if session.state.micro_batch is not None:
            self.log.info("at most %d images of a batch at once", session.state.micro_batch)

    def batch_ends(self, session: Session, loss: Tensor | None) -> None:
        """Say from time to time how far a long epoch has come."""
        if loss is None or time.monotonic() - self.last < LOG_EVERY:
            return
        state, batches = session.state, session.images.batches
        self.log.info("epoch %d: batch %d of %d, loss %.4g", state.epoch + 1, state.batch, batches, loss.item())
        self.last = time.monotonic()

    def epoch_ends(self, session: Session) -> None:
        """Say how the epoch went."""
        self.last = time.monotonic()
        row: dict[str, Any] = session.state.rows[-1]
        self.log.info("epoch %d: %s", row["epoch"], ", ".join(f"{name} {value:.5g}" for name, value in row.items()))

    def stops(self, session: Session, error: BaseException) -> None:
        """Say how far training got, or what went wrong."""
        if isinstance(error, KeyboardInterrupt):
            state = session.state
            self.log.info("interrupted in epoch %d after batch %d; `resume` continues", state.epoch + 1, state.batch)
        else:
            self.log.error("%s", reason(error))


class Narration(Watcher):
    """Tells the user how training goes: a bar over all epochs, and a line for each."""

    def starts(self, session: Session, *, resumed: bool) -> None:
        """Draw the bar, including earlier epochs."""
        state, batches, epochs = session.state, session.images.batches, session.settings.epochs
        done = state.epoch * batches + state.batch
        if resumed:
            say(f"{session.run.folder}: resumes in epoch {min(state.epoch + 1, epochs)} of {epochs}")
        self.open = ExitStack()
        self.started, self.before = time.monotonic(), done
        title = f"training {card_of(state.model).architecture} on {session.images.data.name}"
        where = session.world.name
        how = ["channels last", f"{'fused ' * is_fused(state.optimizer)}{session.settings.optimizer}"]
        how += ["compiled"] * session.settings.compile
        say(f"{title}: {epochs * batches:,} updates in {session.settings.precision} on {where}, {', '.join(how)}")
        parts, norms = state.parts, state.model.modules()
        if state.micro_batch is not None:
            at_once = counted(state.micro_batch, "image")
            say(f"{at_once} at once, each batch of {state.share:,} in {counted(parts, 'part')}")
        if parts > 1 and any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in norms):
            say(f"batch norm computes its statistics over each of the {parts} parts of a batch")
        self.advance = self.open.enter_context(progress(title, epochs * batches, done, announced=False))

    def batch_ends(self, session: Session, loss: Tensor | None) -> None:
        """Move the bar."""
        self.advance(1)

    def epoch_ends(self, session: Session) -> None:
        """Say how the epoch went, and how long the others will take."""
        row, epochs, batches = session.state.rows[-1], session.settings.epochs, session.images.batches
        last = session.state.model.num_steps
        shown = [f"loss {row['train_loss']:.3f}", f"training accuracy {row[f'train_accuracy_{last}']:.1%}"]
        if "val_loss" in row:
            shown.append(f"validation accuracy {row[f'val_accuracy_{last}']:.1%}")
        left = (epochs - row["epoch"]) * batches
        if left:
            done = session.state.epoch * batches - self.before
            shown.append(f"{time_left(time.monotonic() - self.started, done, left)} left")
        say(f"epoch {row['epoch']} of {epochs}: {', '.join(shown)}")

    def stops(self, session: Session, error: BaseException) -> None:
        """Remove the bar."""
        self.open.close()

    def ends(self, session: Session) -> None:
        """Remove the bar."""
        self.open.close()


class Divergence(Watcher):
    """Stops training whose loss is not a number, or whose network gives values that are not finite."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []

    def batch_ends(self, session: Session, loss: Tensor | None) -> None:
        """Check the losses from time to time.

        Raises:
            TrainingError: One of them is not finite.
        """
        if loss is not None:
            self.losses.append(loss)
        batch = session.state.batch
        if batch % CHECK_EVERY == 0 or batch == session.images.batches:
            self._check_losses(session)
            self.losses.clear()

    def check(self, session: Session) -> None:
        """Check everything that a checkpoint would hold.

        Raises:
            TrainingError: Something in it is not finite.
        """
        self._check_losses(session)
        # The last update, whose loss was not checked yet, may have ruined the network.
        network, images = session.state.result, session.state.last_images
        sound = all(tensor.isfinite().all() for tensor in network.state_dict().values() if tensor.is_floating_point())
        if sound and images is not None:
            with evaluating(network), torch.no_grad(), session.world.autocast():
                sound = bool(network(images).isfinite().all())
        if session.world.highest(int(not sound)):
            where = f"batch {session.state.batch} of epoch {session.state.epoch + 1}"
            self._stop(session, f"the network gives values that are not finite after {where}")

    def _check_losses(self, session: Session) -> None:
        losses = session.world.total(torch.stack(self.losses)) if self.losses else torch.zeros(0)
        wrong = (~losses.isfinite()).nonzero().flatten().tolist()
        if wrong:
            batch = session.state.batch - len(self.losses) + wrong[0] + 1
            loss = losses[wrong[0]].item()
            self._stop(session, f"the loss is {loss} at batch {batch} of epoch {session.state.epoch + 1}")

    def _stop(self, session: Session, what: str) -> NoReturn:
        before = f"({session.run.checkpoint.name} was written before that)"
        raise TrainingError(f"{session.run.folder}: {what} {before}: train again with a lower `lr`")


class Checkpoints(Watcher):
    """Writes the state: at the start, after each epoch's batches and validation, in long epochs, and before stopping.

    Args:
        divergence: Checks the state before it is written.
    """

    def __init__(self, divergence: Divergence) -> None:
        self.divergence = divergence
        self.last = time.monotonic()

    def starts(self, session: Session, *, resumed: bool) -> None:
        """A new run can be resumed from the very start."""
        if not resumed:
            self._write(session)

    def batch_ends(self, session: Session, loss: Tensor | None) -> None:
        """Write if the last one is old, or training is to stop here."""
        is_old = time.monotonic() - self.last > 60 * session.settings.checkpoint_minutes
        if session.world.highest(int(is_old)) or session.stop:  # every process takes part in the first
            self._write(session)

    def validation_starts(self, session: Session) -> None:
        """A long validation may be interrupted."""
        self._write(session)

    def epoch_ends(self, session: Session) -> None:
        """Write after every epoch."""
        self._write(session)

    def _write(self, session: Session) -> None:
        self.divergence.check(session)
        session.write_checkpoint()
        self.last = time.monotonic()
