"""Devices and ports of trials that run side by side."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_GPUS = Path("/proc/driver/nvidia/gpus")  # one entry a device, readable without starting a driver tool
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def variables(slot: int, jobs: int) -> dict[str, str]:
    """What a trial in this slot needs to keep out of the others' way; nothing where trials run one at a time."""
    if jobs == 1:
        return {}
    port = str(free_port())
    shared = {"MASTER_PORT": port, "PET_MASTER_PORT": port}  # the latter is torchrun's own
    share = split(visible_gpus(), slot, jobs)
    return {**shared, _VISIBLE: ",".join(share)} if share else shared


def visible_gpus() -> list[str]:
    """The devices that the user's own trials would see."""
    given = os.environ.get(_VISIBLE)
    if given is not None:
        return [device.strip() for device in given.split(",") if device.strip()]
    return [str(n) for n in range(len(list(_GPUS.iterdir())))] if _GPUS.is_dir() else []


def split(gpus: list[str], slot: int, jobs: int) -> list[str]:
    """Round robin: equally many for each slot, so that trials are alike; one shared where there are too few."""
    if not gpus:
        return []
    each = len(gpus) // jobs
    return gpus[slot::jobs][:each] if each else [gpus[slot % len(gpus)]]


def free_port() -> int:
    """A port of five digits that is free now."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port >= 10000:
            return port
    return port
