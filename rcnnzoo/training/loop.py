"""The training loop: back-propagation through time, checkpoints, and a run's files."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import asdict
from logging import Logger
from pathlib import Path
from typing import Any, NoReturn

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.architectures.modes import evaluate_all_but_classifiers, evaluating, freeze_all_but_classifiers
from rcnnzoo.architectures.normalisation import shared_batch_norms
from rcnnzoo.data.images import (
    Images,
    batches_an_epoch,
    evaluation_batches,
    number,
    prepare,
    readable,
    some_of,
    training_batches,
)
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split, fingerprint
from rcnnzoo.data.transforms import PREPROCESSING, to_input
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.errors import RcnnzooWarning, TrainingError
from rcnnzoo.figures.curves import draw_curves
from rcnnzoo.figures.saving import save_figure
from rcnnzoo.progress import progress
from rcnnzoo.training.interruption import Interruption, interruption
from rcnnzoo.training.measures import Measures, losses_by_step, measure
from rcnnzoo.training.optimisation import make_optimizer, make_schedule
from rcnnzoo.training.runs import DAMAGED, Run
from rcnnzoo.training.settings import Settings, check_same, write_settings
from rcnnzoo.weights.files import read_header, save

CHECKPOINT_SECONDS = 600
"""A checkpoint is written at least this often (and after each epoch); it changes nothing in the result."""

CHECK_EVERY = 50
"""Updates between looks at the loss: on a GPU each look waits for the device."""

SAMPLE, GAP = 500, 0.15
"""How many training images are looked at once more after training, and how much worse they may do."""

NOT_RECORDED = ("data", "data_dir", "workers", "max_bad")
"""Settings that stay out of the weights' metadata: they say where, not what."""


def train(settings: Settings, data: Data, folder: Path, *, resume: bool = False) -> Run:
    """Train a network, or go on with a run; a run that is finished is returned as it is.

    Args:
        settings: From `settings.settle`.
        data: The images, opened with the same settings.
        folder: The run's folder.
        resume: Go on from the folder's checkpoint, if it has one.

    Raises:
        TrainingError: The folder is taken, the run was started with other settings, or the loss is not a number.
        DataError: Too many images can't be read.
        KeyboardInterrupt: Somebody stopped it; a checkpoint was written.
    """
    run = Run(folder)
    run.check_free(resume)
    if resume and run.settings.is_file():
        check_same(settings, run.settings)
    if run.finished:
        read_header(run.weights)  # raises if they are damaged
        return run
    trainer = Trainer(settings, data, run)
    trainer.go_on()
    return run


class Trainer:
    """A network with all that trains it."""

    def __init__(self, settings: Settings, data: Data, run: Run) -> None:
        self.settings, self.data, self.run = settings, data, run
        # accelerate keeps one state a process and refuses another precision; each run starts anew.
        AcceleratorState._reset_state(reset_partial_state=True)
        self.accelerator = Accelerator(
            mixed_precision="no" if settings.precision == "fp32" else settings.precision,
            dynamo_backend="inductor" if settings.compile else None,
        )
        if self.accelerator.num_processes > 1:
            raise TrainingError(
                f"{self.accelerator.num_processes} processes: a run is trained by one, on one device; start it without "
                "a launcher"
            )
        if settings.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA's matrix products need it
            torch.use_deterministic_algorithms(True)
        self.model = build(
            settings.architecture,
            categories=data.categories,
            image_size=settings.image_size,
            width=settings.width,
            steps=settings.steps,
            seed=settings.seed,
            pretrained=settings.pretrained and not run.checkpoint.is_file(),
        )
        if settings.pretrained:
            self.model.metadata["pretrained"] = True  # a checkpoint holds what became of them
        if settings.classifiers_only:
            freeze_all_but_classifiers(self.model)
        set_algorithm(self.model, "direct")  # validation too: what a seed settles must not depend on timing
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = settings.batch_norm_momentum
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self.unreadable = Unreadable(settings.max_bad)
        self.images = self._prepare(data.split("train"))
        self.val = self._prepare(data.split("val")) if "val" in data.splits else None
        test = data.best_test()
        self.test = None if test == "train" else self.val if test == "val" else self._prepare(data.split(test))
        self.batches = batches_an_epoch(len(self.images), settings.batch_size)
        optimizer = make_optimizer(self.model, settings.optimizer, settings.lr, settings.weight_decay)
        updates = self.batches * settings.epochs
        self.schedule = make_schedule(optimizer, settings.schedule, settings.lr, updates)
        self.average = ModelEmaV3(self.model, decay=settings.ema) if settings.ema else None
        self.network, self.optimizer = self.accelerator.prepare(self.model, optimizer)
        self.epoch, self.batch = 0, 0
        self.measures = Measures(self.model.num_steps, self.device)
        self.rows: list[dict[str, Any]] = []
        self.last_images: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def result(self) -> RecurrentModel:
        """The network that is validated and saved: the running average of the weights if there is one."""
        result: RecurrentModel = self.model if self.average is None else self.average.module
        return result

    def go_on(self) -> None:
        """Train from the last checkpoint, or from the start, to the end."""
        saved = self.run.load_checkpoint()
        if saved is not None:
            self._restore(saved)
        is_new = not self.run.settings.is_file()
        self.run.folder.mkdir(parents=True, exist_ok=True)
        write_settings(self.settings, self.run.settings)
        try:
            with self.run.logging() as log, interruption() as request:
                log.info("%s: %s", "resumed" if saved else "started", self.settings)
                log.info("torch %s on %s", torch.__version__, self.device)
                if saved is None:
                    self._checkpoint()
                self._train(request, log)
        except Exception:
            if is_new and self.epoch == self.batch == 0:
                self.run.discard()  # nothing was learnt, and the next try needs the folder
            raise

    def _train(self, request: Interruption, log: Logger) -> None:
        try:
            while self.epoch < self.settings.epochs:
                self._epoch(request, log)
            self._finish(request, log)
        except KeyboardInterrupt:
            log.info("interrupted in epoch %d after batch %d; --resume goes on", self.epoch + 1, self.batch)
            raise
        except TrainingError as error:
            log.error("%s", error)
            raise
        finally:
            if self.rows:
                save_figure(draw_curves(self.run.metrics), self.run.curves)

    def _epoch(self, request: Interruption, log: Logger) -> None:
        settings = self.settings
        if self.batch == 0:
            torch.manual_seed(number(settings.seed, self.epoch))
        loader = training_batches(
            self.images,
            settings.batch_size,
            seed=settings.seed,
            epoch=self.epoch,
            mirrored=settings.mirrored,
            first=self.batch,
        )
        started, seen = time.monotonic(), self.measures.images
        checkpointed = started
        losses: list[Tensor] = []
        self.network.train()
        if settings.classifiers_only:
            evaluate_all_but_classifiers(self.model)
        title = f"epoch {self.epoch + 1} of {settings.epochs}"
        with progress(title, self.batches, self.batch) as advance:
            for batch in loader:
                self.unreadable.see(batch.faults)
                if len(batch.labels):
                    losses.append(self._update(batch.images, batch.labels))
                self.batch += 1
                if self.batch % CHECK_EVERY == 0 or self.batch == self.batches:
                    self._check(losses)
                    losses.clear()
                advance(1)
                late = time.monotonic() - checkpointed > CHECKPOINT_SECONDS
                if request.asked or late:
                    self._check(losses)
                    self._checkpoint()
                    checkpointed = time.monotonic()
                if request.asked:
                    raise KeyboardInterrupt
        seconds = time.monotonic() - started
        row: dict[str, Any] = {"epoch": self.epoch + 1, "lr": self.schedule.get_last_lr()[0]}
        row |= self.measures.row("train")
        if self.val is not None:
            self._checkpoint()  # a long look at the validation images may be interrupted
            row |= self._measure(self.val, request).row("val")
        row |= {"seconds": round(seconds, 2), "images_per_second": round((self.measures.images - seen) / seconds, 1)}
        self.rows.append(row)
        self.run.write_metrics(self.rows)
        log.info("epoch %d: %s", row["epoch"], ", ".join(f"{name} {value:.5g}" for name, value in row.items()))
        self.epoch, self.batch = self.epoch + 1, 0
        self.measures = Measures(self.model.num_steps, self.device)
        self._checkpoint()

    def _update(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """One step of the optimiser; the loss stays on the device."""
        images = to_input(pixels.to(self.device, non_blocking=True))
        labels = labels.to(self.device, non_blocking=True)
        logits = self.network(images)
        self.last_images = images
        losses = losses_by_step(logits, labels, self.settings.label_smoothing)
        loss = losses.mean()
        self.accelerator.backward(loss)
        if self.settings.clip:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        if self.average is not None:
            self.average.update(self.model)
        self.measures.add(losses, logits, labels)
        return loss.detach()

    def _check(self, losses: list[Tensor]) -> None:
        """Stop at a loss that is not a number, before any checkpoint takes in what it did to the weights."""
        wrong = (~torch.isfinite(torch.stack(losses))).nonzero().flatten().tolist() if losses else []
        if wrong:
            number_in_epoch = self.batch - len(losses) + wrong[0] + 1
            self._diverged(
                f"the loss is {losses[wrong[0]].item()} at batch {number_in_epoch} of epoch {self.epoch + 1}"
            )

    def _check_network(self) -> None:
        """Stop if the last update, whose loss nobody has seen yet, spoilt the network."""
        network = self.result
        sound = all(tensor.isfinite().all() for tensor in network.state_dict().values() if tensor.is_floating_point())
        if sound and self.last_images is not None:
            with evaluating(network), torch.no_grad(), self.accelerator.autocast():
                sound = bool(network(self.last_images).isfinite().all())
        if not sound:
            self._diverged(f"the network's output is no number after batch {self.batch} of epoch {self.epoch + 1}")

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingError(
            f"{self.run.folder}: {what} ({self.run.checkpoint.name} is from before that): start anew with a lower --lr"
        )

    def _finish(self, request: Interruption, log: Logger) -> None:
        """Report on the test images once, and write the weights: they say that the run is finished."""
        settings = self.settings
        training = {name: value for name, value in asdict(settings).items() if name not in NOT_RECORDED} | {
            "data": self.data.name,
            "images": len(self.images),
        }
        metadata = {
            "preprocessing": {**PREPROCESSING, "image_size": settings.image_size},
            "training": training,
        }
        self._doubt_evaluation(request, log)
        if self.test is not None:
            split = self.data.best_test()
            measured = self._measure(self.test, request)
            accuracy = (measured.right / measured.images).tolist()
            metadata["metrics"] = {
                "accuracy": accuracy,
                "data": self.data.name,
                "data_sha256": fingerprint(self.data.split(split), stamps=False),
                "images": measured.images,
                "precision": settings.precision,
                "readout": "cumulative",
                "split": split,
            }
            log.info("accuracy on %s by step: %s", split, accuracy)
        save(self.result, self.run.weights, metadata)

    def _doubt_evaluation(self, request: Interruption, log: Logger) -> None:
        """Warn of a network that does worse in evaluation mode, on what it was trained on: nothing else shows why."""
        measured = self._measure(self._prepare(some_of(self.data.split("train"), SAMPLE)), request)
        evaluated = (measured.right / measured.images)[-1].item()
        trained = self.rows[-1][f"train_accuracy_{self.model.num_steps}"]
        if trained - evaluated > max(GAP, 1.5 / measured.images**0.5):  # three standard errors of a half
            norms = "batch norm's statistics" + (" or the average of --ema" if self.settings.ema else "")
            cause = f"{norms} may lag behind: train longer"
            if self.last_images is not None:
                for name, count in shared_batch_norms(self.result, self.last_images).items():
                    cause = f"{name}, a batch norm, mixes statistics of {count} time steps: take BatchNormByStep"
            message = (
                f"{self.run.folder}: of {measured.images} training images it gets {evaluated:.0%} right in evaluation, "
                f"and got {trained:.0%} in the last epoch of training; {cause}"
            )
            log.warning(message)
            warnings.warn(message, RcnnzooWarning, stacklevel=2)

    def _measure(self, images: Images, request: Interruption) -> Measures:
        network = self.result.eval()
        batches = readable(evaluation_batches(images, self.settings.batch_size), self.unreadable)
        with self.accelerator.autocast():
            return measure(network, request.stopping(batches), Measures(self.model.num_steps, self.device))

    def _prepare(self, split: Split) -> Images:
        workers = None if self.settings.workers < 0 else self.settings.workers
        return prepare(split, self.settings.image_size, self.unreadable, workers)

    def _checkpoint(self) -> None:
        self._check_network()
        scaler = self.accelerator.scaler
        self.run.save_checkpoint(
            {
                "model": self.model.state_dict(),
                "average": None if self.average is None else self.average.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
                "random": torch.get_rng_state(),
                "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
                "epoch": self.epoch,
                "batch": self.batch,
                "measures": self.measures.state(),
                "rows": self.rows,
                "images": self._images_hash(),
                "unreadable": sorted(self.unreadable.names),
            }
        )

    def _images_hash(self) -> str:
        """Which images are trained on: a run that goes on with others is another run."""
        return f"{fingerprint(self.data.split('train'), stamps=False)} {len(self.images)}"

    def _restore(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            TrainingError: It is of other images, or not a checkpoint of this version.
        """
        try:
            if saved["images"] != self._images_hash():
                raise TrainingError(
                    f"{self.run.folder}: can't be resumed, its training images are not those it was started with: "
                    "bring those back, or give another --out"
                )
            self._take(saved)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise TrainingError(f"{self.run.checkpoint}: {DAMAGED}") from error

    def _take(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        if self.average is not None:
            self.average.module.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(saved["scaler"])
        torch.set_rng_state(saved["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random_cuda"], self.device)
        self.epoch, self.batch = saved["epoch"], saved["batch"]
        self.measures.restore(saved["measures"])
        self.rows = list(saved["rows"])
        self.unreadable.names.update(saved["unreadable"])
        if self.rows:
            self.run.write_metrics(self.rows)
