"""Gold of real corpora through the encodings that claim to hold it."""

from __future__ import annotations

import os

import pytest

import onoma
from onoma import encodings
from onoma.document import LabelSet

pytestmark = pytest.mark.skipif("ONOMA_DATA" not in os.environ, reason="ONOMA_DATA names no folder of corpora")

ANY = ["brackets", "xml", "markers", "occurrence_json", "offset_json"]
FLAT = ["word_tags", "tag_string"]
CLAIMS = {
    "genia_nested:test": ANY,
    "conll2003:test": [*ANY, *FLAT],
    "uner_english_ewt:test": [*ANY, *FLAT],
    "crossner_politics:test": [*ANY, *FLAT],
}


@pytest.mark.parametrize(("corpus", "name"), [(corpus, name) for corpus, names in CLAIMS.items() for name in names])
def test_gold_comes_back_whole(corpus: str, name: str) -> None:
    documents = onoma.read(corpus)
    labels = LabelSet.of(documents)
    schemes = [{"scheme": "BIO"}, {"scheme": "BIOES"}] if name in FLAT else [{}]
    for options in schemes:
        encoding = encodings.get(name, labels, **options)
        mentions = 0
        for document in documents:
            answers = [each.completion for each in encoding.encode(document).exchanges]  # raises where one is lost
            prediction = encoding.decode(document.with_spans([]), answers)
            assert not prediction.problems
            assert sorted(prediction.spans, key=_order) == sorted(document.spans, key=_order), document.id
            mentions += len(document.spans)
        assert mentions > 1000


def _order(span: onoma.Span) -> tuple[int, int, str]:
    return span.start, span.end, span.label


@pytest.mark.parametrize("name", ["grouped_json", "type_queries", "entity_list", "entity_pairs", "code_classes"])
def test_what_texts_alone_cannot_tell_is_counted(name: str) -> None:
    documents = onoma.read("genia_nested:test")
    encoding = encodings.get(name, LabelSet.of(documents), on_misaligned="drop")
    lost = mentions = 0
    for document in documents:
        targets = encoding.encode(document)
        found = encoding.decode(document.with_spans([]), [each.completion for each in targets.exchanges])
        kept = set(document.spans) - {loss.span for loss in targets.losses}
        assert kept <= set(found.spans)
        lost, mentions = lost + len(targets.losses), mentions + len(document.spans)
    assert 0 < lost < 0.05 * mentions
