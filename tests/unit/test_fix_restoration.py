"""What a killed `samebits fix --apply` leaves in the files: it is found, taken out, and never taken for something else."""

import os
import shutil
import subprocess

import pytest

from samebits import interrupt
from samebits.errors import UsageError
from samebits.patches import patched_files
from samebits.patches.documents import PatchResult
from samebits.patches.patch import Patch
from samebits.patches.patched_files import PatchedFiles, Restoration, keep_copies
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.proposal import changed_places
from samebits.patches.source import TextEdit

OLD = {
    "train.py": "import random\n\nprint(random.random())\n",
    "deep/model.py": "import random\n\nx = random.random()\n",
}
SEED = "random.seed(2019)\n"
NEW = {name: text.replace("\n", f"\n{SEED}", 1) for name, text in OLD.items()}


class KilledFix:
    """A program of two files, the patch for it, and a record in which fix.json says that the patch is tried."""

    def __init__(self, folder, *, script="train.py"):
        self.work, self.record = folder / "work", folder / "record"
        self.record.mkdir()
        for name, text in OLD.items():
            path = self.work / (script if name == "train.py" else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        paths = [self.work / script, self.work / "deep/model.py"]
        program = Program(Look(), self.work, 2019, {})
        edit = TextEdit(len("import random\n"), len("import random\n"), SEED)
        changes = [LineChange("python-seed", program.source(path), edit, "a seed") for path in paths]
        self.patch = Patch(tuple(changes))
        self.before = PatchResult.model_construct(
            outcome="trying", directory=str(self.work), changes=changed_places(program, self.patch)
        )
        self.copies = self.record / "fix-copies"
        keep_copies(self.copies, self.patch.contents.values())
        for path in paths:
            path.write_text(path.read_text().replace("\n", f"\n{SEED}", 1))

    def restoration(self):
        return Restoration(self.before, self.record)

    def texts(self):
        return {name: (self.work / name).read_text() for name in OLD if (self.work / name).is_file()}


@pytest.fixture
def killed(tmp_path):
    return KilledFix(tmp_path)


HALVES = [text[:kept] for text in (OLD["train.py"], NEW["train.py"]) for kept in (0, 20, -1)]


@pytest.mark.parametrize("half", HALVES)
def test_a_file_that_is_the_beginning_of_either_text_is_restored_whole(killed, half):
    (killed.work / "train.py").write_text(half)
    assert killed.restoration().restored() == "samebits took the patch out of train.py and deep/model.py."
    assert killed.texts() == OLD
    assert not killed.copies.exists()


@pytest.mark.parametrize("kept", [0, 5])
def test_a_copy_that_is_not_whole_is_never_written_into_a_file(killed, kept):
    """As a power cut may leave it."""
    for copy in killed.copies.iterdir():
        copy.write_bytes(copy.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"train\.py and deep/model\.py, which had the patch\."):
        killed.restoration().restored()
    assert killed.texts() == NEW


def test_the_copies_are_on_the_disk_before_a_file_changes(killed, monkeypatch):
    flushed, usual = [], os.fsync

    def fsync(handle):
        flushed.append(os.fstat(handle).st_ino)
        usual(handle)

    monkeypatch.setattr(patched_files.os, "fsync", fsync)
    keep_copies(killed.copies, killed.patch.contents.values())
    assert set(flushed) == {path.stat().st_ino for path in (*killed.copies.iterdir(), killed.copies, killed.record)}


def test_a_fix_does_not_go_on_while_a_file_holds_more_than_the_patch(killed):
    """Whatever the command names: its fix.json and the copies are all that is known of the patch."""
    model = killed.work / "deep/model.py"
    model.write_text(model.read_text() + "print(1)\n")
    before = killed.texts()
    for apply in (False, True):
        with pytest.raises(UsageError, match=r"Its patch is still in train\.py and deep/model\.py\.") as said:
            killed.restoration().before_a_fix(apply=apply)
        assert said.value.advice == f"samebits fix --restore {killed.record}"
    assert killed.texts() == before
    assert len(list(killed.copies.iterdir())) == 4


def test_apply_restores_the_files_and_leaves_no_copies(killed):
    notes = killed.restoration().before_a_fix(apply=True)
    assert notes == ["a samebits fix was killed: samebits first took its patch out of train.py and deep/model.py"]
    assert killed.texts() == OLD
    assert not killed.copies.exists()


def test_copies_that_nobody_needs_any_more_go_with_the_next_fix(killed):
    for name, text in OLD.items():
        (killed.work / name).write_text(text)
    assert killed.restoration().before_a_fix(apply=False) == []
    assert not killed.copies.exists()


def test_a_file_that_is_gone_is_not_made_again(killed):
    (killed.work / "deep/model.py").rename(killed.work / "renamed.py")
    with pytest.raises(UsageError, match=r"was killed\. Its patch is still in train\.py and deep/model\.py\."):
        killed.restoration().before_a_fix(apply=True)
    with pytest.raises(UsageError, match=r"Somebody has changed or moved deep/model\.py, which had the patch\."):
        killed.restoration().restored()
    assert killed.texts() == {"train.py": OLD["train.py"]}


@pytest.mark.parametrize("apply", [False, True])
def test_a_file_that_cannot_be_written_is_named_with_those_that_were_restored(killed, apply, monkeypatch):
    usual = shutil.copyfile

    def write(source, target):
        if target.name == "model.py":
            raise PermissionError(13, "Permission denied")
        return usual(source, target)

    monkeypatch.setattr(shutil, "copyfile", write)
    restores = killed.restoration()
    with pytest.raises(UsageError) as said:
        restores.before_a_fix(apply=True) if apply else restores.restored()
    assert str(said.value) == "The patch is still in deep/model.py: Permission denied."
    assert f"samebits fix --restore {killed.record}" in said.value.advice
    assert len(list(killed.copies.iterdir())) == 4
    monkeypatch.undo()
    assert killed.restoration().restored() == "samebits took the patch out of deep/model.py."
    assert killed.texts() == OLD


def test_a_file_outside_of_the_folder_of_the_trials_is_restored(tmp_path):
    killed = KilledFix(tmp_path, script=str(tmp_path / "scripts.py"))
    killed.restoration().restored()
    assert (tmp_path / "scripts.py").read_text() == OLD["train.py"]


def unpatched(killed):
    """The patch, with the files as they were before it."""
    killed.restoration().restored()
    return PatchedFiles(killed.patch)


def test_a_file_that_is_removed_while_the_trials_run_is_not_made_again(killed, monkeypatch):
    told = []
    monkeypatch.setattr(interrupt, "tell", lambda *, known: told.append(known))
    with unpatched(killed) as files:
        (killed.work / "train.py").unlink()
    assert files.strange == [killed.work / "train.py"]
    assert killed.texts() == {"deep/model.py": OLD["deep/model.py"]}
    assert told == [f"The patch may still be in {killed.work / 'train.py'}, which changed meanwhile."]


def test_a_file_that_is_changed_while_the_trials_run_is_told_of_a_patch_that_stays_too(killed):
    with unpatched(killed) as files:
        (killed.work / "train.py").write_text("print(1)\n")
        files.keep()
    assert files.strange == [killed.work / "train.py"]
    assert killed.texts() == {**NEW, "train.py": "print(1)\n"}


def test_if_somebody_changed_a_file_the_answer_says_what_to_type(killed):
    train = killed.work / "train.py"
    train.write_text(NEW["train.py"] + "print(1)\n")
    with pytest.raises(UsageError) as said:
        killed.restoration().restored()
    command, _, more = said.value.advice.partition("   (")
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert [line for line in shown.stdout.splitlines() if line[0] == ">"] == ["> random.seed(2019)", "> print(1)"]
    assert more.endswith(f"cp {command.removeprefix('diff ')})")
    train.write_text(OLD["train.py"] + "print(1)\n")
    forget = more.partition("then ")[2].partition(". To discard")[0]
    subprocess.run(["bash", "-c", forget], check=True)
    assert killed.restoration().before_a_fix(apply=False) == []
    assert killed.texts() == {**OLD, "train.py": OLD["train.py"] + "print(1)\n"}
