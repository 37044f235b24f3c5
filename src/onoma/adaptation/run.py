"""One run: measure, train on, measure again, write the folder."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from onoma import progress
from onoma.adaptation.blocks import Block
from onoma.adaptation.model import MaskedModel
from onoma.adaptation.settings import AdaptationSettings
from onoma.adaptation.texts import hold_out
from onoma.exceptions import ConfigError, DataError
from onoma.files import claim_folder, replacing_folder
from onoma.models.base import Fitted
from onoma.models.pretrained import require_torch, resolve
from onoma.training.distributed import processes
from onoma.version import __version__

__all__ = ["CARD", "Adapted", "Measured", "adapt", "claim"]

CARD = "adapt.json"


class Measured(BaseModel):
    """How well the masked pieces of the held-out text are guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: float
    """Mean -log p of a masked piece, in nats."""
    perplexity: float
    """exp(loss)."""
    masked_pieces: int


class Adapted(BaseModel):
    """The record of a run, saved as `adapt.json`; it holds no clock, so the same run writes the same bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    onoma: str = __version__
    format: Literal[1] = 1
    settings: dict[str, Any]
    head: Literal["kept", "new"]
    """Whether the encoder came with a masked-language-model head. What was measured before a new one had learnt
    anything says nothing about the encoder."""
    documents: int
    blocks: int
    pieces: int
    """Of what was learnt from, without special tokens, as the following two of what was held out."""
    held_out_documents: int
    held_out_pieces: int
    before: Measured | None
    """None where nothing was held out."""
    after: Measured | None
    epochs: float
    best_epoch: float | None
    curve: tuple[dict[str, float], ...]
    """One row an epoch: training loss and held-out loss."""
    files: tuple[str, ...]


def adapt(texts: Sequence[str], out: Path, settings: AdaptationSettings) -> tuple[Adapted, Fitted]:
    """Pre-train an encoder further on `texts`, one string a document, by masked words, and write it as a folder.

    The folder (encoder, head, tokenizer, `adapt.json`) appears whole or not at all. A run that was killed goes on from
    its last epoch when called again. Of the epochs the one with the lowest held-out loss is kept. Raises `DataError`
    where there is nothing to learn, `ModelError` for an encoder that cannot be used, `ConfigError` for a folder with
    other things in it and under a launcher of several processes. Gururangan et al. 2020.
    """
    require_torch()
    if processes() > 1:
        raise ConfigError("adapt trains in one process: start it without a launcher")
    claim(out)
    learnt, held = hold_out([text for text in texts if text.strip()], settings.held_out)
    model = MaskedModel.load(resolve(settings.encoder), settings)
    blocks, held_blocks = model.packer.blocks(learnt), model.packer.blocks(held)
    for name, some in (("to learn from", blocks), ("held out", held_blocks)):
        if not any((block.words >= 0).any() for block in some) and (some is blocks or held):
            raise DataError(f"the text {name} has no word that the encoder's tokenizer knows")
    held_pieces = _pieces(held_blocks)
    progress.say(
        f"{len(learnt):,} documents to learn from, {_pieces(blocks):,} pieces in {len(blocks):,} blocks; "
        f"{len(held):,} held out, {held_pieces:,} pieces"
    )
    before = _measure(model, held_blocks)
    if before is not None:
        progress.say(f"held-out loss before: {before.loss:.3f} (perplexity {before.perplexity:,.1f})")
    fitted = _train(model, blocks, held_blocks, texts, out, settings)
    after = _measure(model, held_blocks)
    with replacing_folder(out, keep="checkpoints") as scratch:
        model.save(scratch)
        adapted = Adapted(
            settings=settings.model_dump(mode="json", exclude={"out"}),
            head="new" if model.new else "kept",
            documents=len(learnt),
            blocks=len(blocks),
            pieces=_pieces(blocks),
            held_out_documents=len(held),
            held_out_pieces=held_pieces,
            before=before,
            after=after,
            epochs=fitted.epochs,
            best_epoch=fitted.best_epoch,
            curve=tuple(_row(row) for row in fitted.curve),
            files=tuple(sorted((CARD, *(each.name for each in scratch.iterdir())))),
        )
        text = json.dumps(adapted.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
        (scratch / CARD).write_text(text, encoding="utf-8", newline="\n")
    return adapted, fitted


def _train(
    model: MaskedModel,
    blocks: Sequence[Block],
    held: Sequence[Block],
    texts: Sequence[str],
    out: Path,
    settings: AdaptationSettings,
) -> Fitted:
    from onoma.training.trainer import train

    read = hashlib.sha256()
    for text in texts:
        read.update(hashlib.sha256(text.encode()).digest())
    parts = (settings.model_dump(mode="json", exclude={"out", "keep_checkpoints"}), read.hexdigest())
    key = hashlib.sha256(repr(parts).encode()).hexdigest()
    validate = (lambda: -model.held_out_loss(held)[0]) if held else None
    return train(model, blocks, settings, out, settings.seed, validate, key=key)


def _measure(model: MaskedModel, held: Sequence[Block]) -> Measured | None:
    import torch

    if not held:
        return None
    if torch.accelerator.is_available():
        model.module.to(torch.accelerator.current_accelerator())
    loss, count = model.held_out_loss(held)
    return Measured(loss=loss, perplexity=math.exp(loss), masked_pieces=count)


def _row(row: dict[str, float]) -> dict[str, float]:
    """An epoch's row with the held-out loss for the score that training raised."""
    return {("held_out_loss" if name == "dev_f1" else name): (-value if name == "dev_f1" else value)
            for name, value in row.items()}  # fmt: skip


def _pieces(blocks: Sequence[Block]) -> int:
    return sum(len(block.ids) for block in blocks)


def claim(folder: Path) -> None:
    """Raise `ConfigError` where a folder holds anything but an adapted encoder or an unfinished one."""
    claim_folder(folder, "an adapted encoder", {"checkpoints", *_written(folder)})


def _written(folder: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads((folder / CARD).read_text(encoding="utf-8"))["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
