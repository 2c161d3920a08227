"""Programs that a training starts every day and that train nothing: shells, compilers, version control, drivers."""

from __future__ import annotations

from pathlib import PurePath

# one line a family: shells and their helpers, files, text, the system, network, compilers, builders, runners,
# clusters and containers, accelerators, documents and pictures, services of trackers and clusters
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
EVERYDAY = frozenset(_NAMES.split())


def is_everyday(path: str) -> bool:
    """Whether a program is one of these, by its name without a version at its end."""
    name = PurePath(path).name
    return name in EVERYDAY or name.rstrip("0123456789.-") in EVERYDAY or "-linux-gnu-" in name
