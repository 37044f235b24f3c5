from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import looked_at
import pytest

from onoma.exceptions import MissingExtraError
from onoma.report import plots
from onoma.report.schema import Results, loads

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("kind", MAGIC)
def test_every_chart_is_a_file_of_its_kind(results: Results, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    paths = plots.write(results, tmp_path / "plots", kind, looked_at.evidence())
    assert [path.name for path in paths] == [f"{name}.{kind}" for name in ("scores", "speed", "errors-news")]
    assert all(path.read_bytes().startswith(MAGIC[kind]) for path in paths)
    first = [path.read_bytes() for path in paths]
    plots.write(results, tmp_path / "plots", kind, looked_at.evidence())
    assert [path.read_bytes() for path in paths] == first


def test_names_of_sets_are_no_paths(data: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = looked_at.evidence()
    sets = {"../out side": found.sets["news"]}
    paths = plots.write(loads(json.dumps(data)), tmp_path, "svg", type(found)(sets))
    assert {path.parent for path in paths} == {tmp_path}


def test_nothing_to_draw_is_no_file(data: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    data.update(sets={}, systems=[], comparisons=[])
    assert plots.write(loads(json.dumps(data)), tmp_path, "png") == []


def test_without_matplotlib_the_extra_is_named(
    results: Results, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"onoma\[plots\]"):
        plots.write(results, tmp_path, "png")
