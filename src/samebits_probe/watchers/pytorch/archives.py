"""Files that `torch.save` writes: its zip writer opens them in C++, which Python's audit events do not show."""

import functools
import os

from ...system import System

_OPENER = "_open_zipfile_writer"  # of torch.serialization, from 1.4 on; older releases open the file in Python


def watch_saving(watch):
    """Tell the launcher which files are saved, wherever they are."""
    module = watch.torch.serialization
    original = getattr(module, _OPENER, None)
    if original is None:
        return

    @functools.wraps(original)
    def open_writer(name_or_buffer, *args, **kwargs):
        watch.probe.guard("saving", _tell, watch.probe, name_or_buffer)
        return original(name_or_buffer, *args, **kwargs)

    setattr(module, _OPENER, open_writer)


def _tell(probe, name):
    if isinstance(name, (str, bytes, os.PathLike)):
        probe.event("wrote", path=System.abspath(System.fsdecode(name)), at=System.now())
