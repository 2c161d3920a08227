"""The names that options take: `samebits list` shows them, and a shell completes them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samebits import cli, controls
from samebits.cli import parser
from samebits.options import OPTIONS
from samebits_parity import options as parity
from samebits_parity.sides import SIDES
from samebits_study import catalog
from samebits_study import cli as study

BASH = shutil.which("bash")


def test_each_kind_is_listed_and_all_together(capsys):
    for kind, found in parser.KINDS.items():
        assert cli.main(["list", kind]) == 0
        shown = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in shown] == [one.name for one in found.find()]
    assert cli.main(["list"]) == 0
    assert "controls (--control)" in capsys.readouterr().out.splitlines()
    assert cli.main(["list", "contrls"]) == 2


def test_each_preset_and_data_set_says_what_it_is():
    assert [one.name for one in parser.KINDS["presets"].find()] == list(controls.presets())
    assert all(one.about for kind in parser.KINDS.values() for one in kind.find())


def test_names_that_only_a_client_knows_stand_in_its_help():
    assert all(name in parity.LIBRARIES.help for name in SIDES)
    assert all(name in study.SETUPS.help for name in catalog.SETUPS)
    preset = next(option for option in OPTIONS["check"] if option.name == "preset")
    assert all(name in preset.help for name in controls.presets())


def completed(*words):
    """What bash offers for the last of the words, with the lines of the page on installing."""
    script = f"""
eval "$(_SAMEBITS_COMPLETE=bash_source samebits)"
COMP_WORDS=(samebits {" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words)}
compopt() {{ echo "compopt $1 $2"; }}
_samebits_completion samebits 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    done = subprocess.run(
        [BASH, "-c", script], env=dict(os.environ, PATH=path), capture_output=True, text=True, timeout=120
    )
    return done.stdout.split("\n")[:-1]


@pytest.mark.skipif(BASH is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["check", "--control", "torch-s"], ["torch-seed"]),
        (["explain", "--preset", "code"], ["code1", "code2", "code3"]),
        (["vary", "--factor", "time"], ["time-zone"]),
        (["env", "create", "keras-tf1"], ["keras-tf1.14"]),
        (["parity", "init", "--libraries", "jax,keras3-t"], ["jax,keras3-tensorflow", "jax,keras3-torch"]),
        (["check", "tra"], ["compopt -o default"]),
        (["report", "rec"], ["compopt -o dirnames"]),
    ],
    ids=lambda one: " ".join(one),
)
def test_bash_completes_names_files_and_folders(words, offered):
    assert [line for line in completed(*words) if line] == offered
