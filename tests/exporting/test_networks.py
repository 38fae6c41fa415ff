"""Exported networks give what the network gives, in the tools that run them."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import ExportError, NetworkError, OptionError, UnknownName
from rcnnzoo.exporting import networks
from rcnnzoo.exporting.networks import export_network

runtime = pytest.importorskip("onnxruntime")
IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(7)) * 2 - 1


def small(name, **options):
    options = {"categories": 4, "image_size": 16, "width": 1 / 16, "steps": 3, **options}
    torch.manual_seed(0)
    network = rcnnzoo.build(name, **options).eval()
    torch.nn.init.normal_(network.get_parameter("classifier.0.weight"))  # surer of some images than of others
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as if it had been trained
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.get_buffer("running_mean"), std=0.1)
    return network


@pytest.fixture(scope="module")
def bl():
    return small("bl")


@pytest.fixture(scope="module")
def steps(bl, tmp_path_factory):
    """The steps of `bl` as files."""
    out = tmp_path_factory.mktemp("exported") / "bl"
    return out, export_network(bl, "onnx-steps", out)


def run(file, **given):
    return runtime.InferenceSession(str(file)).run(None, given)


@torch.inference_mode()
def test_all_steps_at_once_for_any_number_of_images(bl, tmp_path):
    exported = export_network(bl, "onnx", tmp_path / "bl.onnx")
    assert exported.files == [tmp_path / "bl.onnx"]
    assert exported.opset == networks.OPSET
    session = runtime.InferenceSession(str(tmp_path / "bl.onnx"))
    assert [value.name for value in (*session.get_inputs(), *session.get_outputs())] == ["images", "logits"]
    for rows in (1, 5):
        (found,) = session.run(None, {"images": IMAGES[:rows].numpy()})
        np.testing.assert_allclose(found, bl(IMAGES[:rows]), rtol=1e-4, atol=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["architecture"]) == "bl"
    assert json.loads(about["categories"]) == list(bl.card.categories)
    assert exported.difference < 1e-4


@torch.inference_mode()
def test_rows_may_be_at_steps_of_their_own(bl, steps):
    out, exported = steps
    assert {file.name for file in exported.files} == {"begin.onnx", "step1.onnx", "later.onnx", "steps.json"}
    about = json.loads((out / "steps.json").read_text())
    assert (about["steps"], about["begin"]) == (3, "begin.onnx")
    assert about["step"] == {"1": "step1.onnx", "2": "later.onnx", "3": "later.onnx"}
    expected = bl(IMAGES).numpy()
    drive = run(out / "begin.onnx", images=IMAGES.numpy())
    logits, *state = run(out / "step1.onnx", state0=drive[0])
    np.testing.assert_allclose(logits, expected[:, 0], rtol=1e-4, atol=1e-4)
    logits, *state = run(out / "later.onnx", t=np.full(5, 1), **{f"state{n}": one for n, one in enumerate(state)})
    np.testing.assert_allclose(logits, expected[:, 1], rtol=1e-4, atol=1e-4)
    # Two rows go on to the third step, beside three that begin again and come to the second.
    _, *first = run(out / "step1.onnx", state0=drive[0][2:])
    mixed = [np.concatenate([one[:2], other]) for one, other in zip(state, first, strict=True)]
    told = np.array([2, 2, 1, 1, 1])
    logits, *_ = run(out / "later.onnx", t=told, **{f"state{n}": one for n, one in enumerate(mixed)})
    np.testing.assert_allclose(logits, np.concatenate([expected[:2, 2], expected[2:, 1]]), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_where_weights_differ_by_step_each_has_a_file(tmp_path):
    network = small("b-u", steps=2)
    export_network(network, "onnx-steps", tmp_path / "b-u")
    about = json.loads((tmp_path / "b-u" / "steps.json").read_text())
    state = run(tmp_path / "b-u" / about["begin"], images=IMAGES.numpy())
    for t in range(2):
        given = {f"state{number}": one for number, one in enumerate(state)}
        logits, *state = run(tmp_path / "b-u" / about["step"][str(t + 1)], **given)
        np.testing.assert_allclose(logits, network(IMAGES)[:, t], rtol=1e-4, atol=1e-4)


def test_the_example_of_the_page_stops_when_it_is_sure(bl, steps, tmp_path):
    """With onnxruntime and numpy alone; its reaction times are those of `decide`."""
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    np.save(tmp_path / "images.npy", IMAGES.numpy())
    (tmp_path / "bl").symlink_to(steps[0])
    first = torch.distributions.Categorical(logits=bl(IMAGES).detach()[:, 0])
    middling = float(first.entropy().median())
    decided = rcnnzoo.decide(bl, IMAGES, "entropy", middling)
    assert len(decided.reaction_time.unique()) > 1
    check = "import sys; assert not {'torch', 'rcnnzoo'} & set(sys.modules)\nprint(*category, *reaction_time)"
    assert "threshold = 0.5 " in code
    code = code.replace("threshold = 0.5 ", f"threshold = {middling} ") + check
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    numbers = [int(number) for number in done.stdout.split()]
    assert numbers == [*decided.category.tolist(), *decided.reaction_time.tolist()]


@torch.inference_mode()
def test_torch_s_own_program(bl, tmp_path):
    export_network(bl, "torch", tmp_path / "new" / "bl.pt2")
    program = torch.export.load(tmp_path / "new" / "bl.pt2").module()
    torch.testing.assert_close(program(IMAGES), bl(IMAGES), rtol=1e-4, atol=1e-4)


class Wilful(RecurrentModel):
    """Looks at values, which exporters can't follow."""

    def __init__(self):
        super().__init__()
        self.num_steps = 1
        self.classifier = torch.nn.Linear(3, 4)

    def begin(self, images):
        return (images.mean(dim=(-2, -1)),)

    def step(self, state, t):
        return state, self.classifier(state[0]) if state[0].sum().item() > 0 else self.classifier(-state[0])

    def features(self, state):
        return state[0]


def test_what_can_t_be_exported_is_refused_and_nothing_is_written(bl, tmp_path, monkeypatch):
    wilful = Wilful()
    wilful.card = bl.card
    there = tmp_path / "there"
    there.mkdir()

    def refused(form, name, error, words, network=bl):
        with pytest.raises(error, match=words):
            export_network(network, form, tmp_path / name)
        assert [file.name for file in tmp_path.iterdir()] == ["there"]

    refused("onyx", "a.onnx", UnknownName, "unknown format 'onyx': did you mean 'onnx'")
    refused("onnx", "a.pt2", OptionError, r"the file's name must end in \.onnx")
    refused("torch", "a.onnx", OptionError, r"the file's name must end in \.pt2")
    refused("onnx-steps", "there", FileExistsError, "is there already: name a new folder")
    folder = tmp_path / "there" / "a.onnx"
    folder.mkdir()
    refused("onnx", "there/a.onnx", OptionError, "is a folder: name a file")
    refused("onnx", "a.onnx", OptionError, "torch can't export bl", network=wilful)
    refused("torch", "a.pt2", OptionError, "torch can't export bl", network=wilful)
    with monkeypatch.context() as patched:
        patched.setattr(networks, "CLOSE", -1.0)
        refused("torch", "a.pt2", ExportError, "the exported file's logits differ from the network's by")
    with monkeypatch.context() as patched:
        patched.setattr(networks, "LARGEST", 1000)
        refused("onnx", "a.onnx", OptionError, "bl has 0.0 GB of weights: take torch")
    sick = small("bl")
    sick.get_parameter("classifier.0.weight").data.fill_(float("nan"))
    refused("torch", "a.pt2", NetworkError, "not finite", network=sick)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "onnxruntime", None)
        refused("onnx", "a.onnx", OptionError, r"pip install 'rcnnzoo\[export\]'")
    assert logging.root.manager.disable == 0
