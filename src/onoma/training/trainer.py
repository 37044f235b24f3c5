"""Training through `transformers.Trainer`: token-budget batches, dev scores by our own matcher, resume."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from onoma import progress
from onoma.exceptions import ModelError
from onoma.models.base import Fitted, TrainingOptions
from onoma.training.batches import TokenBudget

__all__ = ["Trainable", "train"]

logger = logging.getLogger("onoma")


class Trainable(Protocol):
    """What training sees of a model: a torch module, and how examples become batches and outputs a loss."""

    module: Any

    def size(self, example: Any) -> int:
        """Pieces of an example."""
        ...

    def collate(self, examples: Sequence[Any]) -> dict[str, Any]:
        """A batch of tensors; `labels` goes to `loss`, the rest into the module."""
        ...

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The scalar loss of a batch."""
        ...

    def is_new(self, parameter: str) -> bool:
        """Whether a parameter is not pre-trained and so learns at the head's rate."""
        ...


def train(
    model: Trainable,
    examples: Sequence[Any],
    options: TrainingOptions,
    folder: Path,
    seed: int,
    validate: Callable[[], float] | None = None,
) -> Fitted:
    """Train the model's module in place; with `validate`, keep the epoch it scores best and stop with patience.

    Resume files lie under `folder/checkpoints`; a run that was killed goes on from its last finished epoch when called
    again with the same arguments. Raises `ModelError` where there is nothing to train on.
    """
    if not examples:
        raise ModelError("there is nothing to train on: no sentence has a word")
    from transformers.trainer_utils import get_last_checkpoint

    started = time.perf_counter()
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    with progress.bar("training", options.epochs) as bar:
        trainer = _build(model, examples, options, checkpoints, seed, validate, bar)
        last = get_last_checkpoint(str(checkpoints))
        if last is not None:
            logger.info("going on from %s", last)
        with quiet_bars():
            trainer.train(resume_from_checkpoint=last)
    model.module.eval()
    fitted = _fitted(trainer.state, time.perf_counter() - started, validate is not None, last is not None)
    if not options.keep_checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return fitted


@contextmanager
def quiet_bars() -> Iterator[None]:
    """Keep the library's own bars off stderr while ours is drawn."""
    from transformers.utils import logging as hf_logging

    shown = hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            hf_logging.enable_progress_bar()


def _fitted(state: Any, seconds: float, validated: bool, resumed: bool) -> Fitted:
    rows: dict[float, dict[str, float]] = {}
    for entry in state.log_history:
        epoch = round(float(entry["epoch"]), 4)
        row = rows.setdefault(epoch, {"epoch": epoch})
        for source, target in (("loss", "loss"), ("eval_f1", "dev_f1"), ("learning_rate", "learning_rate")):
            if source in entry:
                row[target] = float(entry[source])
    curve = tuple(row for row in rows.values() if len(row) > 1)
    scored = [row for row in curve if "dev_f1" in row]
    best = max(scored, key=lambda row: row["dev_f1"])["epoch"] if validated and scored else None
    return Fitted(epochs=float(state.epoch or 0), best_epoch=best, seconds=seconds, resumed=resumed, curve=curve)


def _build(
    model: Trainable,
    examples: Sequence[Any],
    options: TrainingOptions,
    checkpoints: Path,
    seed: int,
    validate: Callable[[], float] | None,
    bar: progress.Bar,
) -> Any:
    import torch
    from torch.utils.data import DataLoader
    from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    sampler = TokenBudget([model.size(example) for example in examples], options.batch_tokens, seed)

    class Watch(TrainerCallback):
        """Sets the sampler's epoch (wrappers of the loader do not) and draws progress on stderr."""

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            sampler.set_epoch(round(state.epoch or 0))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            bar.to(state.global_step / len(sampler), _note(state))

    class SpanTrainer(Trainer):
        """The library's trainer with our batches, our loss, two learning rates, and our scorer."""

        def get_train_dataloader(self) -> Any:
            loader = DataLoader(list(examples), batch_sampler=sampler, collate_fn=model.collate)  # type: ignore[arg-type]
            return self.accelerator.prepare(loader)

        def compute_loss(self, model_: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
            labels = inputs.pop("labels")
            outputs = model_(**inputs)
            loss = model.loss(outputs, labels)
            return (loss, outputs) if return_outputs else loss

        def create_optimizer(self, model: Any = None) -> Any:
            if self.optimizer is None:
                self.optimizer = torch.optim.AdamW(_groups(self, options), lr=options.learning_rate)
            return self.optimizer

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            assert validate is not None
            metrics = {"eval_f1": validate()}
            self.log(metrics)
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    def _groups(trainer: Any, options: TrainingOptions) -> list[dict[str, Any]]:
        decay = set(trainer.get_decay_parameter_names(model.module))
        groups: dict[tuple[bool, bool], list[Any]] = {}
        for name, parameter in model.module.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((model.is_new(name), name in decay), []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": options.head_learning_rate if new else options.learning_rate,
                "weight_decay": options.weight_decay if decays else 0.0,
            }
            for (new, decays), parameters in groups.items()
        ]

    every = "epoch"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=options.max_grad_norm,
        eval_strategy="no" if validate is None else every,
        save_strategy=every,
        save_total_limit=1,
        load_best_model_at_end=validate is not None,
        metric_for_best_model=None if validate is None else "f1",
        greater_is_better=None if validate is None else True,
        logging_strategy=every,
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.accelerator.is_available(),
    )
    callbacks: list[Any] = [Watch()]
    if validate is not None:
        callbacks.append(EarlyStoppingCallback(options.patience))
    # The library insists on an eval set where there is an eval strategy; ours scores documents by itself.
    trainer = SpanTrainer(
        model=model.module,
        args=arguments,
        train_dataset=list(examples),  # type: ignore[arg-type]
        eval_dataset=None if validate is None else [0],  # type: ignore[arg-type]
        callbacks=callbacks,
    )
    for loud in (PrinterCallback, ProgressCallback):  # they print to stdout
        trainer.remove_callback(loud)
    return trainer


def _note(state: Any) -> str:
    logged = state.log_history
    loss = next((entry["loss"] for entry in reversed(logged) if "loss" in entry), None)
    f1 = next((entry["eval_f1"] for entry in reversed(logged) if "eval_f1" in entry), None)
    parts = [f"epoch {int(state.epoch or 0) + 1}"]
    if loss is not None:
        parts.append(f"loss {loss:.4f}")
    if f1 is not None:
        parts.append(f"dev F1 {100 * f1:.2f}")
    return ", ".join(parts)
