"""The five ways in which a generated answer says where mentions are, written and strictly read against the input text.

Forms of *Assessment of Generative NER in the Era of LLMs* (table 1), marks and keys as in its published data:

    brackets          [Ada Lovelace | PER] was born        xml    <PER>Ada Lovelace</PER> was born
    grouped_json      {"PER": ["Ada Lovelace"], "LOC": []}
    occurrence_json   [{"text": "Ada", "label": "PER", "occurrence_index": 1}]
    offset_json       [{"text": "Ada", "label": "PER", "start": 0, "end": 3}]

The inline forms have no escapes: what is a mark and what is text follows from the input, which the answer without its
marks must equal. Occurrences count from 1 over all places where the text stands, inside words and overlapping too.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from onoma.datasets.records import offset, parsed, text_of, whole
from onoma.document import Span
from onoma.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["ANSWERS", "check_answer", "crossing", "kind_of", "read_answer", "write_answer"]

ANSWERS = ("brackets", "xml", "grouped_json", "occurrence_json", "offset_json")
INLINE = ("brackets", "xml")
_MARKS = {
    "brackets": re.compile(r"(?P<open>\[)|(?P<close> \| (?P<label>[^\[\]|\n]+)\])"),
    "xml": re.compile(r"(?P<open><(?P<opened>[^<>/][^<>]*)>)|(?P<close></(?P<label>[^<>]+)>)"),
}
_OCCURRENCE = ("occurrence_index", "occurrence")
_READINGS = 100_000
"""Half-read answers that are followed before an inline answer counts as unreadable."""
_DEEPEST = 200
"""Mentions in one another, inline."""


def check_answer(kind: str) -> None:
    """Raise `ConfigError` where there is no such form of answer."""
    if kind not in ANSWERS:
        raise ConfigError(f"answer {kind!r} is unknown: one of {', '.join(ANSWERS)}")


def read_answer(kind: str, text: str, answer: str) -> tuple[list[Span], int]:
    """The spans of an answer, and how many choices it left open (settled by a fixed rule).

    Inline, a mark that the text holds too is text where the whole answer can be read so. In `grouped_json` a mention is
    the leftmost place that none before it took. Raises `DataError` (without file and line) for any other fault.
    """
    if kind in INLINE:
        return _read_inline(kind, text, answer)
    value = _json(answer)
    if kind == "grouped_json":
        return _read_grouped(text, value)
    if not isinstance(value, list):
        raise DataError("the answer is not a JSON array")
    if kind == "occurrence_json":
        places = lru_cache(None)(partial(_places, text))
        return [_at_occurrence(places, item, f"answer[{number}]") for number, item in enumerate(value)], 0
    return [_at_offset(text, item, f"answer[{number}]") for number, item in enumerate(value)], 0


def write_answer(kind: str, text: str, spans: Sequence[Span], labels: Iterable[str] = ()) -> str:
    """The answer that says where these spans are; inline they must not cross. `labels` are keys of `grouped_json`."""
    if kind in INLINE:
        return _write_inline(kind, text, spans)
    ordered = sorted(spans, key=lambda span: (span.start, -span.end))
    if kind == "grouped_json":
        groups: dict[str, list[str]] = {}  # in the order of first mentions, which is the order they are read in
        for span in ordered:
            groups.setdefault(span.label, []).append(text[span.start : span.end])
        for label in labels:
            groups.setdefault(label, [])
        return json.dumps(groups, ensure_ascii=False)
    items: list[dict[str, Any]] = []
    places = lru_cache(None)(partial(_places, text))
    for span in ordered:
        surface = text[span.start : span.end]
        item: dict[str, Any] = {"text": surface, "label": span.label}
        if kind == "occurrence_json":
            item[_OCCURRENCE[0]] = bisect_left(places(surface), span.start) + 1
        else:
            item |= {"start": span.start, "end": span.end}
        items.append(item)
    return json.dumps(items, ensure_ascii=False)


def kind_of(text: str, answer: str) -> str | None:
    """The form an answer is in: "" where it may be any (there are no mentions), None where it is in none of them."""
    if answer == text:
        return ""
    for kind in INLINE:
        try:
            _read_inline(kind, text, answer)
        except DataError:
            continue
        return kind
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return "grouped_json"
    if isinstance(value, list):
        if not value:
            return ""
        if isinstance(value[0], dict):
            return "offset_json" if "start" in value[0] else "occurrence_json"
    return None


# ---------------------------------------------------------------------- inline


class _State(NamedTuple):
    """A half-read answer: characters read of the answer and of the text, and the open mentions, the inmost first."""

    at: int
    done: int
    open: tuple[Any, ...] | None


def _read_inline(kind: str, text: str, answer: str) -> tuple[list[Span], int]:
    """All ways to take marks as marks or as text are followed at once; of the whole ones text goes before marks."""
    marks = list(_MARKS[kind].finditer(answer))
    starts = [mark.start() for mark in marks]
    layers: list[dict[_State, list[tuple[int, _State]]]] = [{} for _ in range(len(marks) + 1)]
    layers[0][_State(0, 0, None)] = []
    reached = followed = 0
    for number, mark in enumerate(marks):
        for state, nexts in layers[number].items():
            size = mark.start() - state.at
            if answer[state.at : mark.start()] != text[state.done : state.done + size]:
                continue
            reached = max(reached, mark.start())
            done = state.done + size
            nexts.append((number + 1, _State(mark.start(), done, state.open)))
            opened = _marked(mark, kind, done, state.open)
            if opened is not False:
                nexts.append((bisect_left(starts, mark.end()), _State(mark.end(), done, opened)))
            followed += len(nexts)
            if followed > _READINGS:
                raise DataError("the answer can be read in too many ways")
            for place, following in nexts:
                layers[place].setdefault(following, [])
    ends = [state for state in layers[-1] if state.open is None and answer[state.at :] == text[state.done :]]
    alive: list[set[_State]] = [set() for _ in marks] + [set(ends)]
    for number in range(len(marks) - 1, -1, -1):
        for state, nexts in layers[number].items():
            if any(following in alive[place] for place, following in nexts):
                alive[number].add(state)
    number, state = 0, _State(0, 0, None)
    if state not in alive[0]:
        raise DataError(
            f"the answer without its marks is not the input: {answer[reached : reached + 30]!r} cannot be read"
        )
    spans: list[Span] = []
    choices = 0
    while number < len(marks):
        ways = [each for each in layers[number][state] if each[1] in alive[each[0]]]
        choices += len(ways) > 1
        place, following = ways[0]
        if following.at > marks[number].start() and marks[number]["close"]:
            assert state.open is not None
            spans.append(Span(state.open[0], following.done, marks[number]["label"]))
        number, state = place, following
    spans.reverse()  # of equal extent the outer closes last
    spans.sort(key=lambda span: (span.start, -span.end))
    return spans, choices


def _marked(mark: re.Match[str], kind: str, done: int, open: tuple[Any, ...] | None) -> Any:
    """The open mentions after a mark that is one; False where it cannot stand here."""
    if mark["open"]:
        depth = 1 if open is None else open[3] + 1
        return (done, mark["opened"] if kind == "xml" else None, open, depth) if depth <= _DEEPEST else False
    if open is None or open[0] == done or open[1] not in (None, mark["label"]):
        return False
    return open[2]


def crossing(spans: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """The spans that nest or keep apart, by start and the outer first, and those that cross one of them."""
    kept: list[Span] = []
    lost: list[Span] = []
    stack: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        while stack and stack[-1].end <= span.start:
            stack.pop()
        if stack and span.end > stack[-1].end:
            lost.append(span)
        else:
            stack.append(span)
            kept.append(span)
    return kept, lost


def _write_inline(kind: str, text: str, spans: Sequence[Span]) -> str:
    out: list[str] = []
    stack: list[Span] = []
    at = 0

    def close(until: int) -> None:
        nonlocal at
        while stack and stack[-1].end <= until:
            span = stack.pop()
            out.append(text[at : span.end] + (f" | {span.label}]" if kind == "brackets" else f"</{span.label}>"))
            at = span.end

    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        close(span.start)
        out.append(text[at : span.start] + ("[" if kind == "brackets" else f"<{span.label}>"))
        at = span.start
        stack.append(span)
    close(len(text))
    return "".join(out) + text[at:]


# ---------------------------------------------------------------------- JSON


def _json(answer: str) -> Any:
    try:
        return parsed(answer)
    except DataError as error:
        raise DataError(f"the answer is not JSON: {error.message}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"the answer is not JSON: {error}") from None


def _places(text: str, surface: str) -> list[int]:
    """Where a text stands in the input, overlapping places too."""
    found: list[int] = []
    at = text.find(surface)
    while at >= 0:
        found.append(at)
        at = text.find(surface, at + 1)
    return found


def _read_grouped(text: str, value: Any) -> tuple[list[Span], int]:
    if not isinstance(value, dict):
        raise DataError("the answer is not a JSON object")
    mentions: list[tuple[str, str]] = []
    for label, items in value.items():
        if not isinstance(items, list):
            raise DataError(f"the answer's {label!r} is not a list")
        _label(label, "the answer")
        mentions += [(label, _surface(item, f"answer[{label!r}][{n}]")) for n, item in enumerate(items)]
    counts = Counter(surface for _, surface in mentions)
    labels: dict[str, set[str]] = {}
    for label, surface in mentions:
        labels.setdefault(surface, set()).add(label)
    taken: dict[str, list[set[str]]] = {}
    reached: Counter[tuple[str | None, str]] = Counter()
    spans: list[Span] = []
    open_choices = 0
    places: dict[str, list[int]] = {surface: _places(text, surface) for surface in counts}
    for label, surface in mentions:
        users = taken.setdefault(surface, [set() for _ in places[surface]])
        free = _first_free(users, None, surface, reached)
        if free is None:  # all are taken: the first that another label has, since one place may have two
            free = _first_free(users, label, surface, reached)
        if free is None:
            found = len(places[surface])
            raise DataError(
                f"{label} {surface[:40]!r} is not in the input" + (f" more than {found} time(s)" if found else "")
            )
        users[free].add(label)
        open_choices += len(users) > counts[surface] or len(labels[surface]) > 1
        spans.append(Span(places[surface][free], places[surface][free] + len(surface), label))
    return spans, open_choices


def _first_free(
    users: Sequence[set[str]], label: str | None, surface: str, reached: Counter[tuple[str | None, str]]
) -> int | None:
    """The first place that nobody has, or that a label has not; what was taken is not looked at again."""
    while reached[label, surface] < len(users):
        names = users[reached[label, surface]]
        if not names if label is None else label not in names:
            return reached[label, surface]
        reached[label, surface] += 1
    return None


def _at_occurrence(places_of: Callable[[str], list[int]], item: object, what: str) -> Span:
    surface, label, rest = _item(item, what, _OCCURRENCE)
    if len(rest) != 1:
        raise DataError(f"{what} has no key {_OCCURRENCE[0]!r}" if not rest else f"{what} has two occurrences")
    ((key, value),) = rest.items()
    number = whole(value, f"{what}.{key}")
    places = places_of(surface)
    if not 1 <= number <= len(places):
        raise DataError(f"{what} {surface[:40]!r} stands {len(places)} time(s) in the input, not {number}")
    return Span(places[number - 1], places[number - 1] + len(surface), label)


def _at_offset(text: str, item: object, what: str) -> Span:
    surface, label, rest = _item(item, what, ("start", "end"))
    for key in ("start", "end"):
        if key not in rest:
            raise DataError(f"{what} has no key {key!r}")
    start, end = offset(rest["start"], rest["end"], len(text), what)
    if text[start:end] != surface:
        raise DataError(
            f"{what} [{start}:{end}] is {text[start:end][:40]!r} in the input, but says {surface[:40]!r}",
            mend="offsets are Unicode code points, end not included",
        )
    return Span(start, end, label)


def _item(item: object, what: str, keys: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """Text, label (under "label" or "type") and the values of these keys."""
    if not isinstance(item, dict):
        raise DataError(f"{what} is not an object")
    names = [key for key in ("label", "type") if key in item]
    if len(names) != 1:
        raise DataError(f"{what} has {'no label' if not names else 'both a label and a type'}")
    unknown = [key for key in item if key not in ("text", *names, *keys)]
    if unknown:
        raise DataError(f"{what} has the unknown key {unknown[0]!r}", mend=f"known: text, label, {', '.join(keys)}")
    if "text" not in item:
        raise DataError(f"{what} has no key 'text'")
    label = _label(text_of(item[names[0]], f"{what}.{names[0]}"), what)
    return _surface(item["text"], f"{what}.text"), label, {key: item[key] for key in keys if key in item}


def _label(label: str, what: str) -> str:
    if not label:
        raise DataError(f"{what} has an empty label")
    return text_of(label, f"a label of {what}")


def _surface(value: object, what: str) -> str:
    surface = text_of(value, what)
    if not surface:
        raise DataError(f"{what} is empty")
    return surface
