"""The table of verbs. A verb's module is imported when it is called, so that `--help` starts fast."""

from __future__ import annotations

from cyclopts import App

from onoma.version import __version__

__all__ = ["app"]

VERBS: dict[str, str] = {
    "demo": "onoma.cli.demo:demo",
    "data": "onoma.cli.data:data",
    "train": "onoma.cli.train:train",
    "predict": "onoma.cli.predict:predict",
    "evaluate": "onoma.cli.evaluate:evaluate",
    "compare": "onoma.cli.compare:compare",
    "report": "onoma.cli.report:report",
    "env": "onoma.cli.env:env",
}

app = App(
    name="onoma",
    help="Named entity recognition, tagged or generated: train, predict, evaluate and compare recognizers.",
    version=__version__,
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)
for verb, row in VERBS.items():
    app.command(row, name=verb)
