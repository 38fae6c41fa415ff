"""Batches: what is in them, in which order, and what happens to files that can't be read."""

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch

from rcnnzoo.data import batches
from rcnnzoo.data.batches import evaluation_batches, readable, training_batches
from rcnnzoo.data.images import HeldImages, StreamedImages, native_size, prepare
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.splits import fingerprint
from rcnnzoo.data.unreadable import DataWarning, Unreadable
from rcnnzoo.errors import DataError
from tests.data.lookalikes import make_classes, save_image


@pytest.fixture(params=["held", "streamed"])
def split(request, tmp_path):
    """Ten images of each of two categories, small ones or large ones."""
    size = (20, 20) if request.param == "held" else (90, 70)
    return open_data(str(make_classes(tmp_path / "pets", each=10, size=size))).split("all")


def ready(split, size=16, most=10, workers=0):
    return prepare(split, size, Unreadable(most), workers)


def joined(loader):
    batches = list(loader)
    return torch.cat([b.images for b in batches]), torch.cat([b.positions for b in batches])


def training_of(split, workers=0, epoch=0, first=0, seed=0):
    images = ready(split, workers=workers)
    return training_batches(images, 4, seed=seed, epoch=epoch, mirrored=True, first=first)


def test_evaluation_gives_every_image_once_in_order(split):
    images, positions = joined(evaluation_batches(ready(split), 6))
    assert positions.tolist() == list(range(20))
    assert images.shape == (20, 3, 16, 16)
    part, positions = joined(evaluation_batches(ready(split), 6, [(5, 9), (9, 13)]))
    assert positions.tolist() == list(range(5, 13))
    assert torch.equal(part, images[5:13])


def test_labels_go_with_their_images(split):
    for batch in training_of(split):
        assert batch.labels.tolist() == split.labels[batch.positions.numpy()].tolist()


def test_training_gives_every_image_once_an_epoch_in_another_order(split):
    orders = [joined(training_of(split, epoch=epoch))[1].tolist() for epoch in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]


def test_an_epoch_depends_on_the_seed_alone(split):
    images, positions = joined(training_of(split))
    again, same = joined(training_of(split, workers=2))
    assert torch.equal(positions, same)
    assert torch.equal(images, again)
    other, _ = joined(training_of(split, seed=1))
    assert not torch.equal(images, other)


def test_an_epoch_that_is_resumed_is_the_same(split):
    images, positions = joined(training_of(split))
    rest, places = joined(training_of(split, first=2))
    assert torch.equal(places, positions[8:])
    assert torch.equal(rest, images[8:])


def spoil(split, *names):
    for name in names:
        file = split.read.folder / name
        file.write_bytes(file.read_bytes()[:200] if name.endswith("3.jpg") else b"no picture at all")


def test_unreadable_images_are_named_and_skipped(split):
    spoil(split, "cat/3.jpg", "dog/0.jpg")
    with pytest.warns(DataWarning) as caught:
        unreadable = Unreadable(2)
        images = prepare(split, 16, unreadable, 0)
        seen = torch.cat([b.positions for b in readable(evaluation_batches(images, 6), unreadable)])
    assert [str(w.message).split("pets/")[1].split(":")[0] for w in caught] == ["cat/3.jpg", "dog/0.jpg"]
    assert sorted(set(range(20)) - set(seen.tolist())) == [3, 10]


def test_one_more_than_allowed_is_an_error(split):
    spoil(split, "cat/3.jpg", "dog/0.jpg")
    unreadable = Unreadable(1)
    with pytest.warns(DataWarning), pytest.raises(DataError, match=r"dog/0.jpg: unreadable .* 1 others.*`max_bad`"):
        images = prepare(split, 16, unreadable, 0)
        list(readable(evaluation_batches(images, 6), unreadable))


def test_none_readable_is_an_error(split):
    spoil(split, *split.files)
    with pytest.raises(
        DataError, match=r"none can be read \(not an image, or in a format that can't be read\); are they images"
    ):
        ready(split)


def test_a_file_counts_once_however_often_it_is_met():
    unreadable = Unreadable(1)
    with pytest.warns(DataWarning):
        unreadable.see([("a.jpg", "cut short")])
    unreadable.see([("a.jpg", "cut short")])


def test_small_images_are_held_and_large_ones_streamed(tmp_path):
    small = open_data(str(make_classes(tmp_path / "small", size=(32, 40)))).split("all")
    large = open_data(str(make_classes(tmp_path / "large", size=(128, 100)))).split("all")
    assert isinstance(ready(small, 32), HeldImages)
    assert isinstance(ready(small, 128), StreamedImages)
    assert isinstance(ready(large, 32), StreamedImages)


def test_a_fingerprint_changes_with_the_images(split):
    before = fingerprint(split)
    assert fingerprint(split) == before
    file = split.read.folder / split.files[4]
    file.write_bytes(file.read_bytes() + b" ")
    assert fingerprint(split) != before


def test_torchs_generator_is_left_alone(split):
    before = torch.get_rng_state()
    joined(training_of(split))
    assert torch.equal(torch.get_rng_state(), before)


def test_held_images_do_not_depend_on_which_others_are_readable(tmp_path):
    split = open_data(str(make_classes(tmp_path, each=4, size=(20, 20)))).split("all")
    everything, _ = joined(evaluation_batches(ready(split), 8))
    spoil(split, "cat/2.jpg")
    with pytest.warns(DataWarning):
        rest = ready(split)
    images, positions = joined(evaluation_batches(rest, 8))
    np.testing.assert_array_equal(positions, [0, 1, 3, 4, 5, 6, 7])
    assert torch.equal(images, everything[positions])


def test_equal_names_in_two_splits_are_two_files(tmp_path):
    """train/cat/3.jpg and val/cat/3.jpg are the usual layout."""
    for name in ("train", "val"):
        make_classes(tmp_path / name, size=(20, 20))
        (tmp_path / name / "cat" / "3.jpg").write_bytes(b"no picture")
    data = open_data(str(tmp_path))
    unreadable = Unreadable(1)
    with pytest.warns(DataWarning, match="train/cat/3.jpg"):
        prepare(data.split("train"), 16, unreadable)
    with pytest.raises(DataError, match=r"val/cat/3.jpg: unreadable"):
        prepare(data.split("val"), 16, unreadable)


def test_one_small_image_does_not_make_a_data_set_small(tmp_path):
    make_classes(tmp_path, size=(128, 100))
    save_image(tmp_path / "cat" / "0.jpg", 0, size=(20, 20))
    assert native_size(open_data(str(tmp_path)).split("all")) == 100


def test_workers_send_batches_in_shared_memory_only_where_there_is_plenty(split, monkeypatch):
    """A container's /dev/shm may hold 64 MB; then no part of a batch is in it."""
    (batch, *_) = training_of(split)
    monkeypatch.setattr(batches, "_shared_memory_left", lambda: batches.ROOM * batch.images.nbytes)
    again = pickle.loads(pickle.dumps(batch))
    assert torch.equal(again.images, batch.images)
    assert again.images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(again.labels, batch.labels)
    assert torch.equal(again.positions, batch.positions)
    sent = ForkingPickler.dumps(batch)
    assert len(sent) > batch.images.numel()  # the pixels themselves, not a handle
    monkeypatch.setattr(batches, "_shared_memory_left", lambda: batches.ROOM * batch.images.nbytes + 1)
    assert len(ForkingPickler.dumps(batch)) < batch.images.numel()


def kill(position):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_one_line(tmp_path):
    split = open_data(str(make_classes(tmp_path / "pets", size=(90, 70)))).split("all")
    images = prepare(split, 64, Unreadable(0), 1)
    killed = StreamedImages(replace(split, read=kill), 64, 1)
    assert images.workers == 1
    with pytest.raises(DataError, match=r"a process that decodes images was killed, .* take fewer `workers`"):
        list(evaluation_batches(killed, 4))


def test_workers_live_through_epochs(tmp_path, monkeypatch):
    """Also past an epoch that was left in its middle, whose batches must not turn up in the next one."""
    split = open_data(str(make_classes(tmp_path / "pets", each=10, size=(90, 70)))).split("all")
    images = ready(split, workers=2)

    def epoch(number, of):
        return training_batches(of, 4, seed=1, epoch=number, mirrored=True)

    def alive():
        return {child.pid for child in multiprocessing.active_children()}

    before = alive()
    first = list(epoch(0, images))
    workers = alive() - before
    assert len(workers) == 2
    left = iter(epoch(1, images))
    next(left)
    left.close()
    third = list(epoch(2, images))
    assert alive() - before == workers
    alone = ready(split, workers=0)
    for number, found in ((0, first), (2, third)):
        for one, other in zip(found, epoch(number, alone), strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.positions, other.positions)
    del images, left
    gc.collect()
    assert alive() == before


LEFT = """
import sys
from rcnnzoo.data.batches import training_batches
from rcnnzoo.data.images import StreamedImages
from rcnnzoo.data.opening import open_data

images = StreamedImages(open_data(sys.argv[1]).split("all"), 16, 2)
batches = iter(training_batches(images, 2, seed=1, epoch=0, mirrored=True))
next(batches)
if sys.argv[2] == "closed":
    batches.close()
"""


@pytest.mark.parametrize("how", ["closed", "open"])
def test_a_program_ends_though_an_epoch_was_left_in_its_middle(tmp_path, how):
    make_classes(tmp_path / "pets", each=10, size=(90, 70))
    subprocess.run([sys.executable, "-c", LEFT, str(tmp_path / "pets"), how], check=True, timeout=60)
