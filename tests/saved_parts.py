"""The parts of a saved file, as tests look at them."""


def digests(file):
    return {name: part.digest for name, part in file.parts.items()}


def values(file):
    return sorted(name for name, part in file.parts.items() if part.kind == "value")


def shown(file):
    return {name: part.shown for name, part in file.parts.items() if part.shown}


def models(file):
    return sorted(name for name, part in file.parts.items() if part.model)


def differing(a, b):
    """Names of the parts that differ, or that only one of the files has."""
    return {name for name in digests(a).keys() | digests(b).keys() if digests(a).get(name) != digests(b).get(name)}
