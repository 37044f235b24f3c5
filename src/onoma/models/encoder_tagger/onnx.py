"""Encoder taggers as ONNX: export of all that makes emissions, in 32 or 8 bits, and the runtime of such a folder."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onoma.exceptions import ConfigError, MissingExtraError, ModelError
from onoma.models.encoder_tagger.backbone import load_tokenizer
from onoma.models.encoder_tagger.options import EncoderTaggerOptions
from onoma.models.encoder_tagger.runtime import Batch, cores
from onoma.models.pretrained import LOADING, first_line, quietly
from onoma.schemes import TagSet

__all__ = ["MODEL", "PARITY", "OnnxRuntime", "export", "load"]

MODEL = "model.onnx"
PARITY = "parity.json"
"""The check of an export against the model it was made from, where there was one."""
CHAIN = "chain.safetensors"
FILES = (MODEL, f"{MODEL}.data", CHAIN, PARITY, "config.json")
LARGE = 1_500_000_000
"""Bytes of weights from which on they get a file of their own: one ONNX file holds two gigabytes."""


@dataclass(frozen=True)
class SavedChain:
    """Start [T], transition [T, T] and end [T] of a CRF, -inf where illegal."""

    parts: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """As `LinearChainCrf.scores`."""
        return self.parts


class OnnxRuntime:
    """An exported tagger on ONNX Runtime; the calls of `TorchRuntime`, without torch."""

    def __init__(self, folder: Path, config: Any, crf: SavedChain | None, threads: int | None) -> None:
        require_onnxruntime()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # its exceptions share no other base
            raise ModelError(f"{folder / MODEL}: missing or damaged: {first_line(problem)}") from problem
        self.folder = folder
        self.config = config
        self.crf = crf
        self.precision = self._session.get_modelmeta().custom_metadata_map.get("precision", "fp32")
        self._inputs = {value.name for value in self._session.get_inputs()}
        self.word_shape = "shapes" in self._inputs

    @contextmanager
    def session(self) -> Iterator[None]:
        """Nothing of the process is changed: threads belong to the runtime."""
        yield

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Emissions [windows, words, T]."""
        emissions: Any = self._session.run(None, {name: batch[name] for name in self._inputs})[0]
        return emissions

    def save(self, folder: Path) -> None:
        """Copy the exported files; the tokenizer is saved by itself."""
        for name in FILES:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)


def require_onnxruntime() -> None:
    """Raise `MissingExtraError` where ONNX Runtime or the tokenizers are not installed."""
    for name in ("onnxruntime", "transformers"):
        if find_spec(name) is None:
            raise MissingExtraError("a model exported as ONNX", "onnx,torch")


def export(folder: Path, tokenizer: Any, module: Any, *, int8: bool) -> None:
    """Write a tagger's emissions as `model.onnx` with tokenizer and chain into an existing folder.

    In 8 bits all matrices of the encoder but the head's are (see `onnx_int8`). Decoding is not part of it. Raises
    `ConfigError` for an LSTM, whose packed words the exporter cannot write, and `MissingExtraError`.
    """
    if module.lstm is not None:
        raise ConfigError("a tagger with an LSTM cannot be exported as ONNX")
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(name) is None:
            raise MissingExtraError("export as ONNX", "onnx,torch")
    from safetensors.numpy import save_file

    large = sum(value.numel() * value.element_size() for value in module.parameters()) > LARGE
    program = _program(module)
    program.model.metadata_props["precision"] = "int8" if int8 else "fp32"
    program.save(str(folder / MODEL), external_data=large)
    if int8:
        from onoma.models.encoder_tagger.onnx_int8 import quantise_file

        if not quantise_file(folder / MODEL, tags=module.hf.config.num_labels):
            raise ModelError("int8: no matrix was found in the exported graph")
        (folder / f"{MODEL}.data").unlink(missing_ok=True)
    quietly(module.hf.config.save_pretrained, folder)
    quietly(tokenizer.save_pretrained, folder)
    if module.crf is not None:
        # Plain numbers only: what is illegal is left to the tag set, which no file may contradict.
        parts = zip(("start", "transition", "end"), module.crf.scores(), strict=True)
        save_file({name: np.where(np.isneginf(part), 0.0, part) for name, part in parts}, folder / CHAIN)


def load(folder: Path, tagset: TagSet, options: EncoderTaggerOptions) -> tuple[Any, OnnxRuntime]:
    """Tokenizer and runtime of an exported folder; raises `ModelError`, `ConfigError` for another precision."""
    require_onnxruntime()
    from transformers import AutoConfig

    try:
        config = quietly(AutoConfig.from_pretrained, folder, local_files_only=True)
    except LOADING as problem:
        raise ModelError(f"{folder / 'config.json'}: missing or damaged: {first_line(problem)}") from problem
    named = tuple(config.id2label[number] for number in range(config.num_labels))
    if named != tuple(tagset):
        raise ModelError(f"{folder}: config.json names the tags {named}, onoma.json {tuple(tagset)}")
    crf = _chain(folder / CHAIN, tagset) if options.head == "crf" else None
    runtime = OnnxRuntime(folder, config, crf, options.threads)
    if options.precision != runtime.precision:
        raise ConfigError(
            f"{folder}: was exported in {runtime.precision}: export the model again for another precision"
        )
    return load_tokenizer(str(folder)), runtime


def _chain(path: Path, tagset: TagSet) -> SavedChain:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from onoma.models.tagging.chain import Chain

    legal = Chain.legal(tagset)
    try:
        found = load_file(path)
        return SavedChain(
            (legal.start + found["start"], legal.transition + found["transition"], legal.end + found["end"])
        )
    except (*LOADING, SafetensorError) as problem:
        raise ModelError(f"{path}: missing or damaged: {first_line(problem)}") from problem


def _program(module: Any) -> Any:
    import torch

    # Sizes of 0 and 1 would be taken as constants by the exporter; these stand for any.
    batch = {
        "input_ids": torch.ones(2, 6, dtype=torch.long),
        "attention_mask": torch.tensor([[1] * 6, [1] * 5 + [0]]),
        "first": torch.tensor([[1, 2, 4], [1, 3, -1]]),
    }
    if module.shapes is not None:
        batch["shapes"] = torch.ones(2, 6, dtype=torch.long)
    sizes = {name: torch.export.Dim(name) for name in ("windows", "pieces", "words")}
    shapes = {name: {0: sizes["windows"], 1: sizes["words" if name == "first" else "pieces"]} for name in batch}
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    training = module.training
    module.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                module,
                kwargs=batch,
                input_names=list(batch),
                output_names=["emissions"],
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
    except Exception as problem:  # the exporter's own, of many kinds
        raise ModelError(f"this encoder cannot be exported as ONNX: {first_line(problem)}") from problem
    finally:
        module.train(training)
        logger.setLevel(level)
