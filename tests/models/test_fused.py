"""Layers in few passes, in 32, 16 and 8 bits: they compute what the layers they stand for compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.taggers import TAGS, TEXT, as_precision, emissions, needs_int8, tagger
from models.tiny import BACKBONES

from onoma.models.encoder_tagger import EncoderTagger, EncoderTaggerOptions
from onoma.models.encoder_tagger.runtime import TorchRuntime

torch = pytest.importorskip("torch")

from onoma.models.encoder_tagger import ranges  # noqa: E402
from onoma.models.encoder_tagger.quantise import LEAST, LEVELS, CalibratedProduct, quantised  # noqa: E402
from onoma.models.processor import packed  # noqa: E402
from onoma.models.processor.encoder import FusedEncoder, hurried  # noqa: E402
from onoma.models.processor.fused import FusedLayer, fuse, joined  # noqa: E402
from onoma.models.processor.packed import PackedProducts  # noqa: E402

__all__ = ["plain"]

FUSED = {
    "bert": 2,
    "minilm": 2,
    "electra": 2,
    "roberta": 2,
    "xlmr": 2,
    "deberta_v2": 0,
    "deberta_v3": 0,
    "modernbert": 0,
}


def fused_layers(module: Any) -> int:
    return sum(isinstance(part, FusedLayer) for part in module.modules())


def examples(model: EncoderTagger) -> list:
    return model.examples([TEXT], [[["O"] * len(sentence) for sentence in TEXT]])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> EncoderTagger:
    return tagger(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def measured(tmp_path: Path) -> EncoderTagger:
    needs_int8()
    model = tagger(tmp_path)
    model.finish(examples(model))
    return model


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_every_architecture_answers_as_it_did(name: str, tmp_path: Path) -> None:
    if not packed._works(torch.float32):
        pytest.skip("this build of torch has no such layout")
    encoder = BACKBONES[name](tmp_path)
    model = EncoderTagger.create(
        TAGS, EncoderTaggerOptions.model_validate({"encoder": str(encoder), "overlap": 8, "window": 40}), seed=1
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    model.module.eval()
    made = packed.packed(model.module, torch.float32)
    assert fused_layers(made) == FUSED.get(name, 0) and fused_layers(model.module) == 0
    windows = [window for block in model.pieces.blocks(TEXT) for window in block.windows]
    batch = {key: torch.from_numpy(array) for key, array in model._pad(windows).items()}
    assert not batch["attention_mask"].all()
    with torch.inference_mode():
        for given_mask in (batch, batch | {"attention_mask": None}):
            torch.testing.assert_close(made(**given_mask), model.module(**given_mask), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("name", sorted(BACKBONES))
@pytest.mark.parametrize("word_shape", [False, True])
def test_an_encoder_without_the_library_reads_as_it_did(name: str, word_shape: bool, tmp_path: Path) -> None:
    if not packed._works(torch.float32):
        pytest.skip("this build of torch has no such layout")
    given = {"encoder": str(BACKBONES[name](tmp_path)), "overlap": 8, "window": 40, "word_shape": word_shape}
    model = EncoderTagger.create(TAGS, EncoderTaggerOptions.model_validate(given), seed=1)
    with torch.no_grad():
        for parameter in model.module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    model.module.eval()
    made = packed.packed(model.module, torch.float32)
    hurried(made.hf)
    assert isinstance(made.hf.base_model, FusedEncoder) == bool(FUSED.get(name, 0))
    windows = [window for block in model.pieces.blocks(TEXT) for window in block.windows]
    for some in (windows, windows[:1]):
        batch = {key: torch.from_numpy(array) for key, array in model._pad(some).items()}
        if batch["attention_mask"].all():
            batch["attention_mask"] = None  # as at prediction
        with torch.inference_mode():
            torch.testing.assert_close(made(**batch), model.module(**batch), atol=2e-4, rtol=1e-3)
    assert batch["attention_mask"] is None


def test_a_layer_that_computes_something_else_is_left_alone(plain: EncoderTagger) -> None:
    if not packed._works(torch.float32):
        pytest.skip("this build of torch has no such layout")
    layer = plain.module.hf.base_model.encoder.layer[1]
    before = layer.intermediate.intermediate_act_fn
    layer.intermediate.intermediate_act_fn = torch.nn.ReLU()
    try:
        assert fused_layers(packed.packed(plain.module, torch.float32)) == 1
    finally:
        layer.intermediate.intermediate_act_fn = before
    assert fused_layers(packed.packed(plain.module, torch.float32)) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_are_those_of_the_layer(plain: EncoderTagger, dtype: Any) -> None:
    if not packed._works(dtype):
        pytest.skip("this build of torch has no such layout")
    layer = plain.module.hf.base_model.encoder.layer[0]
    products = PackedProducts(layer, dtype)
    width = layer.output.dense.out_features
    near = 1e-4 if dtype == torch.float32 else 0.3
    with torch.inference_mode():
        hidden, values = torch.randn(5, width), torch.randn(5, width)
        own = layer.attention.self
        parts = torch.cat([own.query(hidden), own.key(hidden), own.value(hidden)], dim=1)
        wide = layer.intermediate(hidden)
        for made, wanted in (
            (products.attend(hidden), parts),
            (products.mix(values, hidden), layer.attention.output.dense(values) + hidden),
            (products.widen(hidden), wide),
            (products.narrow(wide, hidden), layer.output.dense(wide) + hidden),
        ):
            assert made.dtype == dtype
            torch.testing.assert_close(made.float(), wanted, atol=near, rtol=near)


def test_joining_draws_nothing() -> None:
    first, second = torch.nn.Linear(3, 2), torch.nn.Linear(3, 4)
    before = torch.get_rng_state()
    made = joined(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    values = torch.randn(5, 3)
    torch.testing.assert_close(made(values), torch.cat([first(values), second(values)], dim=1))


# ---------------------------------------------------------------------- 8 bits with measured ranges


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 12), st.sampled_from([1e-2, 1.0, 1e2]))
def test_a_calibrated_product_is_within_its_rounding(rows: int, inputs: int, outputs: int, size: float) -> None:
    needs_int8()
    generator = torch.Generator().manual_seed(rows + 10 * inputs + 1000 * outputs)
    linear = torch.nn.Linear(inputs, outputs)
    linear.weight.data = torch.randn(outputs, inputs, generator=generator)
    values = size * torch.randn(rows, inputs, generator=generator) * torch.arange(1, inputs + 1)
    product = CalibratedProduct(linear, values.abs().amax(dim=0))
    with torch.inference_mode():
        made, exact = product(product.bytes(values)), linear(values)
        added = product.plus(product.bytes(values), torch.ones(rows, outputs))
    torch.testing.assert_close(added, made + 1, rtol=1e-4, atol=1e-4)
    # Half a step of every input times its weight, and of every weight times its input.
    step = 1 / product.steps
    weights = product.scales[:, None] * product.steps * product.scale
    bound = (0.5 * step) @ linear.weight.abs().T + values.abs() @ (0.5 * weights).T + (0.5 * step) @ (0.5 * weights).T
    assert ((made - exact).abs() <= 1.01 * bound + 1e-4 * size * inputs).all()
    assert (product.scales > 0).all() and LEVELS == 63


def test_bytes_after_gelu_cover_all_it_can_give() -> None:
    needs_int8()
    first, second = torch.nn.Linear(4, 6), torch.nn.Linear(6, 2)
    values = torch.linspace(-4, 4, 40).reshape(10, 4)
    with torch.inference_mode():
        wide = torch.nn.functional.gelu(first(values))
        before = CalibratedProduct(first, values.abs().amax(dim=0))
        after = CalibratedProduct(second, wide.abs().amax(dim=0), after_gelu=True)
        numbers = before.gelu(before.bytes(values), after)
        assert numbers.dtype == torch.uint8
        found = (numbers.float() - after.zero) * after.scale
    assert torch.nn.functional.gelu(torch.linspace(-3, 0, 1000)).min() > -LEAST
    # What the first product is off, and one step.
    assert (found - wide).abs().max() < 0.1 + after.scale


def test_what_lies_beyond_the_range_is_cut_to_it() -> None:
    needs_int8()
    product = CalibratedProduct(torch.nn.Linear(3, 2), torch.ones(3))
    with torch.inference_mode():
        assert product.bytes(torch.full((1, 3), 1e6)).tolist() == [[255] * 3]
        assert product.bytes(torch.full((1, 3), -1e6)).tolist() == [[0] * 3]
        assert product.bytes(torch.zeros(1, 3)).tolist() == [[128] * 3]


def test_ranges_are_the_greatest_values_and_the_module_is_left_as_it_was(plain: EncoderTagger) -> None:
    windows = [window for block in plain.pieces.blocks(TEXT) for window in block.windows]
    batches = [{key: torch.from_numpy(array) for key, array in plain._pad([window]).items()} for window in windows]
    plain.module.train()
    try:
        found = ranges.measure(plain.module, batches)
        assert plain.module.training
    finally:
        plain.module.eval()
    embedded = plain.module.hf.base_model.embeddings
    with torch.inference_mode():
        wanted = torch.cat([embedded(each["input_ids"])[0] for each in batches]).abs().amax(dim=0)
    torch.testing.assert_close(found["encoder.layer.0.attention.self.query"], wanted)
    assert len(found) == 2 * 6
    assert not any(part._forward_pre_hooks for part in plain.module.modules())


def test_training_measures_and_int8_uses_it(measured: EncoderTagger) -> None:
    assert fused_layers(quantised(measured.module)) == 2
    exact = np.concatenate(emissions(measured, TEXT))
    coarse = as_precision(measured, "int8")
    together = emissions(coarse, TEXT)
    assert not np.array_equal(np.concatenate(together), exact)
    assert np.abs(np.concatenate(together) - exact).max() < 0.5 * exact.std()
    alone = [each for sentence in TEXT for each in emissions(coarse, [sentence])]
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() < 0.05 * exact.std()


def test_ranges_are_kept_with_the_model(measured: EncoderTagger, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    measured.save(tmp_path / "saved")
    options = measured.options.model_copy(update={"precision": "int8"})
    again = EncoderTagger.load(tmp_path / "saved", TAGS, options)
    assert again.module.ranges.keys() == measured.module.ranges.keys()
    ours, theirs = emissions(again, TEXT), emissions(as_precision(measured, "int8"), TEXT)
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_ranges_measured_later_are_used(tmp_path: Path) -> None:
    needs_int8()
    model = tagger(tmp_path)
    runtime = TorchRuntime(model.module, "int8")
    with runtime.session():
        assert fused_layers(runtime._using) == 0
    model.finish(examples(model))
    with runtime.session():
        assert fused_layers(runtime._using) == 2


def test_a_build_without_a_product_leaves_layers_as_they_are(plain: EncoderTagger) -> None:
    if not packed._works(torch.float32):
        pytest.skip("this build of torch has no such layout")
    made = packed.twin(plain.module)

    def missing(name: str, layer: Any) -> Any:
        raise AttributeError(name)

    fuse(made.hf.base_model, missing, lambda _, layer: PackedProducts(layer, torch.float32))
    assert fused_layers(made) == 0
