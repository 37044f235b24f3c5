from __future__ import annotations

from pathlib import Path

import pytest

from onoma.cli import main
from onoma.comparison import Experiment, compare
from onoma.comparison.reporting import gather_from
from onoma.datasets import write
from onoma.document import Document, Span
from onoma.report.schema import read

WORDS = ["Ada", "saw", "Oslo", "today"]


def gold() -> list[Document]:
    made = [Document.from_words([WORDS, ["It", "rained"]], id=str(number)) for number in range(6)]
    return [each.with_spans([Span(0, 3, "PER"), Span(8, 12, "LOC")]) for each in made]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison of two files of predictions, its sources in the folder above."""
    base = tmp_path_factory.mktemp("run")
    documents = gold()
    write(documents, base / "gold.jsonl")
    write(documents, base / "good.jsonl")
    write([each.with_spans(each.spans[:1]) for each in documents], base / "half.jsonl")
    systems = {name: {"predictions": {"news": f"{name}.jsonl"}} for name in ("good", "half")}
    settings = {"name": "two", "sets": {"news": {"source": "gold.jsonl"}}, "systems": systems, "resamples": 20}
    compare(Experiment.checked(settings, "test"), base / "out", base=base)
    return base / "out"


def test_a_comparison_shows_its_errors(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'href="#ex:set=news&amp;system=half&amp;class=missed">6</a>' in page
    assert (run / "results.tex").is_file()


def test_the_report_is_made_anew_from_anywhere(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(run), "--quiet"]) == 0
    assert (run / "report.html").read_bytes() == before


def test_other_gold_is_not_taken_for_the_one_that_was_scored(run: Path, tmp_path: Path) -> None:
    write(gold()[:2], tmp_path / "gold.jsonl")
    found = gather_from(read(run), run, tmp_path)
    assert not found.sets
    assert found.absent == {"news": "gold.jsonl is another file than the one that was scored"}


def test_gold_that_is_gone_is_said_in_the_page(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "--base", str(tmp_path), "--quiet"]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Errors and examples of <strong>news</strong> are not shown" in page
    assert "<script" not in page
    assert main(["report", str(run), "--quiet"]) == 0
    assert "<script" in (run / "report.html").read_text(encoding="utf-8")


def test_predictions_that_are_gone_are_said(run: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes((run / "results.json").read_bytes())
    found = gather_from(read(tmp_path), tmp_path, run.parent)
    assert "holds no predictions" in found.absent["news"]


def test_systems_stand_in_the_order_of_their_rank(tmp_path: Path) -> None:
    documents = gold()
    write(documents, tmp_path / "gold.jsonl")
    write([each.with_spans(each.spans[:1]) for each in documents], tmp_path / "half.jsonl")
    systems = {name: {"predictions": {"news": f"{file}.jsonl"}} for name, file in (("a", "half"), ("b", "gold"))}
    settings = {"name": "two", "sets": {"news": {"source": "gold.jsonl"}}, "systems": systems, "resamples": 20}
    compare(Experiment.checked(settings, "test"), tmp_path / "out", base=tmp_path)
    found = gather_from(read(tmp_path / "out"), tmp_path / "out").sets["news"]
    for part in (found.errors["spans"].means, found.confusions, found.trust, found.protocols, found.surfaces):
        assert list(part) == ["b", "a"]
    assert found.slices.systems == ("b", "a") and found.sentences["systems"] == ["b", "a"]


def test_only_what_was_learnt_is_told_to_have_been_seen(tmp_path: Path) -> None:
    write(gold(), tmp_path / "gold.jsonl")
    write(gold(), tmp_path / "train.jsonl")
    settings = {
        "name": "t", "train": {"source": "train.jsonl"}, "sets": {"news": {"source": "gold.jsonl"}},
        "systems": {"rules": {"family": "rules", "options": {}}}, "resamples": 0,
    }  # fmt: skip
    compare(Experiment.checked(settings, "test"), tmp_path / "out", base=tmp_path)

    def slices() -> set[str]:
        found = gather_from(read(tmp_path / "out"), tmp_path / "out", tmp_path).sets["news"]
        return set(found.slices.slices)

    assert "familiarity" in slices()
    write(gold()[:2], tmp_path / "train.jsonl")
    assert "familiarity" not in slices()
