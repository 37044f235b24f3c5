"""Tiny encoders of real architectures with tokenizers of their own kind, built in the test and saved to disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = "Ada Byron left London in Rome , saw Bob . the of and New York City nobody met 3 May".split()
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,'"


def save_bert(folder: Path, words: list[str] | None = None, positions: int = 40) -> Path:
    """A two-layer BERT with WordPiece (cased; unknown words fall into letters)."""
    from transformers import BertConfig, BertModel

    tokenizer = _word_piece(words or WORDS, positions)
    return _save(folder, tokenizer, BertModel, BertConfig(**_sizes(len(tokenizer), positions)))


def save_minilm(folder: Path, positions: int = 40) -> Path:
    """A two-layer BERT whose WordPiece reads capitals as small letters, as MiniLM's does."""
    from transformers import BertConfig, BertModel

    tokenizer = _word_piece(WORDS, positions, lower=True)
    return _save(folder, tokenizer, BertModel, BertConfig(**_sizes(len(tokenizer), positions)))


def save_electra(folder: Path, positions: int = 40) -> Path:
    """A two-layer ELECTRA whose embeddings are narrower than its layers; WordPiece that lower-cases."""
    from transformers import ElectraConfig, ElectraModel

    tokenizer = _word_piece(WORDS, positions, lower=True)
    config = ElectraConfig(**_sizes(len(tokenizer), positions), embedding_size=16)
    return _save(folder, tokenizer, ElectraModel, config)


def save_roberta(folder: Path, positions: int = 40) -> Path:
    """A two-layer RoBERTa with byte-level BPE; its pad id is 1 and positions begin behind it."""
    from tokenizers import processors
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    tokenizer = _byte_pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    fast = RobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions)
    config = RobertaConfig(**_sizes(len(fast), positions + 2), pad_token_id=1)
    return _save(folder, fast, RobertaModel, config)


def save_xlmr(folder: Path, positions: int = 40) -> Path:
    """A two-layer XLM-R with a unigram model as SentencePiece makes them; its tokenizer states no limit."""
    from tokenizers import normalizers
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    pieces = _unigram(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    fast = XLMRobertaTokenizerFast(vocab=pieces)
    fast.backend_tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    config = XLMRobertaConfig(**_sizes(len(fast), positions + 2), pad_token_id=1)
    return _save(folder, fast, XLMRobertaModel, config)


def save_deberta_v2(folder: Path, positions: int = 40) -> Path:
    """A two-layer DeBERTa-v2 as the large ones are: a convolution beside the first layer, log buckets."""
    return _save_deberta(folder, positions, conv_kernel_size=3, conv_act="gelu")


def save_deberta_v3(folder: Path, positions: int = 40) -> Path:
    """A two-layer DeBERTa-v3: relative positions only."""
    return _save_deberta(folder, positions)


def save_modernbert(folder: Path, positions: int = 8192) -> Path:
    """A three-layer ModernBERT (global, local, local) with byte-level BPE, which states no blank before words."""
    from tokenizers import normalizers, processors
    from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = _byte_pairs(special)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_max_length=positions,
    )
    sizes = {name: value for name, value in _sizes(len(fast), positions).items() if not name.endswith("_prob")}
    config = ModernBertConfig(
        **{**sizes, "num_hidden_layers": 3},
        pad_token_id=3, bos_token_id=1, cls_token_id=1, eos_token_id=2, sep_token_id=2, local_attention=16,
    )  # fmt: skip
    return _save(folder, fast, ModernBertModel, config)


BACKBONES: dict[str, Callable[[Path], Path]] = {
    "bert": save_bert,
    "minilm": save_minilm,
    "electra": save_electra,
    "roberta": save_roberta,
    "xlmr": save_xlmr,
    "deberta_v2": save_deberta_v2,
    "deberta_v3": save_deberta_v3,
    "modernbert": save_modernbert,
}
"""Every architecture, each with its own kind of tokenizer."""


def _word_piece(words: list[str], positions: int, lower: bool = False) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *LETTERS, *(f"##{each}" for each in LETTERS)]
    if lower:
        vocabulary[5:] = [each.lower() for each in vocabulary[5:]]
    numbers = {each: number for number, each in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=positions,
    )


def _byte_pairs(special: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    return tokenizer


def _unigram(before: list[str], after: list[str]) -> list[tuple[str, float]]:
    whole = [(f"▁{word}", -2.0) for word in WORDS]
    parts = [("▁", -4.0), *((letter, -5.0) for letter in LETTERS if f"▁{letter}" not in whole)]
    return [*((each, 0.0) for each in before), *whole, *parts, *((each, 0.0) for each in after)]


def _save_deberta(folder: Path, positions: int, **more: Any) -> Path:
    from transformers import DebertaV2Config, DebertaV2Model, DebertaV2TokenizerFast

    fast = DebertaV2TokenizerFast(vocab=_unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], ["[MASK]"]), unk_id=3)
    config = DebertaV2Config(
        **_sizes(len(fast), positions),
        relative_attention=True,
        position_buckets=8,
        max_relative_positions=-1,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type="p2c|c2p",
        position_biased_input=False,
        type_vocab_size=0,
        pad_token_id=0,
        **more,
    )
    return _save(folder, fast, DebertaV2Model, config)


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
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    kind(config).save_pretrained(folder)
    return folder


def save_t5(folder: Path) -> Path:
    """A two-layer T5 with a unigram model as SentencePiece makes them: no line break, no braces."""
    from transformers import T5Config, T5ForConditionalGeneration, T5TokenizerFast

    fast = T5TokenizerFast(vocab=_unigram(["<pad>", "</s>", "<unk>"], []), extra_ids=0, model_max_length=512)
    config = T5Config(
        vocab_size=len(fast), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    return _save(folder, fast, T5ForConditionalGeneration, config)


def save_llama(folder: Path, positions: int = 160) -> Path:
    """A two-layer Llama with two keys and values for four heads and byte-level BPE; a sign begins each text."""
    from tokenizers import processors
    from transformers import LlamaConfig, LlamaForCausalLM

    fast = _language_model_tokenizer(positions)
    fast.backend_tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return _save(folder, fast, LlamaForCausalLM, LlamaConfig(**_causal(len(fast), positions)))


def save_qwen(folder: Path, positions: int = 160) -> Path:
    """A two-layer Qwen3 (norms of queries and keys) with byte-level BPE and nothing before a text."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    fast = _language_model_tokenizer(positions)
    return _save(folder, fast, Qwen3ForCausalLM, Qwen3Config(**_causal(len(fast), positions), head_dim=8))


def save_gpt2(folder: Path, positions: int = 160) -> Path:
    """A two-layer GPT-2: its positions are a table."""
    from transformers import GPT2Config, GPT2LMHeadModel

    fast = _language_model_tokenizer(positions)
    config = GPT2Config(
        vocab_size=len(fast), n_positions=positions, n_embd=32, n_layer=2, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return _save(folder, fast, GPT2LMHeadModel, config)


def _language_model_tokenizer(positions: int) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs(["<s>", "<pad>", "</s>"]),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=positions,
    )


def _causal(vocabulary: int, positions: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": positions,
        "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def _sequence_tokenizer(positions: int) -> Any:
    from tokenizers import processors
    from transformers import RobertaTokenizerFast

    tokenizer = _byte_pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return RobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions)


def save_bart(folder: Path, positions: int = 96) -> Path:
    """A two-layer BART with byte-level BPE."""
    from transformers import BartConfig, BartForConditionalGeneration

    fast = _sequence_tokenizer(positions)
    config = BartConfig(
        vocab_size=len(fast), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=positions,
        dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        decoder_start_token_id=2, forced_eos_token_id=None,
    )  # fmt: skip
    return _save(folder, fast, BartForConditionalGeneration, config)


def save_m2m(folder: Path, positions: int = 96) -> Path:
    """A two-layer M2M100, whose places are computed, with the tokenizer of the BART."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    fast = _sequence_tokenizer(positions)
    config = M2M100Config(
        vocab_size=len(fast), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=positions,
        dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    return _save(folder, fast, M2M100ForConditionalGeneration, config)


def save_t5gemma(folder: Path, positions: int = 160) -> Path:
    """A two-layer T5Gemma, whose decoder turns vectors by their places."""
    from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

    fast = _sequence_tokenizer(positions)
    half = {**_causal(len(fast), positions), "head_dim": 8, "sliding_window": positions}
    config = T5GemmaConfig(
        encoder=half, decoder=dict(half), vocab_size=len(fast), pad_token_id=1, eos_token_id=2, bos_token_id=0,
        decoder_start_token_id=0, dropout_rate=0.0, attention_dropout=0.0, classifier_dropout_rate=0.0,
    )  # fmt: skip
    return _save(folder, fast, T5GemmaForConditionalGeneration, config)
