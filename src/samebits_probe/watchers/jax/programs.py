"""A traced function of JAX as a straight program: one operator after the other, so that values can be read in between.

Bodies of calls (jit, rules for gradients, checkpoints) are inlined. Loops and conditions stay whole.
"""

import os
import sys
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Optional, Sequence, Set, Tuple

from ...callers import OWN
from ...inspection import numbers
from ..objects import Traced

Frame = Tuple[str, int]  # file, line
JaxEquation = Any
JaxProgram = Any  # a jaxpr, closed or not

_CALLS = ("jit", "pjit", "closed_call", "core_call", "call", "checkpoint", "remat", "remat2",
          "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr")  # fmt: skip
_BODIES = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_RANDOM = ("random_bits", "random_gamma", "rng_bit_generator", "rng_uniform", "threefry2x32")
_FILES = [getattr(sys.modules.get(name), "__file__", None) for name in ("os", "jax", "jaxlib", "keras")]
_OTHERS = (OWN,) + tuple(os.path.dirname(file) + os.sep for file in _FILES if file)


class Equation:
    """One equation. `inputs`, `outputs`: places of values; `scopes`: names around it, the outermost first.
    `transforms`: the transforms by which JAX made it ("jvp", "transpose"); `code`: "file:line" of the program, "" if no
    line of the program led here.
    """

    def __init__(self, equation: JaxEquation, inputs: List[int], outputs: List[int], around: "Around") -> None:
        self._primitive, self._params, self._context = equation.primitive, equation.params, equation.ctx
        self.inputs, self.outputs = inputs, outputs
        self.scopes, self.transforms, self.code = around.scopes, around.transforms, around.code()
        self.name = equation.primitive.name
        self.is_random = self.name in _RANDOM

    def numbers(self) -> Dict[str, str]:
        """Return {name: text} of its numeric parameters."""
        found = {name: numbers(value) for name, value in self._params.items()}
        return {name: text for name, text in found.items() if text is not None}

    def label(self) -> Optional[str]:
        """Return the name that a value was given by jax.ad_checkpoint.checkpoint_name; None for other equations."""
        return self._params["name"] if self.name == "name" else None

    def run(self, values: Sequence[Traced]) -> List[Traced]:
        """Compute its outputs from the values of its inputs: at once, or in a function that is being traced."""
        found = self._primitive.get_bind_params(self._params)
        functions, params = found if isinstance(found, tuple) else ((), found)
        with self._context.manager:
            result = self._primitive.bind(*functions, *values, **params)
        return list(result) if self._primitive.multiple_results else [result]


class Around:
    """The surroundings of an equation: name scopes, transforms, and frames, the innermost first."""

    def __init__(
        self, scopes: Tuple[str, ...] = (), transforms: FrozenSet[str] = frozenset(), frames: Tuple[Frame, ...] = ()
    ) -> None:
        self.scopes, self.transforms, self._frames = scopes, transforms, frames

    def inside(self, info: Any) -> "Around":
        """Return the place of an equation with this source, within this place."""
        stack = info.name_stack.stack
        scopes = self.scopes + tuple(one.name for one in stack if type(one).__name__ == "Scope")
        transforms = self.transforms.union(one.name for one in stack if type(one).__name__ == "Transform")
        return Around(scopes, transforms, self._joined(info.traceback))

    def _joined(self, traceback: Any) -> Tuple[Frame, ...]:
        """Return the frames of an equation, and those of the calls around it.

        JAX keeps only the frames within the body of a call. Older releases keep all frames. A body is traced once for
        calls from many lines, so these may be the lines of a different call.
        """
        own = tuple((frame.file_name, frame.line_num) for frame in traceback.frames) if traceback is not None else ()
        if not own or not self._frames or own[-1] != self._frames[-1]:
            return own + self._frames
        mine, outer = _lines(own), _lines(self._frames)
        return own if mine[-len(outer) :] == outer else self._frames

    def code(self) -> str:
        """Return the innermost line of the program."""
        return code_of(self._frames)


def code_of(frames: Iterable[Frame]) -> str:
    """ "file:line" of the program's innermost line, of (path, line) pairs, the innermost first; "" if none is."""
    return next(("%s:%d" % (os.path.basename(path), line) for path, line in _lines(frames)), "")


def _lines(frames: Iterable[Frame]) -> List[Frame]:
    return [frame for frame in frames if _is_own(frame[0])]


def _is_own(path: str) -> bool:
    is_installed = "site-packages" in path or "dist-packages" in path
    return not is_installed and not path.startswith((*_OTHERS, "<"))


class Jaxpr:
    """The operators of a closed jaxpr in their order. `arguments`, `results`: places of values."""

    def __init__(self, closed: JaxProgram) -> None:
        self.operators: List[Equation] = []
        self.constants: Dict[int, Any] = {}
        self._count = 0
        self.arguments = [self._place() for _ in closed.jaxpr.invars]
        self.results = self._open(closed.jaxpr, closed.consts, self.arguments, Around())
        self._last = self._last_uses()

    def _place(self) -> int:
        self._count += 1
        return self._count

    def _constant(self, value: Any) -> int:
        place = self._place()
        self.constants[place] = value
        return place

    def _open(
        self, jaxpr: JaxProgram, constants: Iterable[Any], arguments: Sequence[int], around: "Around"
    ) -> List[int]:
        """Add the operators of a body. Returns the places of its results."""
        known = dict(zip(jaxpr.invars, arguments))
        known.update(zip(jaxpr.constvars, map(self._constant, constants)))

        def place(atom: Any) -> int:
            return self._constant(atom.val) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            inputs = [place(atom) for atom in equation.invars]
            inside, body = around.inside(equation.source_info), _body(equation)
            if body is None:
                outputs = [self._place() for _ in equation.outvars]
                self.operators.append(Equation(equation, inputs, outputs, inside))
            else:
                outputs = self._open(getattr(body, "jaxpr", body), getattr(body, "consts", ()), inputs, inside)
            known.update(zip(equation.outvars, outputs))
        return [place(atom) for atom in jaxpr.outvars]

    def _last_uses(self) -> List[Set[int]]:
        """Return, for each operator, the places whose values no later operator needs."""
        kept, found = set(self.results), []
        for operator in reversed(self.operators):
            mentioned = set(operator.inputs) | set(operator.outputs)
            found.append(mentioned - kept)
            kept |= mentioned
        return found[::-1]

    def needed_for(self, places: Iterable[int]) -> Set[Equation]:
        """Return the set of operators from which values are computed."""
        wanted, found = set(places), set()
        for operator in reversed(self.operators):
            if not wanted.isdisjoint(operator.outputs):
                found.add(operator)
                wanted.update(operator.inputs)
        return found

    def run(
        self, arguments: Sequence[Traced], seen: Callable[[Equation, List[Traced], List[Traced]], Any]
    ) -> List[Traced]:
        """Return the values of the results. `seen(operator, inputs, outputs)` is called after each operator."""
        values = dict(self.constants)
        values.update(zip(self.arguments, arguments))
        for operator, last in zip(self.operators, self._last):
            inputs = [values[place] for place in operator.inputs]
            outputs = operator.run(inputs)
            values.update(zip(operator.outputs, outputs))
            seen(operator, inputs, outputs)
            for place in last:
                del values[place]
        return [values[place] for place in self.results]


def _body(equation: JaxEquation) -> Optional[JaxProgram]:
    """Return the jaxpr that an equation calls exactly once with its own inputs and outputs.

    Return None for any other equation.
    """
    if equation.primitive.name not in _CALLS:
        return None
    found = [equation.params[name] for name in _BODIES if equation.params.get(name) is not None]
    inner: JaxProgram = getattr(found[0], "jaxpr", found[0]) if len(found) == 1 else None
    counts = len(equation.invars), len(equation.outvars)
    fits = hasattr(inner, "eqns") and (len(inner.invars), len(inner.outvars)) == counts
    return found[0] if fits else None


def calls_back(jaxpr: JaxProgram) -> bool:
    """Return whether a jaxpr calls Python functions while it runs, also within a loop or condition."""
    return any(_calls_back(equation) for equation in jaxpr.eqns)


def _calls_back(equation: JaxEquation) -> bool:
    if "callback" in equation.primitive.name:
        return True
    parts = [part for value in equation.params.values() for part in (value if isinstance(value, tuple) else (value,))]
    inner = [getattr(part, "jaxpr", part) for part in parts]
    return any(calls_back(part) for part in inner if hasattr(part, "eqns"))
