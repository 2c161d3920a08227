"""What the scripts that measure share. Runs under a library's interpreter: Python 3.6 and later.

Request: {"asks": {id: {"do": ..., ...}}, "classes": {name: path}, "side"}. Answer: {"version", "measured": {id:
{"numbers": [...]}, {"none": why} or {"failed": why}}, "signatures": {name: [[parameter, default], ...]}}; null for a
parameter without a default, and for a class that is not there. A question with "draws" is measured so many times; its
answer has the numbers of each time, as "draws".
"""

import inspect
import json
import sys


class Absent(Exception):
    """The library has no such thing."""


def main(prepare):
    """Answer a request.

    `prepare(side)` returns (version, measured(ask), signature(path)); the last two return what the answer holds.
    """
    with open(sys.argv[1]) as file:
        request = json.load(file)
    version, measured, signature = prepare(request["side"])
    answer = {
        "version": version,
        "measured": {id: drawn(measured, ask) for id, ask in request["asks"].items()},
        "signatures": {name: signature(path) for name, path in request["classes"].items()},
    }
    with open(sys.argv[2], "w") as file:
        json.dump(answer, file)


def drawn(measured, ask):
    """Return what was measured; if several times, with the numbers of each time."""
    found = [measured(ask) for _ in range(ask.get("draws", 1))]
    if len(found) > 1 and all("numbers" in one for one in found):
        return dict(found[0], draws=[one["numbers"] for one in found])
    return found[0]


def outcome(measure):
    """Return what `measure()` returns, as numbers, or why there are none."""
    try:
        return {"numbers": measure()}
    except Absent as why:
        return {"none": str(why)}
    except Exception as why:  # if one measurement fails, the answer says so and the others go on
        return {"failed": "%s: %s" % (type(why).__name__, str(why)[:200])}


def signature_below(place, path):
    """Return the parameters of the class at a path below a module; None if it is not there."""
    for name in path.split("."):
        place = getattr(place, name, None)
    return None if place is None else parameters(place.__init__)


def parameters(maker, show=repr):
    """Return [[parameter, default as `show` shows it]] of a function.

    Parameters that take any number of arguments are left out.
    """
    every = inspect.signature(maker).parameters.values()
    named = [one for one in every if one.name != "self" and one.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")]
    return [[one.name, None if one.default is one.empty else show(one.default)] for one in named]
