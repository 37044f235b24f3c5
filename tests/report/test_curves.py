"""Drawn curves: well-formed, inside their panels, and every value at its place."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

from hypothesis import given
from hypothesis import strategies as st

from onoma.report.curves import HEIGHT, WIDTH, draw

SVG = "{http://www.w3.org/2000/svg}"

LOSSES = st.floats(0, 1e6).map(lambda loss: round(loss, 6)) | st.sampled_from([math.nan, math.inf])
ROWS = st.lists(st.fixed_dictionaries({}, optional={"loss": LOSSES, "dev_f1": st.floats(0, 1)}), max_size=6).map(
    lambda rows: [{"epoch": float(number), **row} for number, row in enumerate(rows, start=1)]
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), ROWS, max_size=10))
def test_any_curves_give_an_image_whose_marks_are_inside(curves: dict[str, list[dict[str, float]]]) -> None:
    image = ElementTree.fromstring(draw(curves, "a <title> & more"))
    circles = list(image.iter(f"{SVG}circle"))
    values = [
        row[what]
        for rows in curves.values()
        for row in rows
        for what in ("loss", "dev_f1")
        if math.isfinite(row.get(what, math.nan))
    ]
    assert len(circles) == len(values)
    assert all(0 <= float(each.get("cx", "")) <= WIDTH and 0 <= float(each.get("cy", "")) <= HEIGHT for each in circles)
    assert [each.text or "" for each in image.iter(f"{SVG}text") if each.get("class") == "name"] == list(curves)


def test_lines_names_and_the_best_epoch() -> None:
    rows = [
        {"epoch": 1.0, "loss": 0.8, "dev_f1": 0.70, "learning_rate": 1e-4},
        {"epoch": 2.0, "loss": 0.4, "dev_f1": 0.90},
        {"epoch": 3.0, "loss": 0.2, "dev_f1": 0.90},
    ]
    text = draw({"seed 1": rows, "seed <2>": rows[:1]}, "encoder_tagger")
    assert text == draw({"seed 1": rows, "seed <2>": rows[:1]}, "encoder_tagger")
    assert "script" not in text and "href" not in text
    image = ElementTree.fromstring(text)
    texts = [each.text for each in image.iter(f"{SVG}text")]
    assert {"encoder_tagger", "training loss", "dev micro F1, %", "epoch", "seed 1", "seed <2>", "90"} <= set(texts)
    lines = [each.get("points", "").split() for each in image.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [3, 3]
    heights = [float(point.split(",")[1]) for point in lines[0]]
    assert heights == sorted(heights)  # a falling loss runs down the page
    rings = [each for each in image.iter(f"{SVG}circle") if "ring" in each.get("class", "")]
    assert [float(each.get("cx", "")) for each in rings] == [WIDTH / 2, 0]


def test_without_dev_there_is_one_panel_and_a_diverged_loss_leaves_a_gap() -> None:
    losses = [0.9, math.nan, 0.5, 0.4]
    image = ElementTree.fromstring(
        draw({"run": [{"epoch": float(number), "loss": loss} for number, loss in enumerate(losses)]}, "loss alone")
    )
    assert len(list(image.iter(f"{SVG}circle"))) == 3
    assert [len(each.get("points", "").split()) for each in image.iter(f"{SVG}polyline")] == [2]
    assert "dev micro F1, %" not in [each.text for each in image.iter(f"{SVG}text")]


def test_curves_of_a_group_share_colour_and_legend() -> None:
    rows = [{"epoch": epoch, "loss": 1 / epoch} for epoch in (1.0, 2.0)]
    text = draw({"a-1": rows, "b-1": rows, "a-2": rows}, "t", {"a-1": "a, 2 seeds", "b-1": "b", "a-2": "a, 2 seeds"})
    assert text.count("a, 2 seeds") == text.count(">b<") == 1 and "a-1" not in text
    assert text.count('<polyline class="line s0"') == 2 and text.count('<polyline class="line s1"') == 1
    assert "s2" not in text.split("</style>")[1]
