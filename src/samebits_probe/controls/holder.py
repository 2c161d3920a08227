"""Holds the controls of a process: starts them in order, and reads them back at the start, first and last step."""

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence

from .. import hooks
from ..wire import HELD, IDLE, OVERRULED, UNDONE, UNREADABLE
from . import TABLE, find, variables
from .control import Control, imported

if TYPE_CHECKING:
    from ..probe import Probe
    from .control import ControlEffect

_WORDS = {"first-step": "first step", "last-step": "last step"}


def hold(ids: "Sequence[str]", seed: int, probe: "Probe") -> None:
    """Hold the controls. An error here does not reach the program, but is reported."""
    held = [_HeldControl(find(identity)(), seed, probe) for identity in ids if _is_known(identity)]
    for identity in ids:
        if not _is_known(identity):
            probe.event("control", id=identity, effect=UNDONE, when="start", why="the probe does not know it")
    _hold_variables([one.control for one in held], seed)
    for one in held:
        one.start()
    probe.first_step.append(lambda: _read_all(held, "first-step"))
    probe.last_step.append(lambda: _read_all(held, "last-step"))


def _is_known(identity: str) -> bool:
    return identity.partition("=")[0] in TABLE


def _hold_variables(controls: "Iterable[Control]", seed: int) -> None:
    fixed: Dict[str, str] = {}
    joined: Dict[str, List[str]] = {}
    for control in controls:
        if control.holds_variables:
            fixed.update(control.environment(seed))
            for name, words in control.joined.items():
                joined.setdefault(name, []).extend(words)
    variables.hold(fixed, joined)


def _read_all(held: "Iterable[_HeldControl]", when: str) -> None:
    for one in held:
        one.read(when)


class _HeldControl:
    """A control in this process, with its state."""

    def __init__(self, control: Control, seed: int, probe: "Probe") -> None:
        self.control, self.probe = control, probe
        control.seed, control.probe = seed, probe
        self._failure: Optional[str] = None
        self._has_held = False

    def start(self) -> None:
        """Call the functions of the control, now and after the imports that it waits for."""
        self._call(self.control.at_start)
        for name, function in self.control.after_import().items():
            hooks.after_import(name, self._applier(function))
        if not self.control.libraries:
            self.read("start")

    def _applier(self, function: "hooks.ImportHook") -> "hooks.ImportHook":
        def apply(module: Any) -> None:
            self._call(function, module)
            if imported(*self.control.libraries):
                self.read("start")

        return apply

    def _call(self, function: "Callable[..., Any]", *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception as error:  # e.g. a release without that function: the program continues
            self._failure = "it could not be applied: %s: %s" % (type(error).__name__, error)

    def read(self, when: str) -> None:
        """Write an event with the effect of the control."""
        effect, why = self._look(when)
        if effect == UNDONE and self._has_held and when != "start" and self.control.can_be_undone:
            why = "undone by the program before the %s%s" % (_WORDS[when], why and ": " + why)
        self._has_held = self._has_held or effect in (HELD, IDLE, OVERRULED)
        self.probe.event("control", id=self.control.id, effect=effect, when=when, why=why)

    def _look(self, when: str) -> "ControlEffect":
        if self._failure:
            return UNDONE, self._failure
        libraries = self.control.libraries
        if libraries and not imported(*libraries):
            never = "was never imported" if when == "last-step" else "has not been imported"
            return UNREADABLE, "%s %s" % (" or ".join(libraries), never)
        try:
            return self.control.read_back()
        except Exception as error:
            return UNREADABLE, "it could not be read back: %s: %s" % (type(error).__name__, error)
