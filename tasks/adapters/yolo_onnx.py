"""What an exported file says of itself, read without running it; a file that reaches outside itself is refused.

An ONNX graph can name data in other files and operators of other libraries: the first would be read from wherever it
points to, the second would need code that nobody hashed. Neither is needed for a YOLO.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.domain.errors import UnsafeModel

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Operator sets that every runtime has."""

_HEADER = 1_000_000
"""Bytes that an engine's description may have at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """`task` is the kind, `imgsz` the side it was exported for; `fixed` when it takes images of no other size.

    `batch` is the only number of images that it takes at once; None for any.
    """

    task: str
    classes: tuple[str, ...]
    imgsz: int
    fixed: bool
    batch: int | None = None


def onnx_facts(data: bytes, sha256: str) -> FileFacts:
    """The facts of an ONNX file.

    Raises:
        UnsafeModel: no ONNX, data outside the file, operators of other libraries, numbers that are not finite, or
            no word about its classes.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, TypeError) as error:
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} is no ONNX file: export it again") from error
    if not model.graph.input or not model.graph.node:
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} is an ONNX file without a graph: export it again")
    _check_operators(model, sha256)
    for tensor in _tensors(model):
        _check_tensor(tensor, sha256)
    shape = [int(dim.dim_value) for dim in model.graph.input[0].type.tensor_type.shape.dim]
    said = {entry.key: entry.value for entry in model.metadata_props}
    batch = shape[0] if shape and shape[0] else None
    return _facts(said, sha256, fixed=all(shape[2:4]) if len(shape) == 4 else False, batch=batch)


def engine_facts(data: bytes, sha256: str) -> FileFacts:
    """The facts of a TensorRT engine, from the description that ultralytics writes before it.

    Raises:
        UnsafeModel: there is no such description.
    """
    length = int.from_bytes(data[:4], "little")
    try:
        said = json.loads(data[4 : 4 + length]) if 0 < length < _HEADER else None
    except ValueError as error:
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} is no engine with a description: export it again") from error
    if not isinstance(said, dict):
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} is no engine with a description: export it again")
    dynamic = bool(dict(said.get("args") or {}).get("dynamic"))
    return _facts(said, sha256, fixed=not dynamic, batch=None if dynamic else int(said.get("batch", 1)))


def _facts(said: Mapping[str, Any], sha256: str, fixed: bool, batch: int | None) -> FileFacts:
    try:
        names, size = _read(said["names"]), _read(said["imgsz"])
        classes = tuple(str(names[number]) for number in sorted(names, key=int))
        side = int(max(size)) if isinstance(size, list | tuple) else int(size)
        return FileFacts(task=str(said["task"]), classes=classes, imgsz=side, fixed=fixed, batch=batch)
    except (KeyError, ValueError, TypeError, SyntaxError, AttributeError) as error:
        raise UnsafeModel(
            f"contract_mismatch: {sha256[:12]} does not say its kind, classes and size: export it with `evergreen "
            "export` or ultralytics"
        ) from error


def _read(value: object) -> Any:
    """Plain values from text; nothing in it is run."""
    return ast.literal_eval(value) if isinstance(value, str) else value


def _nodes(model: Any) -> Iterator[Any]:
    """Every node: of the graph, of the graphs inside nodes, and of functions."""
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            waiting.extend(inner for graph in (attribute.g, *attribute.graphs) for inner in graph.node)


def _check_operators(model: Any, sha256: str) -> None:
    strange = {str(node.domain) for node in _nodes(model)} | {str(each.domain) for each in model.functions}
    strange -= DOMAINS
    if strange:
        raise UnsafeModel(
            f"unsafe_model: {sha256[:12]} needs operators of {', '.join(sorted(strange))[:200]}: only ONNX's own are "
            "run, export it without them"
        )


def _tensors(model: Any) -> Iterator[Any]:
    """Every stored tensor, wherever it hangs."""
    graphs = [model.graph]
    attributes = [attribute for node in _nodes(model) for attribute in node.attribute]
    graphs += [graph for attribute in attributes for graph in (attribute.g, *attribute.graphs)]
    sparse = [each for attribute in attributes for each in (attribute.sparse_tensor, *attribute.sparse_tensors)]
    for graph in graphs:
        yield from graph.initializer
        sparse.extend(graph.sparse_initializer)
    for attribute in attributes:
        yield from (attribute.t, *attribute.tensors)
    for each in sparse:
        yield from (each.values, each.indices)


def _check_tensor(tensor: Any, sha256: str) -> None:
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise UnsafeModel(
            f"unsafe_model: {sha256[:12]} keeps {str(tensor.name)[:40]!r} in another file: export it as one file"
        )
    if tensor.data_type not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
        return
    try:
        values = numpy_helper.to_array(tensor)
    except ValueError as error:
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} holds a tensor that cannot be read") from error
    if values.size > 1 and not bool(np.isfinite(values).all()):
        raise UnsafeModel(
            f"non_finite_weights: {sha256[:12]} holds NaN or infinity in {str(tensor.name)[:40]}: it cannot answer"
        )
