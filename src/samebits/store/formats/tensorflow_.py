"""Reads checkpoints of TensorFlow with its library: the tensors are in data files, their names in an index beside them.

Keras saves the variables of a model in an order that differs from run to run. So the bytes of both files differ, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from samebits.store.content import Parts, canonical, fingerprint, shape_text

_DATA = re.compile(r"(.+)\.data-\d{5}-of-\d{5}")
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"  # describes objects, not weights
_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_UNORDERED = re.compile(r"((?:^|(?<=/))_all_variables)/\d+")  # Keras numbers them in the order of a set


def owns(path: Path) -> bool:
    """Return whether a file is an index with data beside it, or data with an index beside it."""
    prefix = _prefix(path)
    data = f"{prefix.name}.data-"
    return prefix.with_name(f"{prefix.name}.index").is_file() and any(
        sibling.name.startswith(data) for sibling in path.parent.iterdir()
    )


def _prefix(path: Path) -> Path:
    data = _DATA.fullmatch(path.name)
    return path.with_name(data[1] if data else path.name.removesuffix(".index"))


def read(path: Path, parts: Parts) -> None:
    """Add the tensors of a checkpoint; for an index, add the types and the shapes.

    Tensors whose names differ only in a number without meaning become one part, with sorted contents.
    """
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(str(_prefix(path)))
    digests = defaultdict(list)
    for name, shape in checkpoint.get_variable_to_shape_map().items():
        if name != _OBJECTS:
            kind = checkpoint.get_variable_to_dtype_map()[name]
            value = np.asarray(checkpoint.get_tensor(name)) if _DATA.fullmatch(path.name) else np.empty(0)
            content = canonical(value.tolist()) if value.dtype.hasobject else value.tobytes()
            digests[_UNORDERED.sub(r"\1", name.removesuffix(_ATTRIBUTE))].append(
                fingerprint(shape_text(kind.name, shape), content).encode()
            )
    for name in sorted(digests):
        parts.add(name, "tensor", *sorted(digests[name]))
