"""The runner of grids on a hand-made corpus: what is run, skipped, resumed and recorded; records hold no text."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from families import CORPUS
from hypothesis import given
from hypothesis import strategies as st

import onoma
from onoma import Document, Prediction, Recognizer, Span, datasets
from onoma.comparison import Experiment
from onoma.evaluation import evaluate, mean_over_seeds, paired_bootstrap
from onoma.exceptions import ConfigError

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the scripts of experiments/ are no part of the package

from experiments import analysis, cells, errors, grid, records  # noqa: E402
from experiments.copying import copying  # noqa: E402

GRID = """
name = "tiny"
[defaults]
family = "feature_crf"
resamples = 20
train = { source = "all.jsonl" }
dev = { source = "all.jsonl" }
[defaults.sets.home]
source = "all.jsonl"
[defaults.sets.away]
source = "some.jsonl"
role = "out_of_domain"
map = { PER = "HUMAN" }
labels = ["HUMAN", "LOC"]
[systems.loose]
options = { c2 = 0.001 }
[systems.part]
like = "loose"
train = { subset = { share = 0.5 } }
[systems.simple]
like = "loose"
map = { PER = "ENT", LOC = "ENT" }
sets = { away = { labels = ["HUMAN", "ENT"] } }
[systems.copy]
from = "loose"
repair = "conlleval"
"""
CELLS = 'cells = [{ system = "loose", seed = 1 }, { system = "part", seed = 2 }, { system = "simple", seed = 1 }]\n'


def lay(folder: Path, text: str = CELLS + GRID) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    datasets.write(CORPUS, folder / "all.jsonl")
    datasets.write(CORPUS[:4], folder / "some.jsonl")
    (folder / "grid.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(tmp_path_factory.mktemp("grid") / "experiment")
    assert grid.main([str(folder)]) == 0
    return folder


def read(folder: Path, cell: str) -> dict[str, Any]:
    return json.loads((folder / "results" / "cells" / f"{cell}.json").read_text(encoding="utf-8"))


def test_a_record_equals_scoring_the_predictions_on_disk(done: Path) -> None:
    record = read(done, "loose-s1")
    run = done / "runs" / "loose-s1" / "systems" / "loose" / "seed-1"
    scores = evaluate(CORPUS, datasets.read_predictions(run / "predictions-home.jsonl"), resamples=20)
    home = record["sets"]["home"]
    assert home["scores"] == json.loads(json.dumps(scores.to_dict()))
    assert home["scores"]["micro"]["f1"] == 1 and home["illegal"] == 0
    assert record["training"]["seconds"] > 0 and record["environment"]["onoma"]
    assert record["train"]["documents"] == home["info"]["documents"] == len(CORPUS)
    tags = record["train"]["tags"]
    assert (
        tags["B-PER"] + tags["B-LOC"]
        == sum(len(each.spans) for each in CORPUS)
        == sum(record["train"]["lengths"].values())
    )
    assert sum(tags.values()) == sum(len(each.tokens) for each in CORPUS)
    assert set(record["sets"]["away"]["labels"]) == {"HUMAN", "LOC"}


def test_no_word_of_the_corpus_and_no_path_is_in_a_record(done: Path) -> None:
    words = {word for each in CORPUS for word in each.text.split() if len(word) > 3}
    for path in (done / "results" / "cells").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if re.search(rf'"{word}\b', text)]
        assert str(done) not in text


def test_sentences_with_errors_are_shown_below_the_ignored_folder(done: Path, capsys: Any) -> None:
    assert errors.main([str(done), "loose-s1"]) == 0
    page = (done / "runs" / "errors" / "loose-s1-away.html").read_text(encoding="utf-8")
    assert "missed" in page or "label" in page
    assert errors.main([str(done), "nobody-s1"]) == 2
    assert "nobody-s1" in capsys.readouterr().err


def test_recorded_cells_are_skipped_and_changed_ones_named(
    tmp_path: Path, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grid.main([str(done)]) == 0
    assert capsys.readouterr().out.count("recorded already") == 3
    folder = lay(tmp_path / "changed", CELLS + GRID.replace("c2 = 0.001", "c2 = 0.5"))
    target = folder / "results" / "cells" / "loose-s1.json"
    target.parent.mkdir(parents=True)
    before = (done / "results" / "cells" / "loose-s1.json").read_text(encoding="utf-8")
    target.write_text(before, encoding="utf-8")
    assert grid.main([str(folder), "--only", "loose-s1"]) == 1
    assert "options.c2: 0.001 -> 0.5" in capsys.readouterr().out
    assert target.read_text(encoding="utf-8") == before
    assert not (folder / "runs").exists()


def test_a_mixture_asks_each_document_for_the_labels_of_its_source(tmp_path: Path) -> None:
    people = [each.with_spans(span for span in each.spans if span.label == "PER") for each in CORPUS]
    datasets.write(people, tmp_path / "people.jsonl")
    datasets.write(CORPUS, tmp_path / "all.jsonl")
    parts = [{"source": "people.jsonl", "most": 3}, {"source": "all.jsonl"}]
    source = cells.materialised(cells.Training.checked({"mixture": parts}, "train"), tmp_path)
    documents = datasets.read(tmp_path / source.source)
    named = [tuple(each.meta["asked_labels"]) for each in documents]
    assert named == [("PER",)] * 3 + [("LOC", "PER")] * len(CORPUS)
    assert len({each.id for each in documents}) == len(documents)
    assert cells.materialised(cells.Training.checked({"mixture": parts}, "train"), tmp_path) == source
    few = [{"source": "people.jsonl", "most": 3}, {"source": "all.jsonl", "asked": 1}]
    source = cells.materialised(cells.Training.checked({"mixture": few}, "train"), tmp_path)
    for number, document in enumerate(datasets.read(tmp_path / source.source)):
        asked, own = document.meta["asked_labels"], sorted({span.label for span in document.spans})
        assert asked == (["PER"] if number < 3 else own) or (not own and asked in (["LOC"], ["PER"]))
    for wrong in ({}, {"source": "x", "mixture": parts}, {"mixture": parts, "subset": {"share": 0.5}}):
        with pytest.raises(ConfigError, match="give a source, all or a subset of it, or a mixture"):
            cells.Training.checked(wrong, "train")


def test_how_words_were_copied_is_counted(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from models.tiny import save_minilm

    save_minilm(tmp_path / "from", positions=96)
    made = Recognizer.create("seq2seq", ["LOC", "PER"], options={"model": str(tmp_path / "from")})
    made.save(tmp_path / "model")
    gold = [Document.from_words([["Ada", "left", "Rome", "."], ["Bob", "met", "Ada"]], id="1")]
    raw = ("ada (B-PER) left (O) paris (B-LOC) . (O)", "bob (B-PER) and (O) met (O)")
    gold = [gold[0].with_spans([Span(0, 3, "PER"), Span(9, 13, "LOC"), Span(16, 19, "PER")])]
    found = copying(tmp_path / "model", gold, {"1": Prediction("1", raw=raw)})
    assert found is not None
    f1 = found.pop("f1")
    assert found == {"copied": 5, "omitted": 1, "added": 1, "substituted": 1}
    assert f1["weighted, back tokenization"] == 1 and set(f1.values()) == {1.0, f1["exact"]} and f1["exact"] < 1
    assert len(f1) == 10
    assert copying(tmp_path / "none", gold, {}) is None


def test_a_cell_that_was_stopped_goes_on_and_trains_nothing_anew(tmp_path: Path, done: Path, capsys: Any) -> None:
    folder = tmp_path / "stopped"
    shutil.copytree(done, folder)
    for each in ("part-s2", "simple-s1"):
        shutil.rmtree(folder / "runs" / each)
        (folder / "results" / "cells" / f"{each}.json").unlink()
    record = folder / "results" / "cells" / "loose-s1.json"
    model = folder / "runs" / "loose-s1" / "systems" / "loose" / "seed-1" / "model" / "onoma.json"
    made, text = model.stat().st_mtime_ns, json.loads(record.read_text(encoding="utf-8"))
    record.unlink()
    assert grid.main([str(folder), "--list"]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == ["loose-s1: begun", "part-s2: not run", "simple-s1: not run"]
    assert grid.main([str(folder), "--limit", "1"]) == 0
    again = json.loads(record.read_text(encoding="utf-8"))
    assert model.stat().st_mtime_ns == made
    assert {**again, "created": ""} == {**text, "created": ""}


def test_fingerprints_do_not_depend_on_the_folder_and_a_subset_is_chosen_by_id(tmp_path: Path, done: Path) -> None:
    other = lay(tmp_path / "elsewhere")
    (here, there) = (grid.load_grid(each).built[1] for each in (done, other))
    assert here.fingerprint == there.fingerprint == read(done, "part-s2")["fingerprint"]
    assert cells.experiment(there, other) == cells.experiment(here, done)
    path = "runs/data/all-jsonl-0.5.jsonl"
    assert (done / path).read_bytes() == (other / path).read_bytes()
    assert here.train.subset is not None
    kept = [each for each in CORPUS if here.train.subset.holds(each.id)]
    assert 0 < len(kept) < len(CORPUS) and onoma.read(done / path) == kept
    assert read(done, "part-s2")["train"]["documents"] == len(kept)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.text())
def test_a_larger_share_holds_all_of_a_smaller_one(one: float, other: float, id: str) -> None:
    small, large = (cells.Subset(share=share) for share in sorted((one, other)))
    assert large.holds(id) or not small.holds(id)


def test_about_a_quarter_is_a_quarter() -> None:
    quarter = cells.Subset(share=0.25)
    assert 2300 < sum(quarter.holds(str(number)) for number in range(10_000)) < 2700


def test_new_names_come_after_a_sources_own(done: Path) -> None:
    simple = read(done, "simple-s1")
    assert set(simple["train"]["tags"]) == {"O", "B-ENT", "I-ENT"}
    assert simple["sets"]["away"]["info"]["labels"] == ["ENT", "HUMAN"]
    assert simple["sets"]["home"]["scores"]["macro"]["f1"] == simple["sets"]["home"]["scores"]["micro"]["f1"]


def test_a_model_is_taken_with_other_options_and_not_trained(tmp_path: Path, done: Path, capsys: Any) -> None:
    both = 'cells = [{ system = "copy", seed = 1 }, { system = "loose", seed = 1 }]\n'
    folder = lay(tmp_path / "copied", both + GRID)
    assert grid.main([str(folder), "--only", "copy-s1"]) == 1
    assert "run that cell first" in capsys.readouterr().err
    for part in ("runs/loose-s1", "results/cells"):
        shutil.copytree(done / part, folder / part)
    assert grid.main([str(folder)]) == 0
    copy, loose = read(folder, "copy-s1"), read(folder, "loose-s1")
    assert copy["training"] is None and copy["train"] is None and loose["training"] is not None
    assert copy["sets"]["home"]["units"] == loose["sets"]["home"]["units"]


def test_a_failed_cell_is_reported_and_leaves_no_record(tmp_path: Path, capsys: Any) -> None:
    folder = lay(tmp_path / "failing", CELLS + GRID.replace('source = "some.jsonl"', 'source = "gone.jsonl"'))
    assert grid.main([str(folder), "--only", "loose-s1"]) == 1
    assert "loose-s1: failed" in capsys.readouterr().err
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('system = "part"', 'system = "nobody"', "there is no such system"),
        ('like = "loose"', 'like = "part"', "no other system"),
        ('system = "part", seed = 2', 'system = "loose", seed = 1', "stands twice"),
        ("share = 0.5", "share = 2", "share"),
        ("resamples = 20", "resample = 20", "resample"),
    ],
)
def test_a_faulty_grid_is_one_clear_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = lay(tmp_path / "faulty", (CELLS + GRID).replace(old, new))
    with pytest.raises(ConfigError, match=message):
        grid.load_grid(folder)
    assert grid.main([str(folder)]) == 2


def test_an_unknown_cell_is_a_wrong_usage(done: Path, capsys: Any) -> None:
    assert grid.main([str(done), "--only", "nobody-s1"]) == 2
    assert "there is no cell 'nobody-s1'" in capsys.readouterr().err


def test_scores_come_back_from_records_as_they_were(done: Path) -> None:
    gold = onoma.read(done / "some.jsonl")
    answers = [each.with_spans(each.spans[:1]) for each in gold]
    for unit in ("document", "sentence"):
        a = evaluate(gold, answers, unit=unit, labels=["PER", "LOC"])
        b = evaluate(gold, gold, unit=unit, labels=["PER", "LOC"])
        stored = [
            {"cell": "x-s1", "sets": {"s": json.loads(json.dumps({"scores": each.to_dict(), **records.units(each)}))}}
            for each in (a, b)
        ]
        back = [analysis.restored(each, "s") for each in stored]
        assert [each.to_dict() for each in back] == [a.to_dict(), b.to_dict()]
        assert paired_bootstrap(*back, resamples=99) == paired_bootstrap(a, b, resamples=99)
        assert mean_over_seeds(back, resamples=99) == mean_over_seeds([a, b], resamples=99)
        own = analysis.paired(stored[:1], stored[1:], "s")
        oracle = paired_bootstrap(a, b, resamples=analysis.RESAMPLES)
        assert (own.value, own.interval, own.p_value) == (oracle.difference, oracle.interval, oracle.p_value)
        recall = analysis.paired(stored[:1], stored[1:], "s", "recall")
        assert recall.value == pytest.approx(a.micro.recall - b.micro.recall)
        assert analysis.gap(stored[:1], "s", "s").value == 0


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "experiments").glob("*/grid.toml")), ids=lambda path: path.parent.name
)
def test_shipped_grids_are_sound(folder: Path) -> None:
    from onoma import models
    from onoma.comparison.experiment import SystemSettings

    made = grid.load_grid(folder.parent)
    strangers = {cell.family for cell in made.built} - set(models.names())
    if strangers == {"bilstm_crf"}:
        pytest.skip("there is no BiLSTM-CRF yet")
    for cell in made.built:
        SystemSettings.checked({"family": cell.family, "options": cell.options}, cell.name)


@pytest.mark.parametrize(
    "path", sorted(path for path in (ROOT / "experiments").glob("*/*.toml") if path.name != "grid.toml"),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)  # fmt: skip
def test_shipped_comparisons_are_sound(path: Path) -> None:
    assert Experiment.from_toml(path).systems
