"""Reads a model in ONNX with its library: the graph, each of its tensors, and the description of the model.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from pathlib import Path

from samebits.store.content import Parts, joined

_TENSORS, _REST = "graph.tensors", "model"


def read(path: Path, parts: Parts) -> None:
    """Add the parts of a model. Its description and its metadata are not a part of its computation."""
    import onnx

    model = onnx.ModelProto()
    model.ParseFromString(path.read_bytes())
    parts.models += [_TENSORS, _REST]
    parts.add_plain("doc_string", model.doc_string)
    for entry in model.metadata_props:
        parts.add_plain(joined("metadata", entry.key), entry.value)
    for tensor in model.graph.initializer:
        parts.add(joined(_TENSORS, tensor.name), "tensor", tensor.SerializeToString(deterministic=True))
    for field in ("doc_string", "metadata_props"):
        model.ClearField(field)
    model.graph.ClearField("initializer")
    parts.add(_REST, "graph", model.SerializeToString(deterministic=True))
