"""Other programs: what they do right is taken, what they do wrong is counted or lost, and nothing ever hangs."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from families import CORPUS, PROGRAM, program
from hypothesis import given
from hypothesis import strategies as st

import onoma
from onoma import Document, Prediction, Problem, Recognizer, Span, datasets, progress, tokenization
from onoma.cli import main
from onoma.datasets.predictions import prediction_line
from onoma.exceptions import ConfigError, DataError, ModelError
from onoma.models.external import External, ExternalOptions, processes
from onoma.models.external.answers import Answers

HEAD = "import json, os, sys, time\nasked = [json.loads(line) for line in sys.stdin]\n"
ASKED = [Document(str(number), "Ada left Rome .") for number in range(4)]


def made(folder: Path, text: str, **options: Any) -> External:
    """The family with a program of that text, after `HEAD`."""
    checked = ExternalOptions(command=tuple(program(folder, HEAD + text)), **{"timeout": 60, **options})
    return External.create((), checked, seed=1)


def say(*lines: Any) -> str:
    """A program that writes these lines, objects as JSON."""
    return f"for line in {[line if isinstance(line, str) else json.dumps(line) for line in lines]!r}: print(line)\n"


def answer(number: int, *spans: tuple[int, int, str], **more: Any) -> dict[str, Any]:
    found = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return {"id": str(number), "spans": found, **more}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(progress, "say", lines.append)
    return lines


def lost(prediction: Prediction) -> str:
    """The reason of a lost answer."""
    (problem,) = prediction.problems
    assert not prediction.spans and problem.kind == "truncated" and not problem.is_mention
    return problem.text


# ---------------------------------------------------------------------- what goes in and comes back


def test_gold_never_reaches_the_program(tmp_path: Path) -> None:
    text = "print(json.dumps({'id': asked[0]['id'], 'spans': [], 'raw': json.dumps(asked[0])}))"
    document = Document.from_words([["Ada", "left"], ["."]], id="é", meta={"page": 3, "tags": ("B-PER", "O", "O")})
    document = document.with_spans([Span(0, 3, "PER")])
    for model in (made(tmp_path, text), Recognizer.join(None, made(tmp_path, text))):
        (found,) = model.predict([document])
        assert json.loads(str(found.raw)) == {
            "id": "é",
            "text": "Ada left .",
            "tokens": [[0, 3], [4, 8], [9, 10]],
            "sentences": [[0, 2], [2, 3]],
            "meta": {"page": 3},
        }


def test_answers_may_come_in_any_order_and_with_all_a_prediction_holds(tmp_path: Path) -> None:
    fragments = {"start": 0, "end": 13, "label": "PER", "fragments": [[0, 3], [9, 13]], "text": "Ada Rome", "score": 1}
    model = made(
        tmp_path,
        say(
            answer(3, (9, 13, "LOC")),
            {"id": "1", "spans": [fragments], "tags": ["B-PER", "O", "O", "O"], "raw": ["a", "b"], "note": "ours"},
            answer(0, problems=[{"kind": "ambiguous", "text": "Ada", "label": "PER", "within": [0, 3]}]),
            answer(2),
        ),
    )
    split = [tokenization.split(each) for each in ASKED]
    found = model.predict(split)
    assert found == [
        Prediction("0", problems=(Problem("ambiguous", "Ada", "PER", (0, 3)),)),
        Prediction("1", (Span(0, 13, "PER", 1.0, ((0, 3), (9, 13))),), tags=("B-PER", "O", "O", "O"), raw=("a", "b")),
        Prediction("2"),
        Prediction("3", (Span(9, 13, "LOC"),)),
    ]
    assert found[1].spans[0].score == 1
    datasets.write_predictions(zip(split, found, strict=True), tmp_path / "kept.jsonl")
    assert datasets.read_predictions(tmp_path / "kept.jsonl", gold=split) == found


def test_offsets_are_code_points_whatever_the_script(tmp_path: Path) -> None:
    texts = ["😀 Zoë in Rómé", "Zoe\u0308 in Ro\u0301me\u0301", "北京 Zoë", "\u2028Zoë\x85 \x00", "\ud83d Zoë"]
    text = (
        "for each in asked:\n"
        "    at = each['text'].find('Zo')\n"
        "    span = {'start': at, 'end': at + 3, 'label': 'PERSÖN', 'text': each['text'][at:at + 3]}\n"
        "    print(json.dumps({'id': each['id'], 'spans': [span]}, ensure_ascii=False))\n"
    )
    for whole, (document, prediction) in zip(
        texts, Recognizer.join(None, made(tmp_path, text)).pipe_documents(texts), strict=True
    ):
        (span,) = prediction.spans
        assert document.text == whole and document.surface(span).startswith("Zo") and span.label == "PERSÖN"


def test_labels_are_renamed_and_others_keep_their_name(tmp_path: Path) -> None:
    model = made(tmp_path, say(answer(0, (0, 3, "person"), (9, 13, "LOC"))), labels={"person": "PER"})
    assert [span.label for span in model.predict(ASKED[:1])[0].spans] == ["PER", "LOC"]


def test_documents_of_one_id_are_told_apart(tmp_path: Path) -> None:
    same = [Document("same", "Ada left"), Document("same", "nobody"), Document("same", "Rome")]
    found = Recognizer.join(None, External.create((), ExternalOptions(command=tuple(program(tmp_path))), 1)).predict(
        same
    )
    assert [(each.document_id, len(each.spans)) for each in found] == [("same", 1), ("same", 0), ("same", 1)]


def test_nothing_asked_starts_nothing(tmp_path: Path) -> None:
    assert External.create((), ExternalOptions(command=("no-such-program",)), 1).predict([]) == []


def test_long_input_and_output_never_wait_for_each_other(tmp_path: Path) -> None:
    """Megabytes both ways, answered as they come: a pipe holds 64 kB, so whoever waits would wait for ever."""
    text = (
        "import json, sys\nfor line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'spans': [], 'raw': 'x' * 3000}))\n"
    )
    documents = [Document(str(number), "Ada left " * 300) for number in range(1500)]
    options = ExternalOptions(command=tuple(program(tmp_path, text)), timeout=60)
    found = External.create((), options, 1).predict(documents)
    assert [each.document_id for each in found] == [each.id for each in documents]
    assert not any(each.problems for each in found)


# ---------------------------------------------------------------------- what programs do wrong


def test_a_crash_in_the_middle_loses_the_rest(tmp_path: Path, told: list[str]) -> None:
    cut = json.dumps(answer(2, (0, 3, "PER")))[:25]
    text = say(answer(0, (0, 3, "PER")), answer(1)) + f"print({cut!r}, end='', flush=True)\nraise SystemError('böse')"
    found = made(tmp_path, text).predict(ASKED)
    assert [len(each.spans) for each in found] == [1, 0, 0, 0] and not found[1].problems
    for each in found[2:]:
        assert lost(each) == "external: exit code 1: SystemError: böse"
    assert any("2 of 4 documents not answered: exit code 1" in line for line in told)
    gold = [each.with_spans([Span(0, 3, "PER")]) for each in ASKED]
    scores = onoma.evaluate(gold, found, resamples=0)
    assert (scores.micro.precision, scores.micro.recall) == (1, 0.25)
    assert scores.problems["truncated"] == 2


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("sys.stdout.flush(); time.sleep(600)", "no answer for 1 s"),
        ("sys.stdout.flush(); os._exit(3)", "exit code 3"),
        ("", "no answer"),
        ("print('tired', file=sys.stderr); sys.exit(4)", "exit code 4: tired"),
    ],
)
def test_what_is_not_answered_says_why(tmp_path: Path, rest: str, reason: str) -> None:
    started = time.monotonic()
    found = made(tmp_path, say(answer(0, (0, 3, "PER"))) + rest, timeout=1).predict(ASKED)
    assert [len(each.spans) for each in found] == [1, 0, 0, 0]
    assert {lost(each) for each in found[1:]} == {f"external: {reason}"}
    assert time.monotonic() - started < 10


def test_a_program_that_goes_on_after_its_last_answer_is_ended(tmp_path: Path, told: list[str]) -> None:
    text = say(*map(answer, range(4))) + "sys.stdout.flush(); time.sleep(600)"
    assert not any(each.problems for each in made(tmp_path, text, timeout=1).predict(ASKED))
    assert any("all documents answered, then: it did not end by itself" in line for line in told)


@pytest.mark.parametrize("ending", ["sys.stdin.close(); os.close(0)", "os.close(0); os.close(1); sys.exit(2)"])
def test_a_program_that_does_not_read_is_no_error_of_ours(tmp_path: Path, ending: str) -> None:
    text = f'import os, sys\nprint(\'{{"id": "0", "spans": []}}\', flush=True)\n{ending}\nos._exit(2)'
    options = ExternalOptions(command=tuple(program(tmp_path, text)), timeout=60)
    many = [Document(str(number), "Ada left " * 900) for number in range(100)]
    found = External.create((), options, 1).predict(many)
    assert not found[0].problems and lost(found[99]) == "external: exit code 2"


def test_ids_that_were_not_asked_for_are_left_out_and_counted(tmp_path: Path, told: list[str]) -> None:
    lines = (answer(0), answer(7, (0, 3, "PER")), answer(8), answer(1), {"id": 2, "spans": []}, "loading", "[]", "")
    found = made(tmp_path, say(*lines)).predict(ASKED[:2])
    assert found == [Prediction("0"), Prediction("1")]
    assert any("2 answers for ids not asked for are left out, the first '7'" in line for line in told)
    assert any("1 answers are left out: 'id' must be the very string" in line for line in told)
    assert any("2 lines that are no answers are left out, the first 'loading'" in line for line in told)


@pytest.mark.parametrize(
    ("spans", "kinds", "kept"),
    [
        ([{"start": 9, "end": 40, "label": "LOC"}], ["ungrounded"], 0),
        ([{"start": 3, "end": 3, "label": "LOC"}], ["ungrounded"], 0),
        ([{"start": -3, "end": 3, "label": "LOC"}], ["ungrounded"], 0),
        ([{"start": 0, "end": 3, "label": "PER", "text": "Bob"}], ["ungrounded"], 0),
        ([{"start": 0, "end": 9, "label": "PER", "fragments": [[0, 3]]}], ["ungrounded"], 0),
        ([{"start": 0, "end": 3}], ["malformed"], 0),
        ([{"start": 0, "end": 3, "label": ""}], ["malformed"], 0),
        ([{"start": 0, "end": 3, "label": "\ud800"}], ["malformed"], 0),
        ([{"start": 0.0, "end": 3, "label": "PER"}], ["malformed"], 0),
        ([{"start": True, "end": 3, "label": "PER"}], ["malformed"], 0),
        ([{"end": 3, "label": "PER"}, {"start": 0, "end": 3, "label": "PER"}, "Ada"], ["malformed"] * 2, 1),
        ([{"start": 0, "end": 3, "label": "PER", "fragments": [3]}], ["malformed"], 0),
        ([{"start": 0, "end": 3, "label": "PER", "fragments": [[float("inf"), 3]]}], ["malformed"], 0),
        ([{"start": 0, "end": 3, "label": "PER", "fragments": [[0.9, 3.9]]}], ["malformed"], 0),
        ([{"start": 0, "end": 3, "label": "PER", "score": math.nan}], [], 1),
        ([{"start": 0, "end": 3, "label": "PER", "score": "high"}], [], 1),
        ([{"start": 0, "end": 3, "label": "PER", "score": 10**400}], [], 1),
        ({"0": 1}, ["malformed"], 0),
        (None, ["malformed"], 0),
    ],
)
def test_bad_spans_are_counted_problems(tmp_path: Path, spans: Any, kinds: list[str], kept: int) -> None:
    (found,) = made(tmp_path, say({"id": "0", "spans": spans})).predict(ASKED[:1])
    assert [problem.kind for problem in found.problems] == kinds
    assert [(span.start, span.end, span.label, span.score) for span in found.spans] == [(0, 3, "PER", None)] * kept


def test_an_answer_to_another_text_is_not_believed(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC", "text": "Rome"}]
    (found,) = made(tmp_path, say({"id": "0", "text": "ada left rome .", "spans": spans})).predict(ASKED[:1])
    assert found.spans == (Span(9, 13, "LOC"),) and [each.kind for each in found.problems] == ["ungrounded"]


def test_a_second_answer_and_a_broken_line_are_problems_of_their_document(tmp_path: Path) -> None:
    again, broken = answer(0, (9, 13, "LOC")), '{"id": "1", "spans": [}' + "x" * 200
    found = made(tmp_path, say(answer(0, (0, 3, "PER")), again, broken, answer(2), answer(3))).predict(ASKED)
    assert found[0].spans == (Span(0, 3, "PER"),)
    assert found[0].problems == (Problem("duplicate", json.dumps(again)[:80]),)
    assert found[1].problems == (Problem("malformed", broken[:80]),)


def test_what_is_repeated_without_end_takes_no_memory(tmp_path: Path, told: list[str]) -> None:
    repeated = "for number in range(5000): print(json.dumps({'id': '0', 'spans': []}))\n"
    found = made(tmp_path, say(*map(answer, range(4))) + repeated + "print('noise\\n' * 5000)").predict(ASKED)
    assert [len(each.problems) for each in found] == [1, 0, 0, 0]
    assert any("5,000 answers to documents already answered are left out" in line for line in told)
    assert any("5,000 lines that are no answers are left out, the first 'noise'" in line for line in told)


def test_unusable_answers_are_told(tmp_path: Path, told: list[str]) -> None:
    bad = answer(1, (0, 3, "PER"), (9, 99, "LOC"), (3, 3, "LOC"))
    made(tmp_path, say({"id": "0", "spans": None}, bad, answer(2), answer(3))).predict(ASKED)
    assert any("1 answers hold no list of 'spans', the first '{" in line for line in told)
    assert any("2 spans are no mentions" in line and "'ungrounded: [9:99]'" in line for line in told)


@pytest.mark.parametrize("first", ["", say(answer(0, (0, 3, "PER")))])
def test_a_program_that_prints_but_does_not_answer_is_ended(tmp_path: Path, told: list[str], first: str) -> None:
    """Neither noise nor repeated answers are a new answer, so the clock goes on."""
    noise = f"line = json.dumps({answer(0)!r}) if {bool(first)} else 'still loading'\nwhile True: print(line)"
    started = time.monotonic()
    model = made(tmp_path, first + noise, timeout=1)
    if first:
        assert lost(model.predict(ASKED)[1]) == "external: no answer for 1 s"
        assert any("answers to documents already answered" in line for line in told)
    else:
        with pytest.raises(ModelError, match="no answer for 1 s; the first line it wrote is 'still loading'"):
            model.predict(ASKED)
    assert time.monotonic() - started < 10


def test_answers_that_come_slowly_but_come_are_waited_for(tmp_path: Path) -> None:
    text = "for each in asked:\n    time.sleep(0.4)\n    print(json.dumps({'id': each['id'], 'spans': []}), flush=True)"
    assert not any(each.problems for each in made(tmp_path, text, timeout=1).predict(ASKED))


def test_a_line_without_an_end_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_LINE", 1 << 20)
    text = say(answer(0)) + "while True: print('x' * 65536, end='')"
    found = made(tmp_path, text).predict(ASKED)
    assert not found[0].problems and lost(found[1]) == "external: a line of its output is longer than 64 MiB"


def test_a_last_line_may_lack_its_end(tmp_path: Path) -> None:
    text = say(*map(answer, range(3))) + f"sys.stdout.write({json.dumps(answer(3))!r})"
    assert not any(each.problems for each in made(tmp_path, text).predict(ASKED))


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("groups", [True, False])
def test_a_child_that_outlives_the_program_costs_no_time_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: bool
) -> None:
    """It holds stdout and stderr open; its parent is gone, so only the group, or having been seen, finds it."""
    monkeypatch.setattr(processes, "GROUPS", groups and processes.GROUPS)
    note = tmp_path / "child"
    text = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
    ) + say(*map(answer, range(4)))
    started = time.monotonic()
    found = made(tmp_path, text + ("" if groups else "sys.stdout.flush(); time.sleep(1)")).predict(ASKED)
    assert not any(each.problems for each in found)
    assert time.monotonic() - started < 8
    deadline = time.monotonic() + 5
    while alive(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(int(note.read_text()))


def test_megabytes_of_stderr_are_heard_out(tmp_path: Path) -> None:
    text = "sys.stderr.write('noise ' * 900_000 + '\\n'); print('bad end', file=sys.stderr)\n" + say(answer(0))
    found = made(tmp_path, text + "sys.exit(1)").predict(ASKED[:2])
    assert not found[0].problems and lost(found[1]) == "external: exit code 1: bad end"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    text = 'sys.stdout.buffer.write(b\'\\xff\\xfe\\n{"id": "0", "spans": [], "raw": "\\xff"}\\r\\n\\x00\\n\')'
    (found,) = made(tmp_path, text).predict(ASKED[:1])
    assert found == Prediction("0", raw="\ufffd")


# ---------------------------------------------------------------------- what does not run at all


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sys.exit('no model')", "exit code 1: no model"),
        ("time.sleep(600)", "no answer for 0.5 s"),
        ("print('{}')", "it ended without an answer; the first line it wrote is '{}'"),
        (say(answer(9)), "it answered for '9', an id not asked for"),
        (say({**answer(0), "id": 0}), "'id' must be the very string that was asked, \"7\" and not 7, the first"),
        (say([answer(number) for number in range(4)]), "a JSON array is no answer, write one object a line"),
        ("", "no document was answered: it ended without an answer"),
    ],
)
def test_a_program_without_any_answer_is_a_failed_system(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ModelError, match="no document was answered") as caught:
        made(tmp_path, text, timeout=0.5 if "sleep" in text else 60).predict(ASKED)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    def predict(**options: Any) -> None:
        External.create((), ExternalOptions(**options), 1).predict(ASKED)

    with pytest.raises(ConfigError, match=r"no program 'no-such-program' \(give its full path.*PATH\)"):
        predict(command=("no-such-program",))
    with pytest.raises(ConfigError, match="no program"):
        predict(command=("./no-such-program", "x"), cwd=str(tmp_path))
    with pytest.raises(ConfigError, match="is no folder"):
        predict(command=(sys.executable,), cwd=str(tmp_path / "nowhere"))
    (tmp_path / "data.bin").write_bytes(b"\x7fELF")
    (tmp_path / "data.bin").chmod(0o755)
    with pytest.raises(ConfigError, match=r"data\.bin"):
        predict(command=(str(tmp_path / "data.bin"),))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'command' is missing"),
        ({"command": []}, "command"),
        ({"command": [""]}, "names the program"),
        ({"command": ["a\0"]}, "zero character"),
        ({"command": "python predict.py"}, r'as a list: \["python", "predict.py"\]'),
        ({"command": ["a"], "timeout": 0}, "timeout"),
        ({"command": ["a"], "timeout": math.inf}, "timeout"),
        ({"command": ["a"], "labels": {"PERSON": ""}}, "renamed to nothing"),
        ({"command": ["a"], "shell": True}, "'shell' is no setting"),
    ],
)
def test_wrong_options_are_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Recognizer.create("external", [], options=values)
    assert "\n" not in str(caught.value)


def test_meta_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    bad = Document("d", "Ada", meta={"x": object()})
    with pytest.raises(DataError, match="'d' cannot be written as JSON"):
        made(tmp_path, say(answer(0))).predict([ASKED[0], bad])


def test_the_whole_tree_is_ended_with_it(tmp_path: Path) -> None:
    note = tmp_path / "child"
    text = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
    ) + say(answer(0))
    found = made(tmp_path, text + "sys.stdout.flush(); time.sleep(600)", timeout=1).predict(ASKED)
    assert lost(found[1]) == "external: no answer for 1 s"
    assert not alive(int(note.read_text()))


def test_an_interrupted_call_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Answers, line: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Answers, "take", interrupted)
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, say(answer(0)) + "sys.stdout.flush(); time.sleep(600)").predict(ASKED)
    assert set(psutil.Process().children()) <= before


# ---------------------------------------------------------------------- where it runs


def test_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "print(json.dumps({'id': '0', 'spans': [], 'raw': [os.getcwd(), os.environ.get('ONOMA_TEST', '')]}))"
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path)
    model = made(tmp_path, text, cwd="inside", env={"ONOMA_TEST": "é"})
    assert model.options.cwd == str(tmp_path / "inside")
    monkeypatch.chdir("/")
    (found,) = model.predict(ASKED[:1])
    assert isinstance(found.raw, tuple) and found.raw[1] == "é"
    assert Path(found.raw[0]).samefile(tmp_path / "inside")


def test_a_program_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder in which it was named is saved with it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    command = json.dumps([*program(tmp_path)[:-1], "program.py"])
    assert main(["train", "--model", "external", "--out", "model", "--options.command", command]) == 0
    assert "warning" not in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert onoma.load("../model").predict(CORPUS)[0].spans
    missing = '["no-such-program"]'
    assert main(["train", "--model", "external", "--out", "other", "--options.command", missing]) == 0
    assert "warning: external: there is no program 'no-such-program'" in capsys.readouterr().err
    progress.use(None)


def test_no_value_of_the_environment_is_recorded() -> None:
    options = ExternalOptions(command=("a",), env={"TOKEN": "s3cret"})
    assert options.recorded() == {**options.model_dump(mode="json"), "env": {"TOKEN": "***"}}
    assert ExternalOptions.masked({"command": ["a"], "env": {"TOKEN": "s3cret"}})["env"] == {"TOKEN": "***"}


def test_a_saved_folder_is_card_and_page_alone_and_starts_nothing_when_read(tmp_path: Path) -> None:
    command = program(tmp_path)
    saved = Recognizer.create("external", [], options={"command": json.dumps(command), "cwd": str(tmp_path)})
    saved.save(tmp_path / "model")
    assert sorted(each.name for each in (tmp_path / "model").iterdir()) == ["README.md", "onoma.json"]
    again = onoma.load(tmp_path / "model")
    assert again.model.options == saved.model.options and again.labels == ()
    assert again.predict(CORPUS) == saved.predict(CORPUS)
    card = json.loads((tmp_path / "model" / "onoma.json").read_text(encoding="utf-8"))
    assert (card["options"]["command"], card["options"]["cwd"]) == (command, str(tmp_path))
    (tmp_path / "program.py").unlink()
    with pytest.raises(ModelError, match=r"program\.py"):
        onoma.load(tmp_path / "model").predict(CORPUS)


def test_on_the_command_line_it_needs_no_training_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = json.dumps(program(tmp_path))
    out = str(tmp_path / "model")
    datasets.write(CORPUS, tmp_path / "gold.conll")
    assert main(["train", "--model", "external", "--out", out, "--options.command", command]) == 0
    assert "external, seed 1, nothing to train" in " ".join(capsys.readouterr().out.split())
    assert main(["predict", out, str(tmp_path / "gold.conll"), "-o", str(tmp_path / "found.jsonl")]) == 0
    assert len(datasets.read_predictions(tmp_path / "found.jsonl")) == len(CORPUS)
    capsys.readouterr()
    assert main(["train", "--model", "feature_crf", "--out", out]) == 2
    assert "'train' is missing: feature_crf learns from labelled files" in capsys.readouterr().err
    progress.use(None)


def test_a_stream_is_asked_in_large_calls(tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'calls')!r}, 'a').write('x')\n"
    model = External.create((), ExternalOptions(command=tuple(program(tmp_path, count + PROGRAM))), 1)
    recognizer = Recognizer.join(None, model)
    assert len(list(recognizer.pipe(["Ada left Rome ."] * 6000))) == 6000
    assert len(list(recognizer.pipe(["Ada"] * 3, look_ahead=1))) == 3
    assert (tmp_path / "calls").read_text() == "x" + "xxx"


def test_what_the_answers_depend_on(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("")
    (tmp_path / "model").mkdir()
    beside = tmp_path.parent / "beside.txt"
    beside.write_text("")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    nothing = (".", "..", "../..", "/", "/dev/stdin", "/dev/null", "pipe", "--fast", "x" * 5000, "sub/..", "nowhere")
    options = ExternalOptions(command=("python", "predict.py", "./model/../model", "model", *nothing, "../beside.txt"))
    assert options.located(tmp_path).depends_on() == (tmp_path / "predict.py", tmp_path / "model", beside)
    options = ExternalOptions(command=("python", "predict.py", "model", ".", "--fast", "x" * 5000))
    assert options.located(tmp_path).depends_on() == (tmp_path / "predict.py", tmp_path / "model")
    assert options.located(tmp_path).cwd == str(tmp_path)
    assert ExternalOptions(command=("a",), cwd="inside").located(tmp_path).cwd == str(tmp_path / "inside")


# ---------------------------------------------------------------------- any output at all

KEYS = ["id", "spans", "start", "end", "label", "text", "score", "fragments", "problems", "tags", "raw", "kind"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats() | st.text(max_size=5) | st.just("PER"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
SPANS = st.fixed_dictionaries(
    {"start": st.integers(-1, 20), "end": st.integers(-1, 20), "label": st.sampled_from(["PER", "", "\ud800"])},
    optional={"score": VALUES, "text": VALUES, "fragments": VALUES},
)
RECORDS = st.fixed_dictionaries(
    {"id": st.sampled_from(["0", "1", "2", "x"]), "spans": st.lists(SPANS | VALUES, max_size=4)},
    optional={"tags": VALUES, "raw": VALUES, "problems": VALUES, "text": VALUES},
)
OUTPUT = st.lists(
    (RECORDS | VALUES).map(lambda value: json.dumps(value).encode() + b"\n")
    | st.binary(max_size=20)
    | RECORDS.map(lambda value: json.dumps(value).encode()[:-3] + b"\n"),
    max_size=8,
)


@given(OUTPUT)
def test_any_output_becomes_predictions_that_can_be_written_and_read(output: list[bytes]) -> None:
    answers = Answers([each.id for each in ASKED], ASKED, {})
    for line in output:
        answers.take(line)
    for id, found in answers.found.items():
        assert found.document_id == id in answers.asked
        line = prediction_line(answers.asked[id], found)
        line.encode("utf-8")
        assert json.loads(line)["id"] == id
