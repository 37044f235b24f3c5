"""Word lists: read from files, compiled to a trie of atoms, matched on the words of a text.

Entries and words are cut into the same *atoms*, so that a list fits any splitter: runs of letters and digits; every
other character alone; every character of a script without blanks alone. A match begins and ends at word edges.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator

from onoma.datasets.files import Source
from onoma.exceptions import ConfigError, DataError
from onoma.unicode import NO_BLANKS

__all__ = [
    "ANY",
    "Case",
    "Gazetteer",
    "ListFiles",
    "Match",
    "Trie",
    "list_paths",
    "located_lists",
    "longest",
    "read_list",
]

Case = Literal["exact", "lower"]
"""Whether entries match as they are written, or whatever the case."""

ANY = "*"
"""Instead of a name: the lists whose lines say `ENTRY<TAB>NAME`."""

ListFiles = dict[
    str, Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if type(given) is str else given)]
]
"""The setting: one file or several by name of list."""

Atoms = tuple[str, ...]

_ATOM = re.compile(rf"[^\W_{NO_BLANKS}]+|\S")
_LIMIT = 400_000
"""Distinct words whose atoms are remembered."""


def cut(word: str, case: Case) -> Atoms:
    """The atoms of a word; canonically equal Unicode gives equal atoms."""
    atoms = _ATOM.findall(unicodedata.normalize("NFC", word))
    # Lower case comes last: some letters depend on their neighbours (final sigma) or become two characters.
    return tuple(atoms) if case == "exact" else tuple(map(str.lower, atoms))


class _Cuts(dict[str, Atoms]):
    """Atoms of words, each word cut once."""

    def __init__(self, case: Case) -> None:
        self.case: Case = case

    def __missing__(self, word: str) -> Atoms:
        if len(self) >= _LIMIT:
            self.clear()
        found = self[word] = cut(word, self.case)
        return found


class _Heads(_Cuts):
    """As `_Cuts`, but () for words that begin no entry: most words cost one look here and no more."""

    def __init__(self, case: Case, root: dict[str, Any]) -> None:
        super().__init__(case)
        self.root = root

    def __missing__(self, word: str) -> Atoms:
        found = super().__missing__(word)
        if found and found[0] not in self.root:
            found = self[word] = ()
        return found


class Trie:
    """Entries with a number (0 or more) each, found in words.

    A node is a dictionary from atom to node, with the number of the entry that ends there under "" (no atom is
    empty); a node where nothing goes on is the number itself, which halves the memory.
    """

    def __init__(self, case: Case = "exact") -> None:
        self.case: Case = case
        self._root: dict[str, Any] = {}
        self._cuts = _Cuts(case)
        self._heads = _Heads(case, self._root)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def atoms(self, words: Iterable[str]) -> Atoms:
        """The atoms of some words in a row."""
        return tuple(atom for word in words for atom in self._cuts[word])

    def put(self, atoms: Sequence[str], value: int) -> None:
        """Add an entry, or give it another number; raises `ValueError` where there is no atom."""
        if not atoms or not all(atoms):
            raise ValueError("an entry has no atom, or an empty one")
        self._heads.clear()
        node = self._root
        for atom in atoms[:-1]:
            below = node.get(atom)
            if type(below) is not dict:
                below = node[atom] = {} if below is None else {"": below}
            node = below
        below = node.get(atoms[-1])
        if type(below) is dict:
            node, last = below, ""
        else:
            last = atoms[-1]
        self._size += last not in node
        node[last] = value

    def get(self, atoms: Sequence[str]) -> int | None:
        """The number of an entry; None where there is no such entry."""
        node: Any = self._root
        for atom in atoms:
            node = node.get(atom) if type(node) is dict else None
        return node.get("") if type(node) is dict else node

    def items(self) -> Iterator[tuple[Atoms, int]]:
        """All entries with their numbers, in an order that depends on the order of `put` alone."""
        # Iterative: an entry may be longer than the interpreter's stack.
        waiting: list[tuple[Atoms, Any]] = [((), self._root)]
        while waiting:
            atoms, node = waiting.pop()
            if type(node) is dict:
                below = [((*atoms, atom) if atom else atoms, child) for atom, child in node.items()]
                waiting.extend(reversed(below))
            else:
                yield atoms, node

    def matches(self, words: Sequence[str]) -> list[tuple[int, int, int]]:
        """Every entry that lies in the words, as (start, end, number) in words; by start, then by end.

        Takes at most one step an atom of the longest entry for each word.
        """
        found: list[tuple[int, int, int]] = []
        heads, cuts, root, size = self._heads, self._cuts, self._root, len(words)
        for start, word in enumerate(words):
            atoms = heads[word]
            if not atoms:
                continue
            node: Any = root
            at = start
            while atoms:  # a word without atoms ends every match
                for atom in atoms:
                    node = node.get(atom) if type(node) is dict else None
                    if node is None:
                        break
                if node is None:
                    break
                at += 1
                if isinstance(node, int):
                    found.append((start, at, node))
                    break
                value = node.get("")
                if value is not None:
                    found.append((start, at, value))
                if at == size:
                    break
                atoms = cuts[words[at]]
        return found


class Match(NamedTuple):
    """Words [start, end) are an entry of the lists `names`."""

    start: int
    end: int
    names: tuple[str, ...]


def longest(matches: Iterable[tuple[int, int, Any]]) -> list[Any]:
    """Of matches by start and end: from left to right the longest at each place, none over another."""
    kept: list[Any] = []
    for match in matches:
        if kept and match[0] == kept[-1][0]:
            kept[-1] = match
        elif not kept or match[0] >= kept[-1][1]:
            kept.append(match)
    return kept


class Gazetteer:
    """Named word lists, matched together. An entry may stand in several lists."""

    def __init__(self, case: Case = "exact") -> None:
        self.case: Case = case
        self.names: list[str] = []
        self._trie = Trie(case)
        self._bits: dict[str, int] = {}
        self._sets: dict[int, tuple[str, ...]] = {}

    @classmethod
    def of(cls, lists: Mapping[str, Iterable[str]], case: Case = "exact") -> Self:
        """From entries by name of list; raises `DataError` for an entry without any text."""
        made = cls(case)
        for name, entries in lists.items():
            for entry in entries:
                made.add(entry, name)
        return made

    @classmethod
    def read(cls, files: Mapping[str, Sequence[str | Path]], case: Case = "exact") -> Self:
        """From files by name of list; under "*" the lines name their lists. Raises `DataError`, see `read_list`."""
        made = cls(case)
        for name, paths in files.items():
            for path in paths:
                for entry, own in read_list(path, named=name == ANY):
                    made.add(entry, own or name)
        return made

    def __len__(self) -> int:
        """How many different entries there are."""
        return len(self._trie)

    def add(self, entry: str, name: str) -> None:
        """Put an entry into a list; raises `DataError` where it has no text, or the name is none."""
        atoms = self._trie.atoms(entry.split())
        if not atoms:
            raise DataError(f"an entry of list {name!r} has no text")
        self._put(atoms, name)

    def _put(self, atoms: Sequence[str], name: str) -> None:
        bit = self._bits.get(name)
        if bit is None:
            check_name(name)
            bit = self._bits[name] = 1 << len(self.names)
            self.names.append(name)
        self._trie.put(atoms, (self._trie.get(atoms) or 0) | bit)

    def matches(self, words: Sequence[str], overlapping: bool = False) -> list[Match]:
        """Entries in the words: every one where `overlapping`, else the longest at each place from left to right."""
        found = self._trie.matches(words)
        kept = found if overlapping else longest(found)
        return [Match(start, end, self._named(value)) for start, end, value in kept]

    def _named(self, value: int) -> tuple[str, ...]:
        known = self._sets.get(value)
        if known is None:
            known = self._sets[value] = tuple(name for name in self.names if value & self._bits[name])
        return known

    def as_json(self) -> dict[str, Any]:
        """All of it as plain JSON values: the atoms of each entry joined by blanks, by name of list."""
        lists: dict[str, list[str]] = {name: [] for name in self.names}
        for atoms, value in self._trie.items():
            for name in self._named(value):
                lists[name].append(" ".join(atoms))
        return {"case": self.case, "lists": lists}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """What `as_json` gave; raises `ValueError` for anything else."""
        lists = data.get("lists") if isinstance(data, dict) else None
        if not isinstance(lists, dict) or data.get("case") not in ("exact", "lower"):
            raise ValueError("these are no word lists")
        made = cls(data["case"])
        for name, entries in lists.items():
            if not name or not isinstance(entries, list):
                raise ValueError(f"word list {name!r} is none")
            for entry in entries:
                if not isinstance(entry, str):
                    raise ValueError(f"word list {name!r} has the entry {entry!r}")
                made._put(entry.split(" "), name)
        return made


def list_paths(lists: ListFiles) -> tuple[Path, ...]:
    """All files of a setting."""
    return tuple(Path(path) for paths in lists.values() for path in paths)


def located_lists(lists: ListFiles, base: Path) -> ListFiles:
    """The setting with relative paths starting at a folder."""
    return {name: tuple(str(base / path) for path in paths) for name, paths in lists.items()}


def check_name(name: str) -> None:
    """Raise `ConfigError` for a name that no list can have."""
    if not name or "\0" in name:
        raise ConfigError("a word list has an empty name, or one with a zero character")


def read_list(path: str | Path, named: bool = False) -> Iterator[tuple[str, str | None]]:
    """Entries of a UTF-8 file, one a line; where `named`, lines are `ENTRY<TAB>NAME` and the name is given too.

    Blank lines, "#" alone and lines that begin with "# " are left out: an entry that begins with # is written without
    the blank, which is the same entry. Raises `DataError` with file and line for an empty entry or name, a tab too
    many or too few, bytes that are no text; and for a file without any entry.
    """
    nothing = True
    for number, line in enumerate(Source(path).lines(), 1):
        if not line.strip() or line.strip() == "#" or line.startswith("# "):
            continue
        nothing = False
        entry, *names = line.split("\t")
        if len(names) != named:
            mend = "write ENTRY<TAB>NAME" if named else f'lines of ENTRY<TAB>NAME go under the name "{ANY}"'
            raise DataError(f"{len(names)} tabs where {int(named)} belong", path=path, line=number, mend=mend)
        if not entry.strip():
            raise DataError("an empty entry", path=path, line=number, mend="remove the line")
        name = names[0].strip() if named else None
        if name == "":
            raise DataError("an empty name behind the tab", path=path, line=number, mend="write ENTRY<TAB>NAME")
        yield entry.strip(), name
    if nothing:
        raise DataError("the word list has no entry", path=path)
