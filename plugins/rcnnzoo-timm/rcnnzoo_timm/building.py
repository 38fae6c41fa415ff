"""From one of timm's names to a network: what timm builds, cut into stages."""

from __future__ import annotations

from typing import Any

import timm
from timm.layers import get_channel_dim, get_spatial_dim
from torch import nn

from rcnnzoo.plugin import OptionError, RcnnzooError, UnknownName, WeightsError, reason
from rcnnzoo_timm.cascade import Cascade, blocks_of
from rcnnzoo_timm.network import MultiExit
from rcnnzoo_timm.stages import cut

SAFE = "model.safetensors"
SAFE_NAMES = {"open_clip_pytorch_model.bin": "open_clip_model.safetensors"}
"""Weight files on the Hugging Face Hub that have a safe equivalent under another name."""


def build(
    *,
    variant: str,
    categories: int,
    image_size: int,
    width: float,
    steps: int | None,
    pretrained: bool,
    cascaded: bool,
) -> MultiExit | Cascade:
    """The network `timm/VARIANT`.

    Args:
        variant: One of timm's names, with a tag to choose among several weights, for example `resnet18.a1_in1k`.
        categories: How many.
        image_size: Side of the images in pixels.
        width: Must be 1.
        steps: Number of stages, from the first, by default all; of a cascade the number of time steps, by default one
            more than there are blocks.
        pretrained: Whether to fetch the backbone's weights from the Hugging Face Hub.
        cascaded: Whether to run all residual blocks at every step, rather than one more stage.

    Raises:
        UnknownName: timm has none of that name.
        OptionError: An option can't work with it, or it can't be run stage by stage.
        WeightsError: There are no pretrained weights, or they can't be fetched.
    """
    _check_name(variant)
    if width != 1:
        raise OptionError(f"`width` {width:g}: timm's networks have a fixed width: leave it out")
    if cascaded:
        return _build_cascade(variant, categories, image_size, steps, pretrained)
    try:
        backbone = _create(variant, image_size)
        there = len(backbone.feature_info.info)
        indices = tuple(range(there))[:steps]
        if tuple(backbone.feature_info.out_indices) != indices:
            backbone = _create(variant, image_size, out_indices=indices)
        stages = cut(_with_weights(variant, image_size, indices) if pretrained else backbone, image_size)
    except RcnnzooError:
        raise
    except Exception as error:  # timm checks by asserts and errors of any kind
        raise OptionError(
            f"timm/{variant} can't be run stage by stage at `image_size` {image_size}: "
            f"{reason(error).rstrip('.')}; take another size, "
            "or a network whose stages follow one another, such as resnet, convnext, efficientnet or vit"
        ) from error
    if steps is not None and steps > there:
        raise OptionError(f"`steps` {steps}: timm/{variant} has {there} stages: take at most that many")
    form = getattr(backbone, "output_fmt", "NCHW")
    about = backbone.pretrained_cfg
    network = MultiExit(stages, get_spatial_dim(form), get_channel_dim(form), about["mean"], about["std"], categories)
    return network.train()


def _build_cascade(variant: str, categories: int, image_size: int, steps: int | None, pretrained: bool) -> Cascade:
    if steps == 1:
        raise OptionError("`steps` 1: a cascade has at least 2, as residuals arrive at the second: take more")
    backbone = timm.create_model(variant)
    about = backbone.pretrained_cfg
    number = len(blocks_of(backbone))
    if pretrained:
        backbone = _with_weights(variant, image_size)
    network = Cascade(backbone, number + 1 if steps is None else steps, about["mean"], about["std"], categories)
    return network.train()


def _check_name(variant: str) -> None:
    known = {*timm.list_models(), *timm.list_models(pretrained=True)}
    if variant not in known:
        raise UnknownName("timm network", variant, known, "python -c 'import timm; print(timm.list_models())'")


def _create(variant: str, image_size: int, **options: Any) -> Any:
    if timm.get_pretrained_cfg(variant).fixed_input_size:
        options["img_size"] = image_size
    return timm.create_model(variant, features_only=True, **options)


def _with_weights(variant: str, image_size: int, indices: tuple[int, ...] | None = None) -> nn.Module:
    """With weights from the Hub, and only from a safetensors file there: timm by itself would fall back on a pickle.

    The whole network, or what gives features of some stages.
    """
    about = timm.get_pretrained_cfg(variant)
    given = about.hf_hub_filename or SAFE
    file = SAFE_NAMES.get(given, given)
    if not about.hf_hub_id or not file.endswith(".safetensors"):
        raise WeightsError(f"timm/{variant} has no pretrained weights in safetensors format: leave `pretrained` out")
    source = {"hf_hub_filename": file, "url": None, "file": None, "state_dict": None, "custom_load": False}
    try:
        options = {"pretrained": True, "pretrained_cfg_overlay": source}
        network: nn.Module = (
            timm.create_model(variant, **options)
            if indices is None
            else _create(variant, image_size, out_indices=indices, **options)
        )
    except Exception as error:  # of the network, the Hub, or the file
        raise WeightsError(
            f"timm/{variant}: its pretrained weights ({file} of {about.hf_hub_id} on huggingface.co) can't be fetched: "
            f"{reason(error).rstrip('.')}"
        ) from error
    return network
