"""Questions: layouts, labels, worked examples that fit and never leak."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onoma import encodings
from onoma.encodings.base import Exchange
from onoma.exceptions import ConfigError
from onoma.prompting import Prompter, PromptSettings
from onoma.prompting.demonstrations import Demonstration
from onoma.prompting.templates import task, template, template_names

ASKED = Exchange("Ada left Rome", "Ada(B-PER) left(O) Rome(B-LOC)", (0, 3))
POOL = [
    Demonstration("Bob met Ada", "Bob(B-PER) met(O) Ada(B-PER)"),
    Demonstration("nobody came", "nobody(O) came(O)"),
    Demonstration("Ada left Rome", "Ada(B-PER) left(O) Rome(B-LOC)"),
    Demonstration("all left Paris", "all(O) left(O) Paris(B-LOC)"),
]


def prompter(encoding: str = "word_tags", **settings: Any) -> Prompter:
    return Prompter(PromptSettings(**settings), encodings.get(encoding, ["LOC", "PER"]))


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("plain", "Ada left Rome"),
        ("separator", "Text: Ada left Rome [SEP] say of every word what it names:"),
        ("prefix", "names: Ada left Rome"),
        ("newline", "Text: Ada left Rome\nWhat each word names:"),
        ("fields", "Text:\nAda left Rome\nNames:"),
    ],
)
def test_layouts(name: str, question: str) -> None:
    assert prompter(template=name).question(ASKED) == question


def test_instructions_say_task_and_labels() -> None:
    head, _, rest = prompter(template="instruct", labels="tags").question(ASKED).partition("\n\n")
    assert head == task("word_tags") and rest == "Kinds of names: LOC, PER\n\nText: Ada left Rome\nAnswer:"
    defined = prompter(template="instruct", labels="definitions").question(ASKED)
    assert "\n- LOC (" in defined and "\n- PER (" in defined
    assert "LOC (" in prompter(template="instruct").question(ASKED)


def test_one_label_is_asked_for_by_its_name() -> None:
    asked = Exchange("Ada left Rome", "", (0, 3), "PER")
    assert prompter("type_queries").question(asked) == "person: Ada left Rome"
    assert prompter("type_queries", labels="tags").question(asked) == "PER: Ada left Rome"
    assert "kind person in the text" in prompter("type_queries", template="instruct").question(asked)


@pytest.mark.parametrize("name", [each for each in encodings.names() if each != "tags"])
def test_every_text_encoding_has_a_task(name: str) -> None:
    assert len(task(name).split()) > 10
    for layout in template_names():
        made = Prompter(PromptSettings(template=layout), encodings.get(name, ["PER"]))
        label = "PER" if made.encoding.by_type else None
        question = made.question(Exchange("{kind} {labels} in braces", "", (0, 4), label))
        assert "{kind} {labels} in braces" in question
        assert question.count("{") == 2


def test_labels_are_shuffled_by_epoch_in_training_only() -> None:
    made = Prompter(
        PromptSettings(template="instruct", labels="tags", shuffle_labels=True),
        encodings.get("word_tags", [f"L{number}" for number in range(8)]),
    )
    orders = {made.question(ASKED, epoch) for epoch in range(6)}
    assert len(orders) > 3 and made.question(ASKED, 2) == made.question(ASKED, 2)
    assert "L0, L1, L2, L3, L4, L5, L6, L7" in made.question(ASKED)


@pytest.mark.parametrize(
    "setting", [{"labels": "definitions"}, {"corpus": "conll2003"}, {"shuffle_labels": True}, {"other_labels": ("X",)}]
)
def test_what_would_change_no_question_is_refused(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ConfigError, match=f"prompt.{name} changes nothing: the template 'plain' lists no labels"):
        prompter(**setting)
    prompter(template="instruct", **setting)
    if name in {"labels", "corpus"}:  # a question about one kind names it
        prompter("type_queries", **setting)


def test_other_labels_are_listed_and_cannot_be_own() -> None:
    assert "LOC, PER, FOOD" in prompter(template="instruct", labels="tags", other_labels=("FOOD",)).question(ASKED)
    with pytest.raises(ConfigError, match="'PER' is one of the labels"):
        prompter(other_labels=("PER",))


def test_demonstrations_stand_before_the_question_and_those_that_do_not_fit_are_left_out() -> None:
    made = prompter(template="fields", demonstrations="fixed", shots=2)
    made.learn(POOL)
    text = made.question(ASKED)
    assert text.count("Text:\n") == 3 and text.endswith("Text:\nAda left Rome\nNames:")
    assert text.count("Ada left Rome") == 1  # never the question itself
    alone = prompter(template="fields").question(ASKED)
    assert made.question(ASKED, fits=lambda question: False) == alone
    fewer = made.question(ASKED, fits=lambda question: question.count("Text:") <= 2)
    assert fewer.count("Text:\n") == 2 and text.endswith(fewer)


def test_what_questions_say_beside_texts() -> None:
    assert prompter().words == ""
    assert prompter(template="newline").words == "Text: \nWhat each word names:"
    assert "[SEP]" in prompter("markers", template="separator", demonstrations="fixed").words


def test_saved_questions_need_no_file(tmp_path: Path) -> None:
    layout = {"head": "Go:{labels} ", "kind": "{kind}", "question": "<{source}>", "answer": "{answer}", "between": "|"}
    path = tmp_path / "mine.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in layout.items()), encoding="utf-8")
    definitions = tmp_path / "labels.toml"
    definitions.write_text('[mine.labels]\nLOC = ["spot", "where"]\nPER = ["soul", "who"]\n', encoding="utf-8")
    made = prompter(template=str(path), definitions=definitions, labels="definitions")
    state = json.loads(json.dumps(made.state()))
    path.unlink()
    definitions.unlink()
    again = Prompter.restored(state, made.encoding)
    assert again.question(ASKED) == made.question(ASKED)
    assert made.question(ASKED) == "Go:\n- LOC (spot): where\n- PER (soul): who <Ada left Rome>"
    assert again.definitions == made.definitions and again.definitions["PER"].name == "soul"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"question": None}, "the part 'question' is missing"),
        ({"question": "nothing"}, r"question lacks the field \{source\}"),
        ({"between": "{source}"}, r"the field \{source\} does not belong in between: none do"),
        ({"tail": "x"}, "'tail' is no part of a template"),
    ],
)
def test_layouts_of_ones_own_are_checked(tmp_path: Path, changed: dict[str, str | None], message: str) -> None:
    parts = {**template("plain")._asdict(), **changed}
    path = tmp_path / "mine.toml"
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in parts.items() if value is not None)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        template(str(path))
    with pytest.raises(ConfigError, match="one of plain, separator"):
        template("nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        template(str(tmp_path / "none.toml"))


def test_other_labels_can_be_one_text() -> None:
    """As a command line gives them."""
    asked = PromptSettings.checked({"template": "instruct", "other_labels": "FOOD, TOOL,"}, "prompt")
    assert asked.other_labels == ("FOOD", "TOOL")
    assert PromptSettings.checked(asked.model_dump(mode="json"), "prompt") == asked
