"""Reads everything that the variables of a program hold, and sets what a different run of the program held."""

import copy
import ctypes
import inspect
import pickle
import random
import sys
from typing import TYPE_CHECKING, Any, Collection, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import callers

if TYPE_CHECKING:
    from .probe import Probe

__all__ = ["ProgramLeaf", "ProgramState", "prints"]

_DRAWS, _DEEPEST, _MOST, _MANY = 256, 6, 100000, 2000  # draws; values in each other; values; items of a container
_MOST_BYTES = 1 << 30


class ProgramLeaf(NamedTuple):
    """One value. `owner`: "" (a plain variable), "generator", "model" or a module of PyTorch.

    `parent`: the name of the object or the container that holds it. `keys`: its place there, or in its `state_dict`.
    """

    owner: str
    name: str
    value: Any
    parent: str
    keys: Tuple[Any, ...]


class ProgramState:
    """Everything that the variables of the program's functions and of its main module reach.

    `holders`: the objects and containers with these values, by their names.
    """

    def __init__(self) -> None:
        self._torch: Any = sys.modules.get("torch")
        self._seen: Dict[int, Any] = {}
        self.leaves: List[ProgramLeaf] = []
        self.holders: Dict[str, Any] = {"": vars(sys.modules["__main__"])}
        frames = [one.frame for one in inspect.stack(0) if callers.kind_of(one.filename) == callers.PROGRAM][::-1]
        functions = [frame for frame in frames if frame.f_code.co_flags & inspect.CO_NEWLOCALS]
        self.holders.update(("function %d" % number, frame) for number, frame in enumerate(functions))
        found = [("process", _generators())]
        found += [(parent, holder.f_locals if parent else holder) for parent, holder in self.holders.items()]
        for parent, values in found:
            for name, value in [pair for pair in values.items() if not pair[0].startswith("__")]:
                self._value(ProgramLeaf("", name, value, parent, (name,)), _DEEPEST)

    def is_tensor(self, value: Any) -> bool:
        """Return whether it is a tensor of PyTorch."""
        return self._torch is not None and isinstance(value, self._torch.Tensor)

    def _value(self, leaf: ProgramLeaf, depth: int) -> None:
        value = leaf.value
        if type(value) in (bool, int, float):
            self.leaves.append(leaf)
        elif depth and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            if self.is_tensor(value):
                self.leaves.append(leaf)
            elif generator_state(value) is not None:
                self.leaves.append(leaf._replace(owner="generator"))
            else:
                owner, items = self._opened(leaf.owner, value)
                is_inside = _is_handle(self.holders.get(leaf.parent))  # of a `state_dict`, which is a copy
                parent, keys = (leaf.parent, leaf.keys) if is_inside else (leaf.name, ())
                self.holders.setdefault(parent, value)
                for key, item in [pair for pair in items if pair[0] != "params" and len(items) <= _MANY]:
                    self._value(ProgramLeaf(owner, "%s.%s" % (leaf.name, key), item, parent, (*keys, key)), depth - 1)

    def _opened(self, owner: str, value: Any) -> Tuple[str, List[Tuple[Any, Any]]]:
        """Return (owner, [(name, value)]) of what an object or a container holds."""
        if isinstance(value, dict):
            return owner, [(key, item) for key, item in list(value.items()) if type(key) in (str, int)]
        if isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
            return owner, list(enumerate(value))
        package = _package(value)
        if package and hasattr(value, "named_buffers"):
            buffers = [("buffer." + key, tensor) for key, tensor in value.named_buffers()]
            return "model", list(value.named_parameters()) + buffers
        if _is_handle(value):
            return package, list(value.state_dict().items())
        modules = [base.__module__ for base in type(value).__mro__ if type(value) is not type]
        file = getattr(sys.modules.get(modules[0] if modules else ""), "__file__", None)
        is_data = package.startswith("torch.utils.data")
        is_open = is_data or (file and callers.kind_of(file) == callers.PROGRAM)
        return package or owner, sorted(vars(value).items()) if is_open and hasattr(value, "__dict__") else []

    # -- a graft ------------------------------------------------------------------------------------------------------

    def save(self, path: str) -> None:
        """Write the values, unless they are too large."""
        tensors = [leaf.value for leaf in self.leaves if self.is_tensor(leaf.value)]
        if sum(tensor.numel() * tensor.element_size() for tensor in tensors) <= _MOST_BYTES:
            found = [leaf._replace(value=self._plain(leaf.value)) for leaf in self.leaves]
            with open(path, "wb") as file:
                pickle.dump({leaf.name: tuple(leaf) for leaf in found}, file, 4)

    def _plain(self, value: Any) -> Any:
        if self.is_tensor(value):
            return value.detach().clone()
        return value if type(value) in (bool, int, float) else _accessors(value)[0]()

    def put(self, saved: Dict[str, Tuple[Any, ...]], names: Collection[str]) -> List[str]:
        """Set these values to what a different run saved. Return the names of those that could be set."""
        here, done = {leaf.name: leaf.value for leaf in self.leaves}, []
        states: Dict[str, List[ProgramLeaf]] = {}
        for leaf in [ProgramLeaf(*saved[name]) for name in names if name in saved]:
            if _is_handle(self.holders.get(leaf.parent)):
                states.setdefault(leaf.parent, []).append(leaf)
            elif self._is_put(leaf, here.get(leaf.name)):
                done.append(leaf.name)
        for parent, leaves in states.items():
            if self._is_state_put(self.holders[parent], leaves):
                done += [leaf.name for leaf in leaves]
        return done

    def _is_put(self, leaf: ProgramLeaf, here: Any) -> bool:
        holder, key = self.holders.get(leaf.parent), leaf.keys[-1]
        if leaf.owner == "generator":
            if here is not None:
                _accessors(here)[1](leaf.value)
            return here is not None
        if inspect.isframe(holder):
            return _set_local(holder, key, leaf.value)
        if self.is_tensor(leaf.value) and self.is_tensor(here) and _form(leaf.value) == _form(here):
            here.data.copy_(leaf.value)
        elif isinstance(holder, list) and key == len(holder):
            holder.append(leaf.value)
        elif isinstance(holder, list) or (isinstance(holder, dict) and (leaf.parent or key in holder)):
            holder[key] = leaf.value
        elif hasattr(holder, "__dict__") and leaf.owner != "model":
            vars(holder)[key] = leaf.value
        else:
            return False
        return True

    def _is_state_put(self, handle: Any, leaves: List[ProgramLeaf]) -> bool:
        """Set values in what an object saves and loads. Return whether it takes them.

        A new optimizer takes no moments without their step counters. Loading may change dtypes, so tensors are set
        once more.
        """
        before = copy.deepcopy(handle.state_dict())
        state = copy.deepcopy(before)
        for leaf in leaves:
            _set_inside(state, leaf.keys, leaf.value)
        try:
            handle.load_state_dict(state)
        except KeyError:
            handle.load_state_dict(before)
            return False
        state = handle.state_dict()
        for leaf in leaves:
            if self.is_tensor(leaf.value):
                _set_inside(state, leaf.keys, leaf.value.clone())
        return True


def _set_inside(state: Any, keys: Tuple[Any, ...], value: Any) -> Any:
    """Set a value at a place inside containers. Return the outermost one: a tuple is a new one."""
    if not keys:
        return value
    if isinstance(state, tuple):
        return (*state[: keys[0]], _set_inside(state[keys[0]], keys[1:], value), *state[keys[0] + 1 :])
    inner = state.setdefault(keys[0], {}) if isinstance(state, dict) else state[keys[0]]
    state[keys[0]] = _set_inside(inner, keys[1:], value)
    return state


def _form(tensor: Any) -> Tuple[Any, Any]:
    return tensor.dtype, tensor.shape


def _package(value: Any) -> str:
    modules = [base.__module__ for base in type(value).__mro__ if type(value) is not type]
    return next((name for name in modules if name.startswith("torch.")), "")


def _is_handle(value: Any) -> bool:
    """Return whether it is an optimizer, a schedule or a scaler: its values are those of its `state_dict`."""
    package = _package(value)
    is_data = package.startswith("torch.utils.data")
    return bool(package) and not is_data and hasattr(value, "state_dict") and not hasattr(value, "named_buffers")


def _generators() -> Dict[str, Any]:
    """Return the generators of the process."""
    numpy, torch = sys.modules.get("numpy.random.mtrand"), sys.modules.get("torch")
    others = {"numpy": getattr(numpy, "_rand", None), "torch": getattr(torch, "default_generator", None)}
    return {"python": vars(random)["_inst"], **others}


def _set_local(frame: Any, name: str, value: Any) -> bool:
    """Set a variable of a function that runs. Return whether it has this variable."""
    variables = frame.f_locals
    if name not in variables:
        return False
    variables[name] = value
    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))  # needed up to Python 3.12
    return True


def _accessors(generator: Any) -> Tuple[Any, Any]:
    """Return the functions that get and set the state of a generator."""
    if isinstance(generator, random.Random):
        return generator.getstate, generator.setstate
    bits = getattr(generator, "bit_generator", None)  # of NumPy's Generator
    if bits is not None:
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    return generator.get_state, generator.set_state


def generator_state(value: Any) -> Optional[bytes]:
    """Return the state of a random generator of Python, NumPy or PyTorch; None for any other value."""
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return repr(value.getstate()).encode()
    if type(value).__module__.startswith("numpy.random") and hasattr(value, "bytes"):
        return repr((getattr(value, "bit_generator", None) or value._bit_generator).state).encode()
    is_torch = type(value).__module__.startswith("torch") and type(value).__name__ == "Generator"
    return bytes(value.get_state().numpy()) if is_torch and value.device.type == "cpu" else None


def prints(probe: "Probe") -> Dict[str, Any]:
    """Return the fingerprints of what the variables hold.

    {"leaves": [[owner, name, number or dtype and shape, fingerprint]], "ahead": {generator: fingerprints after 1, 2,
    ... draws of 32 bits}}.
    """
    found, torch = ProgramState(), sys.modules.get("torch")  # type: Any, Any
    ahead: Dict[str, List[str]] = {}
    leaves: List[List[str]] = []

    def print_of(data: bytes, dtype: str = "state", shape: Any = ()) -> str:
        return str(probe.hasher.data(data, probe.hasher.header(dtype, shape)).hex())

    for owner, name, value, _, _ in found.leaves:
        if found.is_tensor(value):
            data = bytes(value.detach().to_dense().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
            dtype, shape = str(value.dtype).split(".")[-1], list(value.shape)
            leaves.append([owner, name, "%s %s" % (dtype, shape), print_of(data, dtype, shape)])
        elif owner == "generator":
            leaves.append([owner, name, type(value).__name__, print_of(generator_state(value) or b"")])
            ahead[name] = [print_of(state) for state in _states_ahead(value)]
        else:
            leaves.append([owner, name, repr(value), print_of(repr(value).encode())])
    return {"leaves": leaves, "ahead": ahead}


def _states_ahead(generator: Any) -> Iterator[bytes]:
    """Yield the states of a copy after each of its next draws of 32 bits."""
    twin, torch = copy.deepcopy(generator), sys.modules.get("torch")  # type: Any, Any
    draw = getattr(twin, "getrandbits", getattr(twin, "bytes", lambda _: torch.rand(1, generator=twin)))
    for _ in range(_DRAWS):
        draw(4)
        yield generator_state(twin) or b""
