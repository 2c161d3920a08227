"""What the scripts that draw share. Runs under a library's interpreter: Python 3.6 and later, numpy.

Reads the request {"cases": [{"path", "arguments", "shape", "layer", "size"}, ...], "side", "seed", "out"}; writes the
answer {"version", "cases": [...]}, one for each case in their order: {"weights": [{"name", "shape", "file"}], "doc",
"defaults"}, {"absent": true}, or {"error"}. A file holds an array (draws, *shape), float32.
"""

import inspect
import json
import os
import sys

import numpy as np

FEWEST = 2**14  # values of a weight that are kept at least, where it is drawn several times


def main(library, draw, version):
    """`draw(library, path, case, seed)`: {name: array} of a case once, and the documented thing; `version`: of it."""
    with open(sys.argv[1]) as file:
        request = json.load(file)
    answer = {"version": version, "cases": []}
    for number, case in enumerate(request["cases"]):
        answer["cases"].append(_answer(library, draw, case, number, request))
    with open(sys.argv[2], "w") as file:
        json.dump(answer, file)


def _answer(library, draw, case, number, request):
    thing = found(library, case["path"])
    if thing is None:
        return {"absent": True}
    try:
        kept = _drawn(draw, thing, case, request["seed"] + 1000 * number)
    except Exception as why:
        return {"error": "%s: %s" % (type(why).__name__, str(why)[:300])}
    weights = []
    for place, (name, arrays) in enumerate(kept):
        file = os.path.join(request["out"], "%d-%d.npy" % (number, place))
        np.save(file, np.stack(arrays))
        weights.append({"name": name, "shape": list(arrays[0].shape), "file": file})
    return {"weights": weights, "doc": inspect.getdoc(thing) or "", "defaults": defaults(thing)}


def _drawn(draw, thing, case, seed):
    """[(name, arrays)] of as many draws as the case wants: of values, or of layers."""
    kept = []
    count = 0
    while True:
        once = draw(thing, case, seed + count)
        if not kept:
            kept = [(name, []) for name, _ in once]
        for (_, arrays), (_, array) in zip(kept, once):
            if not arrays or arrays[0].size * len(arrays) < (FEWEST if case["layer"] else max(case["size"], FEWEST)):
                arrays.append(np.asarray(array, np.float32))
        count += 1
        done = count >= case["size"] if case["layer"] else sum(a.size for a in kept[0][1]) >= case["size"]
        if done:
            return kept


def found(library, paths):
    """The first thing of `a.b|a.c` that a library has, or None."""
    for path in paths.split("|"):
        thing = library
        for part in path.split("."):
            thing = getattr(thing, part, None)
        if thing is not None:
            return thing
    return None


def defaults(thing):
    """{argument: default} as the signature says it; defaults that are no JSON are left out."""
    maker = thing.__init__ if inspect.isclass(thing) else thing
    maker = getattr(maker, "_original_function", maker)  # Keras 2's decorator for names of Keras 1
    try:
        parameters = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):
        return {}
    plain = (str, int, float, bool, type(None))
    return {p.name: p.default for p in parameters if p.default is not p.empty and isinstance(p.default, plain)}
