"""Rules: patterns, word lists and learnt entries, and who wins where they meet."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from families import CORPUS, document
from hypothesis import given
from hypothesis import strategies as st

from onoma import models
from onoma.document import Document, Span, Token
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.rules import Rules, RulesOptions
from onoma.models.rules.patterns import Pattern, read_patterns
from onoma.tokenization import split


def rules(labels: list[str] | None = None, **options: Any) -> Rules:
    return Rules.create(labels or [], RulesOptions(**options), 1)


def found(model: Rules, text: str | Document) -> list[tuple[str, str]]:
    """Texts and labels of what a model finds."""
    asked = split(Document("x", text)) if isinstance(text, str) else text
    (answer,) = model.predict([asked])
    assert answer.document_id == asked.id
    return [(asked.text[span.start : span.end], span.label) for span in answer.spans]


@pytest.fixture
def cities(tmp_path: Path) -> str:
    path = tmp_path / "cities.txt"
    path.write_text("New York\nYork\nRome\n", encoding="utf-8")
    return str(path)


# ---------------------------------------------------------------------- patterns


def test_patterns_give_exact_offsets() -> None:
    model = rules(
        from_train=False,
        patterns=[
            {"label": "DATE", "regex": r"\d{4}-\d\d-\d\d"},
            {"label": "LOC", "regex": r"near (?P<place>[a-z]+)", "group": "place", "flags": ["ignore_case"]},
        ],
    )
    text = "Ж 2001-02-03, Near  x near Rome;x1999-01-01"
    (answer,) = model.predict([split(Document("x", text))])
    assert answer.spans == (Span(2, 12, "DATE"), Span(27, 31, "LOC"), Span(33, 43, "DATE"))
    assert [span.score for span in answer.spans] == [None] * 3
    assert model.labels == ("DATE", "LOC")


def test_flags_are_those_of_re() -> None:
    text = "a\nB é"
    expected = {
        "ascii": (r"\w+", ["a", "B"]),
        "dot_all": (r"a.B", ["a\nB"]),
        "ignore_case": (r"b", ["B"]),
        "multiline": (r"^B", ["B"]),
        "verbose": (r"[a] # x", ["a"]),
    }
    for flag, (regex, texts) in expected.items():
        spans = Pattern.model_validate({"label": "X", "regex": regex, "flags": [flag]}).spans(text)
        assert [text[start:end] for start, end in spans] == texts
        assert [text[start:end] for start, end in Pattern(label="X", regex=regex).spans(text)] != texts


def test_empty_matches_and_groups_that_took_no_part_are_no_mentions() -> None:
    assert list(Pattern(label="X", regex="b*").spans("abba")) == [(1, 3)]
    assert list(Pattern(label="X", regex="(a)|b", group=1).spans("ab")) == [(0, 1)]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ({"label": "X", "regex": "(a"}, r"'\(a' \(X\) is no regular expression: missing"),
        ({"label": "X", "regex": "a{99999999999999999999}"}, "no regular expression"),
        ({"label": "X", "regex": "a", "group": 1}, "no group 1"),
        ({"label": "X", "regex": "a", "group": -1}, "no group -1"),
        ({"label": "X", "regex": "a", "group": "name"}, "no group 'name'"),
        ({"label": "X", "regex": "a", "flags": ["loud"]}, "patterns.0.flags"),
        ({"label": "", "regex": "a"}, "patterns.0.label"),
        ({"label": "X"}, "patterns.0.regex"),
        ({"label": "X", "regex": "a", "colour": 1}, "colour"),
    ],
)
def test_bad_patterns_end_in_one_line(pattern: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        models.options("rules", {"patterns": [pattern]})
    assert "\n" not in str(caught.value)
    path = tmp_path / "patterns.toml"
    path.write_text("[[patterns]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in pattern.items()))
    with pytest.raises(ConfigError, match=r"patterns\.toml"):
        read_patterns(path)


def test_patterns_of_a_file_come_behind_the_others(tmp_path: Path) -> None:
    path = tmp_path / "patterns.toml"
    path.write_text("[[patterns]]\nlabel = 'B'\nregex = 'ab'\n[[patterns]]\nlabel = 'C'\nregex = 'cd'\n")
    model = rules(from_train=False, patterns=[{"label": "A", "regex": "ab"}], patterns_file=str(path))
    assert found(model, "ab cd") == [("ab", "A"), ("cd", "C")]
    with pytest.raises(ConfigError, match=r"none\.toml"):
        rules(patterns_file=str(tmp_path / "none.toml"))


def test_a_pattern_that_python_may_read_otherwise_one_day_is_no_warning() -> None:
    assert list(Pattern(label="X", regex="[[a]").spans("a[")) == [(0, 1), (1, 2)]


# ---------------------------------------------------------------------- lists


def test_lists(cities: str, tmp_path: Path) -> None:
    both = tmp_path / "both.tsv"
    both.write_text("Rome\tORG\nAda\tPER\n", encoding="utf-8")
    model = rules(from_train=False, gazetteers={"LOC": cities, "*": [str(both)]})
    assert model.labels == ("LOC", "ORG", "PER")
    assert found(model, "Ada left New York. Rome") == [("Ada", "PER"), ("New York", "LOC"), ("Rome", "LOC")]
    other = rules(from_train=False, gazetteers={"*": [str(both)], "LOC": cities})
    assert found(other, "Rome") == [("Rome", "ORG")]
    assert found(rules(from_train=False, gazetteers={"LOC": cities}, case="lower"), "in ROME") == [("ROME", "LOC")]
    with pytest.raises(DataError, match=r"none\.txt"):
        rules(gazetteers={"LOC": [str(tmp_path / "none.txt")]})


def test_entries_stay_inside_a_sentence_and_between_words(cities: str) -> None:
    model = rules(from_train=False, gazetteers={"LOC": cities})
    assert found(model, Document.from_words([["in", "New"], ["York", "Romeo"]])) == [("York", "LOC")]
    empty = Document("x", "Rome ", (Token(0, 0), Token(0, 4), Token(4, 4), Token(4, 5)))
    assert found(model, empty) == [("Rome", "LOC")]


def test_there_must_be_something_to_find_by() -> None:
    with pytest.raises(ConfigError, match="nothing to find"):
        models.options("rules", {"from_train": False})


# ---------------------------------------------------------------------- conflicts


def test_who_wins(cities: str) -> None:
    """The longer; a pattern, a list, a learnt entry; the earlier rule; the left one."""
    model = rules(
        ["LEARNT"],
        gazetteers={"LIST": cities},
        patterns=[{"label": "FIRST", "regex": "Rome"}, {"label": "SECOND", "regex": "Rome|aa bb|bb cc"}],
        min_precision=0,
    )
    model.fit([document("[York|LEARNT] [York of the|LEARNT] [Ada Byron|LEARNT] [Byron left|LEARNT] Rome", "1")])
    assert found(model, "Rome") == [("Rome", "FIRST")]
    assert found(model, "York") == [("York", "LIST")]
    assert found(model, "New York of the") == [("York of the", "LEARNT")]
    assert found(model, "aa bb cc") == [("aa bb", "SECOND")]
    assert found(model, "Ada Byron left") == [("Byron left", "LEARNT")]
    assert found(model, "Ada Byron") == [("Ada Byron", "LEARNT")]


@given(st.lists(st.sampled_from(["Ada", "Byron", "York", "of", "."]), max_size=12), st.integers(0, 10**6))
def test_answers_are_flat_inside_the_text_and_leave_nothing_out(words: list[str], seed: int) -> None:
    rng = random.Random(seed)
    parts = [" ".join(rng.choices(["Ada", "Byron", "York", "of"], k=rng.randint(1, 3))) for _ in range(4)]
    model = rules(["X"], patterns=[{"label": "P", "regex": r"n Y|of ?"}], min_precision=0)
    model.fit([document(f"[{part}|X]", str(number)) for number, part in enumerate(parts)])
    asked = Document.from_words([words], id="x")
    (answer,) = model.predict([asked])
    covered = [place for span in answer.spans for place in range(span.start, span.end)]
    assert len(covered) == len(set(covered)) and all(place < len(asked.text) for place in covered)
    assert list(answer.spans) == sorted(answer.spans, key=lambda span: span.start)
    for at, token in enumerate(asked.tokens):
        one_word = asked.words[at] in parts or asked.words[at] == "of"
        assert not one_word or not set(covered).isdisjoint(range(token.start, token.end))


# ---------------------------------------------------------------------- learning


def test_it_learns_mentions_with_the_share_that_was_right() -> None:
    train = [
        document("[May|PER] left in May .", "1"),
        document("[May|PER] , [York|LOC] , [New York|LOC] , [New York|LOC] and the [York|ORG] of York", "2"),
        document("the the [the|LOC] [Ada|PER]", "3"),
    ]
    model = rules(["LOC", "ORG", "PER"], min_precision=0)
    assert model.fit(train).epochs == 1
    kept = {" ".join(each.atoms): (each.label, each.right, each.found) for each in model.learnt or ()}
    assert kept == {
        "May": ("PER", 2, 3),
        "York": ("LOC", 1, 3),  # inside New York it is not found; a tie goes to the first label
        "New York": ("LOC", 2, 2),
        "the": ("LOC", 1, 4),
        "Ada": ("PER", 1, 1),
    }
    (answer,) = model.predict([Document.from_words([["New", "York", "and", "May"]], id="x")])
    assert answer.spans == (Span(0, 8, "LOC"), Span(13, 16, "PER"))
    assert [span.score for span in answer.spans] == [1, pytest.approx(2 / 3)]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"min_precision": 0.5}, ["May", "New York", "Ada"]),
        ({"min_precision": 0.7}, ["New York", "Ada"]),
        ({"min_precision": 0, "min_count": 2}, ["May", "New York"]),
        ({"min_precision": 0, "ambiguous": "drop"}, ["May", "New York", "the", "Ada"]),
        ({"from_train": False, "patterns": [{"label": "X", "regex": "x"}]}, []),
    ],
)
def test_what_is_kept(options: dict[str, Any], kept: list[str]) -> None:
    model = rules(["LOC", "ORG", "PER"], **options)
    model.fit(
        [
            document("[May|PER] left in May .", "1"),
            document("[May|PER] , [York|LOC] , [New York|LOC] , [New York|LOC] and the [York|ORG] of York", "2"),
            document("the the [the|LOC] [Ada|PER]", "3"),
        ]
    )
    assert [" ".join(each.atoms) for each in model.learnt or ()] == kept


def test_case_joins_what_is_counted() -> None:
    model = rules(["LOC"], case="lower", min_precision=0)
    model.fit([document("[ROME|LOC] [Rome|LOC] rome", "1")])
    assert [(each.atoms, each.right, each.found) for each in model.learnt or ()] == [(("rome",), 2, 3)]


def test_mentions_that_no_entry_can_be_are_not_learnt() -> None:
    made = Document.from_words([["New", "Yorker", "Ada"]], id="1")
    cutting = Span(0, 8, "X")
    broken = Span(0, 14, "X", fragments=((0, 3), (11, 14)))
    foreign = Span(11, 14, "OTHER")
    model = rules(["X"])
    model.fit([made.with_spans([cutting, broken, foreign])])
    assert model.learnt == ()


def test_training_again_starts_anew_and_untrained_rules_say_so(tmp_path: Path) -> None:
    model = rules(["LOC"])
    with pytest.raises(ModelError, match="not trained"):
        model.predict([Document.from_words([["Rome"]])])
    with pytest.raises(ModelError, match="not trained"):
        model.save(tmp_path)
    model.fit([document("[Rome|LOC]", "1")])
    model.fit([document("[Bonn|LOC]", "1")])
    assert found(model, "Rome Bonn") == [("Bonn", "LOC")]


def test_gold_is_not_looked_at() -> None:
    model = rules(["LOC", "PER"])
    model.fit(CORPUS)
    assert model.predict(CORPUS) == model.predict([each.with_spans([]) for each in CORPUS])


# ---------------------------------------------------------------------- files


def test_saved_and_loaded_is_the_same_without_the_files_it_was_made_of(cities: str, tmp_path: Path) -> None:
    patterns = tmp_path / "patterns.toml"
    patterns.write_text("[[patterns]]\nlabel = 'DATE'\nregex = '(?i)on (\\d+ [a-z\\u017f\"]+)'\ngroup = 1\n")
    options = RulesOptions(gazetteers={"CITY": (cities,)}, patterns_file=str(patterns), case="lower")
    model = Rules.create(["LOC", "PER"], options, 1)
    model.fit(CORPUS)
    folder = tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    assert [file.name for file in folder.iterdir()] == ["rules.json"]
    Path(cities).unlink()
    patterns.unlink()
    again = Rules.load(folder, model.labels, options)
    asked = [split(Document("x", "Ada left ROME on 3 MAY for New York, London and \u0130")), *CORPUS]
    assert again.predict(asked) == model.predict(asked)
    assert [span.label for span in again.predict(asked)[0].spans] == ["PER", "CITY", "DATE", "CITY", "LOC"]
    assert [span.score for each in again.predict(asked) for span in each.spans] == [
        span.score for each in model.predict(asked) for span in each.spans
    ]
    assert (again.labels, again.learnt, again.patterns) == (model.labels, model.learnt, model.patterns)
    before = (folder / "rules.json").read_bytes()
    again.save(folder)
    assert (folder / "rules.json").read_bytes() == before


def test_damaged_files_are_refused(cities: str, tmp_path: Path) -> None:
    model = rules(["LOC", "PER"], gazetteers={"CITY": cities}, patterns=[{"label": "DATE", "regex": "x"}])
    model.fit(CORPUS)
    model.save(tmp_path)
    path = tmp_path / "rules.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    assert Rules.load(tmp_path, model.labels, model.options).learnt == model.learnt
    bad: list[Any] = [
        [],
        5,
        {},
        {**good, "patterns": 5},
        {**good, "patterns": [5]},
        {**good, "patterns": [{"label": "DATE", "regex": "("}]},
        {**good, "lists": []},
        {**good, "learnt": None},
        *({**good, "learnt": [row]} for row in (
            5, [], ["Rome", "LOC", 1], ["Rome", "", 1, 1], ["Rome", "LOC", 2, 1], ["Rome", "LOC", -1, 1],
            ["Rome", "LOC", 0.5, 1], ["", "LOC", 1, 1], [["Rome"], "LOC", 1, 1], ["Rome", 5, 1, 1],
        )),
    ]  # fmt: skip
    for content in bad:
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ModelError, match=r"rules\.json"):
            Rules.load(tmp_path, model.labels, model.options)
    for text in ("", "{", "\ud83d"):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(ModelError, match=r"rules\.json"):
            Rules.load(tmp_path, model.labels, model.options)
    for left_out in ("LOC", "CITY", "DATE"):
        path.write_text(json.dumps(good), encoding="utf-8")
        with pytest.raises(ModelError, match=left_out):
            Rules.load(tmp_path, [label for label in model.labels if label != left_out], model.options)
    path.unlink()
    with pytest.raises(ModelError, match=r"rules\.json"):
        Rules.load(tmp_path, model.labels, model.options)
