"""The patch as a file: `git apply` and `patch` take it whatever the bytes and the name of the program."""

import re
import shutil
import subprocess

import pytest

from samebits.patches.patch import Patch
from samebits.patches.program import LineChange, Look, Program
from samebits.patches.source import TextEdit

SEED = "random.seed(2019)"
IMPORT = "import random\n"
LATIN = "# -*- coding: latin-1 -*-\nimport random\nprint('\xe9t\xe9', random.random())\n".encode("latin-1")
BYTES = {
    "plain": (IMPORT + "print(random.random())\n").encode(),
    "without a last newline": (IMPORT + "print(random.random())").encode(),
    "the import is the last line, without a newline": b"print(1)\nimport random",
    "CRLF": (IMPORT + "print(random.random())\n").replace("\n", "\r\n").encode(),
    "CRLF without a last one": (IMPORT + "print(random.random())").replace("\n", "\r\n").encode(),
    "both ends of lines": b"import random\r\nprint(1)\nprint(2)\r\n",
    "form feeds and other separators": (IMPORT + "\x0c\nprint(1)\ntext = '\x0b \u2028 \x85'\n").encode(),
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
    """Function(bytes, name, the seed comes before all statements) -> (the patch as a file, the bytes with it)."""

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
        ((_, new),) = patch.contents.values()
        return patch.diff(program).encode("utf-8", "surrogateescape"), new

    return make


def applied(command, patch, folder):
    """Apply the patch as a user does."""
    (folder / "fix.patch").write_bytes(patch)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


GIT, PATCH = ["git", "apply", "fix.patch"], ["patch", "-p1", "--binary", "-i", "fix.patch"]


@pytest.mark.parametrize(
    ("command", "at_top"), [(GIT, False), (GIT, True), (PATCH, False)], ids=["git", "git-top", "patch"]
)
@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_git_and_patch_take_the_patch_whatever_bytes_the_file_has(patched, tmp_path, data, command, at_top):
    patch, wanted = patched(data, at_top=at_top)
    applied(command, patch, tmp_path)
    assert (tmp_path / "train.py").read_bytes() == wanted
    assert SEED.encode() in wanted


@pytest.mark.parametrize("command", [GIT, PATCH], ids=["git", "patch"])
@pytest.mark.parametrize("name", NAMES)
def test_git_and_patch_take_the_patch_whatever_name_the_file_has(patched, tmp_path, name, command):
    patch, wanted = patched(BYTES["plain"], name)
    applied(command, patch, tmp_path)
    assert (tmp_path / name).read_bytes() == wanted


def test_git_takes_the_patch_in_a_folder_of_a_repository(patched, tmp_path):
    patch, wanted = patched(BYTES["plain"])
    (tmp_path / "sub").mkdir()
    shutil.move(tmp_path / "train.py", tmp_path / "sub/train.py")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    applied(GIT, patch, tmp_path / "sub")
    assert (tmp_path / "sub/train.py").read_bytes() == wanted


def test_the_encoding_of_a_file_stays(patched):
    _, wanted = patched(LATIN)
    assert wanted == LATIN.replace(b"import random\n", b"import random\nrandom.seed(2019)\n")
