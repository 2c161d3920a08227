"""Which setups a study can run: those for whose library it has a script that takes what the setup asks of it."""

from __future__ import annotations

import re

from samebits.errors import NotFound
from samebits_study import catalog
from samebits_study.catalog import SETUPS, Library, Study, StudySetup

NAMES: dict[Library, str] = {"keras2": "Keras 2.3.1", "pytorch": "PyTorch", "keras3": "Keras 3"}


def refuse(study: Study, setup: StudySetup) -> None:
    """Raise NotFound where a study cannot run a setup."""
    why = why_not(study, setup)
    if why:
        raise NotFound(why)


def setups(study: Study) -> list[str]:
    """The setups that a study can run."""
    return [setup.id for setup in SETUPS.values() if not why_not(study, setup)]


def why_not(study: Study, setup: StudySetup) -> str:
    """Why a study cannot run a setup, as a sentence; empty where it can."""
    script = study.scripts.get(setup.library)
    if script is None:
        return f"The study {study.name} has no script for {NAMES[setup.library]}."
    unknown = [word for word in words(setup) if not takes(script, word)]
    if unknown:
        return f"{script} takes no {' and no '.join(unknown)}."
    if setup.initial and SETUPS[setup.initial].library not in study.scripts:
        source = NAMES[SETUPS[setup.initial].library]
        return f"The study {study.name} has no script for {source}, from whose initial weights {setup.id} starts."
    if setup.initial and not study.layers:
        return f"The entry of {study.name} names no layers, by which Keras' initial weights are carried to PyTorch."
    return ""


def words(setup: StudySetup) -> list[str]:
    """The options that a setup gives to a script beyond those of every script."""
    own = [word for word in setup.arguments if word.startswith("--")]
    return [*(["--initial"] if setup.initial else []), *own, *(["--repeat"] if setup.one_process else [])]


def takes(script: str, word: str) -> bool:
    """Whether a script names an option, in quotes, as its parser of arguments must."""
    return bool(re.search(rf"""["']{re.escape(word)}["']""", (catalog.SCRIPTS / script).read_text(encoding="utf-8")))
