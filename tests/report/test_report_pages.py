from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
import report_fixture

from onoma.exceptions import DataError
from onoma.report import html, markdown
from onoma.report.schema import Results, loads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "polyline"}
NASTY = """<script>alert("1")</script> & 'a|b' `c` *d* [e](f)"""


class Page(HTMLParser):
    """Checks that tags balance; gathers text, ids, links and every attribute."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        if tag in {"td", "th", "p", "div", "dd", "dt", "li"}:
            self.texts.append(" ")

    def handle_data(self, text: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(text)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def numbers_of(results: Results) -> list[str]:
    shown: list[str] = []
    for system in results.systems:
        for block in system.scores.values():
            values = [block.micro.f1, block.micro.precision, block.micro.recall, block.macro.f1, block.unlabelled.f1]
            values += [block.accuracy.value, block.accuracy.baseline] if block.accuracy else []
            values += list(block.micro.f1_interval or ())
            for label in block.by_label.values():
                values += [label.f1, label.precision, label.recall]
            shown += [format(100 * value, ".2f") for value in values]
    return shown


@pytest.mark.parametrize("render", [markdown.render, lambda results: Page(html.render(results)).text])
def test_pages_hold_every_name_label_and_number(results: Results, render: Callable[[Results], str]) -> None:
    page = render(results)
    for system in results.systems:
        assert system.name in page
        if system.error:
            assert system.error.replace("[", "") in page.replace("\\", "").replace("[", "")
    for name, info in results.sets.items():
        assert name in page
        assert info.sha256[:12] in page
        for text in (*info.labels, *info.notes, info.description, info.source):
            assert text is not None
            assert text in page
    missing = [number for number in numbers_of(results) if number not in page]
    assert not missing
    for word in ("2.13.0", "12 ungrounded", "3.5 malformed", "28 min 14 s", "31,400", "88.0 MB", "p ≤ 0.003 (Holm)"):
        assert word in page


def rename(data: dict[str, Any], *pairs: tuple[str, str]) -> Results:
    text = json.dumps(data)
    for old, new in pairs:
        text = text.replace(json.dumps(old), json.dumps(new))
    return loads(text)


def test_html_escapes_every_name(data: dict[str, Any]) -> None:
    data["systems"][3]["error"] = NASTY
    data["config"]["name"] = NASTY
    nasty = rename(data, ("minilm", "M " + NASTY), ("news", "S " + NASTY), ("PER", "L " + NASTY))
    source = html.render(nasty)
    page = Page(source)
    assert "script" not in page.tags
    assert all(prefix + NASTY in page.text for prefix in ("M ", "S ", "L ", "failed "))
    assert "&amp;lt;" not in source
    harmless = Page(html.render(loads(json.dumps(report_fixture.build()))))
    assert page.tags == harmless.tags


def test_markdown_tables_keep_their_columns_whatever_the_names(data: dict[str, Any]) -> None:
    nasty = rename(data, ("minilm", "M\n" + NASTY), ("news", "S " + NASTY), ("PER", "L " + NASTY))
    page = markdown.render(nasty)
    assert "<script" not in page
    tables = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
    assert len(tables) == 3 + 3 + 1 + 1 + 1
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_html_asks_nothing_of_the_network(results: Results) -> None:
    source = html.render(results)
    page = Page(source)
    for tag, name, value in page.attributes:
        if name in {"href", "src", "action", "data", "poster", "srcset"}:
            assert value.startswith(("#", "data:")), (tag, name, value)
    assert not {"script", "img", "iframe", "object", "embed", "form"} & set(page.tags)
    assert "@import" not in source
    assert "url(" not in source
    assert "http://" not in source
    assert "https://" not in source


def test_html_is_navigable(results: Results) -> None:
    page = Page(html.render(results))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value[1:] for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert links
    assert set(links) <= set(ids)
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    scrolls = page.attributes.count(("div", "class", "scroll"))
    assert scrolls == page.attributes.count(("div", "tabindex", "0")) == page.tags.count("table")


def test_a_system_has_one_colour_everywhere(results: Results) -> None:
    source = html.render(results)
    found: dict[str, set[str]] = {}
    for slot, name in re.findall(r'<i class="dot s(\d)" aria-hidden="true"></i>([^<]+)<', source):
        found.setdefault(name, set()).add(slot)
    assert found.keys() >= {"crf", "minilm", "t5-small xml"}
    assert all(len(slots) == 1 for slots in found.values())
    assert len(set.union(*found.values())) == len(found)


def test_seeds_are_dots_only_where_there_are_several(data: dict[str, Any]) -> None:
    assert html.render(loads(json.dumps(data))).count('class="seed"') == 3 * 3 * 3
    for system in data["systems"]:
        for block in system.get("scores", {}).values():
            block["per_seed"] = block["per_seed"][:1]
    assert 'class="seed"' not in html.render(loads(json.dumps(data)))


def nothing(data: dict[str, Any]) -> None:
    data.update(sets={}, systems=[], comparisons=[], config={}, environment={})


def one_system(data: dict[str, Any]) -> None:
    data.update(systems=data["systems"][:1], comparisons=[])


def one_set(data: dict[str, Any]) -> None:
    data["sets"] = {"tweets": data["sets"]["tweets"]}
    for system in data["systems"]:
        for part in ("scores", "predict"):
            system[part] = {"tweets": system[part]["tweets"]} if part in system else {}
    data["comparisons"] = [row for row in data["comparisons"] if row["set"] == "tweets"]


def no_comparison(data: dict[str, Any]) -> None:
    data["comparisons"] = []


def failed_only(data: dict[str, Any]) -> None:
    data.update(systems=data["systems"][3:], comparisons=[])
    data["systems"][0]["error"] = None


def bare(data: dict[str, Any]) -> None:
    """Nothing that may be left out is there."""
    for system in data["systems"]:
        for key in ("error", "options", "train", "predict", "peak_memory_mb", "size_mb", "training", "seeds"):
            system.pop(key, None)
        for block in system.get("scores", {}).values():
            for key in ("weighted", "accuracy", "problems", "per_seed"):
                block.pop(key, None)
            for part in (block["micro"], block["macro"], block["unlabelled"], *block["by_label"].values()):
                for key in ("f1_interval", "tp", "fp", "fn", "undefined"):
                    part.pop(key, None)
    for info in data["sets"].values():
        for key in ("source", "description", "notes"):
            info.pop(key)
    for row in data["comparisons"]:
        for key in ("interval", "p_value", "p_adjusted"):
            row.pop(key)


def zeros(data: dict[str, Any]) -> None:
    for block in (block for system in data["systems"] for block in system.get("scores", {}).values()):
        for part in (block["micro"], block["macro"], block["unlabelled"], *block["by_label"].values()):
            part.update(precision=0.0, recall=0.0, f1=0.0, f1_interval=[0.0, 0.0], undefined=["precision", "f1"])
        block["weighted"] = block["macro"]
    for system in data["systems"]:
        for speed in system.get("predict", {}).values():
            speed.update(seconds=0.0, words_per_second=0.0)


def partly_scored(data: dict[str, Any]) -> None:
    del data["systems"][0]["scores"]["tweets"]
    data["comparisons"] = [row for row in data["comparisons"] if row["set"] != "tweets"]


SHAPES = [nothing, one_system, one_set, no_comparison, failed_only, bare, zeros, partly_scored]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_renders(data: dict[str, Any], shape: Callable[[dict[str, Any]], None]) -> None:
    shape(data)
    results = loads(json.dumps(data))
    page, text = Page(html.render(results)), markdown.render(results)
    for system in results.systems:
        assert system.name in page.text
        assert system.name in text
        if system.status != "ok":
            assert system.status in page.text
            assert f"| {system.name} | {system.status} |" in text
    for number in numbers_of(results):
        assert number in page.text
        assert number in text
    for bad in ("nan", "None", "inf", "undefined", "Undefined"):
        assert not re.search(rf"\b{bad}\b", page.text)
        assert not re.search(rf"\b{bad}\b", text)


def test_what_is_missing_is_said(data: dict[str, Any]) -> None:
    partly_scored(data)
    results = loads(json.dumps(data))
    page = Page(html.render(results)).text
    assert "crf not scored on this set" in page
    assert "Only systems scored on every set are listed" in page
    assert "| crf | not scored |" in markdown.render(results)


def test_a_failure_without_reason_is_still_shown(data: dict[str, Any]) -> None:
    failed_only(data)
    results = loads(json.dumps(data))
    for page in (Page(html.render(results)).text, markdown.render(results)):
        assert "no reason was recorded" in page
        assert "No system was scored" in page


def test_large_results_stay_below_a_megabyte() -> None:
    source = html.render(loads(json.dumps(report_fixture.large())))
    assert len(source.encode()) < 1_000_000
    Page(source)


def test_rendering_is_deterministic(results: Results) -> None:
    again = loads(json.dumps(report_fixture.build()))
    assert html.render(again) == html.render(results)
    assert markdown.render(again) == markdown.render(results)


def test_write_puts_its_files_and_nothing_else(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    paths = html.write(results, folder)
    html.write(results, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.md", "results.tex"]
    assert [path.name for path in paths] == ["results.md", "results.tex", "report.html"]
    assert paths[0].read_bytes() == markdown.render(results).encode()
    assert paths[2].read_bytes() == html.render(results).encode()


def test_write_leaves_the_old_file_where_it_cannot_write(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results.md").write_text("old", encoding="utf-8")

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", broken)
    with pytest.raises(DataError, match="No space left"):
        html.write(results, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == "old"


def test_write_into_a_file_is_one_line(results: Results, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be written"):
        html.write(results, tmp_path / "taken")


def test_the_seed_of_a_file_is_no_further_seed(data: dict[str, Any]) -> None:
    """A saved model or a file of predictions stands as seed 0 beside systems that were trained."""
    for system, seeds in zip(data["systems"], ([0], [1], [0], [1], [0]), strict=True):
        system["seeds"] = seeds
        system["training"] = []
        for block in system.get("scores", {}).values():
            block["per_seed"] = block["per_seed"][:1]
    text = Page(html.render(loads(json.dumps(data)))).text
    assert "· 1 seed ·" in text and "the mean over seeds" not in text


def test_the_row_without_a_label_is_explained(data: dict[str, Any]) -> None:
    plain = loads(json.dumps(data))
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "fp": 3, "undefined": ["recall"]}
    data["systems"][2]["scores"]["news"]["by_label"]["?"] = nothing
    for render in (markdown.render, lambda results: Page(html.render(results)).text):
        assert "The row ? counts problems" in render(loads(json.dumps(data)))
        assert "The row ? counts problems" not in render(plain)


def test_the_head_says_what_was_trained_here(data: dict[str, Any]) -> None:
    data["config"]["description"] = "Taggers <b>and</b> others."
    data["config"]["systems"] = {
        "crf": {"family": "feature_crf"},
        "minilm": {"model": "saved"},
        "t5-small xml": {"family": "seq2seq", "encoding": "xml"},
    }
    data["systems"][1] |= {"train": None, "seeds": [0]}
    text = Page(html.render(loads(json.dumps(data)))).text
    assert "2 of 3 trained here, with 3 seeds" in text and "Taggers <b>and</b> others." in text
    assert "minilm encoder_tagger, loaded, not trained here" in text.replace("minilmenc", "minilm enc")
    assert "seq2seq, xml" in text and "feature_crf" in text


@pytest.mark.parametrize("runs", [1, 3])
def test_luck_of_training_is_named_where_it_was_not_measured(data: dict[str, Any], runs: int) -> None:
    for system in data["systems"]:
        system["seeds"] = system["seeds"][:runs]
    said = "how much its luck moves a score is not in the intervals" in html.render(loads(json.dumps(data)))
    assert said == (runs == 1)
