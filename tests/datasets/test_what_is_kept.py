"""What each format says of itself is what a file holds: ids, scores, tokens and meta survive, or are known not to."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from onoma import datasets
from onoma.document import Document, Span, Tokens

EXTRA = {"docbin": "spacy", "parquet": "pyarrow"}
"""Formats that need a package."""
META: dict[str, Any] = {
    "brat": {"lines": ["# a note"]},
    "intents": ["a", "b"],
    "label_list": ["PER", "LOC"],
    "sentences": [{"source": "x"}],
    "xml": {"attributes": {"lang": "en"}},
}
"""Values of meta that only some formats keep; others hold any."""


def made(meta: dict[str, Any]) -> Document:
    return Document("a-7", "Ada ran", Tokens([0, 4], [3, 7]), ((0, 2),), (Span(0, 3, "PER", 0.5),), meta)


def again(document: Document, name: str, path: Path) -> Document:
    datasets.write([document], path, name, lossy=True)
    (found,) = datasets.read(path, name)
    assert found.text.strip() == document.text
    assert [(span.start, span.end, span.label) for span in found.spans] == [(0, 3, "PER")]
    return found


def holds(found: Any, value: Any) -> bool:
    """Whether a value is another one, or has all of its keys."""
    if isinstance(value, dict):
        return isinstance(found, dict) and all(holds(found.get(key), each) for key, each in value.items())
    if isinstance(value, list):
        return isinstance(found, list) and len(found) == len(value) and all(map(holds, found, value))
    return found == value


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_what_survives_is_what_a_format_says(name: str, tmp_path: Path) -> None:
    kept = getattr(datasets.get(name), "keeps", None)
    if kept is None:
        pytest.skip("says nothing of it")
    if importlib.util.find_spec(EXTRA.get(name, "onoma")) is None:
        pytest.skip(f"{EXTRA[name]} is not installed")
    found = again(made({"anything": "x"}), name, tmp_path / "out")
    survived = {
        "ids": found.id == "a-7",
        "scores": found.spans[0].score == 0.5,
        "tokens": list(found.tokens) == [(0, 3), (4, 7)],
        "meta": found.meta.get("anything") == "x",
    }
    assert {what for what, held in survived.items() if held} == {each for each in kept if ":" not in each}
    for number, key in enumerate(sorted(each.partition(":")[2] for each in kept if ":" in each)):
        value = META.get(key, "x")
        assert holds(again(made({key: value}), name, tmp_path / f"out{number}").meta.get(key), value)


@pytest.mark.parametrize("name", ["conll", "docbin", "gner", "layers", "parquet", "per_type"])
def test_formats_of_tokens_say_so(name: str) -> None:
    format = datasets.get(name)
    assert getattr(format, "needs_tokens", False) is True
    assert any("split it into tokens first" in loss for loss in format.losses(Document("1", "Ada ran")))


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_raw_text_is_written_where_tokens_are_not_needed(name: str, tmp_path: Path) -> None:
    if getattr(datasets.get(name), "needs_tokens", False):
        pytest.skip("needs tokens")
    datasets.write([Document("1", "Ada ran", spans=(Span(0, 3, "PER"),))], tmp_path / "out", name)
    assert datasets.read(tmp_path / "out", name)[0].spans == (Span(0, 3, "PER"),)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("alpaca", ".json"),
        ("brat", ""),
        ("doccano", ".jsonl"),
        ("gner", ".jsonl"),
        ("label_studio", ".json"),
        ("per_type", ""),
        ("prodigy", ".jsonl"),
    ],
)
def test_formats_without_an_ending_of_their_own_have_a_suffix(name: str, suffix: str) -> None:
    assert getattr(datasets.get(name), "suffix", None) == suffix
