"""Operator replay: runs each operator of some steps again on the same inputs (PyTorch 2.0 or later).

The program continues with the first result of each operator. Replays write only to copies, and every random state is
restored. A replay begins at the end of the step before the first one asked for, and ends at the end of the last one.
What runs operators again is imported only if config.json asks for a replay.
"""

import threading
from typing import TYPE_CHECKING, Dict, Optional

from ..trees import walk
from .operators import Places

if TYPE_CHECKING:
    from ....wire import ReplayRequest
    from ..optimizers import Optimizers
    from ..watch import PyTorchWatch


__all__ = ["StepWindow", "watch_replay"]

_TOO_OLD = "operator replay needs PyTorch 2.0 or later, and this is %s"


def watch_replay(watch: "PyTorchWatch", optimizers: "Optimizers") -> None:
    """Replay the operators of the steps that config.json asks for, if any."""
    want = watch.probe.config.get("replay")
    if not want:
        return
    if hasattr(watch.torch._C, "_current_graph_task_id"):
        StepWindow(watch, optimizers, want)
    else:
        watch.probe.event("replay", why=_TOO_OLD % watch.torch.__version__)


class StepWindow:
    """Enters the dispatch mode at the first step, and leaves it after the last one."""

    def __init__(self, watch: "PyTorchWatch", optimizers: "Optimizers", want: "ReplayRequest") -> None:
        from .mode import ReplayMode
        from .reruns import Replayer

        self._watch, self._probe = watch, watch.probe
        self._first, self._last = want["first"], want["last"]
        self._places = Places(watch.torch, lambda number: self._modules().get(number) or None, optimizers.is_running)
        self._replayer = Replayer(watch.torch, watch.probe, self._places, want)
        self._mode = ReplayMode(self._replayer.run)
        self._thread: Optional[int] = None
        self._watch_ends()
        if self._first == 0:
            self._enter()

    def _watch_ends(self) -> None:
        end_step = self._probe.end_step

        def seen_end_step() -> None:
            step = self._probe.step
            self._probe.guard("replay at the end of a step", self._ended, step)
            end_step()
            if self._first == self._probe.step == step + 1:
                self._probe.guard("replay at the start of a step", self._enter)

        self._probe.end_step = seen_end_step  # type: ignore[method-assign]  # of this object alone
        self._probe.at_end(self._at_exit)

    def _enter(self) -> None:
        self._thread = threading.get_ident()
        self._mode.enter()

    def _ended(self, step: int) -> None:
        if not self._mode.is_entered:
            return
        findings = self._replayer.findings
        if threading.get_ident() != self._thread:
            findings.notes.append("step %d ran in a different thread: its operators were not seen" % step)
        else:
            findings.steps.append(step)
            self._places.forget()
            if step >= self._last:
                self._mode.leave()
        findings.write(self._replayer.memory.why_not)

    def _at_exit(self) -> None:
        """Write the findings if the program ends within the steps asked for, or before them."""
        if self._mode.is_entered:
            self._mode.leave()
            self._replayer.findings.write(self._replayer.memory.why_not)

    def _modules(self) -> Dict[int, str]:
        """Return {id: qualified name} of all known modules."""
        found: Dict[int, str] = {}
        for model in self._watch.names.models.values():
            module = model.reference()
            if module is not None:
                found.update((id(leaf), (model.label + prefix).rstrip(".")) for prefix, leaf in walk(module))
        return found
