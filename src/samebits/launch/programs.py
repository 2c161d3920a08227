"""What a program of a trial is: an everyday tool that trains nothing, a script, or a Python under a different name."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path, PurePath
from typing import NamedTuple

# Programs that a training starts every day and that train nothing. One line a family: shells and their helpers, files,
# text, the system, network, compilers, builders, runners, clusters and containers, accelerators, documents and
# pictures, services of trackers and clusters
_NAMES = """
sh bash dash zsh fish ksh busybox env nohup setsid nice ionice timeout stdbuf taskset numactl xargs time tee sudo su
cat cp mv rm ln ls mkdir rmdir touch chmod chown stat du df find readlink realpath mktemp sync dd install file fuser
lsof mount umount basename dirname tar gzip gunzip zcat bzip2 xz zstd zip unzip md5sum sha1sum sha256sum
head tail less more sort uniq cut tr wc paste seq split tac rev diff cmp comm grep egrep fgrep sed awk gawk mawk
uname hostname hostnamectl whoami id groups date sleep true false test [ expr echo printf yes nproc lscpu lsb_release
getconf ldconfig ldd free uptime ps top pgrep pkill kill killall which whereis type arch locale getent tput stty
dmidecode lspci lsmod ip ifconfig ss netstat ping nslookup ssh ssh-agent scp rsync curl wget
gcc g++ cc c++ cc1 cc1plus collect2 clang clang++ ld ld.bfd ld.gold ld.lld lld as ar ranlib nm objdump readelf strip
make gmake cmake ninja pkg-config nvcc cicc ptxas fatbinary nvlink cudafe++ hipcc ccache rustc cargo swig
uv uvx conda mamba micromamba direnv just task git git-lfs git-remote-https gh hg svn
srun sbatch squeue scontrol sinfo mpirun mpiexec orterun orted prted prterun hydra_pmi_proxy hydra_bgstrtn
singularity apptainer docker podman
nvidia-smi nvidia-cuda-mps-control rocm-smi rocminfo amd-smi xpu-smi hl-smi neuron-ls tpu-info
xdg-open dot pdflatex latex dvipng ffmpeg ffprobe fc-list kpsewhich gs convert
wandb-core wandb-service wandb-xpu gpu_stats redis-server gcs_server raylet dbus-launch
"""
_EVERYDAY = frozenset(_NAMES.split())
# names that a program with an interpreter in it exports or asks for
_INSIDE = (b"PyEval_", b"Py_BytesMain", b"Py_Initialize")
_MOST_SEARCHED = 256 << 20


class ProgramPlace(NamedTuple):
    """Where a trial looks for programs."""

    directory: Path
    search_path: str

    def find(self, name: str) -> str | None:
        """The program of that name; None where there is none, and so none has run."""
        path = self.directory / name
        if "/" in name:
            return str(path) if path.is_file() else None
        return shutil.which(name, path=self.search_path)


def is_everyday(path: str) -> bool:
    """Whether a program is an everyday tool, by its name without a version at its end."""
    name = PurePath(path).name
    return name in _EVERYDAY or name.rstrip("0123456789.-") in _EVERYDAY or "-linux-gnu-" in name


def is_script(program: str) -> bool:
    """Whether the program is the loader of a script, which is seen by the interpreter that runs it."""
    try:
        with open(program, "rb") as file:  # noqa: PTH123
            return file.read(2) == b"#!"
    except OSError:
        return False


def holds_python(executable: str | None) -> bool:
    """Whether a program has an interpreter in it: a Python under a different name, a frozen program."""
    if executable is None or is_everyday(executable):
        return False
    try:
        found = os.stat(executable)  # noqa: PTH116
    except OSError:
        return False
    return _searched(executable, found.st_ino, found.st_size, found.st_mtime_ns)


@cache
def _searched(executable: str, inode: int, size: int, modified: int) -> bool:
    if size > _MOST_SEARCHED:
        return False
    try:
        content = Path(executable).read_bytes()
    except OSError:
        return False
    return any(name in content for name in _INSIDE)
