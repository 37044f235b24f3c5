"""The public surface is a test, and importing it costs nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import onoma
from onoma.compat import seqeval
from onoma.evaluation import protocols

SURFACE = {
    "onoma": [
        "Document", "LabelSet", "OnomaError", "Prediction", "Problem", "Recognizer", "Span", "Token", "__version__",
        "alignment", "encodings", "evaluate", "evaluation", "load", "read", "write",
    ],
    "onoma.Recognizer": [
        "alternatives", "asking", "calibration", "claim", "create", "draft", "effort", "encoding", "family", "fit",
        "join", "labels", "load", "measure", "model", "pipe", "pipe_documents", "predict", "save", "save_card",
        "score_kind", "splitter", "trained",
    ],
    "onoma.encodings": [
        "ENCODINGS", "Encoding", "TagEncoding", "TagTargets", "TextEncoding", "TextTargets", "get", "names",
    ],
    "onoma.alignment": ["BackTokenizer", "CopyErrors", "METHODS", "align", "align_surely", "copy_errors"],
    "onoma.evaluation": [
        "Comparison", "DocumentMatch", "DocumentScore", "GoldVersion", "Matching", "Score", "Scores",
        "approximate_randomisation", "compare", "evaluate", "gold_fingerprint", "holm", "match", "mean_over_seeds",
        "paired_bootstrap", "rescore", "strict_f1", "table",
    ],
    "onoma.evaluation.protocols": ["GROUP", "PROTOCOLS", "get", "names", "score_all"],
    "onoma.compat.seqeval": [
        "BILOU", "IOB1", "IOB2", "IOBES", "IOE1", "IOE2", "UndefinedMetricWarning", "accuracy_score",
        "classification_report", "f1_score", "get_entities", "performance_measure", "precision_recall_fscore_support",
        "precision_score", "recall_score",
    ],
}  # fmt: skip


def test_snapshot() -> None:
    recognizer = onoma.Recognizer.create("feature_crf", ["PER"])
    found = {
        "onoma": sorted(onoma.__all__),
        "onoma.Recognizer": sorted(name for name in dir(recognizer) if not name.startswith("_")),
        "onoma.encodings": sorted(onoma.encodings.__all__),
        "onoma.alignment": sorted(onoma.alignment.__all__),
        "onoma.evaluation": sorted(onoma.evaluation.__all__),
        "onoma.evaluation.protocols": sorted(protocols.__all__),
        "onoma.compat.seqeval": sorted(seqeval.__all__),
    }
    assert found == SURFACE


def test_every_public_name_can_be_had_and_others_not() -> None:
    for name in onoma.__all__:
        assert getattr(onoma, name) is not None
    assert sorted(dir(onoma)) == sorted(onoma.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        onoma.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import onoma",
        "import onoma.cli; onoma.cli.main(['--help'])",
        "import onoma.cli; onoma.cli.main(['train', '--help'])",
        "import onoma.cli; onoma.cli.main(['compare', '--help'])",
        "import onoma; onoma.Recognizer.create('feature_crf', ['PER'])",
    ],
)
def test_no_torch_where_none_is_needed(code: str) -> None:
    heavy = "{'torch', 'transformers', 'scipy', 'matplotlib'}"
    script = f"{code}\nimport sys; print('HEAVY', sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.rstrip().endswith("HEAVY []")


def test_plain_import_loads_the_standard_library_only() -> None:
    script = "import onoma, sys; print([name for name in ('numpy', 'pydantic', 'rich') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == "[]"
