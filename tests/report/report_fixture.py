"""Realistic results made from a seeded generator: no number here was ever measured."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

LABELS = {
    "news": ["PER", "LOC", "ORG", "MISC"],
    "tweets": ["PER", "LOC", "ORG", "PRODUCT", "WORK"],
    "politics": ["PER", "LOC", "ORG", "PARTY", "ELECTION", "EVENT"],
}
SIGNATURE = "onoma 0.1.0 | spans:strict | repair:conlleval | resample:document n:{n} x1000 | seed-mean | ci:95"


def score(rng: random.Random, f1: float, support: int) -> dict[str, Any]:
    lean = rng.uniform(-0.02, 0.02)
    precision, recall = min(1.0, f1 + lean), max(0.0, f1 - lean)
    value = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    width = 0.8 / max(support, 4) ** 0.5
    tp = recall * support
    return {
        "precision": precision,
        "recall": recall,
        "f1": value,
        "f1_interval": [max(0.0, value - width), min(1.0, value + width)],
        "support": support,
        "tp": tp,
        "fp": tp / precision - tp if precision else 0.0,
        "fn": support - tp,
        "undefined": [],
    }


def set_info(name: str, role: str, labels: list[str], rng: random.Random) -> dict[str, Any]:
    documents = rng.randint(80, 300)
    return {
        "role": role,
        "documents": documents,
        "sentences": documents * 14,
        "tokens": documents * 201,
        "mentions": 400 * len(labels),
        "labels": labels,
        "sha256": f"{rng.getrandbits(256):064x}",
        "source": f"data/{name}/test.conll",
        "description": f"Made-up {name}, annotated by nobody.",
        "notes": ["2 mentions of TITLE dropped: not among the labels"] if role == "out_of_domain" else [],
    }


def set_scores(rng: random.Random, name: str, level: float, labels: list[str], seeds: list[int], tags: bool) -> Any:
    by_label = {
        label: score(rng, min(0.99, max(0.02, level + rng.uniform(-0.15, 0.06))), 60 + 170 * index)
        for index, label in enumerate(labels)
    }
    n = sum(block["support"] for block in by_label.values())
    if name == "politics":
        by_label["ELECTION"] = score(rng, 0.5, 41) | dict.fromkeys(("precision", "recall", "f1", "tp", "fp"), 0.0)
        by_label["ELECTION"] |= {"undefined": ["precision"], "f1_interval": None, "fn": 41}
    per_seed = [
        {
            "seed": seed,
            "micro_f1": level + drift,
            "macro_f1": level + drift - 0.03,
            "precision": level + drift + 0.01,
            "recall": level + drift - 0.01,
        }
        for seed, drift in zip(seeds, (0.006, -0.004, -0.002), strict=False)
    ]
    return {
        "micro": score(rng, level, n),
        "macro": score(rng, level - 0.03, n),
        "weighted": None,
        "by_label": by_label,
        "unlabelled": score(rng, level + 0.03, n),
        "accuracy": {"value": 0.83 + 0.15 * level, "baseline": 0.8312} if tags else None,
        "problems": {} if tags else {"ungrounded": 12, "malformed": 3.5, "duplicate": 0},
        "signature": SIGNATURE.format(n=211),
        "per_seed": per_seed,
    }


def training(rng: random.Random, seeds: list[int], epochs: int, level: float) -> list[dict[str, Any]]:
    return [
        {
            "seed": seed,
            "epochs": epochs,
            "best_epoch": epochs - 1,
            "curve": [
                {
                    "epoch": epoch,
                    "loss": 1.8 * 0.55**epoch + rng.uniform(0, 0.05),
                    "dev_f1": level - 0.5 * 0.45**epoch + rng.uniform(-0.01, 0.01) - (0.01 if epoch == epochs else 0),
                }
                for epoch in range(1, epochs + 1)
            ],
        }
        for seed in seeds
    ]


def system(rng: random.Random, row: tuple[Any, ...], sets: dict[str, Any]) -> dict[str, Any]:
    name, family, level, drop, words, size, tags, epochs = row
    seeds = [1, 2, 3]
    scores = {}
    for set_name, info in sets.items():
        here = level if info["role"] == "in_domain" else level - drop - rng.uniform(0, 0.12)
        scores[set_name] = set_scores(rng, set_name, here, info["labels"], seeds, tags)
    return {
        "name": name,
        "family": family,
        "seeds": seeds,
        "status": "ok",
        "error": None,
        "options": {"epochs": epochs} if epochs else {"c1": 0.1, "c2": 0.01},
        "scores": scores,
        "train": {"seconds": 2.1e6 / words, "words_per_second": words / 4},
        "predict": {n: {"seconds": i["tokens"] / words, "words_per_second": words} for n, i in sets.items()},
        "peak_memory_mb": 300 + 9 * size,
        "size_mb": size,
        "training": training(rng, seeds, epochs, level) if epochs else [],
    }


def comparisons(systems: list[dict[str, Any]], sets: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name in sets:
        for a, b in combinations([s for s in systems if name in s["scores"]], 2):
            gap = a["scores"][name]["micro"]["f1"] - b["scores"][name]["micro"]["f1"]
            p = 0.0009990009990009 if abs(gap) > 0.025 else 0.2113
            rows.append(
                {
                    "set": name,
                    "metric": "micro_f1",
                    "a": a["name"],
                    "b": b["name"],
                    "difference": gap,
                    "interval": [max(-1.0, gap - 0.025), min(1.0, gap + 0.025)],
                    "p_value": p,
                    "p_adjusted": min(1.0, 3 * p),
                    "test": "paired approximate randomisation over documents and seeds, 1000 draws, Holm",
                }
            )
    return rows


ROWS = [
    ("crf", "feature_crf", 0.792, 0.21, 31400.0, 4.1, True, 0),
    ("minilm", "encoder_tagger", 0.885, 0.17, 1240.0, 88.0, True, 6),
    ("t5-small xml", "seq2seq", 0.874, 0.14, 96.0, 242.0, False, 8),
]
ABSENT = [("llama-8b brackets", "causal_lm", "failed"), ("gliner", "external", "skipped")]
ERRORS = {
    "failed": "out of memory: the model needs 16.1 GB and 11.8 GB are free",
    "skipped": "needs an optional dependency: pip install 'onoma[llm]'",
}


def build(seed: int = 7) -> dict[str, Any]:
    """Results of three systems on three sets with three seeds, one system failed and one skipped."""
    rng = random.Random(seed)
    roles = {"news": "in_domain", "tweets": "out_of_domain", "politics": "out_of_domain"}
    sets = {name: set_info(name, role, LABELS[name], rng) for name, role in roles.items()}
    systems = [system(rng, row, sets) for row in ROWS]
    systems += [
        {"name": name, "family": family, "seeds": [1, 2, 3], "status": status, "error": ERRORS[status]}
        for name, family, status in ABSENT
    ]
    return _results(sets, systems, comparisons(systems[:3], sets))


def large(seed: int = 11) -> dict[str, Any]:
    """Five systems on ten sets of fourteen labels, all pairs compared: the largest page we promise to keep small."""
    rng = random.Random(seed)
    labels = [f"LABEL_{index}" for index in range(14)]
    sets = {
        f"set-{index}": set_info(f"set-{index}", "in_domain" if index == 0 else "out_of_domain", labels, rng)
        for index in range(10)
    }
    rows = [(f"system-{i}", "encoder_tagger", 0.7 + 0.04 * i, 0.2, 900.0 * 3**i, 50.0, True, 10) for i in range(5)]
    systems = [system(rng, row, sets) for row in rows]
    return _results(sets, systems, comparisons(systems, sets))


def _results(sets: dict[str, Any], systems: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": 1,
        "created": "2026-11-20T14:03:11Z",
        "config": {"name": "news to the world", "seeds": [1, 2, 3], "train": {"file": "data/news/train.conll"}},
        "environment": {
            "onoma": "0.1.0",
            "python": "3.12.4",
            "platform": "Linux x86_64",
            "cores": 2,
            "packages": {"numpy": "2.1.0", "torch": "2.13.0"},
        },
        "sets": sets,
        "systems": systems,
        "comparisons": rows,
    }
