"""A fuzz: records that were changed anywhere are read by every command, and each ends with an answer or a sentence.

A bounded share runs by default; `make endurance` runs 3,000 mutants.
"""

import contextlib
import json
import os
import random
import re
import shutil
import sys
import time

import pytest

from samebits.cli import main
from samebits.launch import origin
from samebits.store import open_record, seal, seal_record
from samebits_probe import wire

ENDURANCE = os.environ.get("SAMEBITS_ENDURANCE")
MUTANTS = 3000 if ENDURANCE else 150
BATCH = 50  # mutants in one test
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
MOST_SECONDS = 20.0  # of the processor, for one command on a record of 100 kB

COMMANDS = {
    "report": ["report", "{mutant}"],
    "report to files": ["report", "--json", "{tmp}/j", "--html", "{tmp}/h", "--md", "{tmp}/m", "--junit", "{tmp}/x", "{mutant}"],
    "compare": ["compare", "{sound}", "{mutant}"],
    "compare the other way": ["compare", "--html", "{tmp}/h", "{mutant}", "{sound}"],
    "explain": ["explain", "{mutant}"],
    "locate": ["locate", "{mutant}"],
    "fix": ["fix", "{mutant}"],
    "fix, run": ["fix", "--run", "--apply", "{mutant}"],
    "add": ["check", "--add", "1", "{mutant}"],
    "add, run": ["check", "--run", "--add", "1", "{mutant}"],
    "locate, run": ["locate", "--run", "{mutant}"],
    "against": ["check", "-n", "3", "--overwrite", "--out", "{tmp}/new", "--against", "{mutant}", "--", "{python}", "-c", "pass"],
    "vary": ["vary", "{mutant}"],
    "ops": ["ops", "{mutant}"],
    "overwrite": ["record", "--out", "{mutant}", "--", "/bin/true"],
}  # fmt: skip
NUMBERS = [0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 1.5, -0.0, 1e308, 7, 999]
TEXTS = ["", "a\nb", "\x1b[2J\x1b]0;x\x07", "‮gnp.exe", "\x00", "../../../etc/passwd", "/etc/passwd", "x" * 100_000, "\ud800",
         "<script>alert(1)</script>", "|`*_~", "]]>", "{out}", "%s%n", "é" * 300, "a: 1\nsamebits: all is well"]  # fmt: skip
RAW = ["1e400", "NaN", "-Infinity", "9" * 5000, "[" * 3000 + "]" * 3000, "null", "true", "{}", "[]", '"\\ud800"']


def places(value, path=()):
    """All places in a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def changed_json(text, chance):
    """The text of a JSON value in which one place holds something else."""
    value = json.loads(text)
    path = chance.choice(list(places(value)))
    if chance.random() < 0.3:
        return json.dumps(put(value, path, "MARK")).replace('"MARK"', chance.choice(RAW), 1)
    if chance.random() < 0.2 and path and isinstance(path[-1], str):
        return text.replace(f'"{path[-1]}"', json.dumps(chance.choice(TEXTS)), 1)
    return json.dumps(put(value, path, chance.choice([*NUMBERS, *TEXTS, None, True, [], {}, [[]], {"a": 1}])))


def every(record, *ends):
    return sorted(
        path for path in record.rglob("*") if path.is_file() and not path.is_symlink() and path.name.endswith(ends)
    )


def change_document(record, chance):
    path = chance.choice([path for path in every(record, ".json") if path.name != "checksums.json"])
    path.write_text(changed_json(path.read_text(), chance), encoding="utf-8", errors="surrogatepass")


def change_line(record, chance):
    path = chance.choice([path for path in every(record, ".jsonl") if path.stat().st_size])
    lines = path.read_text().splitlines()
    at = chance.randrange(len(lines))
    lines[at] = chance.choice([changed_json(lines[at], chance), "", "[]", "7", lines[at][:5]])
    if chance.random() < 0.2:
        lines.insert(at, lines[at])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")


def change_observations(record, chance):
    path = chance.choice([path for path in every(record, wire.TRACE, wire.SCALARS) if path.stat().st_size])
    data, form = bytearray(path.read_bytes()), wire.ROW if path.name == wire.TRACE else None
    if form and chance.random() < 0.6:
        at = form.size * chance.randrange(len(data) // form.size)
        fields = list(form.unpack(data[at : at + form.size]))
        fields[0] = chance.choice([-1, -2, 0, 5, 2**40, 2**63 - 1, -(2**63)])
        data[at : at + form.size] = form.pack(*fields)
    else:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut_or_grow(record, chance):
    path = chance.choice(every(record, ""))
    data = path.read_bytes()
    path.write_bytes(chance.choice([data[: chance.randrange(len(data) + 1)], data + data[:40], b"", data + b"\0" * 64]))


def put_something_in_the_way(record, chance):
    path = chance.choice([path for path in record.rglob("*") if path.exists()])
    aside = record.parent / f"aside-{chance.random()}"
    path.rename(aside)
    kind = chance.randrange(5)
    if kind == 0:
        path.symlink_to(aside)
    elif kind == 1:
        os.mkfifo(path)
    elif kind == 2:
        path.mkdir()
    elif kind == 3:
        path.symlink_to("/dev/zero")


def strange_names(record, chance):
    name = chance.choice(
        ["a\nb", "\x1b[2J", "²", "-1", "1" * 200, "002", ".old-001", ".new-9", "٣", os.fsdecode(b"\xff")]
    )
    folder = chance.choice([record, record / "trials", record / "trials/001", record / "trials/001/processes"])
    if not (folder / name).exists():
        (folder / name).mkdir()


MUTATIONS = (
    [change_document] * 4
    + [change_line] * 2
    + [change_observations, cut_or_grow, put_something_in_the_way, strange_names]
)


def mutate(record, chance):
    broken = (OSError, ValueError, IndexError, KeyError, RecursionError)  # by a mutation before this one
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        with contextlib.suppress(*broken):
            chance.choice(MUTATIONS)(record, chance)
    seals = list(record.rglob("checksums.json"))
    if chance.random() < 0.7:  # under a seal that is in order: what no seal can find
        for path in seals:
            _drop(path)
        with contextlib.suppress(OSError, ValueError):
            seal_record(record)
            for folder in (record / "trials").iterdir():
                seal(folder)


@pytest.fixture(scope="module")
def sound(writing, tmp_path_factory):
    """A record with everything that commands leave in it, two trials of which diverge."""
    folder = tmp_path_factory.mktemp("sound") / "record"
    events = [{"event": "observed-by", "how": "optimizer"}, {"event": "warning", "text": "mind"},
              {"event": "control", "id": "threads", "took_effect": True, "when": "start", "detail": "1"},
              {"event": "not-observed", "point": "x", "why": "hidden"}]  # fmt: skip
    changes = {(1, "gradient", "fc.bias"): 7}
    trials = [
        writing.training(events=events),
        writing.training(events=events, changes=changes),
        writing.training(events=events),
    ]
    command = [sys.executable, "-c", "pass"]
    writing.record(
        folder,
        trials,
        command=command,
        directory=str(folder.parent),
        rounds=[{"steps": None, "trials": [1, 2, 3], "seconds": 4.0}],
    )
    main(["report", "--json", str(folder / "result.json"), str(folder)])
    (folder / "locate.json").write_text(
        json.dumps(
            {
                "format": 1,
                "found": True,
                "sentence": "There.",
                "step": 1,
                "kind": "gradient",
                "name": "fc.bias",
                "path": [{"level": "step", "name": "step 1"}],
            }
        )
    )
    (folder / "ops.json").write_text(json.dumps({"format": 1}))
    return folder


def answered(words, capsys, mutant):
    """Run a command; it must end with an exit status of the contract and clean words, in time."""
    began = time.process_time()
    status = main(words)
    spent = time.process_time() - began
    said = capsys.readouterr()
    whole = said.out + said.err
    assert status in (0, 1, 2, 3), (words, said)
    assert "Traceback" not in whole
    assert "samebits-error-" not in whole, (words, said.err)
    assert not CONTROL.search(whole), (words, CONTROL.search(whole))
    assert not any(line.startswith("samebits: all is well") for line in whole.splitlines())
    assert status != 2 or said.err.startswith("samebits: "), said
    assert spent < MOST_SECONDS, (words, spent)
    for name in ("h", "m", "x"):
        if (report := mutant.parent / name).exists():
            assert not CONTROL.search(report.read_text())
            report.unlink()


@pytest.mark.parametrize("batch", range(MUTANTS // BATCH))
def test_every_command_answers_a_mutated_record(sound, tmp_path, capsys, batch, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    names = sorted(COMMANDS)
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        chance = random.Random(f"{ENDURANCE} {number}")
        mutant = shutil.copytree(sound, tmp_path / "mutant")
        mutate(mutant, chance)
        name = names[number % len(names)]
        fill = {"mutant": mutant, "sound": sound, "tmp": tmp_path, "python": sys.executable}
        try:
            answered([word.format(**fill) for word in COMMANDS[name]], capsys, mutant)
        except BaseException as why:
            raise AssertionError(f"mutant {number}, {name}: {why}") from why
        _remove(tmp_path)


def _remove(folder):
    for path in folder.iterdir():
        _drop(path)


def _drop(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def test_the_sound_record_is_judged(sound, capsys):
    assert main(["report", str(sound)]) == 1
    assert "DIFFERENT BITS" in capsys.readouterr().out
    assert not origin.is_own(open_record(sound))
