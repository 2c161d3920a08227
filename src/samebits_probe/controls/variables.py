"""Environment variables that are held against the program: its own settings of them are accepted and change nothing."""

import os

# what stands between the words of variables to which several controls, and the user, add
SEPARATORS = {"XLA_FLAGS": " ", "GLIBC_TUNABLES": ":"}
_fixed = {}  # name -> the value that is held
_joined = {}  # name -> words that are always there
_started = dict(os.environ)  # what the process was started with


def at_start_of_process(name):
    """The value with which the process was started, or None: what was read before Python began."""
    return _started.get(name)


def join(name, value, words):
    """`value` of the variable with all `words` in it; a word "a=1" replaces "a=2"."""
    separator = SEPARATORS[name]
    kept = [word for word in (value or "").split(separator) if word]
    for word in words:
        key = word.split("=")[0]
        kept = [other for other in kept if other.split("=")[0] != key] + [word]
    return separator.join(kept)


def hold(fixed, joined):
    """Hold these variables from now on, in this process and in what it starts with its own environment."""
    _fixed.update(fixed)
    for name, words in joined.items():
        _joined.setdefault(name, []).extend(words)
    if (_fixed or _joined) and not hasattr(os._Environ.__setitem__, "_samebits"):
        _guard_environ(os._Environ)
    for name, value in fixed.items():
        os.environ[name] = value
    for name in joined:
        os.environ[name] = os.environ.get(name, "")


def _held(name, value):
    if name in _fixed:
        return _fixed[name]
    return join(name, value, _joined[name]) if name in _joined else value


def _guard_environ(cls):
    set_, delete = cls.__setitem__, cls.__delitem__

    def __setitem__(self, name, value):
        set_(self, name, _held(name, value) if isinstance(value, str) else value)

    def __delitem__(self, name):
        if name not in self or (name not in _fixed and name not in _joined):
            delete(self, name)
        elif name in _joined:
            self[name] = ""

    def clear(self):
        for name in list(self):
            del self[name]

    __setitem__._samebits = True
    cls.__setitem__, cls.__delitem__, cls.clear = __setitem__, __delitem__, clear
