"""What a control is: an entry of the table with two halves, and how it is read back."""

import re
import sys


def whole_number(text):
    """The number that a text of digits is; -1 for any other text, and for numbers of no use here."""
    return int(text) if re.match(r"[0-9]{1,10}\Z", text) else -1


class Control:
    """One control. The first line of a subclass' docstring is its description.

    id           as in the contract
    libraries    it acts on these top-level modules; where none of them is imported, there is nothing to hold. Empty:
                 it acts in every process
    implies      ids without which it pins nothing: always held with it
    needs        ids without which it can break a program: held with it, and where the program seeds by itself they
                 change nothing
    can_be_undone
                 whether a false reading after a true one means that the program has undone it
    joined       variables that are added to what is there already: name -> words. The others, of `environment`,
                 replace what is there
    value        at what it is held; `values` says in words what else that can be (empty: nothing else)
    holds_variables
                 whether its variables are held against the program (flags and thread counts), or only set before it
                 starts (seeds, which the program may choose for itself)

    `hold` makes one instance a process and sets `seed` and `probe`; then it calls `at_start`, and the functions of
    `after_import` when their modules have been imported.
    """

    id = ""
    libraries = ()
    implies = ()
    needs = ()
    joined = {}
    value = ""
    values = ""
    can_be_undone = True
    holds_variables = True
    seed = 0
    probe = None

    @classmethod
    def does(cls):
        """What it does, in one sentence."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def accepts(cls, value):
        """Whether it can be held at this value (a text)."""
        return False

    @classmethod
    def at(cls, value):
        """This control, held at another value. Raises ValueError for one that it does not take."""
        if not cls.accepts(value):
            takes = "takes " + cls.values if cls.values else "takes no value"
            raise ValueError("the control %s %s, not %r" % (cls.id, takes, value))
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "id": cls.id + "=" + value, "value": value})

    @classmethod
    def environment(cls, seed):
        """Variables to set before the process starts."""
        return {}

    def at_start(self):
        """What to do when the process starts, before the program."""

    def after_import(self):
        """Module name -> function(module), called once when that module has been imported."""
        return {}

    def read_back(self):
        """Look whether the control is in effect now: (True, False, or None where that cannot be told; a sentence)."""
        return None, ""


def imported(*libraries):
    """Those of the modules that have been imported."""
    return [sys.modules[name] for name in libraries if sys.modules.get(name) is not None]
