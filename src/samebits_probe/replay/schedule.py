"""How the threads of an operator meet, replay by replay: a race between them shows itself only in another order.

On an idle machine threads begin together, on a busy one they often run one after the other, always in the same order.
Replays of operators that add to one place from several threads are therefore more, and made in both ways: one right
after another, while the threads of the pool still wait actively and begin at once, and now and then all on one core.
"""

import os
import time

_REST = 0.004  # seconds after which waiting threads of a pool sleep: the one that is woken then goes first
_GRAIN = 32768  # elements from which on ATen shares work between threads (at::internal::GRAIN_SIZE)
MORE = 24  # times as many replays, until one differs
_EVERY = 6  # one in so many of these is made on one core
# Operators that may write to one place from several threads. It makes nobody guilty: they are only looked at longer.
_ADDING = (
    "put", "index_put", "unsafe_index_put", "index_put_impl", "unsafe_masked_index_put", "index_add", "index_copy",
    "index_reduce", "scatter", "embedding", "histc", "histogram", "bincount", "segment_reduce", "sparse",
)  # fmt: skip


def may_race(known, tensors):
    """Whether a call is worth more replays. Operators that are none of PyTorch's own always are."""
    namespace, _, name = known.name.partition("::")
    if namespace == "aten" and not name.lstrip("_").startswith(_ADDING):
        return False
    return all(tensor.device.type == "cpu" for tensor in tensors) and any(t.numel() >= _GRAIN for t in tensors)


def is_on_one_core(number, repeats):
    """Whether a replay of such a call is one of those."""
    return number >= repeats and (number - repeats) % _EVERY == _EVERY - 1


class OneCore:
    """While entered, all threads of the process share one core. Each gets its own cores back, new ones the caller's."""

    def __init__(self):
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._turn = 0

    def is_possible(self):
        """Whether there is more than one core to begin with."""
        return len(self._cores) > 1

    def __enter__(self):
        self._turn += 1
        if self._turn % 2:
            time.sleep(_REST)
        core = self._cores[self._turn % len(self._cores)]
        self._before = {thread: _cores_of(thread) for thread in _threads()}
        for thread in self._before:
            _bind(thread, {core})

    def __exit__(self, *_):
        for thread in _threads():
            _bind(thread, self._before.get(thread) or set(self._cores))


def _threads():
    return [int(name) for name in os.listdir("/proc/self/task")]


def _cores_of(thread):
    try:
        return os.sched_getaffinity(thread)
    except OSError:  # it has ended
        return None


def _bind(thread, cores):
    try:
        os.sched_setaffinity(thread, cores)
    except OSError:  # it has ended
        return
