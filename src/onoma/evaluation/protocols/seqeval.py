"""The scores of the seqeval package (1.2.2) on tags as they were predicted: its default and its strict mode.

The rules are data here; `onoma.compat.seqeval` offers the package's own functions on the same core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from onoma.document import Document, Prediction
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScore, ProtocolScores, ratio
from onoma.evaluation.protocols.chunks import Rule, Split
from onoma.evaluation.protocols.tags import LabelCounts, TagSequences, by_label, read_sequences, score_of, unread

__all__ = ["LENIENT", "STRICT", "default", "lenient_split", "strict", "strict_split"]

LENIENT = Rule(
    start=("* BS", "OES EI", "* ^O. !"),
    end=("ES *", "BI BSO", "^O. * !"),
)
"""The default mode: the CoNLL script's rule, enlarged by E and S."""

_END_ON_I_OR_B = ("I O", "I I !", "I B")

STRICT: Mapping[str, Rule] = {
    "IOB1": Rule(
        start=("O I", "I I !", "B I", "IB B ="),
        end=(*_END_ON_I_OR_B, "B O", "B I !", "B B ="),
        inside=("BI I =",),
        prefixes="IOB",
    ),
    "IOB2": Rule(start=("* B",), end=(*_END_ON_I_OR_B, "B OB", "B I !"), inside=("BI I =",), prefixes="IOB"),
    "IOE1": Rule(
        start=("OE I", "I I !", "E E ="),
        end=("I O", "I IE !", "E IE ="),
        inside=("I IE =",),
        prefixes="IOE",
    ),
    "IOE2": Rule(start=("OE IE", "I IE !"), end=("E *",), inside=("I IE =",), prefixes="IOE"),
    "IOBES": Rule(start=("* BS",), end=("SE *",), inside=("BI IE =",), prefixes="IOBES"),
    "BILOU": Rule(start=("* BU",), end=("UL *",), inside=("BI IL =",), prefixes="IOBUL"),
}
"""The strict mode by its scheme: a chunk counts only where it is spelt as the scheme demands."""

_SCHEMES = {"BIO": "IOB2", "IOB1": "IOB1", "BIOES": "IOBES", "BILOU": "BILOU"}
_NAMES = ("tp_sum", "pred_sum", "true_sum")


def lenient_split(suffix: bool = False) -> Split:
    """How the default mode parses a tag: first (or last) character, and what is beyond the next hyphen, or `_`."""
    if suffix:
        return lambda tag: (tag[-1], tag[:-1].rsplit("-", 1)[0] or "_")
    return lambda tag: (tag[0], tag[1:].split("-", 1)[-1] or "_")


def strict_split(suffix: bool = False) -> Split:
    """How the strict mode parses a tag: first (or last) character, and the rest less its outer hyphens, or `_`."""
    if suffix:
        return lambda tag: (tag[-1], tag[:-1].strip("-") or "_")
    return lambda tag: (tag[0], tag[1:].strip("-") or "_")


def default(
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
) -> ProtocolScores:
    """Micro, macro and by-label scores of the default mode; `labels` filters both sides.

    Macro goes over all labels of gold or prediction. Raises `NotApplicableError` where tags are missing or of no
    scheme, `EvaluationError` where the two sides cannot be joined.
    """
    sequences = read_sequences("seqeval", gold, predictions, labels)
    rule = "chunks of the tags, a stray I- opens one; seqeval 1.2.2 default"
    return _scores("seqeval", rule, sequences, LENIENT, lenient_split())


def strict(
    gold: Sequence[Document],
    predictions: Iterable[Prediction | Document],
    *,
    labels: Sequence[str] | None = None,
) -> ProtocolScores:
    """As `default`, in strict mode with the scheme of the predicted tags.

    `NotApplicableError` also for BMES, which the original has not.
    """
    sequences = read_sequences("seqeval_strict", gold, predictions, labels)
    scheme = _SCHEMES.get(sequences.scheme.name)
    if scheme is None:
        known = ", ".join(_SCHEMES)
        raise NotApplicableError(
            f"seqeval_strict has no scheme for the predicted tags, {sequences.scheme.name}; it has {known}"
        )
    rule = f"chunks of the tags, spelt as {scheme} demands; seqeval 1.2.2 strict"
    return _scores("seqeval_strict", rule, sequences, STRICT[scheme], strict_split())


def _scores(name: str, line: str, sequences: TagSequences, rule: Rule, split: Split) -> ProtocolScores:
    counts = by_label(sequences, sequences.encode(), rule, split)
    rows = {label: score_of([count], _NAMES) for label, count in counts.items()}
    return ProtocolScores(
        protocol=name,
        rule=line,
        micro=score_of(counts.values(), _NAMES),
        macro=_macro(rows, counts),
        by_label=rows,
        notes=(*sequences.notes, *unread(sequences, counts.values())),
    )


def _macro(rows: Mapping[str, ProtocolScore], counts: Mapping[str, LabelCounts]) -> ProtocolScore:
    scores = rows.values()
    return ProtocolScore(
        ratio(sum(row.precision for row in scores), len(rows)),
        ratio(sum(row.recall for row in scores), len(rows)),
        ratio(sum(row.f1 for row in scores), len(rows)),
        {"labels": len(rows), "true_sum": sum(count.gold for count in counts.values())},
    )
