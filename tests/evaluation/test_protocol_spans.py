"""Protocols that compare places: against the original program, against brute force, and by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from typing import Any

import pytest
from evaluation_cases import PROPERTY, cases, spans, words
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator

from onoma.document import Document, Prediction, Problem, Span
from onoma.evaluation.matching import position
from onoma.evaluation.protocols import muc, nervaluate, presidio_iou, recall, span_soft
from onoma.evaluation.protocols.base import NotApplicableError, ProtocolScores
from onoma.exceptions import EvaluationError

NERVALUATE = {
    "strict": nervaluate.strict,
    "exact": nervaluate.exact,
    "partial": nervaluate.partial,
    "ent_type": nervaluate.type_,
}
MUC = {"exact_boundary": muc.exact_boundary, "type_only": muc.type_only, "partial": muc.partial}
ALL: dict[str, Callable[..., ProtocolScores]] = {
    **{f"nervaluate {name}": score for name, score in NERVALUATE.items()},
    **MUC,
    "recall": recall.labelled,
    "recall_unlabelled": recall.unlabelled,
    "presidio_iou": presidio_iou.score,
    "span_soft": span_soft.soft,
    "span_hard": span_soft.hard,
}


def spans_of(marked: Sequence[tuple[int, int, str]]) -> list[Span]:
    return [Span(start, end, label) for start, end, label in marked]


def scored(
    score: Callable[..., ProtocolScores],
    gold: Sequence[tuple[int, int, str]],
    found: Sequence[tuple[int, int, str]],
    text: str = "x" * 300,
) -> ProtocolScores:
    """One text without tokens."""
    return score([Document("d", text).with_spans(spans_of(gold))], [Prediction("d", tuple(spans_of(found)))])


# ---------------------------------------------------------------------- nervaluate, the package as oracle


@st.composite
def mentions(draw: st.DrawFn) -> tuple[list[Document], list[Prediction]]:
    """Gold and predicted spans over whole words or any characters, nested, crossing and repeated."""
    gold: list[Document] = []
    found: list[Prediction] = []
    for number in range(draw(st.integers(1, 3))):
        document = words(f"d{number}")
        by_word = draw(st.booleans())
        sides: list[list[Span]] = []
        for _ in range(2):
            side: list[Span] = []
            for _ in range(draw(st.integers(0, 6))):
                label = draw(st.sampled_from("ABC"))
                if by_word:
                    first = draw(st.integers(0, 5))
                    last = min(5, first + draw(st.integers(0, 3)))
                    side.append(Span(document.tokens[first].start, document.tokens[last].end, label))
                else:
                    start = draw(st.integers(0, len(document.text) - 1))
                    side.append(Span(start, min(len(document.text), start + draw(st.integers(1, 9))), label))
            sides.append(side)
        gold.append(document.with_spans(sides[0]))
        found.append(Prediction(document.id, tuple(sides[1])))
    return gold, found


def inclusive(document: Document, *sides: Sequence[Span]) -> list[list[dict[str, Any]]]:
    """Spans as the package wants them, worked out word by word."""
    starts = [token.start for token in document.tokens]
    ends = [token.end for token in document.tokens]
    if all(span.start in starts and span.end in ends for side in sides for span in side):
        places = [[(starts.index(span.start), ends.index(span.end), span.label) for span in side] for side in sides]
    else:
        places = [[(span.start, span.end - 1, span.label) for span in side] for side in sides]
    return [[{"start": start, "end": end, "label": label} for start, end, label in sorted(side)] for side in places]


@PROPERTY
@given(mentions())
def test_nervaluate_is_the_package(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, found = case
    both = [inclusive(left, left.spans, right.spans) for left, right in zip(gold, found, strict=True)]
    labels = sorted({each["label"] for sides in both for side in sides for each in side})
    answer = Evaluator([left for left, _ in both], [right for _, right in both], tags=labels, loader="dict").evaluate()
    for name, score in NERVALUATE.items():
        ours = score(gold, found)
        rows = [(ours.micro, answer["overall"][name])]
        rows += [(ours.by_label[label], answer["entities"][label][name]) for label in labels]
        assert list(ours.by_label) == labels
        for mine, theirs in rows:
            assert (mine.precision, mine.recall, mine.f1) == pytest.approx((theirs.precision, theirs.recall, theirs.f1))
            assert all(count == getattr(theirs, key) for key, count in mine.counts.items())


def test_nervaluate_needs_one_percent_of_the_gold_mention() -> None:
    barely = scored(nervaluate.partial, [(0, 100, "A")], [(99, 200, "A")])
    assert barely.micro.counts["partial"] == 1
    too_little = scored(nervaluate.partial, [(0, 101, "A")], [(100, 200, "A")])
    assert (too_little.micro.counts["missed"], too_little.micro.counts["spurious"]) == (1, 1)
    touching = scored(nervaluate.type_, [(0, 3, "A")], [(3, 5, "A")])
    assert touching.micro.f1 == 0


def test_nervaluate_counts_problems_as_spurious_and_says_the_unit() -> None:
    gold = [words("d").with_spans([Span(0, 2, "A")])]
    found = Prediction("d", (Span(0, 2, "A"), Span(3, 4, "B")), (Problem("ungrounded", "zz", "A"),))
    ours = nervaluate.strict(gold, [found])
    assert (ours.micro.counts["correct"], ours.micro.counts["spurious"]) == (1, 2)
    assert ours.by_label["A"].counts["spurious"] == 1
    assert any("compared in characters" in note for note in ours.notes)


# ---------------------------------------------------------------------- our own measures, brute force as oracle


def best_by_hand(golds: Sequence[Span], found: Sequence[Span]) -> tuple[int, int, int, int, int]:
    """The best five sums over all one-to-one assignments."""
    swap = len(golds) > len(found)
    few, many = (found, golds) if swap else (golds, found)
    best = (0, 0, 0, 0, 0)
    for size in range(len(few) + 1):
        for rows in combinations(few, size):
            for columns in permutations(many, size):
                sums = [0] * 5
                for left, right in zip(rows, columns, strict=True):
                    one, other = characters(left), characters(right)
                    if not one & other:
                        break
                    same, exact = left.label == right.label, position(left) == position(right)
                    for index, value in enumerate((exact and same, exact, len(one & other), same, 1)):
                        sums[index] += value
                else:
                    best = max(best, (sums[0], sums[1], sums[2], sums[3], sums[4]))
    return best


def characters(span: Span) -> set[int]:
    return {place for start, end in span.fragments or ((span.start, span.end),) for place in range(start, end)}


def sums_of(pairs: Sequence[tuple[Span, Span]]) -> tuple[int, ...]:
    values = [muc.worth(left, right) for left, right in pairs]
    assert None not in values
    return tuple(sum(value[index] for value in values if value) for index in range(5))


@PROPERTY
@given(st.lists(spans(), max_size=4), st.lists(spans(), max_size=4))
def test_assignment_is_the_best_there_is(golds: list[Span], found: list[Span]) -> None:
    assert sums_of(muc.assign(golds, found)) == best_by_hand(golds, found)


@st.composite
def flat(draw: st.DrawFn) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, 14), max_size=8)))
    return [Span(start, end, draw(st.sampled_from("AB"))) for start, end in zip(edges[::2], edges[1::2], strict=False)]


@PROPERTY
@given(flat(), flat())
def test_assignment_of_flat_mentions_is_the_best_there_is(golds: list[Span], found: list[Span]) -> None:
    assert sums_of(muc.assign(golds, found)) == best_by_hand(golds, found)


@PROPERTY
@given(cases())
def test_muc_counts_add_up(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, found = case
    for score in MUC.values():
        ours = score(gold, found)
        for each in (ours.micro, *ours.by_label.values()):
            counts = each.counts
            assert counts["COR"] + counts["INC"] + counts["PAR"] + counts["MIS"] == counts["POS"]
            assert counts["COR"] + counts["INC"] + counts["PAR"] + counts["SPU"] == counts["ACT"]
        assert ours.micro.counts["POS"] == sum(len(document.spans) for document in gold)
        problems = sum(problem.is_mention for each in found for problem in each.problems)
        assert ours.micro.counts["ACT"] == sum(len(each.spans) for each in found) + problems


def test_muc_by_hand() -> None:
    # gold: 0-4 PER, 10-20 LOC, 30-35 ORG, 50-55 LOC; found: 0-4 PER, 12-20 ORG, 30-35 PER, 70-75 LOC
    gold = [(0, 4, "PER"), (10, 20, "LOC"), (30, 35, "ORG"), (50, 55, "LOC")]
    found = [(0, 4, "PER"), (12, 20, "ORG"), (30, 35, "PER"), (70, 75, "LOC")]
    exact = scored(muc.exact_boundary, gold, found).micro
    assert [exact.counts[key] for key in ("COR", "INC", "PAR", "MIS", "SPU")] == [2, 1, 0, 1, 1]
    half = scored(muc.partial, gold, found).micro
    assert half.precision == half.recall == (2 + 0.5) / 4
    kind = scored(muc.type_only, gold, found).micro
    assert [kind.counts[key] for key in ("COR", "INC", "PAR", "MIS", "SPU")] == [1, 2, 0, 1, 1]
    # shared characters decide: 8 + 2 for both pairs is more than 9 for one
    both = scored(muc.partial, [(0, 10, "A"), (11, 20, "A")], [(2, 10, "A"), (18, 25, "A")]).micro
    assert both.counts["PAR"] == 2
    assert scored(muc.partial, [(0, 3, "A")], [(3, 5, "A")]).micro.counts["SPU"] == 1


def test_shared_characters_of_fragments() -> None:
    left = Span(0, 10, "A", fragments=((0, 2), (8, 10)))
    assert muc.shared_characters(left, Span(2, 8, "A")) == 0
    assert muc.shared_characters(left, Span(1, 9, "A")) == 2
    assert muc.shared_characters(left, Span(1, 12, "A", fragments=((1, 2), (9, 12)))) == 2


def test_a_long_chain_of_overlaps() -> None:
    size = 4_000
    gold = [(3 * at, 3 * at + 3, "A") for at in range(size)]
    found = [(3 * at + 1, 3 * at + 4, "A") for at in range(size)]
    for score in (muc.partial, nervaluate.partial):
        assert scored(score, gold, found, "x" * (3 * size + 4)).micro.f1 == 0.5


# ---------------------------------------------------------------------- recall


@settings(PROPERTY, max_examples=50)
@given(cases())
def test_recall_is_the_share_of_gold_found(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, found = case
    answers = {each.document_id: each.spans for each in found}
    total = sum(len(document.spans) for document in gold)
    for score, key in ((recall.labelled, lambda span: (position(span), span.label)), (recall.unlabelled, position)):
        hits = 0
        for document in gold:
            left = [key(span) for span in answers.get(document.id, ())]
            for span in document.spans:
                if key(span) in left:
                    left.remove(key(span))
                    hits += 1
        assert score(gold, found).micro.recall == (hits / total if total else 0)


# ---------------------------------------------------------------------- presidio_iou


def sentence(text: str, gold: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> Any:
    """One sentence with mentions given by their text."""

    def placed(items: Sequence[tuple[str, str]]) -> list[Span]:
        return [Span(text.index(part), text.index(part) + len(part), label) for part, label in items]

    document = Document.from_words([text.split()], id="d")
    return presidio_iou.score([document.with_spans(placed(gold))], [Prediction("d", tuple(placed(found)))])


def test_presidio_drops_skip_words_and_case() -> None:
    # "The" and "Street" are skipped, so both sides are the 9 characters of Brightman
    ours = sentence("in The Brightman Street now", [("The Brightman Street", "LOC")], [("Brightman", "LOC")])
    assert ours.micro.f1 == 1
    # mentions of skip words alone vanish on both sides
    gone = sentence("in The Brightman Street now", [("Street", "LOC")], [("The", "LOC")])
    assert gone.micro.counts == {"true_positives": 0, "predicted": 0, "annotated": 0, "f_beta_2": 0}


def test_presidio_merges_neighbours_in_gold_too() -> None:
    # gold "Ada" and "Byron" with only "," between are one mention, 11 characters with its end: 0-11
    ours = sentence("Ada , Byron left", [("Ada", "PER"), ("Byron", "PER")], [("Ada , Byron", "PER")])
    assert ours.micro.counts["annotated"] == 1 and ours.micro.f1 == 1
    kept = sentence("Ada saw Byron", [("Ada", "PER"), ("Byron", "PER")], [("Ada", "PER"), ("Byron", "PER")])
    assert kept.micro.counts["annotated"] == 2


def test_presidio_threshold_by_hand() -> None:
    # gold "Xavier Quetzalcoatlus" is 0-21, with its end 22 places; found "Quetzalcoatlus" 7-21, 15 places: 15/22 < 0.9
    missed = sentence("Xavier Quetzalcoatlus ran", [("Xavier Quetzalcoatlus", "PER")], [("Quetzalcoatlus", "PER")])
    assert missed.micro.counts["true_positives"] == 0
    # gold "Quetzalcoatlus X" is 0-16, 17 places; found "Quetzalcoatlus" 0-14, 15 places: 15/17 = 0.88 < 0.9
    assert sentence("Quetzalcoatlus X ran", [("Quetzalcoatlus X", "P")], [("Quetzalcoatlus", "P")]).micro.f1 == 0
    # gold "Quetzalcoatlusians X" is 0-20, 21 places; found 0-18, 19 places: 19/21 = 0.905
    assert sentence("Quetzalcoatlusians X ran", [("Quetzalcoatlusians X", "P")], [("Quetzalcoatlusians", "P")]).micro.f1


def test_presidio_several_predictions_for_one_gold_and_the_label() -> None:
    # found "Xavier" 0-6 (places 0..6) and "Quetzalcoatlus" 7-21 (places 6..20, one to the left) cover 0..20 of
    # gold's 0..21: 21/22 = 0.954. Two predictions of two labels count as one; by label, PER has 7/22 and misses.
    found = [("Xavier", "PER"), ("Quetzalcoatlus", "ORG")]
    ours = sentence("Xavier Quetzalcoatlus ran", [("Xavier Quetzalcoatlus", "PER")], found)
    assert (ours.micro.counts["true_positives"], ours.micro.counts["predicted"]) == (1, 1)
    assert ours.by_label["PER"].f1 == 0 and ours.by_label["ORG"].counts["predicted"] == 1


def test_presidio_f_beta_by_hand() -> None:
    # found 1 of 2 gold with 1 prediction: P 1, R 1/2, F1 2/3, F2 = 5 * 0.5 / (4 + 0.5) = 0.5556
    ours = sentence("Ada saw Byron", [("Ada", "PER"), ("Byron", "PER")], [("Ada", "PER")])
    assert ours.micro.f1 == pytest.approx(2 / 3)
    assert ours.micro.counts["f_beta_2"] == pytest.approx(2.5 / 4.5)


def naive_iou(words: Sequence[str], gold: Sequence[str], found: Sequence[str]) -> tuple[int, int, int]:
    """Found, predicted and gold mentions by the rule itself: labels by word, character sets, every pair looked at."""
    starts = [sum(len(word) + 1 for word in words[:at]) for at in range(len(words))]
    skipped = [word in presidio_iou.SKIP_WORDS for word in words]
    sides: list[list[tuple[int, int, list[int]]]] = []
    for labels in (gold, found):
        runs: list[tuple[str, list[int]]] = []
        for at, label in enumerate(labels):
            if runs and at and labels[at - 1] == label:
                runs[-1][1].append(at)
            else:
                runs.append((label, [at]))
        merged: list[tuple[str, list[int]]] = []
        for label, places in runs:
            if not label or all(skipped[at] for at in places):
                continue
            if merged and merged[-1][0] == label and all(skipped[merged[-1][1][-1] + 1 : places[0]]):
                merged[-1][1].extend(places)
            else:
                merged.append((label, places))
        kept = [[at for at in places if not skipped[at]] for _, places in merged]
        sides.append([(starts[each[0]], starts[each[-1]] + len(words[each[-1]]), each) for each in kept])
    golds, answers = sides
    taken: set[int] = set()
    hits = 0
    for start, end, _ in golds:
        own, best, chosen = set(range(start, end + 1)), 0.0, list[int]()
        for index, (first, last, _) in enumerate(answers):
            if index in taken or last <= start or first >= end:
                continue
            cover: set[int] = set()
            for number, other in enumerate([*chosen, index]):
                cover |= set(range(answers[other][0] - (number > 0), answers[other][1] + (number == 0)))
            if len(own & cover) / len(own | cover) > best:
                best = len(own & cover) / len(own | cover)
                chosen.append(index)
        if best >= 0.9:
            hits += 1
            taken.update(chosen)
    return hits, len(answers) - len(taken) + hits, len(golds)


side = st.lists(st.sampled_from(["", "A", "A", "B"]), min_size=7, max_size=7)


@PROPERTY
@given(st.lists(st.sampled_from(["Xerxes", "of", ",", "Q", "Quetzalcoatlusian"]), min_size=7, max_size=7), side, side)
def test_presidio_is_its_rule(text: list[str], gold: list[str], found: list[str]) -> None:
    document = Document.from_words([text], id="d")
    sides = [
        [Span(token.start, token.end, label) for token, label in zip(document.tokens, labels, strict=True) if label]
        for labels in (gold, found)
    ]
    ours = presidio_iou.score([document.with_spans(sides[0])], [Prediction("d", tuple(sides[1]))]).micro.counts
    assert (ours["true_positives"], ours["predicted"], ours["annotated"]) == naive_iou(text, gold, found)


def test_presidio_needs_tokens() -> None:
    with pytest.raises(NotApplicableError, match="has none"):
        scored(presidio_iou.score, [(0, 3, "A")], [])


# ---------------------------------------------------------------------- span_soft


@PROPERTY
@given(cases())
def test_overlap_is_counted_character_by_character(case: tuple[list[Document], list[Prediction]]) -> None:
    gold, found = case
    answers = {each.document_id: each for each in found}
    soft = hard = 0
    for document in gold:
        left = [(place, span.label) for span in document.spans for place in characters(span)]
        spans = answers[document.id].spans if document.id in answers else ()
        right = [(place, span.label) for span in spans for place in characters(span)]
        hard += sum(min(left.count(each), right.count(each)) for each in set(left))
        places = [place for place, _ in left]
        others = [place for place, _ in right]
        soft += sum(min(places.count(each), others.count(each)) for each in set(places))
    assert span_soft.soft(gold, found).micro.counts["overlap_chars"] == soft
    assert span_soft.hard(gold, found).micro.counts["overlap_chars"] == hard


def test_overlap_by_hand() -> None:
    # gold 0-10 PER, found 5-15 ORG: 5 of 10 and 5 of 10, and none of the label
    assert scored(span_soft.soft, [(0, 10, "PER")], [(5, 15, "ORG")]).micro.f1 == 0.5
    assert scored(span_soft.hard, [(0, 10, "PER")], [(5, 15, "ORG")]).micro.f1 == 0
    # an ungrounded text of 10 characters weighs as much as the mention found: P 10/20, R 1
    gold = [Document("d", "x" * 20, spans=(Span(0, 10, "PER"),))]
    found = Prediction("d", (Span(0, 10, "PER"),), (Problem("ungrounded", "y" * 10, "PER"),))
    assert span_soft.soft(gold, [found]).micro.precision == 0.5
    assert span_soft.hard(gold, [found]).by_label["PER"].precision == 0.5
    assert span_soft.soft([Document("d", "x")], []).micro.f1 == 1


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", ALL)
def test_perfect_is_one_and_nothing_is_zero(name: str) -> None:
    gold = [words("a", [Span(0, 2, "A"), Span(0, 5, "B")]), words("b", [Span(3, 5, "A"), Span(12, 14, "B")])]
    perfect = ALL[name](gold, [Prediction.of(each) for each in gold])
    assert (perfect.micro.precision, perfect.micro.recall, perfect.micro.f1) == (1, 1, 1)
    assert ALL[name](gold, []).micro.f1 == 0
    assert "2 documents without a prediction" in " ".join(ALL[name](gold, []).notes)


@settings(PROPERTY, max_examples=50)
@given(cases(documents=2), st.randoms(use_true_random=False))
def test_order_does_not_matter(case: tuple[list[Document], list[Prediction]], luck: Any) -> None:
    gold, found = case
    turned = [each.with_spans(luck.sample(each.spans, len(each.spans))) for each in luck.sample(gold, len(gold))]
    shuffled = [
        Prediction(
            each.document_id,
            luck.sample(each.spans, len(each.spans)),  # type: ignore[arg-type]
            luck.sample(each.problems, len(each.problems)),  # type: ignore[arg-type]
        )
        for each in luck.sample(found, len(found))
    ]
    for score in ALL.values():
        assert score(turned, shuffled).to_dict() == score(gold, found).to_dict()


@pytest.mark.parametrize("name", ALL)
def test_bad_joins_are_errors_and_labels_filter(name: str) -> None:
    gold = [words("a", [Span(0, 2, "A"), Span(3, 5, "B")])]
    with pytest.raises(EvaluationError, match="no document of that id"):
        ALL[name](gold, [Prediction("z")])
    with pytest.raises(EvaluationError, match="more than once"):
        ALL[name](gold, [Prediction("a"), Prediction("a")])
    assert ALL[name](gold, [Prediction("a", (Span(0, 2, "A"),))], labels=["A"]).micro.f1 == 1
