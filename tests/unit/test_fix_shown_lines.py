"""What explain shows of the patch: the same lines as fix, with their places."""

import pytest

from samebits.documents import Explanation, Fix
from samebits.patches.documents import PatchResult
from samebits.patches.program import Look, Program
from samebits.patches.shown_lines import fixes, seeds_itself

DIFF = """\
--- a/src/train.py
+++ b/src/train.py
@@ -1,7 +1,9 @@
 import random
 import torch
+import numpy
+random.seed(7)
 a = random.random()
 b = 1
-    rf = Forest(3)
+    rf = Forest(3, random_state=7)
 c = 1
 d = 1
--- a/other.py
+++ b/other.py
@@ -10,1 +10,1 @@
-rng = default_rng()
+rng = default_rng(7)
"""


def place(control, file, line, cell=None):
    return {"control": control, "file": file, "line": line, "about": "", "digest": "", "cell": cell}


def made(patch, *changes, unmended=()):
    left = [{"control": name, "why": "", "instead": []} for name in unmended]
    return PatchResult(
        samebits="", outcome="proposed", sentence="", command=[], directory="", record="", cause=[], patch=patch,
        changes=list(changes), unmended=left,
    )  # fmt: skip


WHY = Explanation(
    cause=["python-seed", "clock"], minimal_controls=[], evidence=[],
    fixes=[Fix(control=name, library="", where="x", lines=["y"]) for name in ("python-seed", "clock")],
)  # fmt: skip


def test_each_group_of_new_lines_has_its_place_and_its_control():
    changes = [place("python-seed", "src/train.py", 3), place("numpy-seed", "src/train.py", 5),
               place("numpy-generator", "other.py", 10)]  # fmt: skip
    found = fixes(made(DIFF, *changes, unmended=["clock"]), WHY)
    assert [(one.control, one.where, one.lines) for one in found] == [
        ("python-seed", "in src/train.py, before line 3", ["import numpy", "random.seed(7)"]),
        ("numpy-seed", "in src/train.py, line 5", ["rf = Forest(3, random_state=7)"]),
        ("numpy-generator", "in other.py, line 10", ["rng = default_rng(7)"]),
        ("clock", "x", ["y"]),
    ]


def test_a_file_outside_of_the_folder_and_without_a_last_line_feed_has_its_path():
    end = "\\ No newline at end of file\n"
    diff = f"--- a/out/a.py\n+++ b/out/a.py\n@@ -1 +1 @@\n-Forest()\n{end}+Forest(7)\n{end}"
    (found,) = fixes(made(diff, place("numpy-seed", "/out/a.py", 1)), WHY)
    assert (found.where, found.lines) == ("in /out/a.py, line 1", ["Forest(7)"])


@pytest.mark.parametrize("of", [made(""), made(DIFF, place("python-seed", "a.ipynb", 1, cell=2))])
def test_without_a_patch_of_source_files_the_lines_stay(of):
    assert fixes(of, WHY) == WHY.fixes


@pytest.mark.parametrize(
    ("line", "is_named"),
    [
        ("g.seed()", True),
        ("torch.Generator().seed()", True),
        ("torch.seed()", False),
        ("random.seed()", False),
        ("r.seed()", False),
        ("g.seed(3)", False),
        ("seed()", False),
        ("g.manual_seed(3)", False),
    ],
)
def test_a_line_that_lets_an_object_seed_itself_is_named(tmp_path, line, is_named):
    path = tmp_path / "train.py"
    path.write_text(f"import random, torch; from torch import random as r\n{line}\n")
    made = Program(Look(lines={path: {1, 2}}, main=path), tmp_path, 2019, {})
    assert any(map(seeds_itself, made.calls)) == is_named
