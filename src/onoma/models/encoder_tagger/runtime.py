"""What computes emissions at prediction: the torch module in 32, 16 or 8 bits, or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from onoma import progress
from onoma.models.processor import has_bf16

__all__ = ["Batch", "Precision", "Runtime", "TorchRuntime", "cores"]

Precision = Literal["fp32", "bf16", "int8"]

Batch = dict[str, NDArray[np.int64]]
"""The arguments of `TaggerModule.forward` by name."""


class Runtime(Protocol):
    """Computes the emissions of padded batches."""

    @property
    def config(self) -> Any:
        """The encoder's configuration."""
        ...

    @property
    def crf(self) -> Any:
        """A layer whose `scores()` are those of a chain, or None."""
        ...

    @property
    def word_shape(self) -> bool:
        """Whether a batch must hold `shapes`."""
        ...

    @contextmanager
    def session(self) -> Iterator[None]:
        """Around the batches of one prediction; whatever of the process it changes, it puts back."""
        ...

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Emissions [windows, words, T]."""
        ...


class TorchRuntime:
    """The torch module itself.

    On a processor, a copy of the module with weights laid out for its precision is made at the first prediction, and
    made anew when the weights have changed. bf16 on a processor without such instructions is told and left away. A
    module in training answers as it is, in 32 bits.
    """

    def __init__(self, module: Any, precision: Precision = "fp32", threads: int | None = None) -> None:
        self.module = module
        self.precision: Precision = precision
        self.threads = threads
        self._using: Any = module
        self._ready: tuple[Any, Any] = (None, None)
        self._weights: tuple[Any, ...] = ()

    @property
    def config(self) -> Any:
        """The encoder's configuration."""
        return self.module.hf.config

    @property
    def crf(self) -> Any:
        """The chain layer, or None."""
        return self.module.crf

    @property
    def word_shape(self) -> bool:
        """Whether a batch must hold `shapes`."""
        return self.module.shapes is not None

    @contextmanager
    def session(self) -> Iterator[None]:
        """Evaluation mode, no gradients, the threads asked for: all of it for the time of the block only."""
        import torch

        training = self.module.training
        precision: Precision = "fp32" if training else self.precision
        if precision == "bf16" and not _has_bf16(self.module.device):
            progress.say("bf16: this processor has no instructions for it, so 32 bits are used")
            precision = "fp32"
        before = torch.get_num_threads()
        wanted = self.threads or min(before, cores())
        with ExitStack() as stack:
            if wanted != before:
                torch.set_num_threads(wanted)
                stack.callback(torch.set_num_threads, before)
            if training:
                self.module.eval()
                stack.callback(self.module.train)
                self._weights = ()
            self._using = self.module if training else self._laid_out(precision)
            stack.enter_context(torch.inference_mode())
            if precision == "bf16":
                stack.enter_context(torch.autocast(self.module.device.type, torch.bfloat16))
            yield

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Emissions [windows, words, T]."""
        import torch

        device = self.module.device
        tensors: dict[str, Any] = {name: torch.from_numpy(array).to(device) for name, array in batch.items()}
        if batch["attention_mask"].all():
            tensors["attention_mask"] = None  # nothing to hide, and attention is faster for it
        return self._using(**tensors).cpu().numpy()

    def _laid_out(self, precision: Precision) -> Any:
        """The module that answers in a precision; raises `ConfigError` where int8 cannot be had."""
        import torch

        self._weights = self._weights or tuple(self.module.parameters())  # to walk through the module takes a while
        first = self._weights[0]
        versions = (weight._version for weight in self._weights)
        state = (precision, id(self.module.ranges), first.dtype, first.device, *versions)
        if self._ready[0] != state:
            from onoma.models.encoder_tagger.quantise import quantised
            from onoma.models.processor.encoder import hurried
            from onoma.models.processor.packed import packed

            made = (
                quantised(self.module)
                if precision == "int8"
                else packed(self.module, torch.bfloat16 if precision == "bf16" else torch.float32)
            )
            if made is not self.module:
                hurried(made.hf)
            self._ready = (state, made)
        return self._ready[1]


def cores() -> int:
    """Physical cores that this process may use."""
    import psutil

    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    return max(1, min(allowed, _physical() or allowed))


@cache
def _physical() -> int | None:
    """Physical cores of the machine; asked once, for that takes as long as some layers."""
    import psutil

    return psutil.cpu_count(logical=False)


def _has_bf16(device: Any) -> bool:

    if device.type != "cpu":
        return True
    return has_bf16()
