"""Pages made from records: synthetic cells of the shipped grids in, tables, figures and verdicts out."""

from __future__ import annotations

import importlib
import json
import random
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onoma import Document, Prediction, Problem, Span
from onoma.alignment import METHODS
from onoma.analysis import TAXONOMIES, classify
from onoma.evaluation import evaluate
from onoma.evaluation.matching import match
from onoma.exceptions import ConfigError

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the scripts of experiments/ are no part of the package

from experiments import analysis, cells, errors, grid, pages, records  # noqa: E402
from experiments.claims import verdict  # noqa: E402

EXPERIMENTS = ("ablation", "assessment", "bert_to_t5", "gner")
DOCUMENTS = 30


def gold(name: str, labels: list[str], map: dict[str, str]) -> list[Document]:
    """Documents of a set, the same for every cell but for the names of its labels."""
    chance = random.Random(name)
    made = []
    for number in range(DOCUMENTS):
        document = Document.from_words([["w"] * 8, ["w"] * 8], id=str(number))
        spans = [
            Span(document.tokens[at].start, document.tokens[at + chance.randrange(2)].end, chance.choice(labels))
            for at in (1, 4, 9, 12)
            if chance.random() < 0.6
        ]
        made.append(document.with_spans([replace(each, label=map.get(each.label, each.label)) for each in spans]))
    return made


def copying(chance: random.Random) -> dict[str, Any]:
    """Copy errors, and F1 by way of aligning."""
    ways = [f"{method}{back}" for method in METHODS for back in (", back tokenization", "")]
    return {"copied": 90, "omitted": 3, "added": 0, "substituted": 5, "f1": {way: chance.random() for way in ways}}


def synthetic(cell: cells.Cell) -> dict[str, Any]:
    """A record as the runner writes it, of a system that overlooks and mislabels what chance says."""
    chance = random.Random(cell.name)
    good = 0.9 if "minilm" in cell.system or "best" in cell.system else 0.7
    data = {"documents": 1, "tags": {"O": 90, "B-PER": 6, "I-PER": 4}, "lengths": {"1": 4, "2": 1, "4": 1}}
    sets: dict[str, Any] = {}
    for name, settings in cell.sets.items():
        documents = gold(name, ["LOC", "ORG", "PER"], cell.map)
        labels = sorted({span.label for each in documents for span in each.spans})
        answers = []
        for document in documents:
            kept = [span for span in document.spans if chance.random() < good]
            spans = [replace(span, label=chance.choice([span.label] * 8 + labels)) for span in kept]
            answers.append(Prediction(document.id, tuple(spans)))
        scores = evaluate(documents, answers, labels=settings.labels, resamples=cell.resamples)
        sets[name] = {
            "scores": scores.to_dict(), "gold": data, "predicted": data, "illegal": 3, "words_per_second": 1000.0,
            "errors": {taxonomy: classify(scores.matching, taxonomy).counts for taxonomy in TAXONOMIES},
            "missed": {taxonomy: classify(scores.matching, taxonomy).false_negatives for taxonomy in TAXONOMIES},
            "copying": copying(chance) if cell.family == "seq2seq" else None, **records.units(scores),
        }  # fmt: skip
    curve = [{"epoch": float(epoch), "loss": 1 / epoch, "dev_f1": 0.5 + epoch / 10} for epoch in (1, 2, 3)]
    trained = {"seconds": 9.0, "epochs": 3, "best_epoch": 3, "curve": curve}
    record = {
        "cell": cell.name, "system": cell.system, "seed": cell.seed, "fingerprint": cell.fingerprint,
        "settings": cell.settings, "training": None if cell.origin else trained, "train": data, "dev": data,
        "sets": sets,
    }  # fmt: skip
    return json.loads(json.dumps(record))


@pytest.fixture(scope="module")
def made() -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            synthetic(cell.model_copy(update={"resamples": 20}))
            for cell in grid.load_grid(ROOT / "experiments" / name).built
        ]
        for name in EXPERIMENTS
    }


def copied(name: str, folder: Path, rows: list[dict[str, Any]]) -> Path:
    target = folder / name
    (target / "results" / "cells").mkdir(parents=True)
    for file in ("README.md", "grid.toml"):
        shutil.copy(ROOT / "experiments" / name / file, target / file)
    for row in rows:
        path = target / "results" / "cells" / f"{row['cell']}.json"
        path.write_text(records.dumps(row), encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == row
    return target


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "RESAMPLES", 100)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_page_is_filled_from_all_records_and_filling_it_again_changes_nothing(
    name: str, made: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    findings = importlib.import_module(f"experiments.{name}.findings")
    folder = copied(name, tmp_path, made[name])
    findings.main(folder)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"\| not run", page) and "All cells of the grid have been run." in page
    for figure in re.findall(r"\]\((results/[^)]+svg)\)", page):
        assert ET.fromstring((folder / figure).read_text(encoding="utf-8")).tag.endswith("svg")
    for table in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        assert len({row.replace("\\|", "").count("|") for row in table.splitlines()}) == 1
    findings.main(folder)
    assert (folder / "README.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_what_has_not_been_run_is_marked_with_its_command(
    name: str, count: int, made: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    findings = importlib.import_module(f"experiments.{name}.findings")
    folder = copied(name, tmp_path, made[name][:count])
    findings.main(folder)
    page = (folder / "README.md").read_text(encoding="utf-8")
    for row in made[name][count:]:
        assert f"`python -m experiments.grid experiments/{name} --only {row['cell']}`" in page
    assert ("All cells" in page) is (count == len(made[name]))


def test_the_headline_is_the_mean_over_seeds(made: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    findings = importlib.import_module("experiments.bert_to_t5.findings")
    found = analysis.by_system(made["bert_to_t5"])
    (row,) = (line for line in findings.headline(found).splitlines() if line.startswith("| MiniLM-L6, full"))
    values = [each["sets"]["ewt-test"]["scores"]["micro"]["f1"] for each in found["minilm-full"]]
    assert len(values) == 3 and f"| 3 | {100 * sum(values) / 3:.2f} [" in row
    away = [each["sets"]["pud"]["scores"]["micro"]["f1"] for each in found["minilm-full"]]
    assert f"| {100 * (sum(away) - sum(values)) / 3:+.2f} [" in row


def test_precision_recall_and_f1_of_the_statistics_are_the_scorers(made: dict[str, list[dict[str, Any]]]) -> None:
    a, b = made["ablation"][:2]
    for name in a["sets"]:
        left, right = (each["sets"][name]["scores"] for each in (a, b))
        for statistic, block, ratio in (
            ("precision", "micro", "precision"), ("recall", "micro", "recall"), ("micro_f1", "micro", "f1"),
            ("macro_f1", "macro", "f1"), ("unlabelled_f1", "unlabelled", "f1"),
        ):  # fmt: skip
            found = analysis.paired([a], [b], name, statistic)
            assert found.value == pytest.approx(left[block][ratio] - right[block][ratio])
            assert found.interval[0] <= found.value <= found.interval[1]
            turned = analysis.paired([b], [a], name, statistic)
            assert turned.value == -found.value
        assert analysis.paired([a], [a], name).p_value == 1


def test_randomisation_and_bootstrap_agree_on_the_difference(made: dict[str, list[dict[str, Any]]]) -> None:
    a, b = made["ablation"][:2]
    assert analysis.randomised([a], [b], "pud").value == pytest.approx(analysis.paired([a], [b], "pud").value)


def test_other_documents_cannot_be_paired(made: dict[str, list[dict[str, Any]]]) -> None:
    a = made["ablation"][0]
    b = json.loads(json.dumps(a))
    b["sets"]["pud"]["units"][0][0] = "another"
    with pytest.raises(Exception, match="same documents"):
        analysis.paired([a], [b], "pud")


@pytest.mark.parametrize(
    ("value", "p", "sign", "words"),
    [(0.05, 0.01, 1, "yes"), (0.05, 0.01, -1, "no, the opposite"), (-0.05, 0.2, -1, "undecided")],
)
def test_verdicts(value: float, p: float, sign: int, words: str) -> None:
    assert verdict(analysis.Difference(value, (-1.0, 1.0), 0.001, p), sign).startswith(words)


def test_sentences_with_the_most_errors_come_first() -> None:
    document = Document.from_words([["a", "b"], ["c", "d", "e", "f<", "g"]], id="1")

    def span(first: int, last: int, label: str) -> Span:
        return Span(document.tokens[first].start, document.tokens[last].end, label)

    wanted = [span(0, 0, "PER"), span(2, 3, "PER"), span(5, 5, "LOC")]
    found = Prediction("1", (span(0, 0, "LOC"), span(2, 2, "PER"), span(6, 6, "ORG")), (Problem("malformed", "{"),))
    page = errors.page("x", match([document.with_spans(wanted)], [found]))
    assert "<mark>f&lt;</mark>" in page and page.index("sentence 2") < page.index("sentence 1")
    assert "sentence 2: right_end, missed, spurious" in page and "malformed 1" in page


def test_a_page_without_a_mark_is_a_clear_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin a -->\n<!-- end a -->\n", encoding="utf-8")
    pages.fill(page, {"a": "1 \\g<0> 2"})
    assert page.read_text(encoding="utf-8") == "<!-- begin a -->\n1 \\g<0> 2\n<!-- end a -->\n"
    with pytest.raises(ConfigError, match="'b'"):
        pages.fill(page, {"b": ""})
