"""Opens, checks and seals records on disk, and reads the content of files that programs save."""

from samebits.store.artifacts import COMPARED_FIRST, fingerprint_file, holds_tensors
from samebits.store.outputs import last_words
from samebits.store.record import (
    Record,
    left_result,
    open_record,
    read_trial,
    seal,
    seal_record,
    sealed_since,
    write_record,
    write_trial,
)
from samebits.store.record_files import read_document, write_document
from samebits.store.tensor_log import Tensor, TensorLog
from samebits.store.trace import Point, ProcessTrace, TrialTrace

__all__ = [
    "COMPARED_FIRST",
    "Point",
    "ProcessTrace",
    "Record",
    "Tensor",
    "TensorLog",
    "TrialTrace",
    "fingerprint_file",
    "holds_tensors",
    "last_words",
    "left_result",
    "open_record",
    "read_document",
    "read_trial",
    "seal",
    "seal_record",
    "sealed_since",
    "write_document",
    "write_record",
    "write_trial",
]
