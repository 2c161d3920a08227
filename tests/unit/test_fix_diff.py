"""The patch as a file: `git apply` and `patch` take it whatever the bytes and the name of the program, and read it again."""

import re
import shutil
import subprocess

import pytest

from samebits.patches.documents import PatchResult
from samebits.patches.earlier import found_again, in_bytes, is_in_place, without_patch
from samebits.patches.patch import Patch
from samebits.patches.patched_files import PatchedFiles
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.source import TextEdit

SEED = "random.seed(2019)"
IMPORT = "import random\n"
LATIN = "# -*- coding: latin-1 -*-\nimport random\nprint('\xe9t\xe9', random.random())\n"
BYTES = {
    "plain": (IMPORT + "print(random.random())\n").encode(),
    "without a last newline": (IMPORT + "print(random.random())").encode(),
    "the import is the last line, without a newline": b"print(1)\nimport random",
    "CRLF": (IMPORT + "print(random.random())\n").replace("\n", "\r\n").encode(),
    "CRLF without a last one": (IMPORT + "print(random.random())").replace("\n", "\r\n").encode(),
    "both ends of lines": b"import random\r\nprint(1)\nprint(2)\r\n",
    "form feeds and other separators": (IMPORT + "\x0c\nprint(1)\ntext = '\x0b \u2028 \x85'\n").encode(),
    "latin-1": LATIN.encode("latin-1"),
    "latin-1 with CRLF": LATIN.replace("\n", "\r\n").encode("latin-1"),
    "cp1252": LATIN.replace("latin-1", "cp1252").replace("\xe9", "\u20ac").encode("cp1252"),
    "koi8-r": LATIN.replace("latin-1", "koi8-r").replace("\xe9", "\u0416").encode("koi8-r"),
    "shift_jis": LATIN.replace("latin-1", "shift_jis").replace("\xe9", "\u8868").encode("shift_jis"),
    "a byte order mark": (IMPORT + "print('\xe9', random.random())\n").encode("utf-8-sig"),
    "a byte order mark and CRLF": (IMPORT + "print(1)\n").replace("\n", "\r\n").encode("utf-8-sig"),
    "a byte order mark before a line that changes": b"\xef\xbb\xbfimport random; print(random.random())",
}
NAMES = [
    "train.py",
    "my train.py",
    "a folder/tr\xe4in.py",
    "\u65e5\u672c \u8a9e.py",
    'a"b.py',
    "a'b.py",
    "back\\slash.py",
]


@pytest.fixture
def patched(tmp_path):
    """Function(bytes, name, the seed comes before all statements) -> (program, patch, document, bytes with it)."""

    def make(data, name="train.py", *, at_top=False):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        program = Program(Look(), tmp_path, 2019, {})
        source = program.source(path)
        at = re.search("(#.*\n)?" if at_top else "import random(\r?\n)?", source.text).end()
        end = source.end_of_line
        text = f"{SEED}{end}" if at == 0 or source.text[at - 1] == "\n" else f"; {SEED}"
        patch = Patch((LineChange("python-seed", source, TextEdit(at, at, text), ""),))
        document = PatchResult.model_construct(
            directory=str(tmp_path), cause=["python-seed"], patch=patch.diff(program), changes=[], outcome="mended"
        )
        return program, patch, document, patch.contents[0][1]

    return make


def applied(command, document, folder):
    """Apply the patch as a user does; what the command said."""
    (folder / "fix.patch").write_bytes(in_bytes(document))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


GIT, PATCH = ["git", "apply", "fix.patch"], ["patch", "-p1", "--binary", "-i", "fix.patch"]


@pytest.mark.parametrize(
    ("command", "at_top"), [(GIT, False), (GIT, True), (PATCH, False)], ids=["git", "git-top", "patch"]
)
@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_git_and_patch_take_the_patch_whatever_bytes_the_file_has(patched, tmp_path, data, command, at_top):
    _, _, document, wanted = patched(data, at_top=at_top)
    applied(command, document, tmp_path)
    assert (tmp_path / "train.py").read_bytes() == wanted
    assert SEED.encode() in wanted


@pytest.mark.parametrize("command", [GIT, PATCH], ids=["git", "patch"])
@pytest.mark.parametrize("name", NAMES)
def test_git_and_patch_take_the_patch_whatever_name_the_file_has(patched, tmp_path, name, command):
    _, _, document, wanted = patched(BYTES["latin-1"], name)
    applied(command, document, tmp_path)
    assert (tmp_path / name).read_bytes() == wanted


def test_git_takes_the_patch_in_a_folder_of_a_repository(patched, tmp_path):
    _, _, document, wanted = patched(BYTES["latin-1"])
    (tmp_path / "sub").mkdir()
    shutil.move(tmp_path / "train.py", tmp_path / "sub/train.py")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    applied(GIT, document.model_copy(update={"directory": str(tmp_path / "sub")}), tmp_path / "sub")
    assert (tmp_path / "sub/train.py").read_bytes() == wanted


def test_a_patch_of_two_files_has_the_bytes_of_each(patched, tmp_path):
    first, second = patched(BYTES["latin-1"]), patched(BYTES["a byte order mark"], "model.py")
    whole = first[2].model_copy(update={"patch": second[2].patch + first[2].patch})
    applied(GIT, whole, tmp_path)
    assert (tmp_path / "train.py").read_bytes() == first[3]
    assert (tmp_path / "model.py").read_bytes() == second[3]


@pytest.mark.parametrize("at_top", [False, True])
@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_samebits_finds_its_own_patch_again(patched, tmp_path, data, at_top):
    program, patch, document, wanted = patched(data, at_top=at_top)
    again = found_again(program, document)
    assert again is not None
    assert again.contents == [(data, wanted)]
    with PatchedFiles(patch) as files:
        files.keep()
    now = Program(Look(), tmp_path, 2019, {})
    assert is_in_place(now, document)
    assert without_patch(now, document, tmp_path / "train.py") == data
