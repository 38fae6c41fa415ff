"""The test and checks of a network at the end of training, and its weights, which mark the run as finished."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from logging import Logger
from typing import Any

from rcnnzoo.architectures.normalisation import shared_batch_norms
from rcnnzoo.data.images import evenly_spaced
from rcnnzoo.data.splits import fingerprint
from rcnnzoo.data.transforms import PREPROCESSING
from rcnnzoo.devices import device_name
from rcnnzoo.errors import RcnnzooWarning
from rcnnzoo.training.session import Session
from rcnnzoo.weights.files import save

SAMPLE, GAP = 500, 0.15
"""How many training images are evaluated after training, and how much lower their accuracy may be."""

NOT_RECORDED = ("data", "data_dir", "start_from", "workers", "max_bad", "checkpoint_minutes", "tracker")
"""Settings that are not on the network's card: they don't affect what was trained."""


def report(session: Session, log: Logger) -> None:
    """Measure accuracy on the test images once, and write the weights."""
    settings, images = session.settings, session.images
    recorded = {name: value for name, value in asdict(settings).items() if name not in NOT_RECORDED}
    recorded["micro_batch"] = session.state.micro_batch
    metadata: dict[str, Any] = {
        "preprocessing": {**PREPROCESSING, "image_size": settings.image_size},
        "training": recorded
        | {
            "data": images.data.name,
            "images": len(images.train),
            "data_sha256": fingerprint(images.data.split("train"), stamps=False),
            "computed_on": device_name(session.world.device),
        },
    }
    if session.state.started_from is not None:
        metadata["training"]["started_from"] = session.state.started_from
    _doubt_evaluation(session, log)
    if images.test is not None:
        measured = session.measure(images.test)
        accuracy = (measured.right / measured.images).tolist()
        metadata["metrics"] = {
            "accuracy": accuracy,
            "data": images.data.name,
            "data_sha256": fingerprint(images.data.split(images.test_split), stamps=False),
            "images": measured.images,
            "precision": settings.precision,
            "readout": "cumulative",
            "split": images.test_split,
        }
        log.info("accuracy on %s by step: %s", images.test_split, accuracy)
    if session.world.is_first:
        save(session.state.result, session.run.weights, metadata)


def _doubt_evaluation(session: Session, log: Logger) -> None:
    """Warn if a network does worse in evaluation mode on its own training images: nothing else shows why."""
    state, images = session.state, session.images
    measured = session.measure(images.prepare(evenly_spaced(images.data.split("train"), SAMPLE)))
    evaluated = (measured.right / measured.images)[-1].item()
    trained = state.rows[-1][f"train_accuracy_{state.model.num_steps}"]
    if trained - evaluated > max(GAP, 1.5 / measured.images**0.5):  # three standard errors of a half
        norms = "batch norm's statistics" + (" or the average of `ema`" if session.settings.ema else "")
        cause = f"{norms} may lag behind: train longer"
        if state.last_images is not None:
            for name, count in shared_batch_norms(state.result, state.last_images).items():
                cause = f"{name}, a batch norm, mixes statistics of {count} time steps: take BatchNormByStep"
        message = (
            f"{session.run.folder}: of {measured.images} training images it gets {evaluated:.0%} right in evaluation, "
            f"and got {trained:.0%} in the last epoch of training; {cause}"
        )
        log.warning(message)
        warnings.warn(message, RcnnzooWarning, stacklevel=2)
