"""Finds the program of a trial's command before anything starts, and fills in `{out}` and `{trial}`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import NamedTuple

from samebits import words
from samebits.errors import NotFoundError, UsageError
from samebits.launch.files import folders
from samebits.names import python_name

_RUNNERS = frozenset(("bash", "zsh", "dash", "sh", "torchrun", "accelerate", "env"))
_PLAIN_FLAGS = re.compile(r"-[bBdEiIOPqRsSuvx]+")  # options of Python without a value
_FIRST_LINE = 4096  # bytes of a script's first line that are read
_PROGRAMS = {".py": "python", ".sh": "bash", ".bash": "bash", ".zsh": "zsh", ".ipynb": "papermill", ".R": "Rscript"}


def find(command: Sequence[str], directory: Path, search_path: str) -> str:
    """Return the path of the command's program, as a shell in `directory` finds it.

    Raises NotFoundError, saying where it looked.
    """
    name = command[0]
    if "/" in name:
        return _check_file(command, directory)
    program = shutil.which(name, path=search_path)
    if program is None and _program_for(command, directory):
        raise NotFoundError(f"{name} is not a program by itself.", _program_for(command, directory))
    if program is None:
        what = f"Command not found: {name}. Looked in {_places_text(search_path)}."
        if (directory / name).is_dir() and not folders.is_record(directory / name):
            what = f"{name} is a folder, not a program."
        raise NotFoundError(what, _advice(command, directory))
    return os.path.abspath(os.path.join(directory, program))  # noqa: PTH100, PTH118  (links must stay: a venv is one)


def _places_text(search_path: str) -> str:
    places = list(dict.fromkeys(filter(None, search_path.split(os.pathsep))))
    if not places:
        return "no folder, because PATH is empty"
    more = [f"{words.count(len(places) - 3, 'more folder')} of PATH"] if len(places) > 3 else []
    return words.listed([*places[:3], *more])


def _runs_a_script(program: str) -> bool:
    """Return whether a program runs the script that its first argument names."""
    return python_name(program) is not None or PurePath(program).name in _RUNNERS


def check_script(command: Sequence[str], directory: Path) -> None:
    """Raise NotFoundError if an interpreter gets a script that is not there, unless `{out}` is part of its name."""
    script = _script(command)
    if script is None:
        return
    if script.endswith(".ipynb") and (directory / script).is_file():
        rest = command[command.index(script) :]
        raise UsageError(f"{script} is a notebook, not a program.", _program_for(rest, directory))
    if not (directory / script).exists() and len(script.split()) > 1 and script.split()[-1].endswith((".py", ".sh")):
        raise NotFoundError(
            f"There is no script named {script!r}.", f"Leave out the quotes:  samebits check -- {script}"
        )
    if script.endswith((".py", ".sh")) and "{" not in script and not (directory / script).exists():
        what = f"There is no script {script}. Looked for {directory / script}."
        raise NotFoundError(what, "Give its path from this folder.")


def _script(command: Sequence[str]) -> str | None:
    """Return the first word after the runner, and after options of Python that take no value; None if there is none."""
    if not _runs_a_script(command[0]):
        return None
    rest = list(command[1:])
    while python_name(command[0]) and rest and _PLAIN_FLAGS.fullmatch(rest[0]):
        rest.pop(0)
    return rest[0] if rest else None


def _program_for(command: Sequence[str], directory: Path) -> str:
    """Return what to type to run a file that needs a program (a script, a notebook); empty for any other file."""
    name, rest = command[0], list(command[1:])
    program = _PROGRAMS.get(PurePath(name).suffix)
    if program is None or not (directory / name).is_file():
        return ""
    if program == "papermill":
        return f"samebits check -- papermill {name} '{{out}}/{PurePath(name).name}'" + _quoted(rest)
    return f"samebits check -- {program} {name}" + _quoted(rest)


def _quoted(arguments: Sequence[str]) -> str:
    return f" {shlex.join(arguments)}" if arguments else ""


def _check_file(command: Sequence[str], directory: Path) -> str:
    name = command[0]
    path = directory / name
    if not path.exists():
        what = f"Command not found: {name}. Looked for {path}."
        raise NotFoundError(what, "Give the path of the program from this folder.")
    if path.is_dir() or not os.access(path, os.X_OK):
        advice = _program_for(command, directory) or _advice(command, directory)
        what = "is a folder, not a program" if path.is_dir() else "is not executable"
        raise NotFoundError(f"{name} {what}.", advice)
    return os.path.abspath(path)  # noqa: PTH100  (as above)


def _advice(command: Sequence[str], directory: Path) -> str:
    name, is_alone = command[0], len(command) == 1
    if folders.is_record(directory / name):
        if not is_alone:
            return "It is a record, not a command: leave out the other words."
        return f"It is a record, not a command:  samebits report {name}"
    if len(name.split()) > 1:
        return f"Leave out the quotes:  samebits check -- {name}"
    if name.startswith("python"):
        return "Name the interpreter: --python PATH or --env NAME."
    if (directory / name).is_dir():
        return "Name a program:  samebits check -- python train.py"
    return f"If you mean a record: there is no folder {name} here." if is_alone and "." not in name else ""


def name_of(command: Sequence[str]) -> str:
    """Return a short name for the record folder: that of the notebook or the script, else of the program."""
    names = [PurePath(word).name for word in command if not word.startswith("-")]
    names = [name for name in names if name.endswith(".ipynb")] or names
    while len(names) > 1 and _runs_a_script(names[0]):
        names = names[1:]
    stem = PurePath(names[0]).stem if names else "command"
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem)[:40].strip("-.") or "command"


def fill(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return the command with `{out}` and `{trial}` replaced. Other braces stay as they are."""
    filled = list(command)
    for key, value in values.items():
        filled = [word.replace("{" + key + "}", value) for word in filled]
    return filled


class FileNames:
    """Names of written files that are the same in every trial, so that they can be compared."""

    def __init__(
        self, command: Sequence[str], directory: Path, out: Path, trial: str, others: Mapping[Path, str] | None = None
    ) -> None:
        """`others`: further folders of the trial's own, with their names."""
        own = [*_trial_roots(command, directory, trial), *(others or {}).items()]
        self.roots = [(out, "{out}"), *own, (directory, "")]

    def name(self, path: Path) -> str:
        """`{out}/model.pt`, `runs/{trial}/model.pt`, `model.pt` (below the working folder), or the whole path."""
        for root, name in self.roots:
            if path.is_relative_to(root):
                return str(PurePath(name) / path.relative_to(root))
        return str(path)


def _trial_roots(command: Sequence[str], directory: Path, trial: str) -> list[tuple[Path, str]]:
    """Return the folders and files that the command names with `{trial}` in them.

    Such a folder is `runs/{trial}` of `--out=runs/{trial}`.
    """
    values = [word.partition("=")[2] if word.startswith("-") and "=" in word else word for word in command]
    templates = [word for word in values if "{trial}" in word and "{out}" not in word and "\n" not in word]
    return [(directory / word.replace("{trial}", trial), word) for word in templates]


# Everyday programs that trainings start and that train nothing. One line for each family: shells and their helpers,
# files, text, the system, network, compilers, builders, runners, clusters and containers, accelerators, documents and
# pictures, services of trackers and clusters
_NAMES = """
sh bash dash zsh fish ksh busybox env nohup setsid nice ionice timeout stdbuf taskset numactl xargs time tee sudo su
cat cp mv rm ln ls mkdir rmdir touch chmod chown stat du df find readlink realpath mktemp sync dd install file fuser
lsof mount umount basename dirname tar gzip gunzip zcat bzip2 xz zstd zip unzip md5sum sha1sum sha256sum openssl
head tail less more sort uniq cut tr wc paste seq split tac rev diff cmp comm grep egrep fgrep sed awk gawk mawk
uname hostname hostnamectl whoami id groups date sleep true false test [ expr echo printf yes nproc lscpu lsb_release
getconf ldconfig ldd free uptime ps top pgrep pkill kill killall which whereis type arch locale getent tput stty
dmidecode lspci lsmod ip ifconfig ss netstat ping nslookup ssh ssh-agent scp rsync curl wget
gcc g++ cc c++ cc1 cc1plus collect2 clang clang++ ld ld.bfd ld.gold ld.lld lld as ar ranlib nm objdump readelf strip
make gmake cmake ninja pkg-config nvcc cicc ptxas fatbinary nvlink cudafe++ hipcc ccache rustc cargo swig
uv uvx conda mamba micromamba direnv just task git git-lfs git-remote-https gh hg svn
srun sbatch squeue scancel scontrol sinfo sacct mpirun mpiexec orterun orted prted prterun hydra_pmi_proxy hydra_bgstrtn
singularity apptainer docker podman
nvidia-smi nvidia-cuda-mps-control rocm-smi rocminfo amd-smi xpu-smi hl-smi neuron-ls tpu-info
xdg-open dot pdflatex latex dvipng ffmpeg ffprobe fc-list kpsewhich gs convert
wandb-core wandb-service wandb-xpu gpu_stats redis-server gcs_server raylet dbus-launch
"""
_EVERYDAY = frozenset(_NAMES.split())
# names that a program with a Python interpreter in it exports or imports
_INSIDE = (b"PyEval_", b"Py_BytesMain", b"Py_Initialize")
_MOST_SEARCHED = 256 << 20


class ProgramPlace(NamedTuple):
    """Where a trial looks for programs."""

    directory: Path
    search_path: str

    def find(self, name: str) -> str | None:
        """Return the path of the program of that name; None if there is none. Then it cannot have run."""
        path = self.directory / name
        if "/" in name:
            return str(path) if path.is_file() else None
        return shutil.which(name, path=self.search_path)


def is_everyday(path: str) -> bool:
    """Return whether a program is an everyday tool, judged by its name without the version."""
    name = PurePath(path).name
    return name in _EVERYDAY or name.rstrip("0123456789.-") in _EVERYDAY or "-linux-gnu-" in name


def is_script(program: str) -> bool:
    """Return whether the program loads a script. The interpreter that runs the script shows it."""
    try:
        with open(program, "rb") as file:  # noqa: PTH123
            return file.read(2) == b"#!"
    except OSError:
        return False


def interpreter(program: str) -> str | None:
    """Return the Python that a program is, or that the first line of a script names; None if it is no Python."""
    if python_name(program):
        return program
    try:
        with open(program, "rb") as file:  # noqa: PTH123
            first = file.readline(_FIRST_LINE)
    except OSError:
        return None
    shebang = os.fsdecode(first[2:]).split() if first.startswith(b"#!") else []
    if shebang and Path(shebang[0]).name == "env":  # `env -S python3 -u` too
        shebang = [word for word in shebang[1:] if not word.startswith("-") and "=" not in word]
    return shebang[0] if shebang and python_name(shebang[0]) else None


def holds_python(executable: str | None) -> bool:
    """Return whether a program contains a Python interpreter: a Python under a different name, or a frozen program."""
    if executable is None or is_everyday(executable):
        return False
    try:
        status = os.stat(executable)  # noqa: PTH116
    except OSError:
        return False
    return _searched(executable, status.st_ino, status.st_size, status.st_mtime_ns)


@cache
def _searched(executable: str, inode: int, size: int, modified: int) -> bool:
    if size > _MOST_SEARCHED:
        return False
    try:
        content = Path(executable).read_bytes()
    except OSError:
        return False
    return any(name in content for name in _INSIDE)
