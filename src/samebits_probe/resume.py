"""Tells `samebits audit` which files a run saved after which step, and what its variables held at some steps.

STATE holds {"leaves": [[owner, name, number or dtype and shape, fingerprint]], "ahead": {generator: fingerprints after
1, 2, ... draws of 32 bits}}. The owner is "" for plain variables.
"""

import collections
import copy
import gc
import os
import random
import sys

from . import callers, hooks
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    from .probe import Probe

STATE = "state-%d.json"
_DRAWS, _DEEPEST, _MOST, _MANY = 256, 6, 100000, 2000  # draws; values in each other; values; files and items
_OWNERS = (
    ("torch.nn.modules", "model"), ("torch.optim.lr_scheduler", "schedule"), ("torch.optim", "optimizer"),
    ("torch.amp", "scaler"), ("torch.utils.data", "data"),
)  # fmt: skip


def watch(probe: "Probe") -> None:
    """Look at the files and the variables when a step begins, and at the loaders of PyTorch."""
    want, sample = probe.config["audit"] or {}, probe.sample_rng
    files: "Dict[str, Tuple[int, int]]" = {}

    def look(step: int) -> None:
        before = dict(files)
        files.update(_files_of(want["out"], System.getcwd()))
        for path in [path for path, state in files.items() if step and before.get(path) != state]:
            probe.event("saved", path=path, step=step, size=files[path][1])
        if step in want.get("states", ()):
            found = ProgramState(probe)
            probe.recorder.document(STATE % step, {"leaves": found.leaves, "ahead": found.ahead})

    def sample_rng(step: int) -> None:
        if step == probe.step:
            probe.guard("audit", look, step)
        sample(step)

    probe.sample_rng = sample_rng  # type: ignore[method-assign]
    hooks.after_import(
        "torch.utils.data.dataloader", lambda module: probe.guard("loaders", _watch_loaders, module, probe)
    )


def _files_of(*folders: str) -> "Iterator[Tuple[str, Tuple[int, int]]]":
    own = os.path.dirname(folders[0])  # of the trial: the probe writes there
    for place, inside, names in (found for folder in folders for found in os.walk(folder)):
        is_data = "pyvenv.cfg" in names or len(names) > _MANY or place == own
        inside[:] = [name for name in inside if not name.startswith((".", "__")) and not is_data]
        for path in [os.path.join(place, name) for name in names if not is_data]:
            if os.path.exists(path):
                yield path, (os.stat(path).st_mtime_ns, os.stat(path).st_size)


class ProgramState:
    """Everything that the variables of the program's functions and of its main module reach."""

    def __init__(self, probe: "Probe") -> None:
        self._hasher, self._torch = probe.hasher, sys.modules.get("torch")
        self.leaves: "List[List[str]]" = []
        self.ahead: "Dict[str, List[str]]" = {}
        self._seen: "Dict[int, Any]" = {}
        kind = () if self._torch is None else self._torch.optim.Optimizer
        optimizers = [one for one in gc.get_objects() if issubclass(type(one), kind)]
        groups = [group for one in optimizers for group in one.param_groups]
        self._trained = {id(weight) for group in groups for weight in group["params"]}
        for name, value in _variables():
            self._value("", name, value, _DEEPEST)

    def _print(self, data: bytes) -> str:
        return self._hasher.data(data, self._hasher.header("state", ())).hex()

    def _value(self, owner: str, name: str, value: "Any", depth: int) -> None:
        if type(value) in (bool, int, float):
            self.leaves.append([owner, name, repr(value), self._print(repr(value).encode())])
        elif depth and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            if self._torch is not None and isinstance(value, self._torch.Tensor):
                flat = value.detach().cpu().contiguous().reshape(-1) if not value.is_sparse else value
                data = bytes(flat.view(self._torch.uint8).numpy()) if flat.numel() else b""
                facts = "%s %s" % (str(value.dtype).split(".")[-1], list(value.shape))
                self.leaves.append([owner, name, facts, self._print(data)])
                return
            twin = _twin_of(value, self._torch)
            if twin is not None:
                self.leaves.append(["generator", name, type(value).__name__, self._print(twin[1]())])
                self.ahead[name] = [self._print(twin[1]()) for _ in range(_DRAWS) if twin[0]() is not None]
                return
            owner, items = self._opened(owner, value)
            for key, item in items[:_MANY] if len(items) <= _MANY else ():
                if key != "params":
                    self._value(owner, "%s.%s" % (name, key), item, depth - 1)

    def _opened(self, owner: str, value: "Any") -> "Tuple[str, List[Tuple[Any, Any]]]":
        """Return (owner, [(name, value)]) of what an object or a container holds."""
        if isinstance(value, dict):
            return owner, [(key, item) for key, item in list(value.items()) if type(key) in (str, int)]
        if isinstance(value, (list, tuple, collections.deque)):
            return owner, list(enumerate(value))
        modules = [base.__module__ for base in type(value).__mro__ if type(value) is not type]
        for package, kind in _OWNERS:
            if kind == "model" and any(module.startswith(package) for module in modules):
                is_other = self._trained and self._trained.isdisjoint(map(id, value.parameters()))
                buffers = [("buffer." + key, tensor) for key, tensor in value.named_buffers()]
                return "average" if is_other else kind, list(value.named_parameters()) + buffers
            if any(module.startswith(package) for module in modules):
                items = value.state_dict() if hasattr(value, "state_dict") and kind != "data" else vars(value)
                return kind, list(items.items())
        file = getattr(sys.modules.get(modules[0] if modules else ""), "__file__", None)
        is_own = file is not None and callers.kind_of(file) == callers.PROGRAM and hasattr(value, "__dict__")
        return owner, sorted(vars(value).items()) if is_own else []


def _variables() -> "Iterator[Tuple[str, Any]]":
    """Yield the generators of the process, then the variables of the program."""
    numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
    yield from [("python", vars(random)["_inst"])] + ([("numpy", numpy.mtrand._rand)] if numpy is not None else [])
    yield from [("torch", torch.default_generator)] if torch is not None else []
    frame: "Any" = sys._getframe(1)
    scopes = []
    while frame is not None:
        scopes += [frame.f_locals] if callers.kind_of(frame.f_code.co_filename) == callers.PROGRAM else []
        frame = frame.f_back
    scopes = [vars(sys.modules["__main__"])] + scopes[::-1]
    yield from [(name, one) for scope in scopes for name, one in list(scope.items()) if not name.startswith("__")]


def _twin_of(value: "Any", torch: "Any") -> "Optional[Tuple[Callable[[], Any], Callable[[], bytes]]]":
    """Return functions that draw 32 bits from a copy of a generator, and return its state; None for other values."""
    if isinstance(value, random.Random):
        twin = copy.deepcopy(value)
        return lambda: twin.getrandbits(32), lambda: repr(twin.getstate()).encode()
    if type(value).__module__.startswith("numpy.random") and hasattr(value, "bytes"):
        other = copy.deepcopy(value)
        bits = getattr(other, "bit_generator", None) or other._bit_generator
        return lambda: other.bytes(4), lambda: repr(bits.state).encode()
    if torch is not None and isinstance(value, torch.Generator) and value.device.type == "cpu":
        third = torch.Generator()
        third.set_state(value.get_state())
        return lambda: torch.rand(1, generator=third), lambda: bytes(third.get_state().numpy())
    return None


def _watch_loaders(module: "Any", probe: "Probe") -> None:
    """Tell when a loader begins an epoch, and which samples each batch has."""
    iterator = module._BaseDataLoaderIter
    begin, following, index = module.DataLoader.__iter__, iterator.__next__, iterator._next_index

    def iterate(self: "Any") -> "Any":
        name = "%s %s" % (type(self.dataset).__name__, getattr(self.dataset, "__len__", int)())
        probe.event("epoch", step=probe.step, loader=name, workers=self.num_workers)
        found = begin(self)
        found.samebits_loader = name
        return found

    def next_index(self: "Any") -> "Any":
        vars(self).setdefault("samebits_samples", []).append(index(self))
        return self.samebits_samples[-1]

    def next_batch(self: "Any") -> "Any":
        found, samples = following(self), vars(self).get("samebits_samples", [])
        if self._num_yielded <= len(samples) and isinstance(samples[self._num_yielded - 1], list):
            ids = [repr(one) for one in samples[self._num_yielded - 1]]
            header = probe.hasher.header("samples", ())
            prints = [probe.hasher.data(",".join(order).encode(), header).hex() for order in (ids, sorted(ids))]
            probe.event("batch", step=probe.step, loader=vars(self).get("samebits_loader", ""), samples=prints)
        return found

    module.DataLoader.__iter__, iterator.__next__, iterator._next_index = iterate, next_batch, next_index
