"""onoma: named entity recognition, tagged or generated.

import onoma
documents = onoma.read("eng.testb")
recognizer = onoma.load("runs/crf")
predictions = recognizer.predict(["Ada Lovelace was born in London."])
scores = onoma.evaluate(documents, recognizer.predict(documents))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from onoma.document import Document, LabelSet, Prediction, Problem, Span, Token
from onoma.exceptions import OnomaError
from onoma.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from onoma import alignment, encodings, evaluation
    from onoma.datasets import read, write
    from onoma.evaluation import evaluate
    from onoma.recognizer import Recognizer

__all__ = [
    "Document",
    "LabelSet",
    "OnomaError",
    "Prediction",
    "Problem",
    "Recognizer",
    "Span",
    "Token",
    "__version__",
    "alignment",
    "encodings",
    "evaluate",
    "evaluation",
    "load",
    "read",
    "write",
]

# Imported when first asked for, so that `import onoma` stays fast.
_LATER = {
    "Recognizer": "onoma.recognizer:Recognizer",
    "alignment": "onoma.alignment",
    "encodings": "onoma.encodings",
    "evaluate": "onoma.evaluation:evaluate",
    "evaluation": "onoma.evaluation",
    "read": "onoma.datasets:read",
    "write": "onoma.datasets:write",
}


def load(folder: str | Path, **overrides: Any) -> Recognizer:
    """The recognizer saved in a folder, of any family; raises `ModelError`.

    A folder or hub id of a token classifier that others trained with `transformers` does as well. `overrides` are
    options that say how it predicts, such as `precision="bf16"`; raises `ConfigError` for others.
    """
    from onoma.recognizer import Recognizer

    return Recognizer.load(folder, **overrides)


def __getattr__(name: str) -> Any:
    row = _LATER.get(name)
    if row is None:
        raise AttributeError(f"module 'onoma' has no attribute {name!r}")
    module, _, attribute = row.partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return __all__
