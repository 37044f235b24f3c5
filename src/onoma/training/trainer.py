"""Training through `transformers.Trainer`: token-budget batches, dev scores by our own matcher, resume.

Imports torch: it is itself imported when training begins, never before.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.utils import logging as hf_logging

from onoma import progress
from onoma.exceptions import ModelError
from onoma.models.base import Fitted, TrainingOptions
from onoma.training.arguments import Layered, arguments, parameter_groups
from onoma.training.batches import TokenBudget
from onoma.training.checkpoints import claim, last_whole, read_on
from onoma.training.distributed import barrier, is_main, launched_alone, on_main, processes, rank
from onoma.training.dropout import FastDropout
from onoma.training.rows import RowGradients

__all__ = ["SpanTrainer", "Trainable", "train"]

logger = logging.getLogger("onoma")

Validate = Callable[[], float]


class Trainable(Layered, Protocol):
    """What training sees of a model: a torch module, and how examples become batches and outputs a loss.

    The cost of a step is the sum of `loss` over the sum of `weight`, both over all batches of the step in all
    processes: how examples fall into batches changes nothing.

    It may also have `begin_epoch(epoch)`, called with 0, 1, ... before an epoch's first batch (what it collates may
    depend on it), `score_text(score)`, which says how progress shows what `validate` returned, and `finish(examples)`,
    called once all is learnt.
    """

    def size(self, example: Any) -> int:
        """Pieces of an example."""
        ...

    def collate(self, examples: Sequence[Any]) -> dict[str, Any]:
        """A batch of tensors; `labels` goes to `loss` and `weight`, the rest into the module."""
        ...

    def loss(self, outputs: Any, labels: Any) -> Any:
        """The SUM of the costs in a batch, a scalar tensor."""
        ...

    def weight(self, labels: Any) -> Any:
        """What that sum is to be divided by, a scalar tensor: the number of words, or the sum of their weights."""
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

    Patience begins with the first epoch that scores anything; where none does, the last is kept, and said to be.

    Resume files lie under `folder/checkpoints`; a run that was killed goes on from its last finished epoch when called
    again with the same arguments. `key` names the run: files of a run of another key are not touched.

    Where a launcher started several processes, all call this with the same arguments; the main one's `folder` is used,
    which all must see, and only the main one validates. All end with the same weights and the same `Fitted`, seconds
    apart. Raises `ModelError` where there is nothing to train on, `ConfigError` where the folder is another run's, the
    device cannot compute in the precision asked for, or there are fewer examples than processes.
    """
    if not examples:
        raise ModelError("there is nothing to train on: no sentence has a word")
    if launched_alone():
        progress.say("one process only: `accelerate launch` starts several on CPUs with --multi_gpu in place of --cpu")
    started = time.perf_counter()
    args = arguments(options, folder / "checkpoints", seed, validated=validate is not None)
    checkpoints = on_main(lambda: folder.absolute() / "checkpoints")
    args.output_dir = str(checkpoints)
    # Random states are kept by process, so another number of processes cannot go on where this one was.
    on_main(lambda: claim(checkpoints, key if processes() == 1 else f"{key} in {processes()} processes"))
    shown = progress.bar("training", options.epochs) if is_main() else nullcontext(None)
    with shown as bar, _quiet_bars():
        trainer = SpanTrainer(model, examples, options, args, validate, bar)
        last = on_main(lambda: last_whole(checkpoints, processes()))
        if last is not None:
            stopped = on_main(lambda: read_on(Path(last), options.patience))
            args.num_train_epochs = args.num_train_epochs if stopped is None else stopped
            if is_main():
                logger.info("going on from %s", last)
        trainer.train(resume_from_checkpoint=last)
    _forget_autocast(model.module)
    model.module.eval()
    getattr(model, "finish", lambda _: None)(examples)
    if is_main() and trainer.state.best_metric == 0:
        progress.say("no epoch scores anything on the dev data: the last one is kept")
    fitted = _fitted(trainer.state, time.perf_counter() - started, last is not None)
    barrier()  # all have read what they need
    if is_main() and not options.keep_checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return fitted


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
    """The library's trainer with our batches, our loss, our learning rates, and our scorer."""

    def __init__(
        self,
        trainable: Trainable,
        examples: Sequence[Any],
        options: TrainingOptions,
        args: Any,
        validate: Validate | None,
        bar: progress.Bar | None,
    ) -> None:
        self.trainable = trainable
        self.options = options
        self.validate = validate
        self.batches = TokenBudget(
            [trainable.size(example) for example in examples],
            options.batch_tokens,
            args.seed,
            accumulation=options.accumulation,
            rank=rank(),
            processes=processes(),
        )
        callbacks: list[TrainerCallback] = [_Watch(self.batches, trainable, bar)]
        if validate is not None:
            callbacks.append(EarlyStoppingCallback(options.patience))
        super().__init__(
            model=trainable.module,
            args=args,
            train_dataset=list(examples),  # type: ignore[arg-type]
            # The library insists on an eval set where there is an eval strategy; `evaluate` below needs none.
            eval_dataset=None if validate is None else [0],  # type: ignore[arg-type]
            callbacks=callbacks,
        )
        self.rows = RowGradients() if processes() == 1 else nullcontext()
        self.model_accepts_loss_kwargs = True  # the loss is divided for the whole step already
        if rank():
            torch.manual_seed(args.seed + rank())  # else all processes would drop out the same units
        for loud in (PrinterCallback, ProgressCallback):  # they print to stdout
            self.remove_callback(loud)

    def get_train_dataloader(self) -> DataLoader:
        """Batches by token budget; they are this process's own already, so `accelerate` has nothing to share out."""
        examples: Any = self.train_dataset
        return DataLoader(examples, batch_sampler=self.batches, collate_fn=self.trainable.collate)  # type: ignore[arg-type]

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """The batches of one step, and the total weight of their labels over all processes."""
        samples = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        total = torch.stack([torch.as_tensor(self.trainable.weight(batch["labels"])).float() for batch in samples])
        return samples, self.accelerator.reduce(total.sum().to(device), "sum")

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
        **_: Any,
    ) -> Any:
        """The trainable's own loss over the weight of the whole step.

        Gradients of several processes are averaged, not summed, hence their number.
        """
        labels = inputs.pop("labels")
        with self.rows:
            with FastDropout():
                outputs = model(**inputs)
            loss = self.trainable.loss(outputs, labels) * (self.accelerator.num_processes / num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        """AdamW with learning rates by depth and newness, no decay of biases and norms."""
        if self.optimizer is None:
            decays = set(self.get_decay_parameter_names(self.trainable.module))
            groups = parameter_groups(self.trainable, self.options, decays)
            self.optimizer = torch.optim.AdamW(groups, lr=self.options.learning_rate, fused=True)
            self.optimizer.register_step_post_hook(_told)
        return self.optimizer

    def _clip_grad_norm(self, model: Any) -> Any:
        """Without a look at the rows of tables that no batch has read."""
        if isinstance(self.rows, RowGradients) and self.accelerator.device.type == "cpu":
            self.accelerator.unscale_gradients()
            return self.rows.clip(model.parameters(), self.args.max_grad_norm)
        return super()._clip_grad_norm(model)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Strict micro F1 on the dev documents, in the precision in which the saved model predicts."""
        assert self.validate is not None
        with _without_autocast(self.trainable.module):
            metrics = {"eval_f1": on_main(self.validate)}
        if self.state.best_metric == 0:
            self.state.best_metric = None  # nothing was found so far: the later epoch is the better one
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """0: nobody reads the number, and the library counts all parameters anew in every step."""
        del inputs
        return 0

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        barrier()  # the main process calls the checkpoint whole, and drops older ones, after this

    def _load_best_model(self) -> None:
        super()._load_best_model()
        barrier()  # the main process removes checkpoints after this

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Nothing where what a checkpoint lacks is shared with what it holds, as heads are with embeddings."""
        missing = set(load_result.missing_keys)
        state = self.trainable.module.state_dict()
        held = {each.data_ptr() for name, each in state.items() if name not in missing}
        if load_result.unexpected_keys or any(state[name].data_ptr() not in held for name in missing):
            super()._issue_warnings_after_load(load_result)


def _told(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Count the change of each weight: the fused step does not, and copies laid out for prediction go by it."""
    torch.autograd.graph.increment_version(
        [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
    )


@contextmanager
def _without_autocast(module: Any) -> Iterator[None]:
    """Take off the forward that `accelerate` set on the module itself for mixed precision, if it did."""
    patched = module.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if patched is not None:
            module.__dict__["forward"] = patched


def _forget_autocast(module: Any) -> None:
    if module.__dict__.pop("_original_forward", None) is not None:
        module.__dict__.pop("forward", None)


class _Watch(TrainerCallback):
    """Tells sampler and trainable the epoch and draws progress on stderr."""

    def __init__(self, batches: TokenBudget, trainable: Trainable, bar: progress.Bar | None) -> None:
        self.batches = batches
        self.begin_epoch = getattr(trainable, "begin_epoch", lambda _: None)
        self.score_text = getattr(trainable, "score_text", lambda f1: f"dev F1 {100 * f1:.2f}")
        self.bar = bar

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        epoch = round(state.epoch or 0)
        self.batches.set_epoch(epoch)
        self.begin_epoch(epoch)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if self.bar is None:
            return
        logged = state.log_history
        loss = next((entry["loss"] for entry in reversed(logged) if "loss" in entry), None)
        f1 = next((entry["eval_f1"] for entry in reversed(logged) if "eval_f1" in entry), None)
        # The state's epoch is the number of epochs done so far, as a fraction.
        done = float(state.epoch or 0)
        parts = [f"epoch {min(int(done), int(state.num_train_epochs) - 1) + 1}"]
        parts += [] if loss is None else [f"loss {loss:.4f}"]
        parts += [] if f1 is None else [self.score_text(f1)]
        self.bar.to(done, ", ".join(parts))


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
    # The first of the best; the last of those that found nothing.
    best = (
        max(scored, key=lambda row: (row["dev_f1"], 0 if row["dev_f1"] else row["epoch"]))["epoch"] if scored else None
    )
    return Fitted(epochs=float(state.epoch or 0), best_epoch=best, seconds=seconds, resumed=resumed, curve=curve)
