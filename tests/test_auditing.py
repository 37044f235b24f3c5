"""Audits end to end: flipped labels of the embedded corpus are found, tasks are read back, the verb does as told."""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import onoma
from onoma import Document, Span, datasets, progress
from onoma.analysis.audit import Audit, audit
from onoma.auditing import OutOfSample, out_of_sample, tasks
from onoma.cli import main

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the scripts of experiments/ are no part of the package

from experiments.audit import run as experiment  # noqa: E402

LABELS = ("LOC", "ORG", "PER")
FAST = {"max_iterations": 40}


@pytest.fixture(scope="module")
def flipped() -> tuple[list[Document], set[tuple[str, int]]]:
    """The demo corpus with the labels of some frequent mentions changed, and where."""
    chance = random.Random(7)
    documents = [document.with_spans(_flat(document)) for document in onoma.read("demo:train")]
    every = [(at, span) for at, document in enumerate(documents) for span in document.spans if span.label in LABELS]
    wrong = chance.sample(every, 30)
    changed = {(documents[at].id, span.start) for at, span in wrong}
    made = [
        document.with_spans(
            replace(span, label=LABELS[(LABELS.index(span.label) + 1) % 3])
            if (document.id, span.start) in changed and span.label in LABELS
            else span
            for span in document.spans
        )
        for document in documents
    ]
    return made, changed


def _flat(document: Document) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(document.spans, key=lambda span: (span.start, -span.end)):
        if not span.fragments and (not kept or span.start >= kept[-1].end):
            kept.append(span)
    return kept


@pytest.fixture(scope="module")
def read(flipped: tuple[list[Document], set[tuple[str, int]]]) -> OutOfSample:
    return out_of_sample(flipped[0], folds=3, options=FAST)


@pytest.fixture(scope="module")
def found(read: OutOfSample) -> Audit:
    return audit(read.documents, read.predictions, read.chances)


def test_flipped_labels_come_out_on_top(found: Audit, flipped: tuple[list[Document], set[tuple[str, int]]]) -> None:
    wrong = flipped[1]
    hits = [any((place.document_id, span.start) in wrong for span in place.gold) for place in found.suspicions]
    first = sum(hits[:60])
    by_chance = 60 * len(wrong) / found.mentions
    assert first > 4 * by_chance, (first, by_chance)


def test_chances_add_up_and_everybody_is_read_by_a_model_that_did_not_learn_from_it(read: OutOfSample) -> None:
    assert read.chances is not None
    assert [each.document_id for each in read.predictions] == [each.id for each in read.documents]
    for document in read.documents:
        table: Any = read.chances[document.id]
        assert sum(table.values()) == pytest.approx([1.0] * len(document.tokens))
    held = [at for _, part in read.folds for at in part]
    assert sorted(held) == list(range(len(read.documents)))
    assert all(set(learnt).isdisjoint(part) for learnt, part in read.folds)


@pytest.mark.parametrize("format", ["jsonl", "prodigy", "label_studio", "doccano"])
@pytest.mark.parametrize("spans", ["gold", "proposed"])
def test_tasks_are_read_back(found: Audit, read: OutOfSample, tmp_path: Path, format: str, spans: str) -> None:
    made = tasks(read.documents, found.suspicions[:40], spans)  # type: ignore[arg-type]
    assert [task.meta["rank"] for task in made] == sorted(task.meta["rank"] for task in made)
    path = tmp_path / "tasks"
    datasets.write(made, path, format)
    back = datasets.read(path, format)
    assert [(each.id, each.text, set(each.spans)) for each in back] == [(e.id, e.text, set(e.spans)) for e in made]
    assert [each.meta["why"] for each in back] == [each.meta["why"] for each in made]


def test_tasks_show_gold_or_the_proposal_in_its_place(found: Audit, read: OutOfSample) -> None:
    place = found.suspicions[0]
    whole = next(each for each in read.documents if each.id == place.document_id)
    for spans, wanted, other in (("gold", place.gold, place.proposed), ("proposed", place.proposed, place.gold)):
        (task,) = tasks(read.documents, [place], spans)  # type: ignore[arg-type]
        shown = {(task.surface(span), span.label) for span in task.spans}
        assert {(whole.surface(span), span.label) for span in wanted} <= shown
        assert task.text in whole.text and place.text in task.text
        extra = {(whole.surface(span), span.label) for span in other} - {(whole.surface(s), s.label) for s in wanted}
        assert not extra & shown or len(whole.spans) > len(task.spans)


# ---------------------------------------------------------------------- the verb


@pytest.fixture
def gold(flipped: tuple[list[Document], set[tuple[str, int]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    datasets.write(flipped[0], "gold.jsonl")
    return tmp_path


@pytest.fixture(autouse=True)
def silence() -> object:
    yield
    progress.use(None)


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def test_the_verb_ranks_writes_and_says_the_same_twice(gold: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["audit", "gold.jsonl", "--folds", "2", "--options.max-iterations", "10", "--top", "5"]
    assert run(*asked, "-o", "a.jsonl", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["suspicions"]) == 5 and record["folds"]["folds"] == 2
    assert run(*asked, "-o", "b.jsonl") == 0
    assert "gold mentions; model and gold differ at" in capsys.readouterr().out
    assert (gold / "a.jsonl").read_bytes() == (gold / "b.jsonl").read_bytes()
    rows = [json.loads(line) for line in (gold / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5] and all(row["reasons"] for row in rows)


def test_the_verb_takes_predictions(gold: Path, read: OutOfSample, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.write_predictions(zip(read.documents, read.predictions, strict=True), "pred.jsonl")
    assert run("audit", "gold.jsonl", "--predictions", "pred.jsonl", "-o", "tasks.jsonl", "--to", "prodigy") == 0
    assert "shown" in capsys.readouterr().out
    assert datasets.read("tasks.jsonl", "prodigy")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--rule", "luck"), 2, "--rule 'luck' is unknown"),
        (("--top", 0), 2, "--top 0: 1 or more"),
        (("--to", "prodigy"), 2, "name a file by --out"),
        (("--folds", 1), 2, "folds = 1: there must be 2 or more"),
        (("--model", "x", "--predictions", "y"), 2, "give one of the two"),
        (("--folds", 9999), 2, "cannot make 9999 folds"),
        (("--model", "nowhere"), 1, "nowhere"),
    ],
)
def test_bad_input_ends_in_one_line(
    gold: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], code: int, message: str
) -> None:
    assert run("audit", "gold.jsonl", *arguments) == code
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


# ---------------------------------------------------------------------- the experiment


def test_the_page_shows_what_was_recorded() -> None:
    place = ROOT / "experiments" / "audit"
    record = json.loads((place / "results" / "audit.json").read_text(encoding="utf-8"))
    page = (place / "README.md").read_text(encoding="utf-8")
    rows = {(row["way"], row["ranking"]): row for row in record["rows"] if row["gold"] == "CoNLL++"}
    for ranking, title in (
        ("combined", "**combined** (normalised margin and surface)"),
        ("surface", "surface (ties by combined)"),
        ("margin", "margin"),
        ("normalised_margin", "normalised margin (confident learning)"),
        ("self_confidence", "self-confidence"),
        ("disagreement", "plain disagreement, corpus order"),
        ("random disagreement", "plain disagreement, random order (expected)"),
        ("random place", "random mention (expected)"),
    ):
        cells: list[str] = []
        for way in experiment.WAYS:
            found = rows[way, ranking]["at"]["600"]
            bold = "**" if (way, ranking) == ("train", "combined") else ""
            if "interval" in found:
                low, high = (f"{100 * bound:.1f}" for bound in found["interval"])
                cells.append(f"{bold}{found['tokens']}{bold} [{low}, {high}] %")
            else:
                cells.append(f"{found['tokens']:.1f}")
        assert f"| {title} | {' | '.join(cells)} |" in page


def test_corrections_are_counted_by_token() -> None:
    before = Document.from_words([["Ada", "met", "Bo"], ["Ada", "met", "Bo"]], id="a")
    before = before.with_spans([Span(0, 3, "PER")])
    after = Document.from_words([["Ada", "met", "Bo"], ["else"], ["Ada", "met", "Bo"]], id="b")
    after = after.with_spans([Span(0, 3, "ORG"), Span(8, 10, "PER")])
    assert experiment.changes([before], [after]) == {"a": {0: "B-ORG", 2: "B-PER"}}


@pytest.mark.skipif("ONOMA_DATA" not in os.environ, reason="ONOMA_DATA is not set")
def test_conllpp_corrects_309_tokens() -> None:
    folder = Path(os.environ["ONOMA_DATA"])
    if not all(folder.joinpath(each).exists() for each in ("conll2003/eng.testb", "conllpp/conllpp_test.txt")):
        pytest.skip("ONOMA_DATA has no conll2003/eng.testb and conllpp/conllpp_test.txt")
    found = experiment.changes(onoma.read("conll2003:test"), onoma.read("conllpp:test"))
    assert sum(map(len, found.values())) == 309
