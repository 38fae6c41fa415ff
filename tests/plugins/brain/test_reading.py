"""Reading dissimilarities of brains: every layout, and one line about whatever is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rsatoolbox.rdm import RDMs
from scipy.spatial.distance import squareform

from rcnnzoo.plugin import DataError
from rcnnzoo_brain.controls import category_models, gabor_energies
from rcnnzoo_brain.reading import Brain, check_images, read_brain

IMAGES = 6
PAIRS = 15
OBJECTS = Path(__file__).parents[4] / "shared" / "data" / "objects92"


def pairs(*shape, seed=0):
    return np.random.default_rng(seed).random((*shape, PAIRS))


def matrices(values):
    return np.apply_along_axis(squareform, -1, values)


def test_npz_with_subjects_sessions_or_times(tmp_path):
    values = pairs(3)
    np.savez(tmp_path / "a.npz", rdm=matrices(values))
    brain = read_brain(tmp_path / "a.npz")
    assert np.allclose(brain.dissimilarities[:, 0], values)
    assert (brain.number, brain.images, brain.times, brain.subjects) == (6, None, None, ("1", "2", "3"))
    values = pairs(3, 2)
    np.savez(tmp_path / "b.npz", rdm=matrices(values), image=list("abcdef"))
    brain = read_brain(tmp_path / "b.npz")
    assert np.allclose(brain.dissimilarities[:, 0], values.mean(axis=1))
    assert brain.images == tuple("abcdef")
    np.savez(tmp_path / "c.npz", rdm=matrices(values), time=[50, 100])
    brain = read_brain(tmp_path / "c.npz")
    assert np.allclose(brain.dissimilarities, values)
    assert brain.times == (50, 100)


def test_netcdf_with_named_pairs_and_times(tmp_path):
    names = np.array(list("abcdef"))
    first, second = np.triu_indices(IMAGES, 1)
    values = pairs(2, 4)
    array = xr.DataArray(
        values.swapaxes(0, 1),
        {"time": [1, 2, 3, 4], "first": ("pair", names[first]), "second": ("pair", names[second])},
        ("time", "subject", "pair"),
        "rdm",
    )
    array.to_netcdf(tmp_path / "a.nc", engine="scipy")
    brain = read_brain(tmp_path / "a.nc")
    assert np.allclose(brain.dissimilarities, values)
    assert (brain.images, brain.times) == (tuple("abcdef"), (1, 2, 3, 4))


def test_rsatoolbox_reads_and_writes_the_same(tmp_path):
    values = pairs(2)
    rdms = RDMs(values, rdm_descriptors={"subject": ["x", "y"]}, pattern_descriptors={"conds": list("abcdef")})
    rdms.save(str(tmp_path / "a.hdf5"), file_type="hdf5")
    brain = read_brain(tmp_path / "a.hdf5")
    assert np.allclose(brain.dissimilarities[:, 0], values)
    assert (brain.subjects, brain.images) == (("x", "y"), tuple("abcdef"))


@pytest.mark.skipif(not OBJECTS.is_dir(), reason="the 92 objects lie beside the repository only")
def test_the_animacy_of_objects_explains_it_as_their_description_says():
    """0.41 and 0.25, as the description of the data has it."""
    from rcnnzoo_brain.analysis import correlate

    brain = read_brain(OBJECTS / "fmri_rdms.npz")
    images = [f"{number:02}.png" for number in range(1, 93)]
    animate = category_models(OBJECTS / "stimuli.csv", images)["animate"]
    found = correlate(animate[None, None], brain.dissimilarities).ravel()
    assert found.tolist() == pytest.approx([0.41, 0.25], abs=0.005)
    assert read_brain(OBJECTS / "behaviour_rdms.npz").sessions.shape == (8, 1, 1, 4186)


def spoil(change):
    found = matrices(pairs(2))
    change(found)
    return found


@pytest.mark.parametrize(
    ("rdm", "words"),
    [
        (spoil(lambda rdm: rdm.__setitem__((1, 2, 3), 9)), "rdm of subject 2 is not symmetric, at images 3 and 4"),
        (spoil(lambda rdm: rdm.__setitem__((0, 2, 3), np.nan)), "not finite, of subject 1, images 3 and 4"),
        (spoil(lambda rdm: rdm.__setitem__((0, 2, 2), 1)), "the diagonal of rdm is not zero"),
        (matrices(pairs(2))[:, :3, :3], "has 3 images; dissimilarities are compared over at least 4"),
        (np.zeros((2, 6, 6)), "all dissimilarities of subject 1 are the same"),
        (np.zeros((6, 6)), r"rdm is \[6, 6\]; give \[subject, image, image\]"),
        (np.zeros((2, 6, 5)), r"rdm is \[2, 6, 5\]"),
    ],
)
def test_what_can_not_be_dissimilarities_is_refused(rdm, words, tmp_path):
    np.savez(tmp_path / "a.npz", rdm=rdm)
    with pytest.raises(DataError, match=words):
        read_brain(tmp_path / "a.npz")


def test_files_that_can_not_be_read_are_refused(tmp_path):
    for name, content in (("a.pkl", b"x"), ("a.npz", b"x"), ("a.nc", b"x"), ("a.hdf5", b"x"), ("none.npz", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: "):
            read_brain(tmp_path / name)


class Runs:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_nothing_in_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", rdm=np.array([Runs()], dtype=object))
    with pytest.raises(DataError, match=r"a\.npz: can't be read"):
        read_brain(Path("a.npz"))
    assert not Path("ran").exists()


def test_images_must_be_the_same_in_the_same_order():
    brain = Brain("brain.npz", ("1",), pairs(1, 1, 1), tuple("abcdef"))
    check_images(brain, [f"folder/{name}.png" for name in "abcdef"], "x.zarr")
    with pytest.raises(DataError, match=r"has its images in another order than x\.zarr: image 1 is a, not b"):
        check_images(brain, list("bacdef"), "x.zarr")
    with pytest.raises(DataError, match=r"1 of the images of x\.zarr are missing in it, for example g"):
        check_images(brain, list("abcdefg"), "x.zarr")
    with pytest.raises(DataError, match=r"1 of the images of brain\.npz are missing in it, for example f"):
        check_images(brain, list("abcde"), "x.zarr")
    unnamed = Brain("brain.npz", ("1",), pairs(1, 1, 1), None)
    with pytest.raises(DataError, match=r"x\.zarr: is of 5 images, and brain\.npz of 6"):
        check_images(unnamed, list("abcde"), "x.zarr")


def test_category_models(tmp_path):
    (tmp_path / "kinds.csv").write_text("image,animate,name\na.png,1,x\nb.png,1,y\nc.png,0,z\nd.png,0,w\n")
    models = category_models(tmp_path / "kinds.csv", ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert models["animate"].tolist() == [0, 1, 1, 1, 1, 0]
    assert list(models) == ["animate"]  # each image has a name of its own, which says nothing
    with pytest.raises(DataError, match="1 of 1 images are missing in it, for example e"):
        category_models(tmp_path / "kinds.csv", ["e.png"])
    with pytest.raises(DataError, match="animate is 1 for all images"):
        category_models(tmp_path / "kinds.csv", ["a.png", "b.png"])


def test_gabor_energy_is_largest_at_the_grating_s_own_wavelength_and_orientation():
    x = np.arange(128)
    grating = np.sin(2 * np.pi * x / 16)[None, :] * np.ones((128, 1))
    energies = gabor_energies(grating).reshape(4, 8, 16).mean(axis=2)
    assert np.unravel_index(energies.argmax(), energies.shape) == (2, 0)
    energies = gabor_energies(grating.T).reshape(4, 8, 16).mean(axis=2)
    assert np.unravel_index(energies.argmax(), energies.shape) == (2, 4)
