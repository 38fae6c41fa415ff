"""timm's backbones as networks with one exit per stage: the plugin that adds `timm/*`; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Architecture, hookimpl


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """One family."""
    return [
        Architecture(
            "timm/*",
            "a backbone from timm with one classifier per stage, for example timm/resnet18",
            "rcnnzoo_timm.building:build",
            steps=None,
            pretrained=True,
            cascaded=True,
            example="test_resnet",
        )
    ]
