"""What a killed `samebits fix --apply` leaves in the files: it is found, taken out, and never taken for something else."""

import os
import subprocess
from pathlib import Path

import pytest

from samebits import interrupt
from samebits.errors import UsageError
from samebits.patches import patched_files
from samebits.patches.documents import PatchResult
from samebits.patches.earlier import changed_elsewhere, is_in_place
from samebits.patches.patch import Patch
from samebits.patches.patched_files import PatchedFiles, Restoration, keep_copies
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.proposal import of_patch
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
        program = self.program()
        edit = TextEdit(len("import random\n"), len("import random\n"), SEED)
        changes = [LineChange("python-seed", program.source(path), edit, "a seed") for path in paths]
        self.patch = Patch(tuple(changes))
        document = PatchResult.model_construct(outcome="trying", cause=["python-seed"], sentence="", notes=[])
        self.before = of_patch(document, program, self.patch)
        self.copies = self.record / "fix-copies"
        keep_copies(self.copies, self.patch.contents)
        for path in paths:
            path.write_text(path.read_text().replace("\n", f"\n{SEED}", 1))

    def program(self):
        """The program as its files are now."""
        return Program(Look(), self.work, 2019, {})

    def mended(self):
        """The document of the same fix, had it ended."""
        return self.before.model_copy(update={"outcome": "mended"})

    def restoration(self):
        return Restoration(self.program(), self.before, self.record)

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
@pytest.mark.parametrize("which", ["?" * 32, "*.patched", "*"])
def test_a_copy_that_is_not_whole_is_never_written_into_a_file(killed, which, kept):
    """As a power cut may leave it."""
    for copy in killed.copies.glob(which):
        copy.write_bytes(copy.read_bytes()[:kept])
    killed.restoration().restored()
    assert killed.texts() == OLD


def test_a_file_without_a_whole_copy_and_without_the_lines_stays_as_it_is(killed):
    for copy in killed.copies.iterdir():
        copy.write_bytes(b"")
    (killed.work / "train.py").write_text(OLD["train.py"][:5])
    with pytest.raises(
        UsageError, match=r"Not all lines of the patch are in train\.py any more\. No file was changed\."
    ):
        killed.restoration().restored()
    assert killed.texts() == {**NEW, "train.py": OLD["train.py"][:5]}


def test_the_copies_are_on_the_disk_before_a_file_changes(killed, monkeypatch):
    flushed, usual = [], os.fsync

    def fsync(handle):
        flushed.append(os.fstat(handle).st_ino)
        usual(handle)

    monkeypatch.setattr(patched_files.os, "fsync", fsync)
    keep_copies(killed.copies, killed.patch.contents)
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


@pytest.mark.parametrize("with_folder", [False, True])
def test_a_file_that_is_gone_is_not_made_again(killed, with_folder):
    model = killed.work / "deep/model.py"
    model.rename(killed.work / "renamed.py")
    if with_folder:
        model.parent.rmdir()
    with pytest.raises(UsageError, match=r"was killed\. deep/model\.py had the patch"):
        killed.restoration().before_a_fix(apply=True)
    with pytest.raises(UsageError, match=r"deep/model\.py had the patch, and cannot be found any more") as said:
        killed.restoration().restored()
    assert killed.texts() == {"train.py": NEW["train.py"]}
    subprocess.run(said.value.advice, shell=True, check=True)  # as people do
    assert killed.restoration().restored() == "samebits took the patch out of train.py."
    assert killed.texts() == OLD


@pytest.mark.parametrize("apply", [False, True])
def test_a_file_that_cannot_be_written_is_named_with_those_that_were_restored(killed, apply, monkeypatch):
    usual = Path.write_bytes

    def write(path, content):
        if path.name == "model.py":
            raise PermissionError(13, "Permission denied")
        return usual(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    restores = killed.restoration()
    with pytest.raises(UsageError) as said:
        restores.before_a_fix(apply=True) if apply else restores.restored()
    assert (
        str(said.value) == "samebits took the patch out of train.py. It is still in deep/model.py: Permission denied."
    )
    assert f"samebits fix --restore {killed.record}" in said.value.advice
    assert len(list(killed.copies.iterdir())) == 4
    monkeypatch.undo()
    assert killed.restoration().restored() == "samebits took the patch out of deep/model.py."
    assert killed.texts() == OLD


def test_a_patch_is_known_again_outside_of_the_folder_of_the_trials(tmp_path):
    killed = KilledFix(tmp_path, script=str(tmp_path / "scripts.py"))
    assert is_in_place(killed.program(), killed.mended())
    assert changed_elsewhere(killed.program(), killed.mended()) == []
    killed.restoration().restored()
    assert (tmp_path / "scripts.py").read_text() == OLD["train.py"]


def test_a_file_that_changed_after_the_patch_mended_is_not_the_one_that_was_tried(killed):
    assert changed_elsewhere(killed.program(), killed.mended()) == []
    (killed.work / "train.py").write_text(NEW["train.py"] + "import os; w = os.urandom(3)\n")
    assert is_in_place(killed.program(), killed.mended())
    assert changed_elsewhere(killed.program(), killed.mended()) == ["train.py"]


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


def test_a_patch_that_was_changed_says_what_to_type_and_one_that_was_taken_out_by_hand_is_done(killed):
    train = killed.work / "train.py"
    train.write_text(
        NEW["train.py"].replace("random.seed(2019)", "random.seed(2019)  # mine").replace("print", "print  ")
    )
    with pytest.raises(UsageError) as said:
        killed.restoration().restored()
    command, _, more = said.value.advice.partition("   (")
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "> random.seed(2019)  # mine" in shown.stdout
    assert f"samebits fix --restore {killed.record}" in more
    assert more.endswith(f"cp {command.removeprefix('diff ')})")
    train.write_text(OLD["train.py"] + "x = 1\n")
    assert killed.restoration().restored() == "samebits took the patch out of deep/model.py."
    assert killed.texts() == {**OLD, "train.py": OLD["train.py"] + "x = 1\n"}
    assert not killed.copies.exists()


ONE_SIDED = {
    "at the start": ("print(1)\nprint(2)\n", 0),
    "at the end": ("print(1)\nprint(2)\n", len("print(1)\nprint(2)\n")),
}


@pytest.fixture(params=ONE_SIDED)
def one_sided(request, tmp_path):
    """(the path of a file that a killed fix left with a seed in its first or last line, its text before that, what
    restores it).
    """
    text, place = ONE_SIDED[request.param]
    path, record = tmp_path / "train.py", tmp_path / "record"
    path.write_text(text)
    record.mkdir()
    program = Program(Look(), tmp_path, 2019, {})
    patch = Patch((LineChange("python-seed", program.source(path), TextEdit(place, place, SEED), "a seed"),))
    document = PatchResult.model_construct(outcome="trying", cause=["python-seed"], sentence="", notes=[])
    before = of_patch(document, program, patch)
    keep_copies(record / "fix-copies", patch.contents)
    path.write_text(text[:place] + SEED + text[place:])
    return path, text, lambda: Restoration(Program(Look(), tmp_path, 2019, {}), before, record)


def test_an_edited_line_of_a_patch_at_an_end_of_the_file_is_not_taken_for_one_that_is_out(one_sided):
    path, text, restoration = one_sided
    edited = path.read_text().replace("2019", "1")
    path.write_text(edited)
    with pytest.raises(
        UsageError, match=r"Not all lines of the patch are in train\.py any more\. No file was changed\."
    ):
        restoration().restored()
    assert path.read_text() == edited
    assert len(list((path.parent / "record/fix-copies").iterdir())) == 2
    path.write_text(text)
    assert restoration().restored() == "The patch is not in the files."


def test_a_patch_at_an_end_of_the_file_may_be_taken_out_by_hand_and_the_file_go_on_elsewhere(one_sided):
    path, text, restoration = one_sided
    at_start = path.read_text().startswith(SEED)
    path.write_text(f"{text}print(3)\n" if at_start else f"print(0)\n{text}")
    assert restoration().restored() == "The patch is not in the files."


def test_a_line_of_a_patch_that_was_moved_is_not_out(killed):
    train = killed.work / "train.py"
    train.write_text(OLD["train.py"] + SEED)
    with pytest.raises(UsageError, match=r"Not all lines of the patch are in train\.py any more"):
        killed.restoration().restored()
    assert train.read_text() == OLD["train.py"] + SEED


def test_a_removed_file_is_brought_back_by_the_line_that_is_shown(killed):
    (killed.work / "train.py").rename(killed.work / "renamed.py")
    with pytest.raises(UsageError) as said:
        killed.restoration().restored()
    subprocess.run(["bash", "-c", said.value.advice], check=True)
    assert killed.restoration().restored() == "samebits took the patch out of deep/model.py."
    assert killed.texts() == OLD
