"""Gold and answers to look at: an emoji before every mention, nested mentions, and a script in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onoma.analysis.confidence import ScoreKind
from onoma.document import Document, Prediction, Problem, Span
from onoma.report.evidence import Evidence, Judged, look

EVIL = "</script><script>window.broken=1</script><img src=x onerror=window.broken=2>"
SYSTEMS = ("crf", "minilm", "t5-small xml")


def find(document: Document, text: str, label: str) -> Span:
    start = document.text.index(text)
    return Span(start, start + len(text), label)


def documents() -> list[Document]:
    """24 documents of two sentences; in the last one stands a script."""
    made = []
    for number in range(24):
        first = f"🎉 Ada{number} met 👩‍🚀 Bo{number} of 🏛️ Acme{number} Works Paris .".split(" ")
        second = (
            f"Nothing happened to {EVIL} again .".split(" ")
            if number == 23
            else f"Rain fell {number} times .".split(" ")
        )
        document = Document.from_words([first, second], id=f"d{number:02}")
        spans = [
            find(document, f"Ada{number}", "PER"),
            find(document, f"Bo{number}", "PER"),
            find(document, f"Acme{number} Works Paris", "ORG"),
            find(document, "Paris", "LOC"),
        ]
        made.append(document.with_spans(spans))
    return made


def answers(gold: Sequence[Document]) -> dict[str, dict[int, list[Prediction]]]:
    """crf takes Ada for a place in every third document; minilm misses Bo in the even ones; t5 finds Rain, and more."""
    crf, minilm, t5 = [], [], []
    for number, document in enumerate(gold):
        ada, bo, acme, paris = document.spans
        wrong = Span(ada.start, ada.end, "LOC")
        crf.append(Prediction(document.id, (wrong if number % 3 == 0 else ada, bo, acme, paris)))
        minilm.append(Prediction(document.id, (ada, acme, paris) if number % 2 == 0 else document.spans))
        rain = () if number == 23 else (find(document, "Rain", "MISC"),)
        problems = (Problem("ungrounded", "Zeus <b>", "PER"),) if number == 5 else ()
        t5.append(Prediction(document.id, (*document.spans, *rain), problems))
    return {name: {1: row} for name, row in zip(SYSTEMS, (crf, minilm, t5), strict=True)}


def evidence() -> Evidence:
    gold = documents()
    return Evidence({"news": look(Judged(gold, answers(gold)), resamples=20)}, {"tweets": "tweets.conll is gone"})


def doubtful(labels: Sequence[str] | None = None) -> Evidence:
    """Rome is wrong in d3 and d7 of gold; crf, which says how sure it is, has it right, and finds met everywhere."""
    gold, found = [], []
    for number in range(12):
        made = Document.from_words(["Ada met Bob in Rome .".split(), "Then Bob left Rome .".split()], id=f"d{number}")
        right = [find(made, "Ada", "PER"), find(made, "Bob", "PER"), find(made, "Rome", "LOC")]
        again = made.text.rindex("Rome")
        right.append(Span(again, again + 4, "LOC"))
        wrong = {3: 3, 7: 2}.get(number)
        gold.append(made.with_spans([replace(s, label="ORG") if at == wrong else s for at, s in enumerate(right)]))
        sure = [Span(s.start, s.end, s.label, 0.9 - s.start / 100) for s in right]
        found.append(Prediction(made.id, (*sure, replace(find(made, "met", "MISC"), score=0.95))))
    silent = [Prediction(each.id, each.spans) for each in gold]
    seeds = {"minilm": {1: silent}, "crf": {1: found}}
    kinds: dict[str, ScoreKind] = {"minilm": "margin", "crf": "probability"}
    return Evidence({"news": look(Judged(gold, seeds, labels, kinds), resamples=0)})
