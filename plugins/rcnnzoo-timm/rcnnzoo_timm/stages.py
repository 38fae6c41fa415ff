"""Cutting a network that gives several features into stages, each of which computes what its feature adds.

The network's own `forward` is traced once with symbols in place of tensors (`torch.fx`). A computation belongs to the
first feature that needs it, so what a stage hands on is what later stages still need, and nothing else.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from rcnnzoo.plugin import reason, without_values


class Uncut(Exception):  # noqa: N818 - it says what the network stays
    """A network that can't be run stage by stage; the message says why."""


@dataclass(frozen=True)
class Stage:
    """What leads from one feature to the next.

    Attributes:
        run: From what the stage before handed on (the first stage: images [B, 3, H, W]) to what this one hands on, in
            this order, and its feature last; all tensors [B, ...].
        taken: How many tensors it takes.
        feature: Shape of its feature for one image.
    """

    run: fx.GraphModule
    taken: int
    feature: torch.Size


def cut(network: nn.Module, image_size: int) -> list[Stage]:
    """The stages of a network, in evaluation mode; they share its weights, and its hooks are gone.

    Args:
        network: From images to a list or dictionary of features, the lowest first.
        image_size: Side of the images it is meant for.

    Raises:
        Uncut: It can't be traced, or something other than tensors passes between its stages.
    """
    network.eval()
    for module in network.modules():
        if getattr(module, "inplace", False) is True:
            setattr(module, "inplace", False)  # noqa: B010 - what a stage passes on must not change when the next one runs
    values = _Values(network, image_size)
    try:
        graph = _Tracer(network, values).trace(network)
        features = _features(graph)
    except Uncut:
        raise
    except Exception as error:  # whatever a symbol doesn't do
        raise Uncut(reason(error).rstrip(".")) from error
    for module in network.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    for name, made in list(vars(network).items()):
        if isinstance(made, Tensor):  # created during the pass, from nothing that is learnt
            delattr(network, name)
            network.register_buffer(name, made, persistent=False)
    stages = _Cutter(network, features, values).stages()
    saved = [id(weight) for stage in stages for weight in stage.run.state_dict(keep_vars=True).values()]
    if len(set(saved)) < len(saved):  # a file of weights has each of them once
        raise Uncut("its stages share weights")
    return stages


class _Tracer(fx.Tracer):
    """Traces a network only as deep as its features are: modules that hold none are single computations.

    Each symbol comes with a tensor without values, so that `forward` may depend on the size of the image.
    """

    proxy_buffer_attributes = True

    def __init__(self, network: nn.Module, values: _Values) -> None:
        super().__init__()
        self.values = values
        self.deep = {
            module
            for module in network.modules()
            if any(_is_heard(below) for below in module.modules() if below is not module)
        }

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m not in self.deep

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As torch does, but hooks are also called for modules that aren't entered."""
        if m in self.values.modules:
            return forward(*args, **kwargs)
        result = super().call_module(m, forward, args, kwargs)
        if m not in self.deep:
            result = self._opened(result)
            for before in m._forward_pre_hooks.values():
                before(m, args)
            for after in m._forward_hooks.values():
                after(m, args, result)
        return result

    def _opened(self, symbol: fx.Proxy) -> Any:
        """Itself; for several results, one symbol each, in a list or tuple as in the module."""
        value, _ = self.values.both(symbol.node)
        if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
            return type(value)([self._opened(operator.getitem(symbol, i)) for i in range(len(value))])
        return symbol

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(*args, **kwargs)
        self.values.see(node)
        return node

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Symbol(node, self)

    def to_bool(self, obj: fx.Proxy) -> bool:
        one, two = self.values.both(obj.node)
        if isinstance(one, Tensor):
            raise Uncut("its computation depends on the images' content")
        if bool(one) != bool(two):
            raise Uncut("its computation depends on the number of images")
        return bool(one)

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        one, _ = self.values.both(obj.node)
        if isinstance(one, list | tuple):
            return (operator.getitem(obj, i) for i in range(len(one)))
        return super().iter(obj)


def _is_heard(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


class _Symbol(fx.Proxy):
    """Stands for a tensor; all are on the same device, by which timm's hooks find what they recorded."""

    @property
    def device(self) -> _Device:
        return _Device(self, "device")


class _Device(fx.proxy.Attribute):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Device)

    def __hash__(self) -> int:
        return 0


def _features(graph: fx.Graph) -> list[fx.Node]:
    (given,) = graph.output_node().args
    features = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(features, list | tuple) or not all(isinstance(feature, fx.Node) for feature in features):
        raise Uncut("it does not give a list of features")
    return list(features)


class _Values:
    """What each computation gives for one and for two images: so it shows what depends on their number."""

    def __init__(self, network: nn.Module, image_size: int) -> None:
        empty = without_values(network)
        self.network, self.modules = network, set(empty.modules())
        self.of: list[dict[fx.Node, Any]] = [{}, {}]
        self.images = [torch.empty(rows, 3, image_size, image_size, device="meta") for rows in (1, 2)]
        self.interpreter = fx.Interpreter(empty, garbage_collect_values=False, graph=fx.Graph())

    @torch.no_grad()
    def see(self, node: fx.Node) -> None:
        """Compute a node, all those before it having been seen."""
        for values, images in zip(self.of, self.images, strict=True):
            if node.op == "placeholder":
                values[node] = images
            elif node.op == "get_attr" and node.target in vars(self.network):  # a tensor that it created
                values[node] = vars(self.network)[node.target].to("meta")
            elif node.op != "output":
                self.interpreter.env = values
                arguments, named = self.interpreter.fetch_args_kwargs_from_env(node)
                # Lists in a graph can't be changed, but some modules change their arguments.
                lists = tuple(list(argument) if isinstance(argument, list) else argument for argument in arguments)
                values[node] = getattr(self.interpreter, node.op)(node.target, lists, named)

    def both(self, node: fx.Node) -> tuple[Any, Any]:
        """For one image, and for two."""
        return self.of[0][node], self.of[1][node]

    def is_tensor(self, node: fx.Node) -> bool:
        """Whether it is one tensor."""
        return isinstance(self.of[0][node], Tensor)

    def is_of_images(self, node: fx.Node) -> bool:
        """Whether it is a tensor with one row per image."""
        one, two = self.both(node)
        return isinstance(one, Tensor) and one.dim() > 0 and (len(one), len(two)) == (1, 2)

    def is_number_of_images(self, node: fx.Node) -> bool:
        """Whether it is a number that depends on how many images there are."""
        one, two = self.both(node)
        return type(one) is int and (one, two) == (1, 2)

    def constant(self, node: fx.Node) -> Any:
        """A plain value that is the same for all images.

        Raises:
            Uncut: It isn't.
        """
        one, two = self.both(node)
        if isinstance(one, int | float | bool | str | None) and one == two:
            return one
        raise Uncut(f"{node.name}, a {type(one).__name__}, passes between its stages")


class _Cutter:
    """Assigns a graph's computations to stages."""

    def __init__(self, network: nn.Module, features: list[fx.Node], values: _Values) -> None:
        self.network, self.features, self.values = network, features, values
        self.nodes = list(features[0].graph.nodes)
        self.stage: dict[fx.Node, int] = {}
        for number, feature in enumerate(features):
            if not values.is_of_images(feature):
                raise Uncut(f"its feature {number + 1} is not a tensor with one row per image")
            self._claim(feature, number)
        for node in self.nodes:  # several results are assigned separately
            if node in self.stage and node.target is operator.getitem and not values.is_tensor(node.args[0]):
                self.stage[node] = self.stage[node.args[0]]

    def _claim(self, node: fx.Node, number: int) -> None:
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node not in self.stage:
                self.stage[node] = number
                waiting += node.all_input_nodes

    def stages(self) -> list[Stage]:
        """All of them."""
        (images,) = (node for node in self.nodes if node.op == "placeholder")
        passed = [[images]] + [self._handed_on(number) for number in range(len(self.features))]
        return [self._make(number, passed[number], passed[number + 1]) for number in range(len(self.features))]

    def _handed_on(self, number: int) -> list[fx.Node]:
        """Tensors of the images, computed up to a stage and needed after it."""
        needed: set[fx.Node] = set()
        for node in self.nodes:
            if self.stage.get(node, -1) > number:
                needed |= self._roots(node.all_input_nodes, number)
        needed |= {feature for i, feature in enumerate(self.features) if i > number and self.stage[feature] <= number}
        return [node for node in self.nodes if node in needed]

    def _roots(self, nodes: Iterable[fx.Node], number: int) -> set[fx.Node]:
        """What nodes of up to a stage must be handed on as, for these to be there after it."""
        roots: set[fx.Node] = set()
        for node in nodes:
            if self.stage[node] > number:
                continue
            if self.values.is_of_images(node):
                roots.add(node)
            elif self.values.is_tensor(node):
                roots |= self._roots(node.all_input_nodes, number)
        return roots

    def _make(self, number: int, taken: list[fx.Node], given: list[fx.Node]) -> Stage:
        graph = fx.Graph()
        copies: dict[fx.Node, Any] = {node: graph.placeholder(node.name) for node in taken}

        def copy(node: fx.Node) -> Any:
            """The node's counterpart in this stage; what is not a tensor of the images is made again where needed."""
            if node in copies:
                return copies[node]
            early = self.stage[node] < number and not self.values.is_tensor(node)
            if early and self.values.is_number_of_images(node):
                copies[node] = graph.call_method("size", (next(iter(copies.values())), 0))
            elif early:
                copies[node] = self.values.constant(node)
            else:
                for before in node.all_input_nodes:
                    copy(before)
                copies[node] = graph.node_copy(node, copies.__getitem__)
            return copies[node]

        for node in self.nodes:
            if self.stage.get(node) == number:
                copy(node)
        feature = self.features[number]
        graph.output(tuple(copies[node] for node in [*given, feature]))
        shape = self.values.of[0][feature].shape[1:]
        return Stage(fx.GraphModule(self.network, graph), len(taken), shape)
