"""Gradients of embeddings, summed up where they fall.

A batch reads a few hundred rows of a table of tens of thousands; the library makes a new table of zeros for each
reading, in every step. Here one table is kept, and the rows that were written are zeroed before the next step. Imports
torch: it is itself imported when training begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

__all__ = ["RowGradients"]


class Sum:
    """The gradient of one table: zeros but for the rows in `written`, unless somebody else added to it (`mixed`)."""

    def __init__(self, table: torch.Tensor) -> None:
        self.table = table
        self.gradient = torch.zeros_like(table)
        self.written: list[torch.Tensor] = []
        self.mixed = False
        self._version = self.gradient._version
        table.register_post_accumulate_grad_hook(self._other)

    def _other(self, _: torch.Tensor) -> None:
        """Called after each backward pass, whether or not there was another gradient than ours."""
        self.mixed = self.mixed or self.table.grad is not self.gradient or self.gradient._version != self._version

    def add(self, rows: torch.Tensor, values: torch.Tensor) -> None:
        """Add values [n, width] to rows [n] of the table's gradient."""
        if self.table.grad is None:
            self.table.grad = self.cleared()
        gradient = self.table.grad
        if gradient is not self.gradient:
            gradient.index_add_(0, rows, values)
            return
        self._other(self.table)
        gradient.index_add_(0, rows, values)
        self.written.append(rows)
        self._version = gradient._version

    def cleared(self) -> torch.Tensor:
        """The table of zeros."""
        if self.mixed:
            self.gradient.zero_()
        else:
            for rows in self.written:
                self.gradient[rows] = 0
        self.mixed = False
        self.written.clear()
        self._version = self.gradient._version
        return self.gradient


class RowGradients(TorchFunctionMode):
    """While it is entered, `embedding` of a trained table on a CPU adds its gradient to the table's in place.

    Sums are the same but for the order in which they are taken. Other calls are left as they are. Not for tables whose
    gradients several processes share: these wait for the library's own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[int, Sum] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Our answer for embeddings, the library's for all else."""
        given = dict(kwargs or {})
        if func is functional.embedding:
            made = self._embedding(*args, **given)
            if made is not None:
                return made
        return func(*args, **given)

    def clip(self, parameters: Iterable[torch.Tensor], most: float) -> torch.Tensor:
        """Scale all gradients down to a norm of at most `most`, as `clip_grad_norm_` does; gives the norm before.

        Of tables only the rows that were read are looked at: all others are zeros.
        """
        whole: list[torch.Tensor] = []
        some: list[tuple[torch.Tensor, torch.Tensor]] = []
        for each in parameters:
            if each.grad is None:
                continue
            held = self._sums.get(id(each))
            if held is None or held.mixed or each.grad is not held.gradient or not held.written:
                whole.append(each.grad)
            else:
                some.append((each.grad, torch.cat(held.written).unique()))
        read = [gradient[rows] for gradient, rows in some]
        norm = torch.nn.utils.get_total_norm([*whole, *read])
        scale = most / (norm + 1e-6)
        if float(scale) < 1.0:
            for gradient in whole:
                gradient.mul_(scale)
            for (gradient, rows), values in zip(some, read, strict=True):
                gradient[rows] = values * scale
        return norm

    def _embedding(
        self,
        input: torch.Tensor,
        weight: torch.Tensor,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> torch.Tensor | None:
        del norm_type
        plain = max_norm is None and not scale_grad_by_freq and not sparse
        trained = weight.requires_grad and weight.is_leaf and torch.is_grad_enabled() and weight.device.type == "cpu"
        if not plain or not trained:
            return None
        held = self._sums.get(id(weight))
        if held is None or held.table is not weight:
            held = self._sums[id(weight)] = Sum(weight)
        return _Embedding.apply(input, weight, -1 if padding_idx is None else padding_idx, held)


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, numbers: torch.Tensor, weight: torch.Tensor, pad: int, held: Sum) -> torch.Tensor:
        ctx.save_for_backward(numbers)
        ctx.weight, ctx.pad, ctx.held = weight, pad, held
        return functional.embedding(numbers, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, None, None, None]:
        (numbers,) = ctx.saved_tensors
        weight, held = ctx.weight, ctx.held
        rows, values = numbers.reshape(-1), gradients[0].reshape(-1, weight.shape[1]).to(weight.dtype)
        if ctx.pad >= 0:
            kept = rows != ctx.pad
            rows, values = rows[kept], values[kept]
        held.add(rows, values)
        return None, None, None, None
