"""Which patches are tried, one after the other, and what is said of a patch that --fewest cannot take."""

import json
from types import SimpleNamespace

import pytest

from samebits import interrupt, patches
from samebits.model import FilesFile
from samebits.patches import Attempts, reduction
from samebits.patches.documents import PatchResult, PatchTrial
from samebits.patches.patch import Patch
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.proposal import Proposal
from samebits.patches.source import TextEdit
from samebits.store import fingerprint_file, open_record


@pytest.fixture
def proposal(tmp_path):
    """Function(bytes of train.py, edits of each patch, missing controls) -> Proposal; each edit has a place."""

    def make(data, *choices, missing=()):
        (tmp_path / "train.py").write_bytes(data)
        program = Program(Look(), tmp_path, 2019, {})
        source = program.source(tmp_path / "train.py")
        patches = [
            Patch(tuple(LineChange("hash-seed", source, edit, "", (edit.start, edit.end))
                        for edit in edits))
            for edits in choices
        ]  # fmt: skip
        document = PatchResult.model_construct(
            record=str(tmp_path / "record"), directory=str(tmp_path), cause=["hash-seed"], notes=[], tried=[], changes=[],
            patch=patches[0].diff(program),
        )  # fmt: skip
        why, record = SimpleNamespace(cause=["hash-seed"]), SimpleNamespace(file=SimpleNamespace(command=["a", "b c"]))
        return Proposal(record, None, why, program, patches, list(missing), document)

    return make


def edits(*starts, text="x"):
    return [TextEdit(start, start, text) for start in starts]


def answers(monkeypatch, *verdicts):
    """Let the checks give these verdicts in turn."""
    rest = iter(verdicts)

    def with_patch(made, patch, progress, *, stays):
        result = SimpleNamespace(verdict=next(rest), sentence="said", trials=[None] * 3, record="r")
        return result, []

    monkeypatch.setattr(patches, "_with_patch", with_patch)
    return rest


DATA = b"aa = 1\nbb = 2\n"


def test_after_a_patch_that_repeated_by_chance_the_next_one_is_tried(proposal, monkeypatch):
    whole, smallest = ["repeated", "diverged", "diverged"], "diverged"
    rest = answers(monkeypatch, *whole, smallest, "repeated")  # the halves do not repeat, so the smallest is the whole
    made = proposal(DATA, edits(0, 7), edits(0, text="y"))
    found = Attempts(made, None).result(fewest=True)
    assert (found.outcome, list(rest)) == ("mended", [])
    assert "+yaa = 1" in found.patch
    answers(monkeypatch, *whole, smallest)
    assert Attempts(proposal(DATA, edits(0, 7)), None).result(fewest=True).outcome == "refuted"


@pytest.mark.parametrize(("verdict", "said"), [("diverged", "do not repeat"), ("inconclusive", "give no answer")])
def test_a_patch_whose_trials_give_no_answer_is_not_said_to_fail(proposal, monkeypatch, verdict, said):
    answers(monkeypatch, verdict)
    found = Attempts(proposal(DATA, edits(0)), None).result(fewest=False)
    assert found.sentence.startswith(f"With the patch, the trials {said}.")


def test_a_search_that_was_whole_does_not_say_that_it_ended_early(proposal, monkeypatch):
    monkeypatch.setattr("samebits.patches.reduction.MOST_CHECKS", 2)
    monkeypatch.setattr(patches, "MOST_CHECKS", 2)
    answers(monkeypatch, "repeated", "diverged", "diverged", "repeated")
    found = Attempts(proposal(DATA, edits(0, 7)), None).result(fewest=True)
    assert found.notes == ["no change could be left out"]
    answers(monkeypatch, "repeated", "diverged", "diverged", "repeated")
    found = Attempts(proposal(DATA, edits(0, 3, 7)), None).result(fewest=True)
    assert found.notes[0].endswith("the search ended after 2 checks, so some of the others may not be needed either")


def test_fewest_says_that_it_leaves_nothing_out_of_an_earlier_patch(proposal):
    (said,) = reduction.of_one_found_again(proposal(DATA, edits(0)))
    assert "run samebits explain -- a 'b c' again, then samebits fix --apply --fewest" in said


def test_fewest_says_that_the_patch_is_in_the_files_unless_it_was_searched(proposal):
    before = proposal(DATA, edits(0, 7)).document
    tried = PatchTrial(patch=before.patch, verdict="repeated", sentence="", trials=3, record="")
    (said,) = reduction.of_one_in_place(before.model_copy(update={"tried": [tried]}))
    assert f"| patch -R -p1 -d {before.directory})" in said
    assert reduction.of_one_in_place(before.model_copy(update={"tried": [tried, tried]})) == []
    assert reduction.of_one_in_place(proposal(DATA, edits(0)).document) == []


def test_the_file_that_differed_is_named_for_trials_with_a_patch(writing, tmp_path):
    def trial(content):
        path = tmp_path / "m.json"
        path.write_text(json.dumps(content))
        saved = fingerprint_file(path, False).model_copy(update={"path": "m[1].json"})
        return lambda folder, number: {"files": FilesFile(files=[saved])}

    record = open_record(writing.record(tmp_path / "record", [trial(one) for one in ({"loss": 0.5}, {"loss": 0.6})]))
    result = SimpleNamespace(divergence=SimpleNamespace(name="m[1].json > loss"))
    assert patches._artifacts(SimpleNamespace(record=record, result=result)) == ["m[[]1].json"]


@pytest.mark.parametrize(("fewest", "option"), [(False, ""), (True, "--fewest ")])
def test_after_ctrl_c_the_advice_is_to_try_the_patch_again(proposal, monkeypatch, tmp_path, fewest, option):
    monkeypatch.chdir(tmp_path)
    told = {}
    monkeypatch.setattr(interrupt, "tell", lambda **given: told.update(given))
    answers(monkeypatch, "repeated")
    Attempts(proposal(DATA, edits(0)), None).result(fewest=fewest)
    assert told["known"] == "The files are as they were before the patch."
    assert told["advice"] == f"samebits fix --apply {option}record"
