"""Tiny encoders of real architectures with tokenizers of their own kind, built in the test and saved to disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = "Ada Byron left London in Rome , saw Bob . the of and New York City nobody met 3 May".split()


def save_bert(folder: Path, words: list[str] | None = None, positions: int = 40) -> Path:
    """A two-layer BERT with WordPiece (cased; unknown words fall into letters)."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,'"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(words or WORDS)]
    vocabulary += [each for each in letters if each not in vocabulary] + [f"##{each}" for each in letters]
    tokenizer = Tokenizer(
        models.WordPiece({each: n for n, each in enumerate(dict.fromkeys(vocabulary))}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=positions,
    )
    config = BertConfig(**_sizes(len(fast), positions))
    return _save(folder, fast, BertModel, config)


def save_roberta(folder: Path, positions: int = 40) -> Path:
    """A two-layer RoBERTa with byte-level BPE; its pad id is 1 and positions begin behind it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    folder.mkdir(parents=True, exist_ok=True)
    fast = RobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions)
    config = RobertaConfig(**_sizes(len(fast), positions + 2), pad_token_id=1)
    return _save(folder, fast, RobertaModel, config)


def _sizes(vocabulary: int, positions: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": positions,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }


def _save(folder: Path, tokenizer: Any, kind: Any, config: Any) -> Path:
    import torch

    torch.manual_seed(0)
    tokenizer.save_pretrained(folder)
    kind(config).save_pretrained(folder)
    return folder
