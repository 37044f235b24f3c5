"""The weights of a linear-chain CRF as arrays: read from a crfsuite file just trained, saved as safetensors + JSON."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onoma.exceptions import ModelError

__all__ = ["Weights", "read_crfsuite"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """State weights `state` [attributes, tags] and transition weights `transition` [tag before, tag after]."""

    tags: tuple[str, ...]
    attributes: tuple[str, ...]
    state: Floats
    transition: Floats

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` (non-zero state weights as coordinates) and `attributes.json`."""
        from safetensors.numpy import save_file

        rows, columns = np.nonzero(self.state)
        tensors = {
            "rows": rows.astype(np.int32),
            "columns": columns.astype(np.int16),
            "values": self.state[rows, columns],
            "transition": np.ascontiguousarray(self.transition),
        }
        save_file(tensors, folder / "weights.safetensors")
        text = json.dumps(self.attributes, ensure_ascii=False, separators=(",", ":"))
        (folder / "attributes.json").write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, tags: tuple[str, ...]) -> Weights:
        """The weights in a folder; raises `ModelError` where they are damaged or of another size."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(folder / "weights.safetensors")
            attributes = json.loads((folder / "attributes.json").read_text(encoding="utf-8"))
            state = np.zeros((len(attributes), len(tags)))
            state[tensors["rows"], tensors["columns"]] = tensors["values"]
            transition = tensors["transition"]
        except (OSError, ValueError, KeyError, IndexError, SafetensorError) as problem:
            raise ModelError(f"{folder}: the weights are missing or damaged: {problem}") from problem
        if transition.shape != (len(tags), len(tags)):
            raise ModelError(f"{folder}: weights for {transition.shape[0]} tags, the model names {len(tags)}")
        return cls(tags, tuple(attributes), state, transition)


_HEADER = struct.Struct("<4sI4sIIIIIIIII")
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("target", "<u4"), ("weight", "<f8")])


def read_crfsuite(path: Path) -> Weights:
    """Weights of a first-order CRF file that crfsuite has just written (its text dump keeps six digits only).

    Only ever called on a file this process trained: the format has no checks of its own. Raises `ModelError`.
    """
    data = path.read_bytes()
    magic, _, kind, _, _, tag_count, attribute_count, at_features, at_tags, at_attributes, _, _ = _HEADER.unpack_from(
        data
    )
    if magic != b"lCRF" or kind != b"FOMC":
        raise ModelError(f"{path}: not a first-order crfsuite model")
    (count,) = struct.unpack_from("<I", data, at_features + 8)
    features = np.frombuffer(data, dtype=_FEATURE, count=count, offset=at_features + 12)
    state = np.zeros((attribute_count, tag_count))
    transition = np.zeros((tag_count, tag_count))
    of_state = features[features["kind"] == 0]
    of_transition = features[features["kind"] == 1]
    state[of_state["source"], of_state["target"]] = of_state["weight"]
    transition[of_transition["source"], of_transition["target"]] = of_transition["weight"]
    return Weights(
        tuple(_strings(data, at_tags, tag_count)),
        tuple(_strings(data, at_attributes, attribute_count)),
        state,
        transition,
    )


def _strings(data: bytes, base: int, count: int) -> list[str]:
    """The strings of a constant quark database by number: an array of record offsets lies at its end."""
    backward_size, backward = struct.unpack_from("<II", data, base + 16)
    if backward_size < count:
        raise ModelError("the crfsuite model holds fewer names than it says")
    offsets = struct.unpack_from(f"<{count}I", data, base + backward)
    names: list[str] = []
    for number, offset in enumerate(offsets):
        found, size = struct.unpack_from("<II", data, base + offset)
        if found != number:
            raise ModelError("the crfsuite model's names are out of order")
        names.append(data[base + offset + 8 : base + offset + 8 + size - 1].decode("utf-8"))
    return names
