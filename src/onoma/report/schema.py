"""The shape of `results.json`: what a comparison writes and every report reads.

Scores are fractions, never percent. With several seeds a score block is the mean over seeds. The JSON Schema of
these models is shipped beside this file; `python -m onoma.report.schema` rewrites it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from onoma.exceptions import DataError

__all__ = [
    "Accuracy",
    "Comparison",
    "CurvePoint",
    "EpochPoint",
    "ProbeScore",
    "Results",
    "Score",
    "SeedScore",
    "SetInfo",
    "SetScores",
    "Speed",
    "System",
    "TrainingRun",
    "dumps",
    "loads",
    "read",
    "results_schema",
]

SCHEMA_FILE = Path(__file__).with_name("results.schema.json")

Fraction = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True, use_attribute_docstrings=True
    )


class Score(_Model):
    """Precision, recall and F1 over `support` gold mentions."""

    precision: Fraction
    recall: Fraction
    f1: Fraction
    f1_interval: tuple[Fraction, Fraction] | None = None
    """95 % interval, low then high; null where none was computed."""
    support: Count
    tp: Amount | None = None
    """True positives; a mean, and so maybe no whole number, where there are several seeds."""
    fp: Amount | None = None
    fn: Amount | None = None
    undefined: tuple[Literal["precision", "recall", "f1"], ...] = ()
    """Which of the three were 0/0 and are counted as 0."""


class Accuracy(_Model):
    """Share of tokens with the right tag, beside the share that answering only `O` would get."""

    value: Fraction
    baseline: Fraction


class SeedScore(_Model):
    """Headline numbers of one seed."""

    seed: int
    micro_f1: Fraction
    macro_f1: Fraction
    precision: Fraction
    recall: Fraction


class SetScores(_Model):
    """All scores of one system on one set."""

    micro: Score
    macro: Score
    weighted: Score | None = None
    by_label: dict[str, Score]
    unlabelled: Score
    """Boundaries only, labels ignored."""
    accuracy: Accuracy | None = None
    """Null for systems that predict no tags."""
    problems: dict[str, Amount] = {}
    """Faults in the system's answers, counted by kind."""
    signature: str
    """The protocol in one line: matcher, repair, unit of resampling and its n, intervals."""
    per_seed: tuple[SeedScore, ...] = ()


class Speed(_Model):
    """Wall-clock seconds, and words in a second where they were counted."""

    seconds: Amount
    words_per_second: Amount | None = None
    effort: dict[str, Amount] | None = None
    """Of answers held to a grammar: passes of a row through the decoder, pieces, choices, drafted ones that held, near
    ties, corrections by beams; means over seeds."""


class EpochPoint(_Model):
    """Where a training run stood after an epoch."""

    epoch: Amount
    loss: float | None = None
    dev_f1: Fraction | None = None


class TrainingRun(_Model):
    """The course of one seed's training."""

    seed: int
    epochs: Count
    best_epoch: Count | None = None
    curve: tuple[EpochPoint, ...] = ()


class ProbeScore(_Model):
    """One system on a set that was changed in one way, beside the untouched set: micro F1 and what the change took."""

    f1: Fraction | None = None
    """Null where the change cannot be tried on the system; `why` says it."""
    f1_interval: tuple[Fraction, Fraction] | None = None
    difference: Difference | None = None
    """F1 of the changed text less that of the untouched one."""
    interval: tuple[Difference, Difference] | None = None
    """95 % interval of the difference, paired over the same units."""
    p_value: Fraction | None = None
    p_adjusted: Fraction | None = None
    """Holm-adjusted over the probes of the system on the set."""
    support: Count
    """Gold mentions of the changed text that are scored."""
    lost: Count = 0
    """Gold mentions that the change took away."""
    changed_documents: Count = 0
    """Documents whose text, tokens or labels differ from the untouched ones."""
    changed_mentions: Count = 0
    """Gold mentions whose own text differs."""
    why: str | None = None


class CurvePoint(_Model):
    """One training on a part of the training documents, scored on a set."""

    set: Name
    fraction: Fraction
    """Share of the training documents that was asked for; 1 is all of them."""
    documents: Count
    sentences: Count
    mentions: Count
    seed: int
    f1: Fraction
    """Micro F1."""


class System(_Model):
    """One system: how it came out, and at what cost."""

    name: Name
    family: str
    seeds: tuple[int, ...] = ()
    status: Literal["ok", "failed", "skipped"]
    error: str | None = None
    """One line: why it failed or was skipped."""
    options: dict[str, Any] | None = None
    scores: dict[str, SetScores] = {}
    """By name of the set."""
    train: Speed | None = None
    predict: dict[str, Speed] = {}
    peak_memory_mb: Amount | None = None
    size_mb: Amount | None = None
    training: tuple[TrainingRun, ...] = ()
    probes: dict[str, dict[str, ProbeScore]] = {}
    """By name of the set, then of the probe."""
    learning_curve: tuple[CurvePoint, ...] = ()


class SetInfo(_Model):
    """A data set that systems were scored on."""

    role: Literal["in_domain", "out_of_domain"]
    documents: Count
    sentences: Count
    tokens: Count
    mentions: Count
    labels: tuple[str, ...]
    sha256: str
    source: str | None = None
    """File or catalogue reference."""
    description: str | None = None
    notes: tuple[str, ...] = ()
    """Decisions taken when reading it: dropped labels, mapping, filter."""


class Comparison(_Model):
    """Two systems on one set: `difference` is the metric of `a` minus that of `b`, a fraction."""

    set: Name
    metric: str
    a: Name
    b: Name
    difference: Difference
    interval: tuple[Difference, Difference] | None = None
    p_value: Fraction | None = None
    p_adjusted: Fraction | None = None
    """Holm-adjusted over the comparisons of the set."""
    test: str


class Results(_Model):
    """Everything a comparison found."""

    schema_version: Literal[1] = Field(alias="schema")
    created: str
    """ISO 8601."""
    config: dict[str, Any]
    environment: dict[str, Any]
    sets: dict[str, SetInfo]
    systems: tuple[System, ...]
    comparisons: tuple[Comparison, ...] = ()
    probes: dict[str, str] = {}
    """What each probe changes, in one line."""

    @model_validator(mode="after")
    def _names_hold(self) -> Results:
        names = [system.name for system in self.systems]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two systems are called {min(twice)!r}")
        for system in self.systems:
            curve = (point.set for point in system.learning_curve)
            for name in (*system.scores, *system.predict, *system.probes, *curve):
                if name not in self.sets:
                    raise ValueError(f"system {system.name!r} is scored on {name!r}, which is not among the sets")
        for row in self.comparisons:
            if row.set not in self.sets:
                raise ValueError(f"a comparison names the set {row.set!r}, which is not among the sets")
            for name in (row.a, row.b):
                if name not in names:
                    raise ValueError(f"a comparison names {name!r}, which is not among the systems")
        return self

    def _repr_html_(self) -> str:
        """The verdict and the scoreboard, for notebooks."""
        from onoma.report.notebook import html_table

        return html_table(self)


def dumps(results: Results) -> str:
    """`results.json` as text: UTF-8 characters as they are, two spaces of indent, one newline at the end."""
    return json.dumps(results.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str, path: str | Path | None = None) -> Results:
    """Results from JSON text; raises `DataError` naming `path` and the field that is wrong."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", path=path, line=error.lineno, mend="compare again") from None
    except RecursionError:
        raise DataError("not results: nested too deep", path=path) from None
    if not isinstance(data, dict) or "schema" not in data:
        raise DataError("not results of a comparison: no 'schema'", path=path, mend="give the file `compare` wrote")
    if data["schema"] != 1 or data["schema"] is True:
        raise DataError(f"results of schema {data['schema']!r}", path=path, mend="this version reads schema 1")
    try:
        return Results.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise DataError(_one_line(error), path=path, mend="compare again, or mend the field") from None


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{where}: {message}{more}" if where else f"{message}{more}"


def read(path: str | Path) -> Results:
    """Results from a `results.json`, or from the folder that holds one; raises `DataError` in one line."""
    path = Path(path)
    if path.is_dir():
        path = path / "results.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError("no such file", path=path, mend="`onoma compare` writes it") from None
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}", path=path, mend="compare again") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
    return loads(text, path)


def results_schema() -> dict[str, Any]:
    """The JSON Schema of `results.json`."""
    schema = Results.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _schema_text() -> str:
    return json.dumps(results_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(_schema_text(), encoding="utf-8", newline="\n")
