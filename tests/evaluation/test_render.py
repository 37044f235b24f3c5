from __future__ import annotations

import io
from decimal import Decimal

import pytest
from evaluation_cases import PROPERTY, corpus, words
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from onoma.document import Prediction, Problem, Span
from onoma.evaluation import Scores, evaluate, table
from onoma.evaluation.render import percent


def shown(scores: Scores, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(table(scores))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0.00"),
        (1.0, "100.00"),
        (0.84995, "85.00"),
        (0.849949999, "84.99"),
        (0.000005, "0.00"),
        (0.00005, "0.01"),
        (2 / 3, "66.67"),
    ],
)
def test_percent_is_rounded_once(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@PROPERTY
@given(st.floats(0, 1))
def test_percent_is_the_nearest_to_what_json_says(fraction: float) -> None:
    away = abs(Decimal(percent(fraction)) - Decimal(repr(fraction)) * 100)
    assert away <= Decimal("0.005")


def test_table_shows_every_part() -> None:
    gold = [words("x", [Span(0, 2, "[bold]PER"), Span(3, 5, "LOC")]), words("y", [Span(0, 2, "LOC")])]
    answer = Prediction("x", [Span(0, 2, "[bold]PER")], (Problem("ungrounded", "u"), Problem("truncated", "v")))
    scores = evaluate(gold, [answer])
    text = shown(scores)
    for part in ("micro", "macro", "weighted", "unlabelled", "[bold]PER", "LOC", "?", "0.00*", "* 0/0, counted as 0"):
        assert part in text
    assert any(line.split()[:1] == ["[bold]PER"] for line in text.splitlines())
    assert "token accuracy 83.33 over 12 tokens (all O: 75.00)" in text
    assert "problems in answers: 1 ungrounded, 1 truncated" in text
    assert "lost answers: 1 document without a prediction" in text
    assert text.rstrip().replace("\n", "").replace(" ", "").endswith(scores.signature.replace(" ", ""))


def test_rows_show_the_numbers() -> None:
    scores = evaluate(*corpus(30, 0.5, seed=1))
    (row,) = (line.split() for line in shown(scores).splitlines() if line.split()[:1] == ["micro"])
    block = scores.micro
    assert block.f1_interval is not None
    low, high = map(percent, block.f1_interval)
    ratios = [percent(block.precision), percent(block.recall), percent(block.f1)]
    assert row[1:] == [*ratios, low, "-", high, *map(str, (block.support, block.tp, block.fp, block.fn))]


def test_no_interval_and_no_labels() -> None:
    text = shown(evaluate([], []))
    assert "interval: none" in text
    assert "token accuracy" not in text
