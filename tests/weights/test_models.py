"""What users type for MODEL."""

import pytest

import rcnnzoo
from rcnnzoo.errors import OptionError, UnknownName, WeightsError
from rcnnzoo.weights.models import open_model


@pytest.fixture
def run(tmp_path):
    rcnnzoo.save(rcnnzoo.build("bl", categories=3, image_size=8, width=1 / 16, steps=2), tmp_path / "model.safetensors")
    return tmp_path


def test_a_run_a_file_and_a_name(run):
    assert open_model(str(run)).num_steps == 2
    assert open_model(str(run / "model.safetensors")).num_steps == 2
    assert open_model("bl", width=1 / 16, steps=3).num_steps == 3


def test_a_trained_network_has_its_own_options(run):
    with pytest.raises(OptionError, match="is trained and settles --width, --image-size"):
        open_model(str(run), width=0.5, image_size=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{run}/nowhere", "there is no such run folder or .safetensors file"),
        ("{run}/notes.txt", "no weights that rcnnzoo reads"),
        ("{run}/empty", "no run folder, it has no model.safetensors"),
        ("{run}/none.safetensors", "can't be read"),
    ],
)
def test_what_is_no_network_is_refused(run, text, message):
    (run / "notes.txt").write_text("notes")
    (run / "empty").mkdir()
    with pytest.raises(WeightsError, match=message):
        open_model(text.format(run=run))


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown architecture 'bd': did you mean 'b-d'"):
        open_model("bd")
