from __future__ import annotations

import json
from typing import Any

import pytest

from onoma.document import Document, Prediction, Span
from onoma.evaluation import evaluate
from onoma.report import verdict, words
from onoma.report.schema import Results, loads


def test_results_show_every_system(results: Results) -> None:
    shown = results._repr_html_()
    assert all(system.name in shown for system in results.systems)
    assert words.plain(verdict.verdict(results)[0]) in shown
    assert shown.count("<tr>") == 1 + len(results.systems)


def test_names_are_text(data: dict[str, Any]) -> None:
    data["systems"][0]["name"] = "<b>"
    data["comparisons"] = []
    assert "<b>" not in loads(json.dumps(data))._repr_html_()


@pytest.mark.parametrize("label", ["PER", "<script>"])
def test_scores_show_every_label(label: str) -> None:
    document = Document.from_words([["Ada", "slept"]]).with_spans([Span(0, 3, label)])
    shown = evaluate([document], [Prediction.of(document)])._repr_html_()
    assert "<th>micro</th><td>100.00</td>" in shown
    assert "<script>" not in shown and label.strip("<>") in shown
