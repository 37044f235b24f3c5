"""Figures of the docs are what their scripts draw."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[1] / "docs/figures"


@pytest.mark.parametrize("script", sorted(FIGURES.glob("*.py")), ids=lambda path: path.stem)
def test_a_figure_is_what_its_script_draws(script: Path) -> None:
    found = importlib.util.spec_from_file_location(script.stem, script)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    drawn = module.svg()
    ET.fromstring(drawn)
    assert script.with_suffix(".svg").read_text(encoding="utf-8") == drawn
