"""Training through `transformers.Trainer`: token-budget batches, dev scores by our own matcher, resume.

Imports torch: it is itself imported when training begins, never before.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging as hf_logging

from onoma import progress
from onoma.exceptions import ConfigError, ModelError
from onoma.files import write_text
from onoma.models.base import Fitted, TrainingOptions
from onoma.training.batches import TokenBudget

__all__ = ["Trainable", "train"]

logger = logging.getLogger("onoma")

Validate = Callable[[], float]

WHOLE = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
"""What a checkpoint to resume from must hold; the state is written last."""


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
    validate: Validate | None = None,
    *,
    key: str = "",
) -> Fitted:
    """Train the model's module in place; with `validate`, keep the epoch it scores best and stop with patience.

    Resume files lie under `folder/checkpoints`; a run that was killed goes on from its last finished epoch when called
    again with the same arguments. `key` names the run: files of a run of another key are not touched. Raises
    `ModelError` where there is nothing to train on, `ConfigError` where the folder is another run's.
    """
    if not examples:
        raise ModelError("there is nothing to train on: no sentence has a word")
    started = time.perf_counter()
    checkpoints = folder / "checkpoints"
    _claim(checkpoints, key)
    with progress.bar("training", options.epochs) as bar, _quiet_bars():
        trainer = SpanTrainer(model, examples, options, checkpoints, seed, validate, bar)
        last = _last_whole(checkpoints)
        if last is not None:
            logger.info("going on from %s", last)
        trainer.train(resume_from_checkpoint=last)
    model.module.eval()
    fitted = _fitted(trainer.state, time.perf_counter() - started, last is not None)
    if not options.keep_checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return fitted


def _claim(checkpoints: Path, key: str) -> None:
    mark = checkpoints / "run.txt"
    if checkpoints.exists() and any(checkpoints.iterdir()):
        found = mark.read_text(encoding="utf-8").strip() if mark.exists() else None
        if found != key:
            whose = "of a run with other data or settings" if found is not None else "that no run of ours left"
            raise ConfigError(f"{checkpoints}: files {whose}: remove them to start anew")
    write_text(mark, key + "\n")


def _last_whole(checkpoints: Path) -> str | None:
    """The newest checkpoint that was written to its end; what a kill left half-written is removed."""
    while True:
        last = get_last_checkpoint(str(checkpoints))
        if last is None or _is_whole(Path(last)):
            return last
        logger.info("%s was not written to its end: removed", last)
        shutil.rmtree(last)


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all((checkpoint / name).is_file() for name in WHOLE)


@contextmanager
def _quiet_bars() -> Iterator[None]:
    """Keep the library's own bars off stderr while ours is drawn."""
    shown = hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            hf_logging.enable_progress_bar()


class SpanTrainer(Trainer):
    """The library's trainer with our batches, our loss, two learning rates, and our scorer."""

    def __init__(
        self,
        trainable: Trainable,
        examples: Sequence[Any],
        options: TrainingOptions,
        checkpoints: Path,
        seed: int,
        validate: Validate | None,
        bar: progress.Bar,
    ) -> None:
        self.trainable = trainable
        self.options = options
        self.validate = validate
        self.batches = TokenBudget([trainable.size(example) for example in examples], options.batch_tokens, seed)
        callbacks: list[TrainerCallback] = [_Watch(self.batches, bar)]
        if validate is not None:
            callbacks.append(EarlyStoppingCallback(options.patience))
        super().__init__(
            model=trainable.module,
            args=_arguments(options, checkpoints, seed, validated=validate is not None),
            train_dataset=list(examples),  # type: ignore[arg-type]
            # The library insists on an eval set where there is an eval strategy; `evaluate` below needs none.
            eval_dataset=None if validate is None else [0],  # type: ignore[arg-type]
            callbacks=callbacks,
        )
        for loud in (PrinterCallback, ProgressCallback):  # they print to stdout
            self.remove_callback(loud)

    def get_train_dataloader(self) -> DataLoader:
        """Batches by token budget; overriding the sampler alone would keep the fixed batch size."""
        examples: Any = self.train_dataset
        loader = DataLoader(examples, batch_sampler=self.batches, collate_fn=self.trainable.collate)  # type: ignore[arg-type]
        return self.accelerator.prepare(loader)

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, *_: Any, **__: Any) -> Any:
        """The trainable's own loss."""
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = self.trainable.loss(outputs, labels)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        """AdamW with a learning rate for pre-trained and one for new weights, no decay of biases and norms."""
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(self._groups(), lr=self.options.learning_rate)
        return self.optimizer

    def _groups(self) -> list[dict[str, Any]]:
        decay = set(self.get_decay_parameter_names(self.trainable.module))
        groups: dict[tuple[bool, bool], list[Any]] = {}
        for name, parameter in self.trainable.module.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((self.trainable.is_new(name), name in decay), []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": self.options.head_learning_rate if new else self.options.learning_rate,
                "weight_decay": self.options.weight_decay if decays else 0.0,
            }
            for (new, decays), parameters in groups.items()
        ]

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Strict micro F1 on the dev documents."""
        assert self.validate is not None
        metrics = {"eval_f1": self.validate()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _arguments(options: TrainingOptions, checkpoints: Path, seed: int, *, validated: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=options.max_grad_norm,
        eval_strategy="epoch" if validated else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=validated,
        metric_for_best_model="f1" if validated else None,
        greater_is_better=True if validated else None,
        logging_strategy="epoch",
        restore_callback_states_from_checkpoint=True,  # else a resumed run forgets its patience
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.accelerator.is_available(),
    )


class _Watch(TrainerCallback):
    """Sets the sampler's epoch (wrappers of the loader do not all do it) and draws progress on stderr."""

    def __init__(self, batches: TokenBudget, bar: progress.Bar) -> None:
        self.batches = batches
        self.bar = bar

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        self.batches.set_epoch(round(state.epoch or 0))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        logged = state.log_history
        loss = next((entry["loss"] for entry in reversed(logged) if "loss" in entry), None)
        f1 = next((entry["eval_f1"] for entry in reversed(logged) if "eval_f1" in entry), None)
        # The state's epoch is the number of epochs done so far, as a fraction.
        parts = [f"epoch {min(int(state.epoch or 0), int(state.num_train_epochs) - 1) + 1}"]
        parts += [] if loss is None else [f"loss {loss:.4f}"]
        parts += [] if f1 is None else [f"dev F1 {100 * f1:.2f}"]
        self.bar.to(state.global_step / len(self.batches), ", ".join(parts))


def _fitted(state: Any, seconds: float, resumed: bool) -> Fitted:
    rows: dict[float, dict[str, float]] = {}
    for entry in state.log_history:
        epoch = round(float(entry["epoch"]), 4)
        row = rows.setdefault(epoch, {"epoch": epoch})
        for source, target in (("loss", "loss"), ("eval_f1", "dev_f1"), ("learning_rate", "learning_rate")):
            if source in entry:
                row[target] = float(entry[source])
    curve = tuple(row for row in rows.values() if len(row) > 1)
    scored = [row for row in curve if "dev_f1" in row]
    best = max(scored, key=lambda row: row["dev_f1"])["epoch"] if scored else None
    return Fitted(epochs=float(state.epoch or 0), best_epoch=best, seconds=seconds, resumed=resumed, curve=curve)
