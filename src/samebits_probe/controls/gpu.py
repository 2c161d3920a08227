"""Finds out whether there is a GPU for this process, without starting CUDA."""

import os


def is_visible() -> bool:
    """Return whether the driver is there, and CUDA_VISIBLE_DEVICES does not hide every device."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return os.path.exists("/dev/nvidiactl") and (shown is None or shown.strip() not in ("", "-1", "NoDevFiles"))


def first() -> str:
    """Return the value of CUDA_VISIBLE_DEVICES for one device: the first visible one."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    return shown or "0"
