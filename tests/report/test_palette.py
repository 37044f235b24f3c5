"""Colours are told apart by eyes of all kinds, and from the paper."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from onoma.report import html, palette, views

Floats = NDArray[np.float64]

# Linear RGB as it is seen without long, middle or short waves: Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "all": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Linear RGB to cones, and cube roots of cones to lightness and two hues: Ottosson's OKLab (2020).
CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
OKLAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(colour: str) -> Floats:
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def seen(colour: str, eye: str) -> Floats:
    light = np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1)
    return np.array(OKLAB) @ np.cbrt(np.array(CONES) @ light)


def nearest(colours: tuple[str, ...], eye: str) -> float:
    """The smallest distance of two colours; 1 is hardly seen side by side, black and white are 100 apart."""
    return min(100 * float(np.linalg.norm(seen(a, eye) - seen(b, eye))) for a, b in combinations(colours, 2))


def contrast(a: str, b: str) -> float:
    """WCAG 2's contrast ratio."""
    low, high = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def test_black_and_white_are_as_far_apart_as_can_be() -> None:
    assert nearest(("#000000", "#ffffff"), "all") == pytest.approx(100, abs=0.1)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_systems_are_told_apart(colours: tuple[str, ...], eye: str) -> None:
    assert nearest(colours[:3], eye) > 13
    assert nearest(colours[:5], eye) > 12
    assert nearest(colours, eye) > 9


@pytest.mark.parametrize("colours, paper", [(palette.LIGHT, palette.LIGHT_PAPER), (palette.DARK, palette.DARK_PAPER)])
def test_colours_stand_out_from_the_paper(colours: tuple[str, ...], paper: str) -> None:
    assert len(colours) == views.SLOTS
    assert min(contrast(colour, paper) for colour in colours) >= 3


@pytest.mark.parametrize("eye", EYES)
def test_right_false_and_missed_are_told_apart_and_read(eye: str) -> None:
    css = (Path(html.TEMPLATES) / "report.css").read_text(encoding="utf-8")
    for paper in (palette.LIGHT_PAPER, palette.DARK_PAPER):
        (block,) = re.findall(r":root \{([^}]*--paper: " + paper + r"[^}]*)\}", css)
        marks = tuple(re.findall(r"--(?:right|false|missed): (#\w{6})", block))
        assert len(marks) == 3
        assert nearest(marks, eye) > 8
        assert min(contrast(mark, paper) for mark in marks) >= 4.5, "they are the colours of small letters"
