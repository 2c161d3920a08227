"""Replacing a function of a module or class by one that looks like it."""
import functools


def replace(owner, name, make):
    """Set `owner.name` to `make(original)`, which keeps the original's name and documentation. Returns the new one.

    Does nothing where it has been replaced by the same `make` before, and returns None where there is no such name.
    """
    original = getattr(owner, name, None)
    if original is None:
        return None
    if getattr(original, "_samebits_make", None) is make:
        return original
    new = make(original)
    try:
        functools.update_wrapper(new, original)
    except (AttributeError, TypeError):  # a built-in without some of these
        pass
    new._samebits_make = make
    setattr(owner, name, new)
    return new
