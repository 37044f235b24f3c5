"""Draw how many passes an answer takes, from the real machinery: `python docs/figures/drafts.py` writes drafts.svg.

The model of the figure knows the right answer; what it is fed in each pass is what `onoma.generation` feeds any model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from onoma import Document, encodings
from onoma.generation.greedy import write
from onoma.generation.pieces import Writing

WORDS = "Ada Lovelace left Rome .".split()
ANSWER = "Ada(B-PER) Lovelace(I-PER) left(O) Rome(B-LOC) .(O)"
PIECE = re.compile(r"\([^()]+\)|[^\s()]+")
END = "end"

PLAIN, TAKEN, HELD, OTHER = "#e9edf1", "#e69f00", "#56b4e9", "#ffffff"
"""Forced; the model's own choice; a drafted piece that held; behind the first disagreement, thrown away."""
LEGEND = (
    (PLAIN, "forced, not asked for"),
    (TAKEN, "chosen in this pass"),
    (HELD, "drafted, and the model agrees"),
    (OTHER, "drafted behind the first disagreement"),
)
BOX, GAP, HIGH, LEFT, ROW = 9.2, 4, 24, 150, 34


class Box(NamedTuple):
    """A piece as it stands in a pass."""

    text: str
    colour: str


class Teacher:
    """A model that is sure of the right answer, whatever stands before it."""

    start = 0

    def __init__(self, numbers: dict[str, int], *, drafted: bool) -> None:
        self.numbers, self.drafted = numbers, drafted
        self.right = [numbers[piece] for piece in (*PIECE.findall(ANSWER), END)]
        self.settled = 0
        self.passes: list[list[Box]] = []
        self._fed: list[int] = []
        self._open: list[int] = []

    def feed(self, rows: Any, places: Any, asked: Sequence[int]) -> list[Any]:
        """Scores for the next pieces; the pass is remembered."""
        self._fed, self._open = list(rows[0]), list(places[0])
        made = np.zeros((len(places[0]), len(asked)))
        for number, place in enumerate(places[0]):
            right = self.right[self.settled + place]
            if right in asked:  # behind a wrong draft it may not be legal
                made[number, list(asked).index(right)] = 1
        self._remember()
        return [made]

    def keep(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        """So many of the pieces that were fed last hold."""
        if rows:
            self.settled += sizes[0]

    def _remember(self) -> None:
        names = {number: piece for piece, number in self.numbers.items()}
        boxes: list[Box] = []
        wrong = False
        for place in range(len(self._fed)):
            right = self.right[self.settled + place]
            # The last piece of a draft need not be fed: nothing is asked behind it.
            last = right if self.drafted else None
            drafted = self._fed[place + 1] if place + 1 < len(self._fed) else last
            choice = place in self._open
            if wrong:
                boxes.append(Box(names[drafted if drafted is not None else right], OTHER))
            elif not choice:
                boxes.append(Box(names[right], PLAIN))
            elif drafted == right:
                boxes.append(Box(names[right], HELD))
            else:
                boxes.append(Box(names[right], TAKEN))
                wrong = True
        self.passes.append(boxes)


def passes(*, drafted: bool) -> list[list[Box]]:
    """What the decoder is fed in each pass until the answer is whole."""
    document = Document.from_words([WORDS], id="figure")
    encoding = encodings.get("word_tags", ["LOC", "PER"])
    (automaton,) = encoding.automata(document)
    texts = [*WORDS, *(f"({tag})" for tag in ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")), END]
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts), start=1)}

    def pieces(text: str, _: bool) -> list[int]:
        return [numbers[piece] for piece in PIECE.findall(text)]

    teacher = Teacher(numbers, drafted=drafted)
    (written,) = write(teacher, [Writing(automaton, pieces, numbers[END], 64)], [()] if drafted else None)
    assert written.text == ANSWER
    return teacher.passes


def svg() -> str:
    """The figure."""
    free = [[Box(piece, TAKEN)] for piece in (*PIECE.findall(ANSWER), END)]
    parts: list[str] = []
    y = 20.0
    lines: list[tuple[str, list[list[Box]], bool]] = [
        ("freely", free, True),
        ("grounded", passes(drafted=False), False),
        ("with a draft", passes(drafted=True), False),
    ]
    wide = 0.0
    for name, rows, one_line in lines:
        shown = f"{len(rows)} passes"
        parts.append(f'<text x="8" y="{y + 16}" class="name">{name}</text>')
        parts.append(f'<text x="8" y="{y + 33}" class="note">{shown}</text>')
        x = float(LEFT)
        for number, row in enumerate(rows):
            if not one_line:
                x = float(LEFT)
            for box in row:
                width = BOX * max(2, len(box.text)) + 8
                dashed = ' stroke-dasharray="3 3"' if box.colour == OTHER else ""
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HIGH}" rx="4" fill="{box.colour}" '
                    f'stroke="#7b8794"{dashed}/><text x="{x + width / 2:.1f}" y="{y + 16.5:.1f}" class="piece">'
                    f"{escape(box.text)}</text>"
                )
                x += width + GAP
            wide = max(wide, x)
            y += 0 if one_line and number + 1 < len(rows) else ROW
        y += 22
    x = float(LEFT)
    for colour, text in LEGEND:
        parts.append(
            f'<rect x="{x}" y="{y}" width="14" height="14" rx="3" fill="{colour}" stroke="#7b8794"/>'
            f'<text x="{x + 20}" y="{y + 11.5}" class="note">{text}</text>'
        )
        x += 36 + 6.9 * len(text)
    width, height = max(wide, x) + 8, y + 26
    style = (
        "text{font-family:system-ui,sans-serif;fill:#1f2933}.name{font-size:15px;font-weight:600}"
        ".note{font-size:13px}.piece{font-size:13px;font-family:ui-monospace,monospace;text-anchor:middle}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"><title>Passes of the decoder for {escape(ANSWER)}</title><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(svg(), encoding="utf-8", newline="\n")
