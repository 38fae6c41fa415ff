"""What a training takes, against what it takes."""

import pytest
import torch

from rcnnzoo.errors import TrainingError
from rcnnzoo.training import planning
from rcnnzoo.training.images import prepare_images
from rcnnzoo.training.planning import Measured, Need, images_decoded, measure_need
from rcnnzoo.training.settling import settle
from tests.training.runs import TINY, run


def test_memory_between_and_beyond_what_was_measured_is_on_a_line():
    points = [Measured(2, 100, 1, 1), Measured(4, 140, 1, 1), Measured(8, 200, 1, 1)]
    need = Need(points, points[:1], 0)
    assert need.memory(4) == 140
    assert need.memory(12) == 260
    assert need.memory(16) == 320
    assert need.memory(16, recomputed=True) == 100


def test_updates_are_those_of_training(tmp_path, monkeypatch):
    settings, data = settle({**TINY, "batch_size": 12})
    sizes = []
    update = planning.update

    def counted(state, settings, batch, total):
        sizes.append(len(batch.labels))
        return update(state, settings, batch, total)

    monkeypatch.setattr(planning, "update", counted)
    monkeypatch.setattr(planning.Trial, "_alone", planning.Trial.point)
    need = measure_need(settings, data)
    assert [point.images for point in need.measured] == [2, 4, 12]
    assert sizes == [size for _ in range(2) for size in (2, 4, 12) for _ in range(1 + planning.UPDATES)]
    assert all(point.seconds > 0 and point.validation > 0 for point in need.measured)
    run(tmp_path / "run", batch_size=12, epochs=1)
    written = (tmp_path / "run" / "checkpoint.pt").stat().st_size
    assert need.checkpoint_bytes == pytest.approx(written, rel=0.2)  # tensors, without their names


def test_the_memory_of_a_batch_is_that_of_a_process_of_its_own(monkeypatch):
    """The maps of the first layer, before and after normalisation, and all weights thrice are the least it can be."""
    settings, data = settle({**TINY, "image_size": 64, "width": 1 / 4, "batch_size": 16})
    monkeypatch.setattr(planning, "LARGE", 0)
    trial = planning.Trial(settings, data)
    maps = 2 * settings.steps * 16 * 24 * 64 * 64 * 4
    weights = 3 * sum(parameter.nbytes for parameter in trial.state.model.parameters())
    (*_, last) = trial.points()
    assert last.images == 16
    assert maps + weights < last.bytes < 5 * (maps + weights)


def test_it_ends_with_the_batch_that_takes_long_or_does_not_fit(monkeypatch):
    settings, data = settle(TINY)
    monkeypatch.setattr(planning.Trial, "_alone", planning.Trial.point)
    monkeypatch.setattr(planning, "LONGEST", 0.0)
    assert [point.images for point in measure_need(settings, data).measured] == [2, 4]  # a line needs two
    monkeypatch.setattr(planning, "LONGEST", 1000.0)
    update, most = planning.update, [settings.batch_size // 4]

    def limited(state, settings, batch, total):
        if len(batch.labels) > most[0]:
            raise torch.OutOfMemoryError("out of memory")
        return update(state, settings, batch, total)

    monkeypatch.setattr(planning, "update", limited)
    assert [point.images for point in measure_need(settings, data).measured] == [2, 4, settings.batch_size // 4]
    most[0] = 1
    with pytest.raises(TrainingError, match="memory runs out with two images"):
        measure_need(settings, data)


@pytest.mark.parametrize("batch_size", [100, 1347])
def test_images_a_second_are_those_of_the_data_path(batch_size, monkeypatch):
    monkeypatch.setattr(planning, "DECODING", 0.05)
    settings, data = settle({**TINY, "batch_size": 100})
    assert images_decoded(prepare_images(settings, data), settings) > 100
