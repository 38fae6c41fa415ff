"""A plugin in which every member but the first of each kind breaks the contract in one way."""

import sys
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from rcnnzoo.architectures.build import build as build_network
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.normalisation import BatchNormByStep
from rcnnzoo.data.splits import Split
from rcnnzoo.errors import DataError, OptionError, WeightsError
from rcnnzoo.hookspecs import Architecture, Command, DataSet, Format, Policy, Readout, Recipe, hookimpl


class Healthy(RecurrentModel):
    """A recurrent convolution."""

    maps = 4  # of a narrow one

    def __init__(self, categories, steps):
        super().__init__()
        self.num_steps = steps
        self.drive = nn.Conv2d(3, self.maps, 3, padding="same")
        self.lateral = nn.Conv2d(self.maps, self.maps, 3, padding="same")
        self.classifier: nn.Module = nn.Linear(self.maps, categories)

    def begin(self, images):
        drive = self.drive(images)
        return drive, torch.zeros_like(drive)

    def step(self, state, t):
        drive, before = state
        state = drive, (drive + self.lateral(before)).relu()
        return state, self.classifier(self.features(state))

    def features(self, state):
        return state[1].mean(dim=(-2, -1))


class Large(Healthy):
    """Takes only images of 64 pixels or more, which is not a fault."""

    def begin(self, images):
        if images.shape[-1] < 64:
            raise OptionError("--image-size: take at least 64")
        return super().begin(images)


class Stepless(RecurrentModel):
    def __init__(self, categories, steps):
        super().__init__()
        self.num_steps = steps
        self.classifier = nn.Linear(3, categories)

    def begin(self, images):
        return (images,)

    def features(self, state):
        return state[0].mean(dim=(-2, -1))


class Timeless(Healthy):
    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        del self.num_steps


class Stubborn(Healthy):
    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.num_steps = 2


class Crashing(Healthy):
    def begin(self, images):
        return images.no_such_method()


class Fickle(Healthy):
    """Fails for different reasons at different sizes."""

    def begin(self, images):
        raise ValueError("too small" if images.shape[-1] < 64 else "too large")


class Feeling(Healthy):
    """Statistics over the batch."""

    def begin(self, images):
        return super().begin(images - images.mean(dim=0, keepdim=True))


class Training(Healthy):
    """Batch norm in training mode, whatever the mode."""

    def begin(self, images):
        drive, silence = super().begin(images)
        return nn.functional.batch_norm(drive, None, None, training=True), silence


class Sideways(Healthy):
    """Its state has the batch second."""

    def begin(self, images):
        return tuple(part.transpose(0, 1) for part in super().begin(images))

    def step(self, state, t):
        state, logits = super().step(tuple(part.transpose(0, 1) for part in state), t)
        return tuple(part.transpose(0, 1) for part in state), logits

    def features(self, state):
        return super().features(tuple(part.transpose(0, 1) if part.shape[0] == 4 else part for part in state))


class Keyed(Healthy):
    def begin(self, images):
        drive, before = super().begin(images)
        return {"drive": drive, "before": before}

    def step(self, state, t):
        state, logits = super().step(tuple(state.values()), t)
        return {"drive": state[0], "before": state[1]}, logits


class Counting(Healthy):
    def begin(self, images):
        return (*super().begin(images), 0)

    def step(self, state, t):
        following, logits = super().step(state[:2], t)
        return (*following, state[2] + 1), logits


class Forward(Healthy):
    def forward(self, images):
        return super().forward(images) * 2


class Growing(Healthy):
    def step(self, state, t):
        following, logits = super().step(state[:2], t)
        return (*following, *state[1:]), logits


class InPlace(Healthy):
    def step(self, state, t):
        drive, before = state
        before.add_(drive).add_(self.lateral(before)).relu_()
        return state, self.classifier(self.features(state))


class PerStep(Healthy):
    """Separate modules for each step, looked up by number."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.laterals = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(steps))

    def step(self, state, t):
        state, _ = super().step(state, t)
        state = state[0], self.laterals[t](state[1])
        return state, self.classifier(self.features(state))


class Mixless(PerStep):
    """Says so."""

    rows_mix_steps = False


class Lying(Healthy):
    def features(self, state):
        return state[0].mean(dim=(-2, -1))

    def step(self, state, t):
        state, _ = super().step(state, t)
        return state, self.classifier(super().features(state))


class Convolved(Healthy):
    """Its classifier is not an nn.Linear."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.classifier = nn.Conv2d(4, categories, 1)

    def step(self, state, t):
        drive, before = state
        state = drive, (drive + self.lateral(before)).relu()
        return state, self.classifier(state[1]).mean(dim=(-2, -1))


class Dropping(Healthy):
    def begin(self, images):
        return super().begin(nn.functional.dropout(images))


class Unseeded(Healthy):
    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        fresh = torch.Generator()
        fresh.seed()
        nn.init.normal_(self.lateral.weight, generator=fresh)


class Meddling(Healthy):
    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        np.random.seed(0)


class Forgetful(Healthy):
    """A plain tensor, which is not saved."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.scale = torch.rand(4, 1, 1)

    def begin(self, images):
        drive, silence = super().begin(images)
        return drive * self.scale, silence


class Idle(Healthy):
    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.spare = nn.Linear(4, 4)


class Looking(Healthy):
    def step(self, state, t):
        if state[0].detach().sum().item() == 0:
            raise ValueError("dark")
        return super().step(state, t)


class Viewing(Healthy):
    """Relies on the memory layout of its tensors."""

    def features(self, state):
        return state[1].view(len(state[1]), -1)[:, :4]


class Narrow(Healthy):
    """Has no more maps when it is wide."""


class Answering(Healthy):
    """Gives probabilities for logits."""

    def step(self, state, t):
        state, logits = super().step(state, t)
        return state, logits.softmax(-1)


class Mixing(Healthy):
    """One batch norm for all time steps."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.norm = nn.BatchNorm2d(self.maps)

    def step(self, state, t):
        drive, before = state
        state = drive, self.norm(drive + self.lateral(before)).relu()
        return state, self.classifier(self.features(state))


class Normed(Healthy):
    """One batch norm per time step."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.norm = BatchNormByStep(self.maps, steps)

    def step(self, state, t):
        drive, before = state
        state = drive, self.norm(drive + self.lateral(before), t).relu()
        return state, self.classifier(self.features(state))


class Deep(Healthy):
    """A classifier of two layers, of whose first one features tells."""

    def __init__(self, categories, steps):
        super().__init__(categories, steps)
        self.hidden = nn.Linear(self.maps, 7)
        self.classifier = nn.Linear(7, categories)

    def step(self, state, t):
        drive, before = state
        state = drive, (drive + self.lateral(before)).relu()
        return state, self.classifier(self.hidden(self.features(state)).relu())


class Remembering(Healthy):
    """Keeps on self what belongs in the state, and never resets it."""

    past: Any = 0

    def step(self, state, t):
        self.past = self.past + state[0].mean(dim=0)
        return super().step((state[0] + self.past, state[1]), t)


class Baked(Healthy):
    """Keeps on self results of the first images."""

    silence: Any = None

    def begin(self, images):
        self.silence = torch.zeros(len(images), 4, 32, 32) if self.silence is None else self.silence
        return self.drive(images), self.silence


class Hiding(Healthy):
    """Keeps on self what belongs in the state."""

    past: Any = None

    def begin(self, images):
        self.past = self.drive(images) * 0
        return super().begin(images)

    def step(self, state, t):
        self.past = (state[0] + self.lateral(self.past)).relu()
        state = state[0], self.past
        return state, self.classifier(self.features(state))


class Logits(Healthy):
    def step(self, state, t):
        return super().step(state, t)[1]


class Swapped(Healthy):
    def step(self, state, t):
        return super().step(state, t)[::-1]


class Nothing(Healthy):
    def step(self, state, t):
        super().step(state, t)


class Turned(Healthy):
    def step(self, t, state):  # type: ignore[override]
        return super().step(state, t)


class Leaving(Healthy):
    def __init__(self, categories, steps):
        sys.exit("no network today")


def builder(kind):
    def build(*, categories, image_size, width, steps):
        sized = type(kind.__name__, (kind,), {} if width < 1 or kind is Narrow else {"maps": 8})
        return sized(categories, steps)

    return build


NETWORKS = [kind for kind in vars().copy().values() if isinstance(kind, type) and issubclass(kind, RecurrentModel)][1:]
build = {kind.__name__.lower(): builder(kind) for kind in NETWORKS}
build["stepsless"] = lambda *, categories, image_size, width: Healthy(categories, 4)
build["bare"] = lambda **options: nn.Linear(3, 3)
globals().update({f"build_{name}": function for name, function in build.items()})


class Sure:
    """Probability of the first category."""

    direction = "above"
    unit = "probability"

    def scores(self, probabilities):
        return probabilities[..., 0]

    def bounds(self, categories, steps):
        return 0.0, 1.0


class Prophet(Sure):
    def scores(self, probabilities):
        return probabilities[..., 0].amax(dim=-1, keepdim=True).expand(probabilities.shape[:-1])


class Rounding(Sure):
    """Divides by the total number of steps."""

    def scores(self, probabilities):
        return probabilities[..., 0] / probabilities.shape[-2]


class Crowd(Sure):
    def scores(self, probabilities):
        return probabilities[..., 0] / probabilities[..., 0].amax(dim=0, keepdim=True).clamp(min=1e-6)


class Flat(Sure):
    def scores(self, probabilities):
        return probabilities[..., -1, 0]


class Picky(Sure):
    """Takes only [B, T, C]."""

    def scores(self, probabilities):
        return torch.stack([image[:, 0] for image in probabilities.unbind(0)]).reshape(len(probabilities), -1)


class Nowhere(Sure):
    def scores(self, probabilities):
        return probabilities[..., 0] / 0 * 0


class Beyond(Sure):
    def scores(self, probabilities):
        return 2 * probabilities[..., 0]


class Boundless(Sure):
    def bounds(self, categories, steps):
        return 0.0, float("inf")


class Reversed(Sure):
    def bounds(self, categories, steps):
        return 1.0, 0.0


class Upward(Sure):
    direction = "up"


class Nameless(Sure):
    unit = ""


class Tossing(Sure):
    def scores(self, probabilities):
        return torch.rand(probabilities.shape[:-1])


class Spoiling(Sure):
    def scores(self, probabilities):
        return probabilities.mul_(0.5)[..., 0]


class Adding(Sure):
    """Adds up all its inputs."""

    past: Any = 0.0

    def scores(self, probabilities):
        self.past = self.past + float(probabilities[..., 0].max())
        return probabilities[..., 0] / self.past


class Prejudiced(Sure):
    """Keeps its first input."""

    past: Any = None

    def scores(self, probabilities):
        self.past = probabilities if self.past is None else torch.cat([self.past, probabilities])
        return self.past[..., 0]


class Blind(Prophet):
    """Is not causal, and gives NaN where a probability is 0."""

    def scores(self, probabilities):
        return super().scores(probabilities) + 0 * probabilities.log().sum(dim=-1)


class Slotted:
    """Not a fault: an object without a dictionary."""

    __slots__ = ()
    direction, unit = Sure.direction, Sure.unit
    scores, bounds = Sure.scores, Sure.bounds


class Fixed(Sure):
    bounds = (0, 1)  # type: ignore[assignment]


class Deciding(Sure):
    def scores(self, probabilities):
        return probabilities[..., 0] > 0.9


class Timely(Sure):
    def bounds(self, steps):  # type: ignore[override]
        return 0.0, 1.0


class Adjustable(Sure):
    def __init__(self, weight):
        self.weight = weight


class Doubled(Sure):
    """Only takes float64."""

    def scores(self, probabilities):
        if probabilities.dtype != torch.float64:
            raise TypeError("float64 is needed")
        return probabilities[..., 0]


class Scoreless:
    direction = "above"
    unit = "probability"


POLICIES = [kind for kind in vars().copy().values() if isinstance(kind, type) and hasattr(kind, "unit")]


def softmax(logits):
    return logits.float().softmax(-1)


def foresight(logits):
    return logits.float().mean(dim=-2, keepdim=True).expand(logits.shape).softmax(-1)


def unsummed(logits):
    return logits.float().sigmoid()


def mixed(logits):
    return (logits.float() - logits.float().mean(dim=0, keepdim=True)).softmax(-1)


def halved(logits):
    return logits.softmax(-1)


def last(logits):
    return logits.float().softmax(-1)[..., -1:, :]


READOUTS = {"softmax": softmax, "foresight": foresight, "unsummed": unsummed, "mixed": mixed, "halved": halved}
READOUTS |= {"last": last}


def grey(position):
    return Image.new("RGB", (8, 8), (position, position, position))


def splits(labels=(0, 1, 0, 1), read=grey, categories=("cat", "dog")):
    files = [f"{number}.png" for number in range(4)]
    return {"train": Split(categories, files, np.array(labels, dtype=np.int64), read)}


def read_fine(folder):
    return splits()


def read_beyond(folder):
    return splits(labels=(0, 1, 2, 3))


def read_lambda(folder):
    return splits(read=lambda position: grey(position))


def read_flat(folder):
    return splits(read=lambda position: grey(position).convert("L"))


openings: list[int] = []


def read_changing(folder):
    openings.append(1)
    return splits(labels=(0, 1, 0, 1) if len(openings) % 2 else (1, 0, 1, 0))


def read_misnamed(folder):
    return {"training": splits()["train"]}


def read_refused(folder):
    raise DataError(f"{folder}: nothing there")


def read_crashed(folder):
    return {"train": [file.name for file in sorted(folder.iterdir())][99]}


def read_silent(folder):
    return splits()


BUNDLED = ("fine", "beyond", "lambda", "flat", "changing", "misnamed")
FETCHED = {"refused": True, "crashed": True, "silent": True, "placeless": False}
read_placeless = read_refused


def read_strict(file, architecture):
    raise WeightsError(f"{file}: no weights")


def read_crashing(file, architecture):
    raise WeightsError(f"{file}: {file.read_text()}")


def read_trusting(file, architecture):
    if file.suffix == ".txt":
        raise WeightsError(f"{file}: no weights")
    return torch.load(file, weights_only=False)["weights"]


def read_lax(file, architecture):
    return build_network(architecture, categories=2, image_size=32, width=1 / 16)


def read_vague(file, architecture):
    raise WeightsError("bad")


read_unsaid = read_homeless = read_nameless = read_strict
FORMATS: dict[str, dict[str, Any]] = {
    "strict": {},
    "unsaid": {"files": "", "licence": ""},
    "homeless": {"architectures": ("b", "b-x")},
    "nameless": {"architectures": ()},
    "crashing": {},
    "trusting": {},
    "lax": {},
    "vague": {},
}


def explained(name: str = "you") -> None:
    """Say hello.

    Example: rcnnzoo explained --name you
    """


def exampleless() -> None:
    """Say hello."""


def wordless() -> None:
    pass


@hookimpl
def rcnnzoo_architectures():
    return [Architecture(f"sick-{name}", "made up", f"{__name__}:build_{name}", steps=4) for name in build]


@hookimpl
def rcnnzoo_policies():
    thief = Policy("entropy", "somebody else's name", f"{__name__}:Sure")
    return [Policy(f"sick-{kind.__name__.lower()}", "made up", f"{__name__}:{kind.__name__}") for kind in POLICIES] + [
        thief
    ]


@hookimpl
def rcnnzoo_readouts():
    return [
        *(Readout(f"sick-{name}", "made up", f"{__name__}:{name}") for name in READOUTS),
        Readout("sick-missing", "made up", f"{__name__}:nothing"),
    ]


@hookimpl
def rcnnzoo_data():
    where: dict[str, Any] = {
        "page": "https://example.org",
        "size": "1 MB",
        "licence": "CC0",
        "layout": "train/ with one folder per class",
    }
    return [
        *(DataSet(f"sick-{name}", "made up", f"{__name__}:read_{name}", bundled=True) for name in BUNDLED),
        *(
            DataSet(f"sick-{name}", "made up", f"{__name__}:read_{name}", **(where if said else {}))
            for name, said in FETCHED.items()
        ),
    ]


@hookimpl
def rcnnzoo_formats():
    usual: dict[str, Any] = {"architectures": ("b",), "files": "torch, .pth", "licence": "CC0"}
    return [
        Format(f"sick-{name}", "made up", f"{__name__}:read_{name}", **usual | own) for name, own in FORMATS.items()
    ]


RECIPE = 'title = "Sick"\ndata = "digits"\nnetworks = ["bl", "b"]\nseeds = "0-1"\n'
UNREADABLE = "title = "
HOMELESS = RECIPE.replace('"b"', '"b-x"')
PRIVATE = RECIPE.replace("digits", "/home/me/photos")
LAWLESS = RECIPE + 'policy = "guess"\n'
ALONE = RECIPE.replace(', "b"', "")


@hookimpl
def rcnnzoo_recipes():
    names = ("unreadable", "homeless", "private", "lawless", "alone")
    return [Recipe(f"sick-{name}", "made up", f"{__name__}:{name.upper()}") for name in names]


@hookimpl
def rcnnzoo_commands():
    return [Command(name, "made up", f"{__name__}:{name}") for name in ("explained", "exampleless", "wordless")]
