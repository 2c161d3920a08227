"""Wraps functions of libraries, so that the probe is told about each call. The program sees the originals' names."""

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .probe import Probe

    Function = Callable[..., Any]


def wrap(owner: "Any", name: str, make: "Callable[[Function], Function]") -> None:
    """Set `owner.name` to `make(original)`, with the name and the documentation of the original."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(make(original)))


def before(owner: "Any", name: str, tell: "Function") -> None:
    """Call `tell(*args, **kwargs)`, with the arguments of the call, before each call of `owner.name`."""

    def make(original: "Function") -> "Function":
        def call(*args: "Any", **kwargs: "Any") -> "Any":
            tell(*args, **kwargs)
            return original(*args, **kwargs)

        return call

    wrap(owner, name, make)


def after(owner: "Any", name: str, tell: "Function") -> None:
    """Call `tell(result, *args, **kwargs)` after each call of `owner.name` that raises no exception."""

    def make(original: "Function") -> "Function":
        def call(*args: "Any", **kwargs: "Any") -> "Any":
            result = original(*args, **kwargs)
            tell(result, *args, **kwargs)
            return result

        return call

    wrap(owner, name, make)


def guarded(probe: "Probe", what: str, function: "Function") -> "Function":
    """Return a function that calls `function` through `probe.guard`: its errors do not reach the program."""
    return lambda *args, **kwargs: probe.guard(what, functools.partial(function, *args, **kwargs))
