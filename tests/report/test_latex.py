from __future__ import annotations

import json
import re
from typing import Any

import pytest

from onoma.report import latex
from onoma.report.schema import Results, loads


def test_the_table_has_a_row_a_system_and_a_column_a_set(results: Results) -> None:
    text = latex.render(results)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 3
    assert all(row.count("&") == len(results.sets) for row in rows)
    assert text.count(r"\textbf") == len(results.sets)
    assert r"\begin{tabular}{lrrr}" in text


@pytest.mark.parametrize("name", ["50% of a_b & {c}", "\\input{x}", "a\nb", "$x^2$ ~ #1 <b>"])
def test_names_are_text(data: dict[str, Any], name: str) -> None:
    data["systems"][0]["name"] = name
    data["comparisons"] = []
    text = latex.render(loads(json.dumps(data)))
    assert latex.escape(name) in text
    assert not re.search(r"(?<!\\)[%&#$_]", latex.escape(name))
    assert r"\input" not in text


def test_a_missing_score_is_a_dash(data: dict[str, Any]) -> None:
    del data["systems"][0]["scores"]["tweets"]
    assert " & -- & " in latex.render(loads(json.dumps(data)))
