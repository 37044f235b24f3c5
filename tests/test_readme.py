"""The README is true: its commands and its Python run, and its tree is the tree."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from families import CORPUS

from onoma import datasets, progress
from onoma.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = {language: re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) for language in ("sh", "python")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("train", "dev", "test"):
        datasets.write(CORPUS, tmp_path / f"{name}.conll")
    yield tmp_path
    progress.use(None)


def test_the_commands_for_a_users_own_file_run_in_order_and_so_does_the_python(folder: Path) -> None:
    block = next(block for block in BLOCKS["sh"] if "onoma train" in block)
    for line in block.strip().split("\n"):
        command = shlex.split(line)
        assert command[0] == "onoma"
        assert main(command[1:]) == 0, line
    assert Path("predictions.jsonl").exists()
    for code in BLOCKS["python"]:
        exec(compile(code, "README.md", "exec"), {})


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_annotated_tree_is_the_tree() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    inside = re.findall(r"^  (\S+)", tree, re.MULTILINE)
    assert len(inside) > 8
    for name in inside:
        assert (ROOT / "src" / "onoma" / name).exists(), name
    packages = {each.name for each in (ROOT / "src" / "onoma").iterdir() if (each / "__init__.py").exists()}
    assert packages == {name.rstrip("/") for name in inside if name.endswith("/")}


def test_links_lead_somewhere() -> None:
    for page in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page):
            assert (ROOT / target).exists(), target
