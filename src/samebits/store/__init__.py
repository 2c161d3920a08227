"""Opens, checks and seals records on disk, and reads the content of files that programs save.

Each name is imported when it is first used. So nothing here loads NumPy or a reader of files before the first trial
runs.
"""

from typing import TYPE_CHECKING

from samebits.imports import importer

if TYPE_CHECKING:
    from samebits.store.artifacts import fingerprint_file
    from samebits.store.formats import by_name, held_by
    from samebits.store.outputs import ProbeFailure, last_words, probe_failures
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
    from samebits.store.text_files import printed_file
    from samebits.store.trace import Point, ProcessTrace, TrialTrace

__all__ = [
    "Point",
    "ProbeFailure",
    "ProcessTrace",
    "Record",
    "Tensor",
    "TensorLog",
    "TrialTrace",
    "by_name",
    "fingerprint_file",
    "held_by",
    "last_words",
    "left_result",
    "open_record",
    "printed_file",
    "probe_failures",
    "read_document",
    "read_trial",
    "seal",
    "seal_record",
    "sealed_since",
    "write_document",
    "write_record",
    "write_trial",
]

_MODULES = {
    "Point": "trace",
    "ProbeFailure": "outputs",
    "ProcessTrace": "trace",
    "Tensor": "tensor_log",
    "TensorLog": "tensor_log",
    "TrialTrace": "trace",
    "by_name": "formats",
    "fingerprint_file": "artifacts",
    "held_by": "formats",
    "last_words": "outputs",
    "printed_file": "text_files",
    "probe_failures": "outputs",
    "read_document": "record_files",
    "write_document": "record_files",
}

if not TYPE_CHECKING:
    __getattr__ = importer(globals(), _MODULES, "record")
