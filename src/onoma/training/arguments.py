"""Our settings as the library's arguments, and the groups of weights that learn at their own rates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import TrainingArguments

from onoma import progress
from onoma.exceptions import ConfigError
from onoma.models.base import TrainingOptions
from onoma.models.processor import has_bf16

__all__ = ["Layered", "arguments", "parameter_groups"]


class Layered(Protocol):
    """What learning rates ask of a trainable."""

    module: Any

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter is not pre-trained and so learns at the head's rate."""
        ...

    def depth(self, parameter: str) -> int | None:
        """The encoder layer of a parameter: 0 the embeddings, 1 the lowest layer; None outside of them."""
        ...


def arguments(options: TrainingOptions, checkpoints: Path, seed: int, *, validated: bool) -> TrainingArguments:
    """The library's arguments; opens the process group where a launcher started several processes.

    Raises `ConfigError` where the device cannot compute in the precision asked for.
    """
    made = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=options.max_grad_norm,
        gradient_accumulation_steps=options.accumulation,
        bf16=options.mixed_precision == "bf16" and _can_run("bf16"),
        fp16=options.mixed_precision == "fp16" and _can_run("fp16"),
        eval_strategy="epoch" if validated else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=validated,
        metric_for_best_model="f1" if validated else None,
        greater_is_better=True if validated else None,
        logging_strategy="epoch",
        logging_nan_inf_filter=False,  # it hides what went wrong, and waits for the device in every step
        restore_callback_states_from_checkpoint=True,  # else a resumed run forgets its patience
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        # The search fails for weights that only the loss uses, such as a CRF's transitions.
        ddp_find_unused_parameters=False,
        use_cpu=_on_cpu(),
    )
    # Else `accelerate launch --mixed_precision` would decide, unseen by the options that are saved.
    made.mixed_precision = options.mixed_precision
    return made


def _on_cpu() -> bool:
    asked = os.environ.get("ACCELERATE_USE_CPU", "false").lower() in {"1", "true", "yes", "on", "y", "t"}
    return asked or not torch.accelerator.is_available()


def _can_run(precision: str) -> bool:
    """True; raises `ConfigError` naming the device where it cannot compute in this precision."""
    device = "cpu" if _on_cpu() else str(torch.accelerator.current_accelerator())
    bad = device.startswith("cpu") if precision == "fp16" else device == "cuda" and not torch.cuda.is_bf16_supported()
    if bad:
        other = "bf16 or no" if precision == "fp16" else "fp16 or no"
        raise ConfigError(f"mixed_precision {precision!r} does not work on this device ({device}): use {other}")
    if precision == "bf16" and device.startswith("cpu") and not has_bf16():
        progress.say("mixed_precision bf16: this processor has no instructions for it: training is faster with no")
    return True


def parameter_groups(trainable: Layered, options: TrainingOptions, decays: set[str]) -> list[dict[str, Any]]:
    """AdamW's groups: rates by depth and newness, no decay of biases and norms (all that is not in `decays`).

    Layer l of L learns at `learning_rate * layer_decay ** (L - l)` (Howard and Ruder, ULMFiT, section 3.2; Clark et
    al., ELECTRA, appendix), embeddings as layer 0, new weights at `head_learning_rate`.
    """
    named = [(name, each) for name, each in trainable.module.named_parameters() if each.requires_grad]
    layered = options.layer_decay < 1
    depths = {name: trainable.depth(name) if layered else None for name, _ in named}
    layers = max((depth for depth in depths.values() if depth is not None), default=0)

    def rate(name: str) -> float:
        if trainable.is_new(name):
            return options.head_learning_rate
        depth = depths[name]
        return options.learning_rate * (1.0 if depth is None else options.layer_decay ** (layers - depth))

    groups: dict[tuple[float, bool, bool], list[Any]] = {}
    for name, parameter in named:
        groups.setdefault((rate(name), trainable.is_new(name), name in decays), []).append(parameter)
    return [
        {"params": parameters, "lr": lr, "weight_decay": options.weight_decay if decay else 0.0}
        for (lr, _, decay), parameters in groups.items()
    ]
