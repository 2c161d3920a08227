"""Reading single files of a record."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from samebits.comparison import judge
from samebits.comparison.tensors.size import ulp_distances
from samebits.documents import Explanation, Size
from samebits.errors import RecordError
from samebits.launch.processes.facts import numbers
from samebits.model import Divergence, ProcessKey
from samebits.store import left_result, open_record, record_files, write_document
from samebits.store.record_files import parse, read_object


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
def test_a_document_with_what_is_no_number_of_json_or_too_large_for_a_float_is_refused(tmp_path, text):
    path = tmp_path / "trial.json"
    path.write_text(f'{{"seconds": {text}}}')
    with pytest.raises(RecordError, match=f"{text} is not a number of JSON"):
        read_object(path)


def test_an_event_may_hold_nan(tmp_path):
    assert str(parse(b'{"detail": NaN}', tmp_path)["detail"]) == "nan"


def test_a_metric_that_is_no_finite_number_is_kept_as_text_only():
    assert numbers({"loss": "nan", "top": "inf", "acc": "0.5"}) == {"acc": 0.5}


def test_names_that_are_no_utf8_are_made_printable(tmp_path):
    value = parse(json.dumps({"caf\udce9": ["\udcff", "é"]}).encode(), tmp_path)
    assert value == {"caf\\xe9": ["\\xff", "é"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": ', "ends too early: it was truncated"),
        (b'{"a": ]}', "is not valid JSON (line 1"),
        (b'{"a": "\xff"}', "is not UTF-8 text (byte 7)"),
        (b"[" * 200_000, "is not usable JSON"),
    ],
)
def test_what_is_wrong_with_json_is_said(tmp_path, data, message):
    with pytest.raises(RecordError) as caught:
        parse(data, tmp_path / "record.json")
    assert message in caught.value.message


LARGE = [2**63, -(2**63) - 1, 2**64, 10**30, 10**5000]


@pytest.mark.parametrize("number", LARGE, ids=["64", "-64", "65", "100", "many"])
@pytest.mark.parametrize("name", ["end.json", "process.json", "points.jsonl", "events.jsonl"])
def test_a_number_of_more_than_64_bits_is_a_clear_error(writing, tmp_path, name, number):
    record = writing.record(tmp_path / "record", [writing.training(), writing.training()], sealed=False)
    path = next(record.glob(f"trials/001/processes/*/{name}"))
    lines = path.read_text().splitlines()
    digits = str(number) if number < 10**100 else "1" + "0" * 5000
    field = {"end.json": "steps", "process.json": "pid", "points.jsonl": "id", "events.jsonl": "extra"}[name]
    content = {**json.loads(lines[0]), field: "DIGITS"}
    path.write_text("\n".join([json.dumps(content).replace('"DIGITS"', digits), *lines[1:]]) + "\n")
    with pytest.raises(RecordError, match="has more than 64 bits") as caught:
        assert open_record(record).trials
    assert str(path) in caught.value.message
    assert len(caught.value.message) < 500


def test_a_result_that_holds_what_no_report_can_show_is_left_out(writing, tmp_path):
    record = writing.record(tmp_path / "record", [writing.training(), writing.training()])
    result = judge(open_record(record).file, open_record(record).trials)
    (record / "result.json").write_text(result.model_dump_json().replace('"seconds":0.0', '"seconds":1e999'))
    assert left_result(record) is None


@pytest.mark.parametrize(("a", "b"), [(1.0, -1.0), (-1e308, 1e308), (0.5, 0.25)])
def test_a_result_with_a_distance_of_floats_of_different_signs_is_read(writing, tmp_path, a, b):
    """It has more bits than a signed number of 64 bits."""
    record = writing.record(tmp_path / "record", [writing.training(), writing.training()])
    result = judge(open_record(record).file, open_record(record).trials)
    apart = Size(elements=1, different=1, max_ulp=int(ulp_distances(*np.array([[a], [b]]).view("u8"))[0]))
    where = Divergence(
        step=0, kind="update", name="w", trials=[1, 2], process=ProcessKey(order=0, argv=["train.py"]), size=apart
    )
    explained = Explanation(cause=["clock"], minimal_controls=[["clock"]], evidence=[], sentence="clock")
    known = {"divergence": where, "explanation": explained}
    write_document(record / "result.json", result.model_copy(update=known))
    left = left_result(record)
    assert left is not None
    assert (left.divergence, left.explanation) == (where, explained)


def test_a_table_of_points_without_end_is_a_clear_error(writing, tmp_path, monkeypatch):
    monkeypatch.setattr("samebits.store.record_files.MOST_LINES", 3)
    record = writing.record(tmp_path / "record", [writing.training(), writing.training()])
    with pytest.raises(RecordError, match=r"points\.jsonl: has more than 3 lines"):
        assert open_record(record).trials


def is_open(path: Path) -> bool:
    """Whether a descriptor of this process is open on the file."""
    descriptors = Path("/proc/self/fd").iterdir()
    return any(os.path.realpath(descriptor) == str(path.resolve()) for descriptor in descriptors)


def test_a_small_file_of_records_keeps_no_descriptor_and_a_large_one_is_mapped(tmp_path):
    """A search reads hundreds of trials, and a process may have 1,024 descriptors."""
    kind = np.dtype("<u8")
    small, large = tmp_path / "small.bin", tmp_path / "large.bin"
    np.arange(100, dtype=kind).tofile(small)
    np.arange(1 << 18, dtype=kind).tofile(large)
    read = record_files.array(small, kind)
    assert not is_open(small)
    assert read.tolist() == list(range(100))
    assert not read.flags.writeable
    mapped = record_files.array(large, kind)
    assert isinstance(mapped, np.memmap)
    assert is_open(large)
    assert mapped[-1] == (1 << 18) - 1
