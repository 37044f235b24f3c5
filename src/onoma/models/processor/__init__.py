"""What a processor can do. Imports torch inside its functions."""

from __future__ import annotations

__all__ = ["has_bf16"]


def has_bf16() -> bool:
    """Whether it multiplies in bfloat16 by instructions of its own: where that is emulated, 32 bits are faster."""
    import torch

    try:
        abilities = torch.cpu.get_capabilities()
    except AttributeError:  # builds before 2.10 do not tell
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return any(value is True for name, value in abilities.items() if name.endswith("bf16"))
