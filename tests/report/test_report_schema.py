from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import report_fixture
from jsonschema import Draft202012Validator

from onoma.exceptions import DataError, OnomaError
from onoma.report.schema import SCHEMA_FILE, Results, dumps, loads, read, results_schema

if TYPE_CHECKING:
    from pathlib import Path


def test_shipped_schema_is_that_of_the_models() -> None:
    shipped = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert shipped == results_schema(), "run `python -m onoma.report.schema`"


@pytest.mark.parametrize("build", [report_fixture.build, report_fixture.large])
def test_schema_is_sound_and_admits_results_and_their_dump(build: Any) -> None:
    Draft202012Validator.check_schema(results_schema())
    validator = Draft202012Validator(results_schema())
    data = build()
    validator.validate(data)
    validator.validate(json.loads(dumps(loads(json.dumps(data)))))


def test_round_trip_is_exact(results: Results) -> None:
    text = dumps(results)
    again = loads(text)
    assert again == results
    assert dumps(again) == text
    assert text.endswith("}\n")
    assert json.loads(text)["schema"] == 1


def test_dump_keeps_every_value_given(data: dict[str, Any]) -> None:
    def inside(small: Any, big: Any) -> None:
        if isinstance(small, dict):
            for key, value in small.items():
                inside(value, big[key])
        elif isinstance(small, list):
            assert len(small) == len(big)
            for one, other in zip(small, big, strict=True):
                inside(one, other)
        else:
            assert small == big

    inside(data, json.loads(dumps(loads(json.dumps(data)))))


def test_read_takes_file_or_folder(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(dumps(results), encoding="utf-8", newline="\n")
    assert read(path) == read(tmp_path) == results


def _set(data: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split("/")
    here: Any = data
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here[step]
    here[int(last) if isinstance(here, list) else last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("systems/0/scores/news/micro/f1", 79.2, "systems.0.scores.news.micro.f1"),
        ("systems/0/scores/news/micro/f1", "0.79", "valid number"),
        ("systems/0/scores/news/micro/f1_interval", [0.1], "f1_interval"),
        ("systems/0/status", "fine", "'ok', 'failed' or 'skipped'"),
        ("systems/0/colour", "red", "systems.0.colour"),
        ("systems/1/name", "crf", "two systems are called 'crf'"),
        ("sets/news/role", "inside", "sets.news.role"),
        ("sets/news/tokens", -1, "sets.news.tokens"),
        ("comparisons/0/set", "nowhere", "'nowhere'"),
        ("comparisons/0/b", "nobody", "'nobody'"),
        ("schema", 2, "schema 2"),
        ("schema", True, "schema"),
    ],
)
def test_bad_results_end_in_one_line(data: dict[str, Any], path: str, value: Any, message: str, tmp_path: Path) -> None:
    _set(data, path, value)
    file = tmp_path / "results.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(file)
    line = str(caught.value)
    assert message in line
    assert str(file) in line
    assert "\n" not in line


def test_scores_on_an_unlisted_set_are_refused(data: dict[str, Any]) -> None:
    del data["sets"]["politics"]
    with pytest.raises(DataError, match="'politics', which is not among the sets"):
        loads(json.dumps(data))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b'{\n  "schema": 1,\n  oops\n}', ":3: not JSON"),
        (b"[1, 2]", "no 'schema'"),
        (b"{}", "no 'schema'"),
        (b"[" * 100_000, "nested too deep"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"schema": 1, "created": NaN}', "created"),
    ],
)
def test_bad_files_end_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(content)
    with pytest.raises(OnomaError) as caught:
        read(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="onoma compare"):
        read(tmp_path / "none.json")


def test_results_are_frozen(results: Results) -> None:
    before = copy.deepcopy(results)
    with pytest.raises(ValueError, match="frozen"):
        results.systems[0].name = "other"  # type: ignore[misc]
    assert results == before
