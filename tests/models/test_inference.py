"""Prediction in other precisions and on ONNX Runtime: close to 32 bits, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.taggers import TAGS, TEXT, as_precision, emissions, needs_int8, tagger
from models.tiny import WORDS

from onoma import progress
from onoma.exceptions import ConfigError, ModelError
from onoma.models.encoder_tagger import EncoderTagger, runtime
from onoma.models.encoder_tagger.runtime import TorchRuntime
from onoma.models.processor import has_bf16

torch = pytest.importorskip("torch")

from onoma.models.encoder_tagger.quantise import Int8Linear  # noqa: E402


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> EncoderTagger:
    return tagger(tmp_path_factory.mktemp("plain"))


# ---------------------------------------------------------------------- 8 bits


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 12), st.sampled_from([1e-3, 1.0, 1e3]))
def test_a_product_in_8_bits_is_within_its_rounding(rows: int, inputs: int, outputs: int, size: float) -> None:
    needs_int8()
    generator = torch.Generator().manual_seed(rows + 10 * inputs + 1000 * outputs)
    linear = torch.nn.Linear(inputs, outputs)
    linear.weight.data = torch.randn(outputs, inputs, generator=generator)
    values = size * torch.randn(rows, inputs, generator=generator)
    with torch.inference_mode():
        made, exact = Int8Linear(linear)(values), linear(values)
    # Each factor is off by half a step at most: of its token's greatest value by 127, of its output's by 63.
    token, column = values.abs().amax(1, keepdim=True), linear.weight.abs().amax(1)
    bound = (0.5 / 127 + 0.5 / 63 + 0.25 / 127 / 63) * 1.01 * inputs * token * column + 1e-4 * size
    assert ((made - exact).abs() <= bound).all()


def test_a_row_of_zeros_gives_the_bias() -> None:
    needs_int8()
    linear = torch.nn.Linear(8, 3)
    with torch.inference_mode():
        assert torch.equal(Int8Linear(linear)(torch.zeros(2, 5, 8)), linear.bias.expand(2, 5, 3))


def test_int8_keeps_tags_and_is_independent_of_the_batch(plain: EncoderTagger) -> None:
    needs_int8()
    coarse = as_precision(plain, "int8")
    together = emissions(coarse, TEXT)
    assert not np.array_equal(np.concatenate(together), np.concatenate(emissions(plain, TEXT)))
    spread = np.concatenate(emissions(plain, TEXT)).std()
    assert np.abs(np.concatenate(together) - np.concatenate(emissions(plain, TEXT))).max() < 0.5 * spread
    alone = [each for sentence in TEXT for each in emissions(coarse, [sentence])]
    for one, other in zip(alone, together, strict=True):
        # Sums of the float parts may round otherwise, which moves a byte at times, but not the range of a batch.
        assert np.abs(one - other).max() < 0.05 * spread


def test_int8_shares_all_weights_but_those_of_products(plain: EncoderTagger) -> None:
    needs_int8()
    from onoma.models.encoder_tagger.quantise import quantised

    made = quantised(plain.module)
    names = [type(each).__name__ for each in made.hf.base_model.modules()]
    assert "Linear" not in names and names.count("Int8Linear") == 2 * 6
    assert made.hf.classifier.weight is plain.module.hf.classifier.weight
    assert made.hf.get_input_embeddings().weight is plain.module.hf.get_input_embeddings().weight
    assert "Int8Linear" not in {type(each).__name__ for each in plain.module.modules()}


def test_a_module_in_training_answers_in_32_bits_and_is_quantised_anew(plain: EncoderTagger) -> None:
    needs_int8()
    coarse = as_precision(plain, "int8")
    first = np.concatenate(emissions(coarse, TEXT))
    weight = plain.module.hf.base_model.encoder.layer[0].output.dense.weight
    plain.module.train()
    try:
        assert np.array_equal(np.concatenate(emissions(coarse, TEXT)), np.concatenate(emissions(plain, TEXT)))
        assert plain.module.training
        with torch.no_grad():
            weight.mul_(-1)
    finally:
        plain.module.eval()
    assert not np.allclose(np.concatenate(emissions(coarse, TEXT)), first, atol=1e-3)
    with torch.no_grad():
        weight.mul_(-1)


# ---------------------------------------------------------------------- 16 bits, threads


def test_bf16_is_close(plain: EncoderTagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_has_bf16", lambda device: True)
    exact = np.concatenate(emissions(plain, TEXT))
    made = np.concatenate(emissions(as_precision(plain, "bf16"), TEXT))
    assert made.dtype == np.float32
    assert not np.array_equal(made, exact)
    assert np.abs(made - exact).max() < 0.2 * np.abs(exact).max()


def test_bf16_is_left_away_where_the_processor_has_none(plain: EncoderTagger, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(runtime, "_has_bf16", lambda device: False)
    monkeypatch.setattr(progress, "say", said.append)
    made = np.concatenate(emissions(as_precision(plain, "bf16"), TEXT))
    assert np.array_equal(made, np.concatenate(emissions(plain, TEXT)))
    assert "no instructions" in said[0]


def test_a_session_puts_everything_back(plain: EncoderTagger) -> None:
    before = torch.get_num_threads()
    plain.module.train()
    with pytest.raises(KeyError), TorchRuntime(plain.module, threads=before + 1).session():
        assert torch.get_num_threads() == before + 1
        assert torch.is_inference_mode_enabled() and not plain.module.training
        raise KeyError
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled() and plain.module.training
    plain.module.eval()


def test_the_budget_of_a_batch_changes_nothing(plain: EncoderTagger) -> None:
    exact = emissions(plain, TEXT)
    for budget in (1, 60, 10_000):
        options = plain.options.model_copy(update={"predict_tokens": budget})
        other = EncoderTagger(plain.tagset, options, plain.tokenizer, plain.module)
        for one, two in zip(exact, emissions(other, TEXT), strict=True):
            assert np.allclose(one, two, atol=1e-4)


# ---------------------------------------------------------------------- ONNX


@pytest.fixture(scope="module")
def onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)


@pytest.fixture(scope="module")
def shaped(onnx: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[EncoderTagger, Path, Path]:
    """A tagger with word shapes and a CRF, and its exports in 32 and in 8 bits."""
    model = tagger(tmp_path_factory.mktemp("shaped"), word_shape=True, head="crf")
    folders = [tmp_path_factory.mktemp(name) for name in ("fp32", "int8")]
    for folder, int8 in zip(folders, (False, True), strict=True):
        model.exported(folder, int8=int8)
    return model, *folders


def test_an_export_gives_the_same_answers(shaped: tuple[EncoderTagger, Path, Path]) -> None:
    model, folder, _ = shaped
    made = EncoderTagger.load(folder, TAGS, model.options)
    for one, two in zip(emissions(made, TEXT), emissions(model, TEXT), strict=True):
        assert np.allclose(one, two, atol=1e-4)
    for ours, theirs in zip(made.runtime.crf.scores(), model.module.crf.scores(), strict=True):
        assert np.array_equal(ours, theirs)
    answers, originals = made.predict([TEXT])[0], model.predict([TEXT])[0]
    assert [each.tags for each in answers] == [each.tags for each in originals]


def test_an_export_in_8_bits_computes_what_torch_does(shaped: tuple[EncoderTagger, Path, Path]) -> None:
    needs_int8()
    model, _, folder = shaped
    made = EncoderTagger.load(folder, TAGS, model.options.model_copy(update={"precision": "int8"}))
    exact = np.concatenate(emissions(model, TEXT))
    ours, torchs = np.concatenate(emissions(made, TEXT)), np.concatenate(emissions(as_precision(model, "int8"), TEXT))
    assert np.abs(ours - torchs).max() < 0.1 * np.abs(torchs - exact).max() + 0.02 * exact.std()


def test_an_export_is_no_larger_than_its_numbers(shaped: tuple[EncoderTagger, Path, Path]) -> None:
    _, exact, coarse = shaped
    assert {each.name for each in exact.iterdir()} == {
        "model.onnx", "config.json", "chain.safetensors", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    assert (coarse / "model.onnx").stat().st_size < (exact / "model.onnx").stat().st_size


def test_what_an_export_cannot_do_is_said(shaped: tuple[EncoderTagger, Path, Path], tmp_path: Path) -> None:
    model, folder, _ = shaped
    made = EncoderTagger.load(folder, TAGS, model.options)
    with pytest.raises(ConfigError, match="cannot be trained"):
        made.examples([[WORDS]], [[["O"] * len(WORDS)]])
    with pytest.raises(ConfigError, match="exported already"):
        made.exported(tmp_path)
    with pytest.raises(ConfigError, match="exported in fp32"):
        EncoderTagger.load(folder, TAGS, model.options.model_copy(update={"precision": "bf16"}))
    made.save(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="missing or damaged"):
        EncoderTagger.load(tmp_path, TAGS, model.options)


def test_an_lstm_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LSTM"):
        tagger(tmp_path, lstm=8).exported(tmp_path)


# ---------------------------------------------------------------------- weights laid out for the processor


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_layer_is_the_same_product(dtype: torch.dtype) -> None:
    from onoma.models.processor import packed

    if not packed._works(dtype):
        pytest.skip("this build of torch has no such layout")
    torch.manual_seed(1)
    for bias in (True, False):
        linear = torch.nn.Linear(24, 7, bias=bias)
        layer = packed.PackedLinear(linear, dtype)
        with torch.inference_mode():
            for shape in ((3, 24), (2, 5, 24), (1, 1, 24)):
                values = torch.randn(shape)
                made = layer(values)
                assert made.dtype == dtype and made.shape == linear(values).shape
                near = 1e-5 if dtype == torch.float32 else 0.05
                torch.testing.assert_close(made.float(), linear(values), atol=near, rtol=near)


def test_changed_weights_are_laid_out_anew(plain: EncoderTagger) -> None:
    first = np.concatenate(emissions(plain, TEXT))
    weight = plain.module.hf.base_model.encoder.layer[0].output.dense.weight
    with torch.no_grad():
        weight.mul_(-1)
    try:
        assert not np.allclose(np.concatenate(emissions(plain, TEXT)), first, atol=1e-3)
    finally:
        with torch.no_grad():
            weight.mul_(-1)
    np.testing.assert_allclose(np.concatenate(emissions(plain, TEXT)), first, atol=1e-5)


@pytest.mark.parametrize(
    ("abilities", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False, "cpu_name": "x"}, False),
        ({"avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True, "bf16": False}, False),
    ],
)
def test_only_instructions_of_its_own_make_a_processor_fast_in_bf16(
    abilities: dict[str, object], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities, raising=False)
    assert has_bf16() is expected
