"""The page in a real browser; skipped where there is no chromium or playwright."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import looked_at
import pytest
import report_fixture

from onoma.report import html
from onoma.report.schema import loads

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")

OLD = "delete window.DecompressionStream"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "SMALL", 0)
        source = html.render(loads(json.dumps(report_fixture.build())), looked_at.evidence())
    path.write_text(source, encoding="utf-8")
    return path.as_uri()


class Opened:
    """A page, what it asked for and what it complained of."""

    def __init__(self, browser: Any, address: str, hash: str = "", *, width: int = 1280, script: str = "") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        if script:
            self.page.add_init_script(script)
        self.page.goto(address + hash)
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=10_000)

    def choose(self, **wanted: str) -> str:
        """Set fields of the form, the others empty; what is found."""
        self.page.click("#filters button[type=reset]")
        self.wait("48")
        for name, value in wanted.items():
            self.page.select_option(f"[name='{name}']", value)
        self.page.wait_for_timeout(30)
        return self.found

    def wait(self, count: int | str) -> None:
        """Until so many sentences are found."""
        self.page.locator("#found", has_text=re.compile(f"^{count} of")).wait_for(timeout=5_000)

    @property
    def found(self) -> str:
        return self.page.inner_text("#found").removesuffix(" of 48 sentences")

    @property
    def current(self) -> str | None:
        return self.page.evaluate("document.querySelector('[aria-current]')?.dataset.place ?? null")


@pytest.fixture
def opened(chromium: Any, address: str) -> Iterator[Opened]:
    made = Opened(chromium, address)
    yield made
    made.page.close()


def test_filters(opened: Opened) -> None:
    assert opened.found == str(8 + 12 - 4 + 23 + 1), "sentences that some system has wrong come first"
    for wanted, count in (
        ({"outcome": "wrong", "system": "crf"}, 8),
        ({"outcome": "right", "system": "crf"}, 40),
        ({"outcome": "only", "system": "crf"}, 0),
        ({"outcome": "only", "system": "t5-small xml"}, 4),
        ({"outcome": "all"}, 0),
        ({"outcome": "apart"}, 8 + 12 - 4 + 23 + 1),
        ({"class": "type"}, 8),
        ({"class": "missed", "system": "crf"}, 0),
        ({"class": "hallucinated"}, 1),
        ({"class": "gner:NE"}, 8),
        ({"class": "gner:UE", "system": "minilm"}, 12),
        ({"class": "assessment:omitted"}, 12),
        ({"class": "assessment:ood_mention"}, 1),
        ({"label": "MISC"}, 23),
        ({"label": "LOC"}, 24),
        ({"label": "LOC", "outcome": "wrong"}, 8),
        ({"label": "PER", "class": "type"}, 8),
        ({"label": "LOC", "class": "type"}, 0),  # the gold label of the error is PER
        ({"label": "LOC", "class": "gner:NE"}, 8),
        ({"label": "PER", "class": "hallucinated"}, 1),
        ({"label": "LOC", "outcome": "only"}, 4),
        ({"label": "ORG", "outcome": "only"}, 0),
        ({"class": "missed", "outcome": "only", "system": "t5-small xml"}, 4),
        ({"outcome": "over", "system": "crf"}, 8 + 24),
        ({"outcome": "over", "system": "crf", "label": "MISC"}, 23),
        ({"outcome": "over"}, 8 + 12 - 4 + 23 + 1),
        ({"slice": "nesting=inside another"}, 24),
        ({"slice": "nesting=inside another", "outcome": "wrong"}, 0),
    ):
        assert opened.choose(**wanted) == str(count), wanted
    assert not opened.said


def test_nothing_found_is_said_where_sentences_would_stand(opened: Opened) -> None:
    opened.choose(outcome="all")
    assert opened.page.inner_text("#examples-list") == "No sentence fits these filters."
    opened.page.keyboard.press("j")
    opened.choose(outcome="right", system="crf")
    assert "No sentence" not in opened.page.inner_text("#examples-list")


def test_names_in_the_head_of_a_line_keep_apart(opened: Opened) -> None:
    opened.choose(system="crf", outcome="right")
    assert opened.page.evaluate("document.querySelector('#examples-list dt').textContent").startswith(
        "gold, and crf minilm "
    )


def test_search(opened: Opened) -> None:
    opened.choose()
    for text, count in (("ACME7 works", 1), ("👩‍🚀", 24), ("nowhere to be seen", 0)):
        opened.page.fill("[name=q]", text)
        opened.wait(count)
    assert "%F0" not in opened.page.url and "q=nowhere" in opened.page.url


def test_mentions_are_drawn_where_they_are(opened: Opened) -> None:
    """Offsets count code points, and an emoji is two units or more in a page."""
    opened.choose(**{"class": "type"})
    drawn = opened.page.eval_on_selector_all(
        "#examples-list > li:nth-child(2) dl > dd",
        "rows => rows.map(row => [...row.querySelectorAll('.t')].map(each => each.textContent))",
    )
    assert drawn[0] == ["Ada3", "Bo3", "Acme3 Works ", "Paris"]
    assert opened.page.inner_text("#examples-list > li:nth-child(2) dl > dd:last-child .tag.missed") == "− PER type"
    assert opened.page.inner_text("#examples-list > li:nth-child(2) dl > dd:last-child .tag.false") == "+ LOC type"
    nested = "#examples-list > li:nth-child(2) dd:nth-of-type(1) .span .span .t"
    assert opened.page.inner_text(nested) == "Paris"


def test_permalinks(opened: Opened, chromium: Any, address: str) -> None:
    opened.choose(system="crf", outcome="wrong")
    opened.page.keyboard.press("Tab")
    opened.page.evaluate("document.activeElement.blur()")
    for _ in range(3):
        opened.page.keyboard.press("j")
    place, url = opened.current, opened.page.url
    again = Opened(chromium, url)
    assert again.current == place == "12"
    assert again.found == "8"
    assert again.page.input_value("[name=system]") == "crf"
    again.page.goto(address + "#ex:set=nonsense&system=nobody&at=999&class=%3Cb%3E")
    again.wait(48)
    again.page.close()
    opened.page.goto(address + "#ex:set=news&at=31")
    opened.wait(48)
    opened.page.wait_for_timeout(100)
    assert opened.current == "30", "in a page that is open already, too"
    cards = "#examples-list > li"
    assert opened.page.get_attribute(f"{cards}:first-child", "data-place") == "30", "none before it has to be drawn"
    opened.page.keyboard.press("k")
    assert opened.current == opened.page.get_attribute(f"{cards}:first-child", "data-place") == "29"
    opened.page.keyboard.press("j")
    assert opened.current == "30"


def test_a_count_opens_its_sentences(opened: Opened) -> None:
    opened.page.click("#errors a.count[href*='system=minilm'][href*='class=missed']")
    opened.wait("12")
    assert opened.page.input_value("[name=class]") == "missed"
    for closed in opened.page.query_selector_all("#errors details"):
        closed.evaluate("each => each.open = true")
    opened.page.click("#errors a.count[href*='system=crf'][href*='gner%3ANE']")
    opened.wait("8")
    assert opened.page.input_value("[name=class]") == "gner:NE"
    opened.page.click("#errors .by-label a.count[href*='class=type'][href*='label=PER']")
    opened.wait("8")
    assert opened.page.input_value("[name=label]") == "PER"
    opened.page.click("#errors .surface a[href*='q=Rain']")
    opened.wait("23")
    assert opened.page.input_value("[name=system]") == "t5-small xml"


def test_keys(opened: Opened) -> None:
    opened.page.keyboard.press("j")
    first = opened.current
    for _ in range(11):
        opened.page.keyboard.press("j")
    assert opened.page.locator("#examples-list > li").count() > 10
    opened.page.keyboard.press("k")
    for _ in range(20):
        opened.page.keyboard.press("k")
    assert opened.current == first
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("jk/")
    assert opened.page.input_value("[name=q]") == "jk/"


def test_a_script_in_the_text_is_inert(opened: Opened) -> None:
    opened.choose()
    opened.page.fill("[name=q]", "window.broken")
    opened.wait("1")
    assert looked_at.EVIL in opened.page.inner_text("#examples-list")
    assert opened.page.evaluate("window.broken === undefined")
    assert opened.page.locator("#examples-list img, #examples-list script, #examples-list b:not(dt b)").count() == 0


def test_no_request_leaves_the_page(opened: Opened, address: str) -> None:
    opened.choose(outcome="wrong")
    opened.page.keyboard.press("j")
    assert set(opened.asked) <= {address, "data:,"}
    refused = "fetch('http://127.0.0.1:9/').then(() => 'sent', error => String(error))"
    assert "TypeError" in opened.page.evaluate(refused)
    assert any("Content Security Policy" in line for line in opened.said)


def test_a_browser_without_inflater_shows_the_same(chromium: Any, address: str, opened: Opened) -> None:
    old = Opened(chromium, address, script=OLD)
    assert old.page.evaluate("typeof DecompressionStream") == "undefined"
    assert old.page.inner_text("#examples-list") == opened.page.inner_text("#examples-list")
    old.page.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_page(chromium: Any, address: str, width: int) -> None:
    made = Opened(chromium, address, width=width)
    made.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert made.page.evaluate("document.documentElement.scrollWidth") == width
    made.page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_label_of_a_chart_and_no_head_of_a_column_is_cut(chromium: Any, tmp_path: Path, width: int) -> None:
    data = report_fixture.build()
    data["systems"][0]["predict"]["news"]["words_per_second"] = 67_000.0  # the axis ends at 100k
    text = json.dumps(data).replace('"tweets"', '"news-and-an-encyclopaedia-of-tweets"')
    path = tmp_path / "report.html"
    path.write_text(html.render(loads(text), looked_at.doubtful()), encoding="utf-8")
    made = Opened(chromium, path.as_uri(), width=width)
    made.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert made.page.locator("#cost text", has_text="100k").count() == 1
    cut = (
        "rows => rows.filter(each => each.getBoundingClientRect().right > "
        "each.closest('figure, .strips').getBoundingClientRect().right + .5).map(each => each.textContent)"
    )
    assert made.page.eval_on_selector_all(".frame text, .axis text", cut) == []
    heads = "rows => rows.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    assert made.page.eval_on_selector_all("th.given", heads) == []
    made.page.close()


def test_a_doubtful_place_opens_its_very_sentence(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(loads(json.dumps(report_fixture.build())), looked_at.doubtful()), encoding="utf-8")
    made = Opened(chromium, path.as_uri(), width=390)
    assert made.page.evaluate("document.documentElement.scrollWidth") == 390
    rows = made.page.locator("#gold tbody tr", has_text="elsewhere")
    places = set()
    for at in range(2):
        row = rows.nth(at)
        sentence = row.locator("th p:nth-child(2)").inner_text()
        row.locator("a").click()
        made.page.wait_for_timeout(50)
        drawn = made.page.locator("[aria-current] dd .text").first.evaluate(
            "line => { const bare = line.cloneNode(true); bare.querySelectorAll('i').forEach(tag => tag.remove()); "
            "return bare.textContent; }"
        )
        assert drawn.strip() == sentence.strip()
        places.add(made.current)
    assert len(places) == 2
    made.page.close()
