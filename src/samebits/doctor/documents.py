"""The document of `samebits doctor --json`."""

# no `from __future__ import annotations`: see `samebits.model`
from samebits.document import Document
from samebits.model import HeldControl

__all__ = ["DoctorResult", "TriedLibrary"]

DOCTOR_FORMAT = 1


class TriedLibrary(Document):
    """A library after its trial. `fault`: why the trial, or what samebits watches in it, failed; "" if all is well.

    `controls`: those that act on it, with what the trial read back. `gpus`: those that the trial saw.
    """

    name: str
    version: str = ""
    controls: list[HeldControl] = []
    gpus: str = ""
    fault: str = ""


class DoctorResult(Document):
    """What works on this machine. `python`: that of the trials. `plain`: a trial without a library.

    `absent`: libraries that this Python does not have. `unread`: a package that is not installed -> the endings of the
    files that it reads. `hosts`: a host of --on -> why it cannot be used; "" if it can. `environments`: a name of --env
    -> its state.
    """

    format: int = DOCTOR_FORMAT
    samebits: str
    python: str
    plain: TriedLibrary
    libraries: list[TriedLibrary]
    absent: list[str]
    unread: dict[str, list[str]]
    hosts: dict[str, str]
    environments: dict[str, str]
