"""Collects the findings of the replays: counts by operator and phase, and each place that differed, with values.

After each step, all findings are written to replay.json. The values of differing results are in the tensor log (see
wire.py).
"""

import os
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set, Tuple

from .... import wire
from ....probe.tensor_log import TensorWriter
from ..tensors import dtype_name, shape_of

if TYPE_CHECKING:
    from ....fingerprint import Tensor
    from ....probe import Probe
    from .copies import TorchTensor
    from .operators import CodePlace, Overload

# A JSON object. What its fields say stands where samebits reads them: `Operator`, `DifferingPlace`, `LeftOut` and
# `Unwritten` in samebits/ops/documents.py. The results of a place are {name: {dtype, shape, pairs}}: the numbers of
# pairs in the tensor log, "own" of the program's call and "again" of a replay.
Document = Dict[str, Any]

_MOST_PAIRS = 8  # of one result: the reported size is the largest difference among these
_MOST_BYTES = 1 << 28  # of all pairs together
_MOST_PLACES = 1000


class OperatorCounts:
    """Counts of an operator in a phase: its calls, its replayed calls, their replays, and the calls that differed."""

    __slots__ = ("differed", "name", "replayed", "replays", "seen")

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen = self.replayed = self.replays = self.differed = 0


class Findings:
    """Collects findings, and writes them."""

    def __init__(self, probe: "Probe", want: "wire.ReplayRequest", content: "Callable[[TorchTensor], Tensor]") -> None:
        """Begin without findings. `content`: function(tensor) -> (dtype, shape, bytes in logical order)."""
        self._probe, self._want, self._content = probe, want, content
        self._counts: Dict[Tuple[str, str], OperatorCounts] = {}  # by (overload, phase)
        self._left_out: Dict[Tuple[str, str], int] = {}  # (name, why) -> how often
        self._unset: Dict[Tuple[str, str], Tuple[int, int]] = {}  # (name, result) -> (unwritten elements, all elements)
        self._failed: Dict[Tuple[str, str], None] = {}  # (name, why)
        self._places: Dict[Tuple[Any, ...], Document] = {}
        self._writer, self._pairs = TensorWriter(probe, _MOST_BYTES), 0
        self._order = 0
        self.steps: List[int] = []  # steps that were replayed to their end
        self.notes: List[str] = []  # sentences

    def seen(self, known: "Overload", phase: str) -> OperatorCounts:
        """Count a call of an operator. Returns its counts: the caller adds to the other three."""
        self._order += 1
        counts = self._counts.get((known.overload, phase))
        if counts is None:
            counts = self._counts[known.overload, phase] = OperatorCounts(known.name)
        counts.seen += 1
        return counts

    def left_out(self, known: "Overload", why: str) -> None:
        """Note that a call of an operator is not replayed."""
        key = (known.name, why)
        self._left_out[key] = self._left_out.get(key, 0) + 1

    def failed(self, known: "Overload", error: Exception) -> None:
        """Note that a replay of an operator raised an error."""
        self._failed.setdefault((known.name, "%s: %s" % (type(error).__name__, str(error).split("\n")[0][:200])), None)

    def unset(self, known: "Overload", result: str, count: int, elements: int) -> None:
        """Note that an operator did not write some elements of a result: these elements say nothing about it."""
        self._unset[known.name, result] = max((count, elements), self._unset.get((known.name, result), (0, 0)))

    def differed(
        self,
        known: "Overload",
        place: "CodePlace",
        given: "List[TorchTensor]",
        results: "Dict[str, List[Tuple[TorchTensor, TorchTensor]]]",
        replays: Tuple[int, int],
    ) -> Optional[Document]:
        """Add a call with a replay that differed. Returns the document of its place; None if there are too many places.

        `given`: the input tensors. `results`: {name of a result: [(the program's tensor, that of a replay)]}.
        `replays`: (how many there were, how many of them differed).
        """
        document = self._place_of(known, place, given)
        if document is None:
            return None
        document["differed"] += 1
        document["replays"] += replays[0]
        document["replays_differed"] += replays[1]
        for result, pairs in results.items():
            found = document["results"].setdefault(result, {"pairs": []})
            for own, again in pairs:
                self._keep(found, own, again)
        return document

    def _place_of(self, known: "Overload", place: "CodePlace", given: "List[TorchTensor]") -> Optional[Document]:
        shapes = ["%s%s" % (dtype_name(tensor.dtype), list(shape_of(tensor))) for tensor in given]
        key = (known.overload, place.key(), tuple(shapes))
        document = self._places.get(key)
        if document is None and len(self._places) < _MOST_PLACES:
            document = self._places[key] = {
                "operator": known.name, "overload": known.overload, "phase": place.phase, "step": self._probe.step,
                "order": self._order, "node": place.node, "file": place.file, "line": place.line,
                "module": place.module, "inputs": shapes, "differed": 0, "replays": 0, "replays_differed": 0,
                "memory": None, "results": {},
            }  # fmt: skip
        return document

    def _keep(self, found: Document, *pair: "TorchTensor") -> None:
        found["dtype"], found["shape"] = dtype_name(pair[0].dtype), list(shape_of(pair[0]))
        size = sum(tensor.numel() * tensor.element_size() for tensor in pair)
        if len(found["pairs"]) >= _MOST_PAIRS or not self._writer.reserve(size):
            return
        for kind, tensor in zip(("own", "again"), pair):
            self._writer.write(kind, str(self._pairs), self._content(tensor))
        found["pairs"].append(self._pairs)
        self._pairs += 1

    def write(self, perturbed: str) -> None:
        """Write all findings. `perturbed`: why memory was not filled; "" if it was."""
        document: Document = {
            "steps": self.steps,
            "repeats": self._want["repeats"],
            "operators": [
                {
                    "overload": overload, "phase": phase, "operator": counts.name, "seen": counts.seen,
                    "replayed": counts.replayed, "replays": counts.replays, "differed": counts.differed,
                }
                for (overload, phase), counts in self._counts.items()
            ],
            "differed": list(self._places.values()),
            "left_out": [{"operator": key[0], "why": key[1], "seen": n} for key, n in self._left_out.items()],
            "failed": [{"operator": name, "why": why} for name, why in self._failed],
            "uninitialised": [
                {"operator": key[0], "result": key[1], "elements": n[0], "of": n[1]} for key, n in self._unset.items()
            ],
            "unfilled": perturbed,
            "notes": self.notes,
        }  # fmt: skip
        self._probe.recorder.document(wire.REPLAY, document)


# A race between the threads of an operator shows only if the threads meet in a different order.
#
# On an idle machine, threads begin together. On a busy machine, they often run one after the other, always in the same
# order. So operators that add to one place from several threads get more replays. Most of these run right after each
# other, while the threads of the pool still wait actively and begin at once. Some run with all threads on one core.

_REST = 0.004  # seconds after which waiting threads of a pool sleep; then the thread that wakes first runs first
_GRAIN = 32768  # ATen shares the work between threads from this number of elements on (at::internal::GRAIN_SIZE)
MORE = 24  # times as many replays, until one differs
_EVERY = 6  # one in so many of these replays runs on one core


def may_race(known: "Overload", given: "List[TorchTensor]", outcome: "List[TorchTensor]") -> bool:
    """Return whether a call gets more replays: a large call on the CPU whose operator may race.

    Threads may add to one place if a tensor of integers or a sparse tensor names the places. Every operator that is
    not PyTorch's own may race.
    """
    if known.name.startswith("aten::") and not any(map(_has_indices, given)):
        return False
    tensors = given + outcome
    return all(tensor.device.type == "cpu" for tensor in tensors) and any(t.numel() >= _GRAIN for t in tensors)


def _has_indices(tensor: "TorchTensor") -> bool:
    is_number = tensor.is_floating_point() or tensor.is_complex() or str(tensor.dtype) == "torch.bool"
    return not is_number or str(tensor.layout) != "torch.strided"


def is_on_one_core(number: int, repeats: int) -> bool:
    """Return whether a replay of such a call runs on one core."""
    return number >= repeats and (number - repeats) % _EVERY == _EVERY - 1


class OneCore:
    """A context in which all threads of the process share one core.

    At its end, each thread gets its own cores back. New threads get those that the process had at first.
    """

    def __init__(self) -> None:
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._turn = 0

    def is_possible(self) -> bool:
        """Return whether the process has more than one core."""
        return len(self._cores) > 1

    def __enter__(self) -> None:
        self._turn += 1
        if self._turn % 2:
            time.sleep(_REST)
        core = self._cores[self._turn % len(self._cores)]
        self._before = {thread: _cores_of(thread) for thread in _threads()}
        for thread in self._before:
            _bind(thread, {core})

    def __exit__(self, *_: Any) -> None:
        for thread in _threads():
            _bind(thread, self._before.get(thread) or set(self._cores))


def _threads() -> List[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


def _cores_of(thread: int) -> Optional[Set[int]]:
    try:
        return os.sched_getaffinity(thread)
    except OSError:  # the thread has ended
        return None


def _bind(thread: int, cores: Set[int]) -> None:
    try:
        os.sched_setaffinity(thread, cores)
    except OSError:  # the thread has ended
        return
