"""Training steps: what is divided by what, at which rate each weight learns, in which precision, and resuming."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from training.tasks import Task, options, run, sentences  # noqa: E402

from onoma import progress  # noqa: E402
from onoma.exceptions import ConfigError  # noqa: E402
from onoma.training.arguments import parameter_groups  # noqa: E402

EXAMPLES = sentences(40)


def same(one: dict[str, Any], two: dict[str, Any], tolerance: float) -> bool:
    return all(torch.allclose(one[name], two[name], rtol=0, atol=tolerance) for name in one)


@pytest.mark.parametrize("o_weight", [1.0, 0.25])
def test_accumulated_batches_of_unlike_size_make_the_step_of_one_batch(o_weight: float, tmp_path: Path) -> None:
    """Oracle: one batch with all examples, whose step is plain autograd and AdamW."""
    examples = [(1,), (2, 5), tuple(range(12)), (3,) * 9, (4, 7, 11), (0,), (6, 6)]
    words = sum(map(len, examples))
    trained = []
    for accumulation in (1, 3):
        task = Task(o_weight=o_weight)
        task.module.double()
        settings: dict[str, Any] = {
            "epochs": 1,
            "batch_tokens": -(-words // accumulation),
            "accumulation": accumulation,
            "warmup": 0,
        }
        run(task, tmp_path / str(accumulation), examples, **settings)
        batches = task.seen
        assert len(batches) == accumulation and sorted(each for batch in batches for each in batch) == sorted(examples)
        trained.append(task.state())
    assert len({sum(map(len, batch)) for batch in batches}) > 1  # a mean of means would differ
    assert same(*trained, tolerance=1e-12)

    task = Task(o_weight=o_weight)
    task.module.double()
    batch = task.collate(examples)
    (task.loss(task.module(batch["words"]), batch["labels"]) / task.weight(batch["labels"])).backward()
    torch.nn.utils.clip_grad_norm_(task.module.parameters(), 1.0)
    decays = {"embeddings.weight", "layer.weight", "head.weight"}
    torch.optim.AdamW(parameter_groups(task, options(), decays), lr=0.02).step()
    assert same(task.state(), trained[0], tolerance=1e-9)


def test_a_step_counts_as_a_change_of_every_weight(tmp_path: Path) -> None:
    """By these counts what is laid out for prediction is made anew; else dev scores would be those of older weights."""
    from onoma.training.trainer import train

    task = Task()
    seen: list[dict[str, tuple[int, Any]]] = []

    def score() -> float:
        seen.append({name: (each._version, each.detach().clone()) for name, each in task.module.named_parameters()})
        return float(len(seen))

    train(task, EXAMPLES, options(epochs=3), tmp_path, 1, score)
    assert len(seen) == 3
    for before, after in pairwise(seen):
        for name, (version, weight) in before.items():
            assert not torch.equal(weight, after[name][1]) and version < after[name][0], name


def test_a_step_takes_whole_groups_of_batches(tmp_path: Path) -> None:
    task = Task()
    fitted = run(task, tmp_path, EXAMPLES, epochs=1, accumulation=4)
    assert len(task.seen) % 4 == 0
    assert fitted.epochs == 1.0


def test_rates_fall_by_layer_and_the_head_has_its_own() -> None:
    task = Task()
    decays = {"embeddings.weight", "layer.weight", "head.weight"}
    chosen = options(learning_rate=0.4, head_learning_rate=0.9, layer_decay=0.5, weight_decay=0.1)
    rates = {
        name: (group["lr"], group["weight_decay"])
        for group in parameter_groups(task, chosen, decays)
        for name, parameter in task.module.named_parameters()
        if any(parameter is each for each in group["params"])
    }
    assert rates == {
        "embeddings.weight": (0.2, 0.1),
        "layer.weight": (0.4, 0.1),
        "layer.bias": (0.4, 0.0),
        "head.weight": (0.9, 0.1),
        "head.bias": (0.9, 0.0),
        "bias": (0.9, 0.0),
    }
    plain = parameter_groups(task, options(learning_rate=0.4, head_learning_rate=0.9), decays)
    assert {group["lr"] for group in plain} == {0.4, 0.9}


def test_bf16_trains_on_the_cpu_and_dev_is_scored_in_full_precision(tmp_path: Path) -> None:
    task = Task()
    kinds: list[torch.dtype] = []
    plain_forward = type(task.module).forward

    def forward(self: Any, words: torch.Tensor) -> torch.Tensor:
        out = plain_forward(self, words)
        kinds.append(out.dtype)
        return out

    type(task.module).forward = forward  # type: ignore[method-assign]
    try:
        from onoma.training.trainer import train

        def score() -> float:
            start = len(kinds)
            emissions = task.module(torch.tensor([[1, 2, 3]]))
            assert kinds[start:] == [torch.float32]
            return float(emissions.detach().sum())

        train(task, EXAMPLES, options(mixed_precision="bf16"), tmp_path, 1, score)
        assert torch.bfloat16 in kinds
        kinds.clear()
        task.module(torch.tensor([[1]]))
        assert kinds == [torch.float32]
    finally:
        type(task.module).forward = plain_forward  # type: ignore[method-assign]
    assert {parameter.dtype for parameter in task.module.parameters()} == {torch.float32}


@pytest.mark.skipif(torch.accelerator.is_available(), reason="the device may have fp16")
def test_fp16_without_an_accelerator_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mixed_precision 'fp16' does not work on this device \(cpu\): use bf16"):
        run(Task(), tmp_path, EXAMPLES, mixed_precision="fp16")


def start(out: Path, processes: int = 1, number: int = len(EXAMPLES), **settings: Any) -> list[dict[str, Any]] | None:
    """Run `worker.py`; what each process reported, or None where one was killed."""
    out.mkdir(exist_ok=True)
    command = [sys.executable, "-m"]
    if processes > 1:  # without --cpu, under which accelerate starts one process; --multi_gpu needs no GPU
        command += ["accelerate.commands.launch", "--multi_gpu", f"--num_processes={processes}", "--num_machines=1"]
        command += ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0", "-m"]
    done = subprocess.run(
        [*command, "training.worker", str(out), str(number), json.dumps(settings)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        assert "dies_at" in settings, done.stderr
        return None
    return [json.loads((out / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(processes)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(
    "settings",
    [{}, {"accumulation": 2, "mixed_precision": "bf16", "layer_decay": 0.9}, {"processes": 2, "accumulation": 2}],
    ids=["plain", "bf16", "distributed"],
)
def test_a_run_killed_in_its_second_epoch_ends_as_if_it_had_not_been(settings: dict[str, Any], tmp_path: Path) -> None:
    """`kill -9` in the middle of an epoch: the same weights to the bit, the same curve, dropout and all."""
    settings = {**settings, "dropout": 0.3}
    whole = start(tmp_path / "whole", **settings)
    assert whole is not None
    epochs = whole[0]["fitted"]["epochs"]
    assert epochs > 2
    assert start(tmp_path / "run", **settings, dies_at=int(len(whole[0]["seen"]) / epochs * 1.5)) is None
    assert (tmp_path / "run" / "run-0" / "checkpoints").exists()
    again = start(tmp_path / "run", **settings)
    assert again is not None
    for one, two in zip(whole, again, strict=True):
        assert two["fitted"].pop("resumed") and not one["fitted"].pop("resumed")
        assert len(two["seen"]) < len(one["seen"])
        assert (one["weights"], one["fitted"]) == (two["weights"], two["fitted"])


@pytest.mark.parametrize(
    ("scores", "epochs", "best"),
    [((0, 0, 0, 0.2, 0.1, 0.1, 0.3), 6, 4), ((0, 0, 0, 0), 4, 4), ((0.2, 0, 0, 0.3), 3, 1)],
    ids=["late", "never", "early"],
)
def test_patience_begins_with_the_first_score(
    scores: tuple[float, ...], epochs: int, best: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where no epoch has any, the last one is kept, and said to be."""
    from onoma.training.trainer import train

    task, left, said, weights = Task(), iter(scores), [], []
    monkeypatch.setattr(progress, "say", said.append)

    def score() -> float:
        weights.append(task.state())
        return next(left)

    fitted = train(task, EXAMPLES, options(epochs=len(scores), patience=2), tmp_path, 1, score)
    assert (fitted.epochs, fitted.best_epoch) == (epochs, best)
    assert same(task.state(), weights[best - 1], tolerance=0)
    assert said == (["no epoch scores anything on the dev data: the last one is kept"] if not any(scores) else [])


@pytest.mark.parametrize(("scores", "epochs"), [((0.5, 0.4, 0.3, 0.9), 6), ((0.5, 0.4), 2)], ids=["stopped", "ended"])
def test_a_run_killed_before_its_best_weights_were_loaded_ends_as_if_it_had_not_been(
    scores: tuple[float, ...], epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its folder was moved since."""
    from onoma.training.trainer import SpanTrainer, train

    def go(folder: Path, before: int) -> tuple[Any, dict[str, Any]]:
        task, left = Task(), iter(scores[before:])
        fitted = train(task, EXAMPLES, options(epochs=epochs, patience=2), folder, 1, lambda: next(left))
        return (fitted.epochs, fitted.best_epoch, fitted.curve), task.state()

    def killed(_: Any) -> None:
        raise KeyboardInterrupt

    whole = go(tmp_path / "whole", 0)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(SpanTrainer, "_load_best_model", killed)
        go(tmp_path / "run", 0)
    (tmp_path / "run").rename(tmp_path / "moved")
    again = go(tmp_path / "moved", int(whole[0][0]))
    assert again[0] == whole[0] and whole[0][1] == 1
    assert same(again[1], whole[1], tolerance=0)


@pytest.mark.slow
def test_two_processes_end_as_one_with_the_same_batches_in_a_step(tmp_path: Path) -> None:
    alone = start(tmp_path / "alone", accumulation=2)
    both = start(tmp_path / "both", processes=2)
    assert alone is not None and both is not None
    assert [report["processes"] for report in (*alone, *both)] == [1, 2, 2]
    weights = [{name: torch.tensor(value) for name, value in each["weights"].items()} for each in (*alone, *both)]
    assert same(weights[0], weights[1], tolerance=1e-5)
    assert both[0]["weights"] == both[1]["weights"]
    assert both[0]["fitted"] == both[1]["fitted"]
    assert both[0]["fitted"]["best_epoch"] == alone[0]["fitted"]["best_epoch"]
    for one, two in zip(alone[0]["fitted"]["curve"], both[0]["fitted"]["curve"], strict=True):
        assert one == pytest.approx(two, abs=1e-5)
    # Each sentence once an epoch in one of the two; another order in each epoch, in both.
    batches = [report["seen"] for report in both]
    assert len(batches[0]) == len(batches[1])
    an_epoch = len(batches[0]) // 3
    epochs = [[each[first : first + an_epoch] for first in range(0, len(each), an_epoch)] for each in batches]
    for one, two in zip(*epochs, strict=True):
        assert sorted(tuple(example) for batch in one + two for example in batch) == sorted(EXAMPLES)
    for each in epochs:
        assert each[0] != each[1] != each[2]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["0.json", "1.json", "run-0"]
    assert not (tmp_path / "both" / "run-0" / "checkpoints").exists()


@pytest.mark.slow
def test_what_goes_wrong_in_the_main_process_is_told_in_all(tmp_path: Path) -> None:
    strange = tmp_path / "run-0" / "checkpoints"
    strange.mkdir(parents=True)
    (strange / "thesis.txt").write_text("mine")
    reports = start(tmp_path, processes=2)
    assert reports is not None
    assert ["that no run of ours left" in report["error"] for report in reports] == [True, True]
    few = start(tmp_path / "few", processes=2, number=1)
    assert few is not None and few[1] == {"error": "1 training examples cannot be shared by 2 processes"}
