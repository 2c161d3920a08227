"""What the scripts that measure share. Runs under a library's interpreter: Python 3.6 and later.

    python SCRIPT REQUEST.json ANSWER.json

Request: {"asks": {id: {"do": ..., ...}}, "classes": {name: path}, "side"}. Answer: {"version", "measured": {id:
{"numbers": [...]}, {"none": why} or {"failed": why}}, "signatures": {name: [[parameter, default], ...]}}; null for a
parameter without a default, and for a class that is not there. A question with "draws" is measured so many times; its
answer has the numbers of each time, as "draws".
"""

import inspect
import json
import sys

import numpy as np


class Absent(Exception):
    """The library has no such thing."""


def main(answer):
    """Write the answer `answer(request)` to a request."""
    with open(sys.argv[1]) as file:
        request = json.load(file)
    answered = answer(request)
    with open(sys.argv[2], "w") as file:
        json.dump(answered, file)


def measured(request, version, do, signature):
    """Return the answer of a library. `do`: {what a question asks: function(question) -> numbers}."""
    return {
        "version": version,
        "measured": {id: drawn(do[ask["do"]], ask) for id, ask in request["asks"].items()},
        "signatures": {name: signature(path) for name, path in request["classes"].items()},
    }


def drawn(measure, ask):
    """Return what was measured; if several times, with the numbers of each time."""
    found = [outcome(measure, ask) for _ in range(ask.get("draws", 1))]
    if len(found) > 1 and all("numbers" in one for one in found):
        return dict(found[0], draws=[one["numbers"] for one in found])
    return found[0]


def outcome(measure, ask):
    """Return what `measure(ask)` returns, as numbers, or why there are none."""
    try:
        return {"numbers": measure(ask)}
    except Absent as why:
        return {"none": str(why)}
    except Exception as why:  # if one measurement fails, the answer says so and the others go on
        return {"failed": "%s: %s" % (type(why).__name__, str(why)[:200])}


def course(ask, take):
    """Return the weights after each step of an optimizer. `take(gradients, rate)` takes one, and returns them."""
    steps = zip(ask["gradients"], ask["rates"])
    return [number for gradients, rate in steps for weight in take(gradients, rate) for number in flat(weight)]


def flat(value):
    return [float(number) for number in np.ravel(value)]


def single(values):
    return np.asarray(values, "float32")


def at(place, path):
    """Return what is at a dotted path below a module; None if it is not there."""
    for name in path.split("."):
        place = getattr(place, name, None)
    return place


def first_of(place, *names):
    """Return the first of these that a module has. Raises Absent."""
    found = next((getattr(place, name) for name in names if hasattr(place, name)), None)
    if found is None:
        parts = place.__name__.split(".")
        raise Absent("%s has no %s" % (".".join(dict.fromkeys([parts[0], parts[-1]])), names[0]))
    return found


def refuse_unknown(kind, maker, settings, more=()):
    """Raise Absent if a class or function does not take a setting. `more`: what it takes beside its parameters."""
    known = inspect.signature(maker).parameters
    for name in settings:
        if name not in known and name not in more:
            raise Absent("%s has no %s" % (kind.__name__, name))


def signature_below(place, path):
    """Return the parameters of the class at a path below a module; None if it is not there."""
    found = at(place, path)
    return None if found is None else parameters(found.__init__)


def parameters(maker, show=repr):
    """Return [[parameter, default as `show` shows it]] of a function.

    Parameters that take any number of arguments are left out.
    """
    every = inspect.signature(maker).parameters.values()
    named = [one for one in every if one.name != "self" and one.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")]
    return [[one.name, None if one.default is one.empty else show(one.default)] for one in named]
