"""What `--precision auto` comes to on the device at hand."""

from __future__ import annotations

import torch


def best_precision() -> str:
    """`bf16` where the device computes it natively, else `fp32`.

    Emulated bf16 is slower than fp32, so what counts is the processor's or GPU's own instructions.
    """
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if torch.backends.mps.is_available():
        return "fp32"
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch don't say
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"
