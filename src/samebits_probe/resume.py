"""Tells `samebits audit` which files a run saved after which step, and what its variables held at some steps.

STATE holds {"leaves": [[owner, name, number or dtype and shape, fingerprint]], "ahead": {generator: fingerprints after
1, 2, ... draws of 32 bits}}. The owner of a value is "" (a plain variable), "model" or a module of PyTorch.
"""

import copy
import inspect
import os
import random
import sys

from . import callers, hooks
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    from .probe import Probe

__all__ = ["STATE"]

STATE = "state-%d.json"
_DRAWS, _DEEPEST, _MOST, _MANY = 256, 6, 100000, 2000  # draws; values in each other; values; files and items


def watch(probe: "Probe") -> None:
    """Look at the files and the variables when a step begins, and at the loaders of PyTorch."""
    want, sample = probe.config["audit"], probe.sample_rng
    files: "Dict[str, Tuple[int, int]]" = {}

    def look(step: int) -> None:
        before = dict(files)
        files.update(_files_of(want["out"], System.getcwd()))
        for path in [path for path, state in files.items() if step and state not in before.values()]:  # not renamed
            probe.event("saved", path=path, step=step, size=files[path][1])
        if step in want.get("states", ()):
            probe.recorder.document(STATE % step, ProgramState(probe).found)

    def sample_rng(step: int) -> None:
        if step == probe.step:
            probe.guard("audit", look, step)
        sample(step)

    probe.sample_rng = sample_rng  # type: ignore[method-assign]
    hooks.after_import("torch.utils.data.dataloader", lambda module: probe.guard("audit", _loaders, module, probe))


def _files_of(*folders: str) -> "Iterator[Tuple[str, Tuple[int, int]]]":
    for place, inside, names in (found for folder in folders for found in os.walk(folder)):
        is_data = "pyvenv.cfg" in names or len(names) > _MANY or place == os.path.dirname(folders[0])
        inside[:] = [name for name in inside if not name.startswith((".", "__")) and not is_data]
        for path in filter(os.path.exists, [os.path.join(place, name) for name in names if not is_data]):
            yield path, (os.stat(path).st_mtime_ns, os.stat(path).st_size)


class ProgramState:
    """Everything that the variables of the program's functions and of its main module reach."""

    def __init__(self, probe: "Probe") -> None:
        self._hasher, self._torch = probe.hasher, sys.modules.get("torch")  # type: Any, Any
        self.found: "Dict[str, Any]" = {"leaves": [], "ahead": {}}
        self._seen: "Dict[int, Any]" = {}
        for name, value in _variables():
            self._value("", name, value, _DEEPEST)

    def _print(self, data: bytes, dtype: str = "state", shape: "Any" = ()) -> str:
        return str(self._hasher.data(data, self._hasher.header(dtype, shape)).hex())

    def _value(self, owner: str, name: str, value: "Any", depth: int) -> None:
        if type(value) in (bool, int, float):
            self.found["leaves"].append([owner, name, repr(value), self._print(repr(value).encode())])
        elif depth and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            state = _generator_state(value)
            if self._torch is not None and isinstance(value, self._torch.Tensor):
                data = bytes(value.detach().to_dense().cpu().contiguous().reshape(-1).view(self._torch.uint8).numpy())
                dtype, shape = str(value.dtype).split(".")[-1], list(value.shape)
                self.found["leaves"].append([owner, name, "%s %s" % (dtype, shape), self._print(data, dtype, shape)])
            elif state is not None:
                self.found["leaves"].append(["generator", name, type(value).__name__, self._print(state)])
                twin, rand = copy.deepcopy(value), self._torch and self._torch.rand
                draw = getattr(twin, "getrandbits", getattr(twin, "bytes", lambda _: rand(1, generator=twin)))
                ahead = [_generator_state(twin) or b"" for _ in range(_DRAWS) if draw(4) is not None]  # 32 bits each
                self.found["ahead"][name] = list(map(self._print, ahead))
            else:
                owner, items = self._opened(owner, value)
                for key, item in [pair for pair in items if pair[0] != "params" and len(items) <= _MANY]:
                    self._value(owner, "%s.%s" % (name, key), item, depth - 1)

    def _opened(self, owner: str, value: "Any") -> "Tuple[str, List[Tuple[Any, Any]]]":
        """Return (owner, [(name, value)]) of what an object or a container holds."""
        if isinstance(value, dict):
            return owner, [(key, item) for key, item in list(value.items()) if type(key) in (str, int)]
        if isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
            return owner, list(enumerate(value))
        modules = [base.__module__ for base in type(value).__mro__ if type(value) is not type]
        package = next((name for name in modules if name.startswith("torch.")), "")
        if package and hasattr(value, "named_buffers"):
            buffers = [("buffer." + key, tensor) for key, tensor in value.named_buffers()]
            return "model", list(value.named_parameters()) + buffers
        is_data = package.startswith("torch.utils.data")
        if package and not is_data and hasattr(value, "state_dict"):
            return package, list(value.state_dict().items())
        file = getattr(sys.modules.get(modules[0] if modules else ""), "__file__", None)
        is_open = is_data or (file and callers.kind_of(file) == callers.PROGRAM)
        return package or owner, sorted(vars(value).items()) if is_open and hasattr(value, "__dict__") else []


def _variables() -> "Iterator[Tuple[str, Any]]":
    """Yield the generators of the process, then the variables of the program."""
    yield "python", vars(random)["_inst"]
    yield "numpy", getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    yield "torch", getattr(sys.modules.get("torch"), "default_generator", None)
    frames = [one.frame for one in inspect.stack(0) if callers.kind_of(one.filename) == callers.PROGRAM]
    for scope in [vars(sys.modules["__main__"])] + [frame.f_locals for frame in frames[::-1]]:
        yield from [(name, one) for name, one in list(scope.items()) if not name.startswith("__")]


def _generator_state(value: "Any") -> "Optional[bytes]":
    """Return the state of a random generator of Python, NumPy or PyTorch; None for any other value."""
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return repr(value.getstate()).encode()
    if type(value).__module__.startswith("numpy.random") and hasattr(value, "bytes"):
        return repr((getattr(value, "bit_generator", None) or value._bit_generator).state).encode()
    is_torch = type(value).__module__.startswith("torch") and type(value).__name__ == "Generator"
    return bytes(value.get_state().numpy()) if is_torch and value.device.type == "cpu" else None


def _loaders(module: "Any", probe: "Probe") -> None:
    """Tell when a loader begins an epoch, and which samples each batch has."""
    kind = module._BaseDataLoaderIter
    begin, following, index = module.DataLoader.__iter__, kind.__next__, kind._next_index

    def iterate(self: "Any") -> "Any":
        name, found = "%s %s" % (type(self.dataset).__name__, getattr(self.dataset, "__len__", int)()), begin(self)
        probe.event("epoch", step=probe.step, loader=name, workers=self.num_workers)
        found.samebits_loader = name
        return found

    def next_index(self: "Any") -> "Any":
        vars(self).setdefault("samebits_samples", []).append(index(self))
        return self.samebits_samples[-1]

    def next_batch(self: "Any") -> "Any":
        found, samples = following(self), vars(self).get("samebits_samples", [])[self._num_yielded - 1 :][:1]
        if samples and isinstance(samples[0], list) and hasattr(self, "samebits_loader"):
            probe.event("batch", step=probe.step, loader=self.samebits_loader, samples=samples[0])
        return found

    module.DataLoader.__iter__, kind.__next__, kind._next_index = iterate, next_batch, next_index
