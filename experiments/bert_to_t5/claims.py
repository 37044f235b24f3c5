"""The study's claims, and how each is measured here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean

from experiments.analysis import adjusted, gap, mean_scores, paired, randomised
from experiments.claims import Claim, Found, Row, told
from experiments.pages import difference
from onoma.report.numbers import percent

__all__ = ["CLAIMS"]

HOME, AWAY = "ewt-test", "pud"
ALPHAS = ("0.8", "0.7", "0.2")


def _falls_away(found: Found) -> Row:
    return told([(name, gap(found[f"{key}-full"], HOME, AWAY)) for key, name in _MODELS.items()], -1)


_MODELS = {"minilm": "MiniLM", "bilstm": "BiLSTM-CRF"}


PLACES = tuple((scheme, name) for scheme in ("full", "simple") for name in (HOME, AWAY))


def _leads(ahead: str, behind: str) -> Callable[[Found], Row]:
    def row(found: Found) -> Row:
        sides = ((found[f"{ahead}-{scheme}"], found[f"{behind}-{scheme}"], name) for scheme, name in PLACES)
        return told([(f"{each[0]}, {each[1]}", paired(*side)) for each, side in zip(PLACES, sides, strict=True)], 1)

    return row


def _simple_helps(models: Mapping[str, str]) -> Callable[[Found], Row]:
    def row(found: Found) -> Row:
        return told(
            [
                (f"{shown}, {name}", paired(found[f"{key}-simple"], found[f"{key}-full"], name))
                for key, shown in models.items()
                for name in (HOME, AWAY)
            ],
            1,
        )

    return row


def _generator_falls(found: Found) -> Row:
    return told([("generator", gap(found["generator-full"], HOME, AWAY))], -1)


def _likelihood_fails(found: Found) -> Row:
    free, grounded = found["generator-full"], found["generator-full-grounded"]
    return told([(name, paired(grounded, free, name)) for name in (HOME, AWAY)], -1)


LAYOUTS = ("separator", "prefix", "newline")


def _last_layout_is_best(found: Found) -> Row:
    best = found["quarter-generator-fields"]
    return told([(f"over {each}", randomised(best, found[f"quarter-generator-{each}"], HOME)) for each in LAYOUTS], 1)


def _alpha_gains(found: Found) -> Row:
    base = found["quarter-full"]
    return told(
        [(f"weight {alpha}", randomised(found[f"quarter-full-alpha-{alpha}"], base, HOME)) for alpha in ALPHAS], 1
    )


def _alpha_trades(scheme: str) -> Callable[[Found], Row]:
    def row(found: Found) -> Row:
        base = found[f"quarter-{scheme}"]
        systems = [found[f"quarter-{scheme}-alpha-{alpha}"] for alpha in ALPHAS]
        parts = []
        verdicts = []
        for statistic, sign in (("recall", 1), ("precision", -1)):
            tested = adjusted([paired(each, base, HOME, statistic) for each in systems])
            parts += [f"{statistic} at {alpha} {difference(each)}" for alpha, each in zip(ALPHAS, tested, strict=True)]
            way = sum(each.value * sign > 0 for each in tested)
            held = sum(each.holds and each.value * sign > 0 for each in tested)
            wrong = sum(each.holds and each.value * sign < 0 for each in tested)
            verdicts.append(
                f"{statistic} {'up' if sign > 0 else 'down'} at {way} of {len(tested)} weights, significantly at {held}"
                + (f", significantly the other way at {wrong}" if wrong else "")
            )
        return "; ".join(parts), "; ".join(verdicts)

    return row


def _matching_is_recall(found: Found) -> Row:
    block = mean_scores(found["minilm-full"], HOME)["micro"]
    right, gold = block["tp"], block["support"]
    same = abs(right / gold - block["recall"]) < 1e-9
    return f"{right:g} / {gold:g} = {percent(right / gold)}; recall {percent(block['recall'])}", (
        "it is recall under another name" if same else "no"
    )


def _unlabelled_is_higher(found: Found) -> Row:
    shown, same = [], []
    for scheme in ("full", "simple"):
        block = mean_scores(found[f"minilm-{scheme}"], HOME)
        one, other = block["micro"]["recall"], block["unlabelled"]["recall"]
        shown.append(f"{scheme}: {percent(one)} with labels, {percent(other)} without")
        same.append(other - one)
    good = same[0] >= 0 and abs(same[1]) < 1e-9
    return "; ".join(shown), "yes; it cannot be otherwise" if good else "no"


def _macro_is_another(found: Found) -> Row:
    block = mean_scores(found["minilm-simple"], HOME)
    micro = " / ".join(percent(block["micro"][ratio]) for ratio in _RATIOS)
    macro = " / ".join(percent(block["macro"][ratio]) for ratio in _RATIOS)
    same = all(abs(block["micro"][ratio] - block["macro"][ratio]) < 1e-9 for ratio in _RATIOS)
    return f"micro {micro}, macro {macro}", "no: with one type they are the same" if same else "yes"


_RATIOS = ("precision", "recall", "f1")


def _accuracy_is_high(found: Found) -> Row:
    blocks = {name: mean_scores(found[f"{key}-full"], HOME)["accuracy"] for key, name in _MODELS.items()}
    shown = "; ".join(f"{name} {percent(block['value'])}" for name, block in blocks.items())
    baseline = fmean(block["baseline"] for block in blocks.values())
    high = all(block["value"] > 0.95 for block in blocks.values())
    return f"{shown}; answering O alone {percent(baseline)}", (
        f"{'yes' if high else 'no'}; {percent(baseline)} of it is there for nothing"
    )


def _lengths(found: Found) -> Row:
    data = found["minilm-full"][0]["train"]
    lengths = {int(size): number for size, number in data["lengths"].items()}
    total = sum(lengths.values())
    first = sum(number for tag, number in data["tags"].items() if tag.startswith("B-"))
    inside = sum(number for tag, number in data["tags"].items() if tag.startswith("I-"))
    single, longer = lengths.get(1, 0), total - lengths.get(1, 0)
    two = lengths.get(2, 0) / longer if longer else 0.0
    return (
        f"B to I {first / max(inside, 1):.2f}, mean length {(first + inside) / first:.2f}; {percent(single / total)} % "
        f"are one token, of the others {percent(two)} % two",
        f"most longer ones have two tokens: {'yes' if two > 0.5 else 'no'}; but the ratio says nothing of it",
    )


HEADLINE = ("minilm-full", "bilstm-full", "minilm-simple", "bilstm-simple")
GENERATOR = ("generator-full", "generator-simple")
SWEEPS = {
    scheme: (f"quarter-{scheme}", *(f"quarter-{scheme}-alpha-{alpha}" for alpha in ALPHAS))
    for scheme in ("full", "simple")
}

CLAIMS = (
    Claim("F1 falls out of domain: BERT 84.7 to 76.6", HEADLINE[:2], _falls_away),
    Claim("the encoder is ahead in every cell (there of T5, here of a BiLSTM-CRF)", HEADLINE,
          _leads("minilm", "bilstm")),
    Claim("BERT is ahead of T5 in every cell: 84.7 to 68.1 at home, 76.6 to 58.9 away (full)",
          (*HEADLINE[::2], *GENERATOR), _leads("minilm", "generator")),
    Claim("T5 falls out of domain: 68.1 to 58.9", GENERATOR[:1], _generator_falls),
    Claim("one type in place of three raises F1: BERT 84.7 to 87.0", HEADLINE, _simple_helps(_MODELS)),
    Claim("the same for T5: 68.1 to 71.8 (its text says +10.9)", GENERATOR, _simple_helps({"generator": "generator"})),
    Claim("validation by likelihood gives 18.5 F1, by generation 64.9", (GENERATOR[0], f"{GENERATOR[0]}-grounded"),
          _likelihood_fails),
    Claim("of four layouts of the question the last is best",
          tuple(f"quarter-generator-{each}" for each in (*LAYOUTS, "fields")), _last_layout_is_best),
    Claim("O weighed 0.8 gains 0.3 F1 over 1.0 (full; one seed, dev set)", SWEEPS["full"], _alpha_gains),
    Claim("less weight on O: recall up, precision down (simple: P 86.9 to 85.5, R 85.3 to 88.1)", SWEEPS["simple"],
          _alpha_trades("simple")),
    Claim("the same under the full scheme, where its rows go the other way (P 80.4 to 82.0, R 83.9 to 82.9)",
          SWEEPS["full"], _alpha_trades("full")),
    Claim("the labelled matching score is a measure beside recall", HEADLINE[:1], _matching_is_recall),
    Claim("the unlabelled matching score is above the labelled one (87.7, 84.8), with one type equal", HEADLINE[:3:2],
          _unlabelled_is_higher),
    Claim("with one type, macro (85.2 / 87.8 / 86.5) differs from micro (86.4 / 87.6 / 87.0)", HEADLINE[2:3],
          _macro_is_another),
    Claim("token accuracy is about 98 for every model", HEADLINE[:2], _accuracy_is_high),
    Claim("B is twice as frequent as I, so most names of several tokens have two", HEADLINE[:1], _lengths),
)  # fmt: skip
