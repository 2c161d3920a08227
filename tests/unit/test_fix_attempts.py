"""The answer after a patch was tried."""

import json
from types import SimpleNamespace

import pytest

from samebits import interrupt, patches
from samebits.model import FilesFile
from samebits.patches.documents import PatchResult
from samebits.patches.patch import Patch
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.proposal import Proposal
from samebits.patches.source import TextEdit
from samebits.store import fingerprint_file, open_record


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """Function(verdict) -> the document of a patch whose trials had this verdict."""
    (tmp_path / "train.py").write_bytes(b"aa = 1\n")
    program = Program(Look(), tmp_path, 2019, {})
    source = program.source(tmp_path / "train.py")
    patch = Patch((LineChange("hash-seed", source, TextEdit(0, 0, "x"), ""),))
    document = PatchResult.model_construct(record=str(tmp_path / "record"), patch=patch.diff(program), tried=[])

    def make(verdict):
        result = SimpleNamespace(verdict=verdict, sentence="said", trials=[None] * 3, record="r")
        monkeypatch.setattr(patches, "_with_patch", lambda *_: (result, []))
        return patches._tried(Proposal(None, None, None, program, patch, [], document), patch, None)

    return make


@pytest.mark.parametrize(
    ("verdict", "outcome", "said"),
    [
        ("repeated", "mended", "With the patch, 3 of 3 trials repeat. The patch stays in the files."),
        ("diverged", "refuted", "With the patch, the trials do not repeat. The files are as before."),
        ("inconclusive", "refuted", "With the patch, the trials give no answer. The files are as before."),
    ],
)
def test_a_patch_whose_trials_give_no_answer_is_not_said_to_fail(tried, verdict, outcome, said):
    found = tried(verdict)
    assert (found.outcome, found.verdict, [one.verdict for one in found.tried]) == (outcome, verdict, [verdict])
    assert found.sentence.startswith(said)


def test_the_file_that_differed_is_named_for_trials_with_a_patch(writing, tmp_path):
    def trial(content):
        path = tmp_path / "m.json"
        path.write_text(json.dumps(content))
        saved = fingerprint_file(path, False).model_copy(update={"path": "m[1].json"})
        return lambda folder, number: {"files": FilesFile(files=[saved])}

    record = open_record(writing.record(tmp_path / "record", [trial(one) for one in ({"loss": 0.5}, {"loss": 0.6})]))
    result = SimpleNamespace(divergence=SimpleNamespace(kind="end", step=0, name="m[1].json > loss"))
    assert patches._artifacts(SimpleNamespace(record=record, result=result)) == ["m[[]1].json"]


def test_after_ctrl_c_the_advice_is_to_try_the_patch_again(tried, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = {}
    monkeypatch.setattr(interrupt, "tell", lambda **given: told.update(given))
    tried("repeated")
    assert told == {"known": "The files are as they were before the patch.", "advice": "samebits fix --apply record"}
