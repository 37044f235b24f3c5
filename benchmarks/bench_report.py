"""A report of 5 systems on 5,000 sentences: how long it takes to make, how large it is, how fast it opens and filters.

The gold is the first 5,000 sentences of CoNLL-2003 train (whole documents, so a few more); a system is the gold with a
share of its mentions lost, relabelled or moved. The page is opened from disk in a headless chromium, anew each time:
first paint as the browser tells it, and until the examples are there; then filters and searches, each timed from the
change to the list that is drawn. Nothing else should run meanwhile.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import record, repeats

import onoma
from onoma.document import Document, Prediction, Span
from onoma.evaluation import evaluate
from onoma.evaluation.seeds import mean_over_seeds
from onoma.report import html
from onoma.report.evidence import Evidence, Judged, look
from onoma.report.schema import Results, SetInfo, SetScores, System

SENTENCES = 5_000
RATES = {"a": 0.05, "b": 0.1, "c": 0.15, "d": 0.25, "e": 0.4}
LARGEST = 5_000_000
"""Bytes the page may have."""
CHANGES = (
    ("outcome", "all"),
    ("class", "type"),
    ("label", "ORG"),
    ("slice", "case=UPPER"),
    ("outcome", "only"),
)


def corrupted(document: Document, rate: float, rng: random.Random) -> Prediction:
    """The gold with some mentions lost, relabelled or moved by a letter."""
    spans: list[Span] = []
    for span in document.spans:
        luck = rng.random() / rate
        if luck < 0.4:
            spans.append(Span(span.start, span.end, rng.choice(["LOC", "MISC", "ORG", "PER"])))
        elif luck < 0.7 and span.end + 1 < len(document.text):
            spans.append(replace(span, end=span.end + 1))
        elif luck >= 1:
            spans.append(span)
    return Prediction(document.id, tuple(spans))


def judged() -> Judged:
    """Gold of at least so many sentences, and the five systems."""
    gold: list[Document] = []
    for document in onoma.read("conll2003:train"):
        if sum(len(each.sentences) for each in gold) >= SENTENCES:
            break
        gold.append(document)
    systems = {
        name: {1: [corrupted(each, rate, random.Random(f"{name}{each.id}")) for each in gold]}
        for name, rate in RATES.items()
    }
    return Judged(gold, systems)


def results_of(given: Judged) -> Results:
    """The results that the page needs beside its evidence."""
    systems = []
    for name, seeds in given.predictions.items():
        block = mean_over_seeds([evaluate(given.gold, seeds[1])], resamples=1000)
        block.pop("missing_documents")
        block["accuracy"] = None
        scores = {"news": SetScores(**block)}
        systems.append(System(name=name, family="predictions", seeds=(1,), status="ok", scores=scores))
    info = SetInfo(
        role="in_domain",
        documents=len(given.gold),
        sentences=sum(len(each.sentences) for each in given.gold),
        tokens=sum(len(each.tokens) for each in given.gold),
        mentions=sum(len(each.spans) for each in given.gold),
        labels=("LOC", "MISC", "ORG", "PER"),
        sha256="0" * 64,
    )
    return Results(
        schema=1, created="2026-01-01", config={}, environment={}, sets={"news": info}, systems=tuple(systems)
    )


def opened(browser: Any, address: str) -> dict[str, float]:
    """Seconds until the first paint and until examples are there, and of a filter and a search."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("html[data-ready]", state="attached")
    ready = time.perf_counter() - started
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    timed = """([name, value]) => new Promise(done => {
        const field = document.querySelector(`#filters [name='${name}']`), started = performance.now();
        field.value = value;
        const seen = new MutationObserver(() => {
            seen.disconnect();
            done((performance.now() - started) / 1000);
        });
        seen.observe(document.getElementById('found'), { childList: true });
        field.dispatchEvent(new Event('change', { bubbles: true }));
    })"""
    filters = [page.evaluate(timed, [name, value]) for name, value in CHANGES]
    page.click("#filters button[type=reset]")
    page.wait_for_timeout(200)
    first = page.evaluate(timed, ["q", "minister"])
    again = page.evaluate(timed, ["q", "president"])
    page.close()
    return {
        "first paint": paint,
        "examples are there": ready,
        "a filter": statistics.median(filters),
        "the first search": first,
        "a search": again,
    }


def main() -> int:
    """Measure and record; 1 where the page is too large, 2 without a browser."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium on this machine", file=sys.stderr)
        return 2
    times = repeats(5)
    given = judged()
    results = results_of(given)
    seconds: dict[str, list[float]] = {"look at errors": [], "write the page": []}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        evidence = Evidence({"news": look(given)})
        seconds["look at errors"].append(time.perf_counter() - started)
        for _ in range(times):
            started = time.perf_counter()
            html.write(results, folder, evidence)
            seconds["write the page"].append(time.perf_counter() - started)
        path = Path(folder, "report.html")
        size = path.stat().st_size
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            version = browser.version
            for _ in range(times):
                for name, value in opened(browser, path.resolve().as_uri()).items():
                    seconds.setdefault(name, []).append(value)
            browser.close()
    record(
        "report",
        f"a report of {len(RATES)} systems on {results.sets['news'].sentences:,} sentences of CoNLL-2003 train",
        seconds,
        ours="write the page",
        peers=(),
        packages=("playwright",),
        bytes=size,
        bytes_allowed=LARGEST,
        chromium=version,
    )
    return int(size >= LARGEST)


if __name__ == "__main__":
    sys.exit(main())
