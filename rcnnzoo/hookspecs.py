"""What a plugin may provide: the whole contract on one screen.

A plugin is a module (or object) named by an entry point of the group `rcnnzoo`. Each of its hooks returns
descriptions, which say what there is without importing it: `target` is `"package.module:attribute"`, imported
only when a user asks for the name. What a target must be is in the docstring of each class below.
"""

from __future__ import annotations

from dataclasses import dataclass

import pluggy

hookspec = pluggy.HookspecMarker("rcnnzoo")
hookimpl = pluggy.HookimplMarker("rcnnzoo")


@dataclass(frozen=True)
class Member:
    """Something with a name that a package adds to the zoo.

    Attributes:
        name: What users type.
        description: One line for `rcnnzoo list`.
        target: `"package.module:attribute"`, imported when the name is used.
    """

    name: str
    description: str
    target: str


@dataclass(frozen=True)
class Architecture(Member):
    """A network: `target(*, categories, image_size, width, steps) -> RecurrentModel`.

    A family with too many networks to list has a name that ends in `/*`: `zoo/*` matches every `zoo/NAME`. Its
    target gets the part in place of the star as the keyword `variant`, and raises `UnknownName` if it has
    none of that name.

    Attributes:
        steps: Default number of time steps; 1 means that the network is feedforward, None that each
            network has its own number: the target gets None unless a user asks for one.
        pretrained: Whether there are weights to start from. The target gets one more keyword, `pretrained`: whether to
            fetch them.
        presentable: Whether it has a method `present`, so that what it is shown may change while it runs.
        cascaded: Whether it can be built as a cascade, all of whose blocks run at every step on what they received
            last. The target gets one more keyword, `cascaded`: whether to build that.
        example: For a family, the `variant` that tests use.
    """

    steps: int | None = 8
    pretrained: bool = False
    presentable: bool = False
    cascaded: bool = False
    example: str = ""


@dataclass(frozen=True)
class Policy(Member):
    """A rule for stopping: `target()` has `scores`, `direction` and `bounds`.

    `scores(probabilities [..., T, C]) -> [..., T]` is causal; `direction` is "below" or "above", the side of a
    threshold on which the network is sure; `bounds(categories, steps)` are the lowest and the highest threshold
    that make sense.
    """


@dataclass(frozen=True)
class Readout(Member):
    """A rule from logits to probabilities: `target(logits [..., T, C]) -> probabilities [..., T, C]`, causal."""


@dataclass(frozen=True)
class DataSet(Member):
    """Labelled images: `target(folder: Path | None) -> dict[str, Split]`, the keys among train, val, test.

    Attributes:
        page: Where to get it.
        size: Size of the download.
        licence: What its licence or terms say.
        layout: The folders and files expected.
        bundled: Whether an installed package contains the images, so that no folder is needed.
        mirrored: Whether a mirrored image keeps its category, so that training may flip images.
    """

    page: str = ""
    size: str = ""
    licence: str = ""
    layout: str = ""
    bundled: bool = False
    mirrored: bool = True


@dataclass(frozen=True)
class Format(Member):
    """A format of published weights: `target(file: Path, architecture: str) -> RecurrentModel`.

    The target makes a network with `rcnnzoo.build`, for as many categories as the file has, with the file's weights and
    in evaluation mode. It executes nothing that a file holds, and raises `WeightsError`, which names the file,
    for one that is missing, damaged, incomplete or of another network.

    Attributes:
        architectures: What a file may be for; the target gets one of these names.
        files: What a file is, in a few words, for example `Keras, .h5`.
        licence: What the published weights may be used for, for example `MIT`; empty if their publisher doesn't say.
        ordered_as: Those among `ecoset` and `imagenet` whose categories the files have in rcnnzoo's order: a file with
            as many categories gets their names, others get numbers.
    """

    architectures: tuple[str, ...] = ()
    files: str = ""
    licence: str = ""
    ordered_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe(Member):
    """What `rcnnzoo reproduce` trains and asks: `target` is the `pathlib.Path` of a TOML file, or the text of one."""


@dataclass(frozen=True)
class Command(Member):
    """A command of the `rcnnzoo` program: `target` is a function as Typer takes it, light to import."""


@dataclass(frozen=True)
class Kind:
    """A kind of member; its hook is `rcnnzoo_` and the name it has in `KINDS`.

    Attributes:
        singular: The word for one of them.
        description: What describes one.
        families: Whether a name may cover many, like `zoo/*`.
    """

    singular: str
    description: type[Member]
    families: bool = False


KINDS = {
    "architectures": Kind("architecture", Architecture, families=True),
    "policies": Kind("policy", Policy),
    "readouts": Kind("readout", Readout),
    "data": Kind("data set", DataSet),
    "formats": Kind("format", Format),
    "recipes": Kind("recipe", Recipe),
    "commands": Kind("command", Command),
}
"""By what users type after `rcnnzoo list`."""


@hookspec
def rcnnzoo_architectures() -> list[Architecture]:  # type: ignore[empty-body]
    """Architectures this package adds."""


@hookspec
def rcnnzoo_policies() -> list[Policy]:  # type: ignore[empty-body]
    """Exit policies this package adds."""


@hookspec
def rcnnzoo_readouts() -> list[Readout]:  # type: ignore[empty-body]
    """Readouts this package adds."""


@hookspec
def rcnnzoo_data() -> list[DataSet]:  # type: ignore[empty-body]
    """Data sets this package adds."""


@hookspec
def rcnnzoo_formats() -> list[Format]:  # type: ignore[empty-body]
    """Formats of published weights that this package reads."""


@hookspec
def rcnnzoo_recipes() -> list[Recipe]:  # type: ignore[empty-body]
    """Recipes for `rcnnzoo reproduce` that this package adds."""


@hookspec
def rcnnzoo_commands() -> list[Command]:  # type: ignore[empty-body]
    """Commands this package adds to the `rcnnzoo` program."""
