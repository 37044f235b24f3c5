"""The table of verbs. A verb's module is imported when it is called, so that `--help` starts fast."""

from __future__ import annotations

from cyclopts import App

from onoma.version import __version__

__all__ = ["app"]

VERBS: dict[str, tuple[str, str]] = {
    "demo": ("onoma.cli.demo:demo", "Train several families on the embedded corpus, compare them, write a report."),
    "data": ("onoma.cli.data:data", "Count, convert, check, split and fetch labelled files."),
    "train": ("onoma.cli.train:train", "Train a recognizer on labelled files."),
    "predict": ("onoma.cli.predict:predict", "Find names in text with a saved recognizer."),
    "evaluate": ("onoma.cli.evaluate:evaluate", "Score predictions: one system or two, by one protocol or all."),
    "compare": ("onoma.cli.compare:compare", "Train or load several systems, score them side by side, report."),
    "report": ("onoma.cli.report:report", "Make the report of a finished comparison anew."),
    "audit": ("onoma.cli.audit:audit", "Rank the gold labels that look wrong, for people to look at again."),
    "calibrate": ("onoma.cli.calibrate:calibrate", "Make a recognizer's scores probabilities, tune thresholds."),
    "export": ("onoma.cli.export:export", "Write a recognizer for ONNX Runtime, checked against the original."),
    "adapt": ("onoma.cli.adapt:adapt", "Pre-train an encoder further on plain text of the domain."),
    "env": ("onoma.cli.env:env", "Show versions and the machine."),
}
"""Where each verb stands, and its line in the help, which is shown without importing it."""

app = App(
    name="onoma",
    help="Named entity recognition, tagged or generated: train, predict, evaluate and compare recognizers.",
    version=__version__,
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)
for verb, (row, line) in VERBS.items():
    app.command(row, name=verb, help=line)
