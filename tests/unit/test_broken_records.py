"""Broken records: each is one clear error with exit code 2, and never a traceback."""

import json
import os
import random
import re
import shutil

import pytest

from samebits.cli import main
from samebits.comparison import judge
from samebits.errors import NotFoundError, RecordError, SamebitsError
from samebits.launch.plan import choose_hash
from samebits.model import Result
from samebits.store import open_record, read_trial, seal, sealed_since
from samebits_probe import wire

EACH = 20
ON_THE_COMMAND_LINE = 3


@pytest.fixture(scope="module")
def sound(writing, tmp_path_factory):
    """A sound record of two trials, copied before it is broken."""
    return writing.record(tmp_path_factory.mktemp("sound") / "record", [writing.training()] * 2)


@pytest.fixture
def record(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "record")


def files(record):
    """All files that a sound record needs, seals included."""
    return sorted(path for path in record.rglob("*") if path.is_file())


def unseal(record):
    """Take the seals away, so that what is broken below them is seen."""
    for path in list(record.rglob("checksums.json")):
        path.unlink()


def truncated(record, chance):
    path = chance.choice([path for path in files(record) if path.stat().st_size > 1])
    os.truncate(path, chance.randrange(path.stat().st_size))


def bit_flipped(record, chance):
    path = chance.choice(files(record))
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def missing(record, chance):
    """Any file but a seal: without it a trial is read as one that crashed, with a warning."""
    chance.choice([path for path in files(record) if path.name != "checksums.json"]).unlink()


def documents(record):
    return [path for path in files(record) if path.suffix == ".json" and path.name != "checksums.json"]


REQUIRED = {
    "record.json": {"command", "hash", "samebits", "created", "directory", "options"},
    "trial.json": {"id", "status", "started", "seconds", "leaks", "machine"},
    "files.json": {"files", "patterns_without_match"},
    "process.json": {"pid", "argv"},
    "end.json": {"steps"},
}


def wrong_json_types(record, chance):
    unseal(record)
    path = chance.choice([path for path in documents(record) if path.name in REQUIRED])
    content = json.loads(path.read_text())
    field = chance.choice(sorted(REQUIRED[path.name]))
    wrong = [None, True, "a text", 1.5, -1e300, {"a": []}, [[]], "\ud800"]
    usual = content[field]
    content[field] = chance.choice([value for value in wrong if not fits(value, usual)])
    path.write_text(json.dumps(content))


def fits(value, usual):
    """Whether JSON of this type could stand there (a whole number may be a float)."""
    number = (int, float)
    both_numbers = isinstance(value, number) and isinstance(usual, float)
    same_kind = type(value) is type(usual) and not isinstance(value, (list, str))
    text = isinstance(value, str) and isinstance(usual, str)
    return both_numbers or same_kind or text


def wrong_values(record, chance):
    """Fields of the right type with a value that no samebits writes."""
    unseal(record)
    path = record / "record.json"
    wrong = [{"format": "one"}, {"hash": "md5"}, {"options": {"trials": "many"}}]
    path.write_text(json.dumps({**json.loads(path.read_text()), **chance.choice(wrong)}))


def no_json(record, chance):
    unseal(record)
    path = chance.choice([path for path in documents(record) if path.name != "config.json"])
    texts = [b"", b"{", b"[]", b"nothing", b'{"format": 1', b"\x00\x01", b"[" * 100_000, b"null", b'{"format": 1}}']
    path.write_bytes(chance.choice(texts))


def not_utf8(record, chance):
    unseal(record)
    path = chance.choice([p for p in files(record) if p.suffix in (".json", ".jsonl") and p.name != "config.json"])
    data = path.read_bytes()
    at = data.index(b'"') + 1
    path.write_bytes(data[:at] + chance.choice([b"\xff", b"\xc3(", b"\xfe\xfe", b"\xed\xa0\x80"]) + data[at:])


def newer_format(record, chance):
    unseal(record)
    path = chance.choice(
        [path for path in documents(record) if path.name in ("record.json", "trial.json", "files.json")]
    )
    content = json.loads(path.read_text())
    content["format"] = chance.choice([2, 3, 99, 10**6])
    path.write_text(json.dumps(content))


def no_record(record, chance):
    kind = chance.randrange(5)
    if kind == 0:
        shutil.rmtree(record)
    elif kind == 1:
        (record / "record.json").unlink()
    elif kind == 2:
        shutil.rmtree(record / "trials")
    elif kind == 3:
        shutil.rmtree(record)
        record.write_text("a file")
    else:
        (record / "trials" / chance.choice(["one", "²", "-1", "1.5", "001 copy"])).mkdir()


def strange_names(record, chance):
    """Names that are no UTF-8, in the record and of it."""
    name = os.fsdecode(chance.choice([b"\xff\xfe", b"00\xe9", b"\x80", b"tri\xc3"]))
    folder = chance.choice([record / "trials", record / "trials" / "001" / "processes"])
    (folder / name).mkdir()
    if folder.name == "processes":
        (folder / name / "trace.bin").write_bytes(b"\0" * 32)
        unseal(record)


def impossible_records(record, chance):
    """Records that no probe writes, under a seal that is in order."""
    folder = next((record / "trials" / "001" / "processes").iterdir())
    fields = list(wire.ROW.unpack((folder / wire.TRACE).read_bytes()[:32]))
    field, value = chance.choice(
        [(0, -2), (0, -(2**63)), (1, 99), (1, 2**32 - 1), (2, 8), (2, 255), (2, wire.CODE["end"]), (3, 2), (3, 255)]
    )
    fields[field] = value
    with (folder / wire.TRACE).open("r+b") as file:
        file.seek(wire.ROW.size * chance.randrange(5))
        file.write(wire.ROW.pack(*fields))
    seal(record / "trials" / "001")


def impossible_points(record, chance):
    folder = next((record / "trials" / "001" / "processes").iterdir())
    lines = (folder / wire.POINTS).read_text().splitlines()
    point = json.loads(lines[0])
    wrong = chance.choice(
        [{"id": 7}, {"id": -1}, {"kind": "weather"}, {"kind": 3}, {"name": None}, {"shape": [-1]}, {"shape": [1] * 99},
         {"shape": "2"}, {"dtype": 5}]
    )  # fmt: skip
    lines[0] = json.dumps({**point, **wrong})
    if chance.random() < 0.3:
        lines = lines[1:]
    (folder / wire.POINTS).write_text("\n".join(lines) + "\n")
    seal(record / "trials" / "001")


def folders_for_files(record, chance):
    unseal(record)
    path = chance.choice([p for p in files(record) if p.name in REQUIRED or p.name in (wire.TRACE, wire.POINTS)])
    path.unlink()
    path.mkdir()


BREAKS = [
    truncated,
    bit_flipped,
    missing,
    wrong_json_types,
    wrong_values,
    no_json,
    not_utf8,
    newer_format,
    no_record,
    strange_names,
    impossible_records,
    impossible_points,
    folders_for_files,
]


@pytest.mark.parametrize("number", range(EACH))
@pytest.mark.parametrize("break_it", BREAKS, ids=lambda function: function.__name__)
def test_a_broken_record_is_one_clear_error(record, capsys, break_it, number):
    break_it(record, random.Random(f"{break_it.__name__} {number}"))
    with pytest.raises(SamebitsError) as caught:
        assert open_record(record).trials
    error = caught.value
    assert error.exit_code == 2
    assert error.advice
    assert str(record) in error.message
    (error.message + error.advice).encode("utf-8")
    assert "\n" not in error.message
    assert len(error.message) < 1000
    if number < ON_THE_COMMAND_LINE:
        assert_refused(record, capsys)


def assert_refused(record, capsys):
    """The command line says the same: an error that was foreseen, and nothing on standard output."""
    assert main(["report", str(record)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("samebits: ")
    assert not re.search("Traceback|samebits-error-", said.out + said.err), said
    assert "record" in said.err
    assert said.out == ""


@pytest.mark.parametrize("number", range(60))
def test_damage_that_no_seal_covers_is_an_error_or_a_result_and_never_a_traceback(record, number):
    chance = random.Random(number)
    unseal(record)
    chance.choice([truncated, bit_flipped])(record, chance)
    try:
        opened = open_record(record)
        result = judge(opened.file, opened.trials)
    except SamebitsError as error:
        result = error
    assert isinstance(result, SamebitsError) or Result.model_validate_json(result.model_dump_json()) == result


def test_a_newer_format_says_to_upgrade(record):
    newer_format(record, random.Random(0))
    with pytest.raises(RecordError, match=r"written by a newer samebits \(format \d+"):
        assert open_record(record).trials


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("name", ["record.json", "trials/001/trial.json", "trials/001", "trials", "."])
def test_what_may_not_be_read_is_said(record, name):
    (record / name).chmod(0)
    try:
        with pytest.raises(SamebitsError, match=r"cannot be read|Permission denied"):
            assert open_record(record).trials
    finally:
        (record / name).chmod(0o755)


def test_a_flipped_bit_inside_a_fingerprint_is_noticed(record):
    trace = next(record.glob("trials/001/processes/*/trace.bin"))
    data = bytearray(trace.read_bytes())
    data[20] ^= 1
    trace.write_bytes(data)
    with pytest.raises(RecordError, match="does not match its checksum"):
        assert open_record(record).trials


def test_a_torn_tail_of_a_crashed_trial_is_cut_off(record):
    unseal(record)
    trace = next(record.glob("trials/001/processes/*/trace.bin"))
    whole = len(trace.read_bytes()) // 32
    os.truncate(trace, whole * 32 - 5)
    points = trace.with_name("points.jsonl")
    points.write_bytes(points.read_bytes() + b'{"id": 99, "ki')
    trial = open_record(record).trials[0]
    assert len(trial.processes[0].rows) == whole - 1
    assert trial.warnings == ["trial 1 has no seal: damage to its files cannot be noticed"]


def test_arguments_that_are_no_utf8_can_be_printed(writing, tmp_path):
    training = writing.training(facts={"argv": ["python", "caf\udce9.py"]})
    record = open_record(writing.record(tmp_path, [training, training]))
    assert record.trials[0].processes[0].facts["argv"] == ["python", "caf\\xe9.py"]


def test_what_was_read_before_it_was_sealed_is_known_as_long_as_nothing_has_changed(record):
    folder = record / "trials" / "001"
    unseal(record)
    trial = read_trial(folder)
    assert trial.warnings
    seal(folder)
    found = sealed_since(trial, folder)
    assert found is not None
    assert found.warnings == []
    (folder / "stdout.txt").write_text("more")
    assert sealed_since(trial, folder) is None
    assert sealed_since(found, folder) is None


def test_a_python_that_is_gone_is_named(tmp_path):
    gone = tmp_path / "bin" / "python"
    with pytest.raises(NotFoundError, match=rf"The Python of the record is no longer there: {gone}"):
        choose_hash(str(gone), wanted="xxh3")
