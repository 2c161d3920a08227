"""Statements of real checks: their form, read by in-toto's own library, and what `samebits verify` refuses."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from samebits import cli

PROGRAM = """\
import os
import numpy
from samebits_probe import observe

weights = numpy.full(3, {start})
if os.path.exists("model.npy"):
    weights = numpy.load("model.npy")
for step in range(5):
    observe("loss", weights.sum(), step=step)
    observe("weights", weights, step=step)
    weights = weights * 0.5 + {more}
{end}
"""
SAVED = 'numpy.save("model.npy", weights)'
CHECK = ["check", "-n", "2", "--python", sys.executable, "--overwrite", "--out", "record"]


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Function(*options, start=1.0, more="0", end=SAVED) -> the statement of a check, or its exit status if none."""
    monkeypatch.chdir(tmp_path)

    def make(*options, start=1.0, more="0", end=SAVED):
        program(start=start, more=more, end=end)
        cli.main([*CHECK, *options, "train.py"])
        status = cli.main(["report", "record", "--statement", "claims.jsonl"])
        capsys.readouterr()
        return json.loads(Path("claims.jsonl").read_text()) if status in (0, 1) else status

    return make


def program(start=1.0, more="0", end=SAVED):
    Path("train.py").write_text(PROGRAM.format(start=start, more=more, end=end))


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def git(*words):
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_a_statement_names_the_model_the_commit_and_the_files_that_decide(checked):
    program()
    Path("uv.lock").write_text("numpy 2\n")
    Path(".gitignore").write_text("record\n*.npy\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    made = checked()
    subject = {one["name"]: one["digest"] for one in made["subject"]}
    assert subject == {"model.npy": {"sha256": sha256("model.npy")}, "commit": {"gitCommit": git("rev-parse", "HEAD")}}
    predicate = made["predicate"]
    assert (predicate["result"], predicate["passedTests"]) == ("PASSED", ["repeat/2 trials/all 5 steps"])
    configuration = {one["name"]: one["digest"]["sha256"] for one in predicate["configuration"]}
    assert configuration == {name: sha256(name) for name in ("record/record.json", "train.py", "uv.lock")}
    Path("uv.lock").write_text("numpy 3\n")
    assert cli.main(["report", "record", "--statement", "claims.jsonl"]) == 2


def test_the_library_of_in_toto_reads_the_statement(checked):
    statement = pytest.importorskip("in_toto_attestation.v1.statement", reason="in-toto-attestation is not installed")
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
    from in_toto_attestation.v1 import statement_pb2

    made = checked()
    statement.Statement.copy_from_pb(ParseDict(made, statement_pb2.Statement())).validate()
    read = ParseDict(made["predicate"], test_result_pb2.TestResult())
    assert (read.result, list(read.passed_tests)) == ("PASSED", ["repeat/2 trials/all 5 steps"])


def test_a_library_for_signatures_refuses_a_changed_verdict(checked):
    dsse = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    from securesystemslib.signer import CryptoSigner

    checked()
    text, key = Path("claims.jsonl").read_bytes(), CryptoSigner.generate_ed25519()
    signed = dsse.Envelope(text, "application/vnd.in-toto+json", {})
    signed.sign(key)
    signed.verify([key.public_key], 1)
    signed.payload = text.replace(b"PASSED", b"FAILED")
    with pytest.raises(dsse.exceptions.VerificationError):
        signed.verify([key.public_key], 1)


def test_a_caveat_gives_a_warning_and_a_divergence_a_failure(checked):
    warned = checked("--control", "torch-seed")  # nothing reads this control
    failed = checked("--full", more="os.urandom(1)[0]", start=2.0)
    assert (failed["predicate"]["result"], failed["predicate"]["failedTests"]) == (
        "FAILED",
        ["repeat/2 trials/all 5 steps"],
    )
    assert cli.main(["verify", "claims.jsonl"]) == 0
    assert warned["predicate"]["result"] == "WARNED"


def test_no_answer_and_no_model_give_no_statement(checked, capsys):
    assert checked(end=SAVED + "\nraise SystemExit(3)") == 3
    assert checked(end="") == 2
    assert checked("--steps", "2") == 2
    assert not Path("claims.jsonl").exists()
    assert cli.main(["report", "record", "--statement", "claims.jsonl"]) == 2
    assert "no trial left a final model" in capsys.readouterr().err


def test_a_file_or_a_script_that_changed_since_gives_no_statement(checked, capsys):
    checked()
    program(start=2.0)
    assert cli.main(["report", "record", "--statement", "claims.jsonl"]) == 2
    assert "train.py is no longer the program" in capsys.readouterr().err
    program()
    numpy.save("model.npy", numpy.zeros(3))
    assert cli.main(["report", "record", "--statement", "claims.jsonl"]) == 2
    assert "model.npy is no longer as the trials left it" in capsys.readouterr().err


def test_a_changed_file_and_a_changed_verdict_are_refused(checked, capsys):
    made = checked()
    assert cli.main(["verify", "claims.jsonl"]) == 0
    for change in ({"result": "FAILED"}, {"result": "FAILED", "passedTests": [], "failedTests": ["x"]}):
        changed = {**made, "predicate": {**made["predicate"], **change}}
        Path("changed.jsonl").write_text(json.dumps(changed) + "\n")
        assert cli.main(["verify", "changed.jsonl"]) == 2
    said = capsys.readouterr().err
    assert "the result FAILED does not follow from its tests" in said
    assert "its trials repeat, but the statement says FAILED" in said
    (model,) = made["subject"]
    Path("sums").write_text(f"{model['digest']['sha256']}  {model['name']}\n")
    assert subprocess.call(["sha256sum", "--check", "sums"]) == 0
    numpy.save("model.npy", numpy.zeros(3))
    assert subprocess.call(["sha256sum", "--check", "sums"]) == 1
    assert cli.main(["verify", "claims.jsonl"]) == 1
    assert "model.npy is not the file of the statement" in capsys.readouterr().out
    Path("model.npy").unlink()
    assert cli.main(["verify", "claims.jsonl"]) == 2


def test_a_training_verifies_the_model_without_using_it_and_leaves_it_as_it_was(checked, capsys):
    checked()
    before = Path("model.npy").stat()
    train = ["verify", "-n", "2", "--python", sys.executable, "claims.jsonl", "--", "python", "train.py"]
    assert cli.main(train) == 0
    assert "2 new trials gave the model of the statement" in capsys.readouterr().out
    after = Path("model.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    other = json.loads(Path("claims.jsonl").read_text())
    program(start=2.0)
    assert cli.main(train) == 2
    assert "train.py is not the file that the statement names" in capsys.readouterr().err
    other["predicate"]["configuration"] = []
    Path("claims.jsonl").write_text(json.dumps(other))
    assert cli.main(train) == 1
    assert "model.npy of the new trials has different bits" in capsys.readouterr().out
    program(end="")
    assert cli.main(train) == 1
    assert "the new trials left no model.npy" in capsys.readouterr().out
    assert Path("model.npy").stat().st_ino == before.st_ino
    Path(".samebits/verify").mkdir()
    assert cli.main(train) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("no JSON\n", "holds no statement"),
        ('{"_type": "https://in-toto.io/Statement/v1"}\n', "holds no statement"),
        ("\xff", "holds no statement"),
    ],
)
def test_a_file_that_is_no_statement_is_refused(tmp_path, monkeypatch, capsys, text, said):
    monkeypatch.chdir(tmp_path)
    Path("c.jsonl").write_text(text)
    assert cli.main(["verify", "c.jsonl"]) == 2
    assert said in capsys.readouterr().err
    assert cli.main(["verify", "none.jsonl"]) == 2
    assert cli.main(["report", "--statement", "c", "none"]) == 2


def test_the_paragraph_says_what_was_shown_and_what_was_not_tried(checked, capsys):
    checked("--steps", "3")
    assert cli.main(["report", "record", "--paper"]) == 0
    said = capsys.readouterr().out
    assert "The bits of the first 3 steps were the same in all trials." in said
    assert "Not tried: steps after these, other machines, other versions of the libraries" in said
    checked(more="os.urandom(1)[0]")
    assert cli.main(["report", "record", "--paper"]) == 1
    assert "The first difference: step 1 > forward > loss." in capsys.readouterr().out
    assert cli.main(["report", "record", "--paper", "--json", "result.json"]) == 2
    assert "--paper prints a paragraph, and writes no report." in capsys.readouterr().err
    checked(end="raise SystemExit(3)")
    assert cli.main(["report", "record", "--paper"]) == 3
