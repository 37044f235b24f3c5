"""Word lists: a search through all entries at all places is the oracle."""

from __future__ import annotations

import itertools
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma import models
from onoma.exceptions import ConfigError, DataError
from onoma.models.gazetteers import ANY, Case, Gazetteer, Trie, cut, longest, read_list

WORDS = ["New", "York", "new", "O'Brien", "O", "'", "Brien", "U.S.", "U", ".", "S", "", " ", "北京", "北", "京", "é"]
words = st.lists(st.sampled_from(WORDS), max_size=8)
entries = st.lists(
    st.lists(st.sampled_from([word for word in WORDS if word.strip()]), min_size=1, max_size=4), max_size=8
)
cases = st.sampled_from(["exact", "lower"])


def brute(lists: list[tuple[list[str], str]], text: list[str], case: Case) -> list[tuple[int, int, set[str]]]:
    """Every range of words whose atoms are those of an entry; words without atoms are in no match."""

    def atoms(some: list[str]) -> list[str]:
        return [atom for word in some for atom in cut(word, case)]

    found = []
    for start, end in itertools.combinations(range(len(text) + 1), 2):
        if all(cut(word, case) for word in text[start:end]):
            names = {name for entry, name in lists if atoms(entry) == atoms(text[start:end])}
            if names:
                found.append((start, end, names))
    return found


@given(entries, entries, words, cases)
def test_matches_equal_a_search_through_all_entries(
    ones: list[list[str]], others: list[list[str]], text: list[str], case: Case
) -> None:
    lists = [(entry, "one") for entry in ones] + [(entry, "two") for entry in others]
    gazetteer = Gazetteer.of({"one": map(" ".join, ones), "two": map(" ".join, others)}, case)
    expected = brute(lists, text, case)
    found = gazetteer.matches(text, overlapping=True)
    assert [(start, end, set(names)) for start, end, names in found] == expected
    assert len(gazetteer) == len({tuple(atom for word in entry for atom in cut(word, case)) for entry, _ in lists})

    # From left to right the longest at each place.
    chosen, at = [], 0
    while at < len(text):
        here = [match for match in expected if match[0] == at]
        if here:
            chosen.append(max(here, key=lambda match: match[1]))
        at = chosen[-1][1] if here else at + 1
    assert [(start, end, set(names)) for start, end, names in gazetteer.matches(text)] == chosen


@given(st.lists(st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.integers(0, 5))))
def test_a_trie_is_a_dictionary(pairs: list[tuple[list[str], int]]) -> None:
    trie = Trie()
    for atoms, value in pairs:
        trie.put(atoms, value)
    expected = {tuple(atoms): value for atoms, value in pairs}
    assert dict(trie.items()) == expected and len(trie) == len(expected)
    for size in range(5):
        for atoms in itertools.product("abc", repeat=size):
            assert trie.get(atoms) == expected.get(atoms)


def test_entries_put_after_a_search_are_found() -> None:
    gazetteer = Gazetteer.of({"CITY": ["Rome"]})
    assert gazetteer.matches(["Bonn", "Rome"]) == [(1, 2, ("CITY",))]
    gazetteer.add("Bonn", "CITY")
    assert gazetteer.matches(["Bonn", "Rome"]) == [(0, 1, ("CITY",)), (1, 2, ("CITY",))]


@pytest.mark.parametrize("bad", [[], [""], ["a", ""]])
def test_an_entry_needs_atoms(bad: list[str]) -> None:
    with pytest.raises(ValueError, match="atom"):
        Trie().put(bad, 0)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("O'Brien", ["O'Brien"]),
        ("O'Brien", ["O", "'", "Brien"]),
        ("U.S.", ["U.S", "."]),
        ("北京大学", ["北京", "大学"]),
        ("北京大学", list("北京大学")),
        (unicodedata.normalize("NFC", "Zoë"), [unicodedata.normalize("NFD", "Zoë")]),
        ("a_b", ["a", "_", "b"]),
    ],
)
def test_matches_do_not_depend_on_how_a_text_was_split(entry: str, text: list[str]) -> None:
    assert Gazetteer.of({"X": [entry]}).matches(text) == [(0, len(text), ("X",))]


def test_matches_begin_and_end_at_word_edges_and_letters_are_not_run_together() -> None:
    gazetteer = Gazetteer.of({"X": ["U.S", "Brien", "New York", "rapist"]})
    assert gazetteer.matches(["U.S.", "O'Brien", "NewYork", "the", "New", "the rapist"]) == []


def test_case() -> None:
    exact, lower = (Gazetteer.of({"X": ["NEW York"]}, case) for case in ("exact", "lower"))
    assert exact.matches(["new", "york"]) == [] and exact.matches(["NEW", "York"]) == [(0, 2, ("X",))]
    assert lower.matches(["new", "YORK"]) == [(0, 2, ("X",))]


def test_longest() -> None:
    assert longest([(0, 1, "a"), (0, 3, "b"), (1, 4, "c"), (3, 4, "d"), (3, 5, "e")]) == [(0, 3, "b"), (3, 5, "e")]


def test_a_very_long_entry_is_kept_and_found() -> None:
    long = ["word"] * 5000
    gazetteer = Gazetteer.of({"X": [" ".join(long), "word word"]})
    assert gazetteer.matches([*long, "x"]) == [(0, 5000, ("X",))]
    assert Gazetteer.from_json(gazetteer.as_json()).matches(long) == [(0, 5000, ("X",))]


@given(entries, entries, words, cases)
def test_json_keeps_everything(ones: list[list[str]], others: list[list[str]], text: list[str], case: Case) -> None:
    made = Gazetteer.of({"one": map(" ".join, ones), "*": map(" ".join, others)}, case)
    data = json.loads(json.dumps(made.as_json()))
    again = Gazetteer.from_json(data)
    assert again.matches(text, True) == made.matches(text, True)
    assert (again.names, again.case, again.as_json()) == (made.names, made.case, made.as_json())


@pytest.mark.parametrize(
    "data",
    [
        [], 5, {}, {"case": "exact"}, {"case": "any", "lists": {}}, {"case": "exact", "lists": []},
        {"case": "exact", "lists": {"X": "ab"}}, {"case": "exact", "lists": {"X": [5]}},
        {"case": "exact", "lists": {"X": [""]}}, {"case": "exact", "lists": {"": []}},
    ],
)  # fmt: skip
def test_other_json_is_refused(data: object) -> None:
    with pytest.raises(ValueError):
        Gazetteer.from_json(data)


# ---------------------------------------------------------------------- files


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\ufeff# cities\r\n\r\nNew York\r\n#\n  Rome \n#tag\n\n", encoding="utf-8", newline="")
    assert list(read_list(path)) == [("New York", None), ("Rome", None), ("#tag", None)]
    named = tmp_path / "list.tsv"
    named.write_text("Rome\tCITY\nAda\t PER \n# no entry\nRome\tPER\n", encoding="utf-8")
    assert list(read_list(named, named=True)) == [("Rome", "CITY"), ("Ada", "PER"), ("Rome", "PER")]
    both = Gazetteer.read({"CITY": [path], ANY: [named]})
    assert both.names == ["CITY", "PER"]
    assert both.matches(["Rome", "#", "tag", "Ada"]) == [(0, 1, ("CITY", "PER")), (1, 3, ("CITY",)), (3, 4, ("PER",))]


@pytest.mark.parametrize(
    ("content", "named", "where", "what"),
    [
        (b"", False, "", "empty"),
        (b"# only\n\n#\n", False, "", "no entry"),
        (b"Rome\nAda\tPER\n", False, ":2:", 'under the name "*"'),
        (b"Rome\n", True, ":1:", "write ENTRY<TAB>NAME"),
        (b"Rome\tA\tB\n", True, ":1:", "2 tabs"),
        (b"Rome\tA\n\tA\n", True, ":2:", "empty entry"),
        (b"Rome\t \n", True, ":1:", "empty name"),
        (b"Rome\n\nA\0da\n", False, ":3:", "zero byte"),
        (b"Rome\nZo\xeb\n", False, ":2:", "not UTF-8"),
    ],
)
def test_bad_files_are_named_with_the_line(content: bytes, named: bool, where: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_list(path, named))
    assert str(caught.value).startswith(f"{path}{where}") and what in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["feature_crf", "rules"])
def test_options_know_their_files_and_where_they_start(family: str, tmp_path: Path) -> None:
    away = tmp_path / "away.txt"
    given = {"gazetteers": {"A": "a.txt", "B": ["b.txt", str(away)]}}
    base = tmp_path / "base"
    options = models.options(family, given)
    assert options.depends_on() == (Path("a.txt"), Path("b.txt"), away)
    assert options.located(base).depends_on() == (base / "a.txt", base / "b.txt", away)
    if family == "rules":
        more = models.options(family, {**given, "patterns_file": "p.toml"}).located(base)
        assert more.depends_on() == (base / "p.toml", base / "a.txt", base / "b.txt", away)


def test_missing_files_and_bad_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.txt"):
        Gazetteer.read({"X": [tmp_path / "nothing.txt"]})
    with pytest.raises(DataError, match="no text"):
        Gazetteer.of({"X": [" "]})
    for name in ("", "a\0b"):
        with pytest.raises(ConfigError, match="name"):
            Gazetteer.of({name: ["Rome"]})
