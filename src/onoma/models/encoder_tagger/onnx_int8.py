"""Matrix products of an ONNX graph in 8 bits: the same numbers as `quantise.Int8Linear`, for ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from onoma.models.encoder_tagger.quantise import LEVELS, TINY

__all__ = ["quantise_file"]

CONSTANTS = {
    "int8.axes": np.array([-1], np.int64),
    "int8.tiny": np.array(TINY, np.float32),
    "int8.range": np.array(127, np.float32),
    "int8.one": np.array(1, np.float32),
    "int8.zero": np.array(128, np.uint8),
}


def quantise_file(path: Path, tags: int) -> int:
    """Rewrite a model in place; returns how many matrices became 8-bit.

    Weights get one scale an output, activations one a token, computed at run time: no data are needed, and no answer
    depends on its batch. The head (`tags` outputs) stays as it is. Unsigned activations with signed weights are the
    form that ONNX Runtime has fast kernels for on all processors.
    """
    model = onnx.load(path)
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    nodes: list[NodeProto] = []
    rows: dict[str, tuple[str, str]] = {}
    done: dict[str, tuple[str, str, str]] = {}
    for node in graph.node:
        weight = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or len(weight.dims) != 2 or weight.dims[1] == tags:
            nodes.append(node)
            continue
        source, output = node.input[0], node.output[0]
        if source not in rows:
            rows[source] = (f"{source}.int8", f"{source}.int8.scale")
            nodes += _row_nodes(source, *rows[source])
        if weight.name not in done:
            done[weight.name] = _columns(graph, weight.name, numpy_helper.to_array(weight))
        numbers, scale = rows[source]
        matrix, scales, zeros = done[weight.name]
        product = f"{output}.int8"
        inputs = [numbers, matrix, "int8.one", scales, "int8.zero", zeros]
        nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, [product], domain="com.microsoft"))
        nodes.append(helper.make_node("Mul", [product, scale], [output]))
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in CONSTANTS.items())
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    if all(each.domain != "com.microsoft" for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path)
    return len(done)


def _row_nodes(source: str, numbers: str, scale: str) -> list[NodeProto]:
    """Bytes of each row of `source` and the scale they are of."""
    steps = {name: f"{source}.int8.{name}" for name in ("absolute", "greatest", "safe", "scaled")}
    return [
        helper.make_node("Abs", [source], [steps["absolute"]]),
        helper.make_node("ReduceMax", [steps["absolute"], "int8.axes"], [steps["greatest"]], keepdims=1),
        helper.make_node("Max", [steps["greatest"], "int8.tiny"], [steps["safe"]]),
        helper.make_node("Div", [steps["safe"], "int8.range"], [scale]),
        helper.make_node("Div", [source, scale], [steps["scaled"]]),
        helper.make_node("QuantizeLinear", [steps["scaled"], "int8.one", "int8.zero"], [numbers]),
    ]


def _columns(graph: onnx.GraphProto, name: str, weight: np.ndarray) -> tuple[str, str, str]:
    """Names of the 8-bit weights [inputs, outputs], their scales and zero points, now in the graph."""
    scales = (np.maximum(np.abs(weight).max(axis=0), TINY) / LEVELS).astype(np.float32)
    parts = {
        f"{name}.int8": np.round(weight / scales).astype(np.int8),
        f"{name}.int8.scales": scales,
        f"{name}.int8.zeros": np.zeros(weight.shape[1], np.int8),
    }
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in parts.items())
    matrix, scale, zeros = parts
    return matrix, scale, zeros
