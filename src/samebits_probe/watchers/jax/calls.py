"""Where calls of compiled functions of JAX are seen: outside of traces, before or after them, never within.

JAX calls a compiled function in C++. It keeps one function there that is called after each such call, for its own check
for NaN (`jax_debug_nans`); that place is not part of the key of its caches. A call that is traced, compiled, or has
effects comes through `_run_python_pjit` instead. What a program holds stays the object that `jax.jit` has made.
"""

import functools
import importlib
import threading

_OWN = ("jax", "jaxlib", "keras", "samebits_probe")  # the first part of a module's name
_PMAP = "jax._src.pmap"


class Hooks:
    """Tells a listener of the calls: `before(function, arguments, program)` where it can be told, then `after(...)`.

    `function`: the program's own; `arguments`: (args, kwargs); `program`: the jaxpr, or None.
    """

    def __init__(self, probe, listener):
        self._probe, self._listener = probe, listener
        self._inside = threading.local()
        self._core = importlib.import_module("jax._src.core")

    def install(self):
        """Hook JAX. False where this version of it has none of the places."""
        api, pjit = importlib.import_module("jax._src.api"), importlib.import_module("jax._src.pjit")
        if not hasattr(api, "_post_hook_state") or not hasattr(pjit, "_run_python_pjit"):
            return False
        api._post_hook_state = _Chain(api._post_hook_state, self._after_fast_call)
        self._wrap_slow_path(pjit)
        self._wrap_compiled(importlib.import_module("jax._src.stages").Compiled)
        return True

    def _after_fast_call(self, function, args, kwargs, outputs):
        module = getattr(function, "__module__", None) or ""
        if module.partition(".")[0] in _OWN and module != _PMAP:
            return
        own = getattr(function, "_fun", None)
        if own is not None and self._is_told():
            self._guarded(self._listener.after, own, (args, kwargs), outputs, None)

    def _wrap_slow_path(self, pjit):
        original = pjit._run_python_pjit

        @functools.wraps(original)
        def _run_python_pjit(traced, flat, function, args, kwargs):
            if not self._is_of_program(function) or not self._core.trace_state_clean() or not self._is_told():
                return original(traced, flat, function, args, kwargs)
            arguments, program = (args, kwargs), traced.params.get("jaxpr")
            before = self._guarded(self._listener.before, function, arguments, program)
            result = original(traced, flat, function, args, kwargs)
            self._guarded(self._listener.after, function, arguments, result[0], before)
            return result

        pjit._run_python_pjit = _run_python_pjit

    def _wrap_compiled(self, compiled):
        """Functions compiled ahead of time: `jit(f).lower(...).compile()`."""
        original = compiled.__call__

        @functools.wraps(original)
        def __call__(*args, **kwargs):
            if not self._is_told():
                return original(*args, **kwargs)
            function, arguments = args[0], (args[1:], kwargs)
            before = self._guarded(self._listener.before, function, arguments, None)
            result = original(*args, **kwargs)
            self._guarded(self._listener.after, function, arguments, result, before)
            return result

        compiled.__call__ = __call__

    @staticmethod
    def _is_of_program(function):
        module = getattr(function, "__module__", None) or ""
        return module.partition(".")[0] not in _OWN or module == _PMAP

    def _is_told(self):
        return self._probe.stepping is None and not getattr(self._inside, "is_ours", False)

    def _guarded(self, function, *arguments):
        """Call the listener; what it calls in JAX itself is none of the program's calls."""
        self._inside.is_ours = True
        try:
            return self._probe.guard("call of a compiled function", function, *arguments)
        finally:
            self._inside.is_ours = False


class _Chain:
    """Stands for JAX's own state of that one function: whatever JAX sets there is called after ours."""

    def __init__(self, state, ours):
        self._state, self._ours = state, ours
        state.set_global(ours)

    def _joined(self, function):
        if function is None:
            return self._ours

        def both(*arguments):
            self._ours(*arguments)
            return function(*arguments)

        return both

    def set_global(self, function):
        """As JAX's own."""
        self._state.set_global(self._joined(function))

    def set_local(self, function):
        """As JAX's own."""
        self._state.set_local(self._joined(function))

    def __getattr__(self, name):
        return getattr(self._state, name)
