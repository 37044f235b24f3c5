from __future__ import annotations

import json
from typing import Any

import pytest
import report_fixture

from onoma.report.schema import Results, loads


@pytest.fixture
def data() -> dict[str, Any]:
    """A fresh copy of realistic results, free to be changed."""
    return report_fixture.build()


@pytest.fixture
def results(data: dict[str, Any]) -> Results:
    return loads(json.dumps(data))
