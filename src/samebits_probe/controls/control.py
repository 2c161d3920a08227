"""What a control is: a class with everything that samebits knows about it."""

import re
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Type

from ..wire import HELD, OVERRULED, UNDONE, UNREADABLE

__all__ = ["CODE", "Control", "OWN", "SHELL", "TOP", "edit", "held", "imported", "seeded", "whole_number"]

if TYPE_CHECKING:
    from typing import Protocol  # novm: only type checkers execute this

    from ..imports import ImportHook
    from ..probe import Probe

    ControlEffect = Tuple[str, str]  # one of wire.EFFECTS, and a sentence for people
    ImportHooks = Dict[str, ImportHook]  # by the name of the module after whose import it is called

    class VariedMachine(Protocol):
        """What controls ask of the machine on which `samebits vary` runs."""

        @property
        def cores(self) -> int:
            """Processors that trials may use."""

        @property
        def gpus(self) -> "List[str]":
            """CUDA devices that are there."""

        @property
        def instructions(self) -> Set[str]:
            """Instruction sets of the processor, by the names of /proc/cpuinfo."""


TOP = "after the imports"
SHELL = "in the shell, before Python starts"
CODE = "in the code"
OWN = "own"  # in `samebits vary`: as the user's own setup has it


class Edit(NamedTuple):
    """A change by which a program holds the control itself.

    {seed} in a line is the seed that the trials used, {command} what they ran.
    """

    where: str
    lines: "Tuple[str, ...]"
    library: str  # it is for programs that have loaded this one; "": for every program
    instead: bool  # it does as well as the one before it


def edit(where: str, *lines: str, library: str = "", instead: bool = False) -> Edit:
    """An Edit of these lines."""
    return Edit(where, lines, library, instead)


def whole_number(text: str) -> int:
    """The number that a text of digits stands for; -1 for any other text, and for numbers that are too large."""
    return int(text) if re.match(r"[0-9]{1,10}\Z", text) else -1


class Control:
    """One control. The first line of a subclass' docstring is its description.

    What it is and goes with:
    id           its name, as in --control
    libraries    the top-level modules that it acts on. If none of them is imported, there is nothing to hold. Empty:
                 it acts in every process
    implies      ids without which it pins nothing: always held with it
    needs        ids without which it can break a program: held with it. If the program seeds by itself, they change
                 nothing
    is_strict    whether the preset `strict` holds it

    How it is held, and read back:
    can_be_undone
                 whether a false reading after a true one means that the program has undone it
    joined       variables whose words are added to the value that is there: name -> words. The variables of
                 `environment` replace the value
    value        the value at which it is held; `values` says in words which other values it takes (empty: none)
    holds_variables
                 whether its variables are held against the program (flags and thread counts), or only set before it
                 starts (seeds, which the program may choose for itself)
    personality  flags of personality(2) to start processes with

    What `samebits explain` needs of it:
    edits        how a program holds it by itself: lines to paste
    hints        kind of a divergence that suggests it -> its place among the suggested controls, the likeliest first.
                 A wrong order costs trials, and never changes the answer
    is_seed      whether it seeds a generator whose state trials show
    generators   the generators that it seeds, by the names of their states in a record
    is_experiment
                 whether it freezes what the program sees of the world: that shows a cause, but is nothing to keep, so
                 that it is tried instead of a different cause on request only
    acts_at_start
                 whether it acts only before the first step, so that it costs no time of a step
    is_of_operators
                 whether it changes how operators compute. If any other control is the cause, no operator is to blame
    may_break    whether it can stop programs from running, or make them far too slow. If a program does not run with
                 all controls, it is added alone and last

    What `samebits vary` needs of it, if its values are those of a factor of the machine:
    factor       the name of the factor; "": it is not a factor
    varies       what the factor is, in one sentence
    takes        the factor's values, in words
    no_effect    why a trial says nothing of it
    not_here     why nothing can be varied on a machine for which `varied` gives nothing
    moves_memory whether its values may, as a side effect, move the memory of a process

    The holder makes one instance a process and sets `seed` and `probe`; then it calls `at_start`, and the functions of
    `after_import` when their modules have been imported.
    """

    id = ""
    libraries: "Tuple[str, ...]" = ()
    implies: "Tuple[str, ...]" = ()
    needs: "Tuple[str, ...]" = ()
    is_strict = True

    can_be_undone = True
    joined: "Mapping[str, Sequence[str]]" = {}
    value = ""
    values = ""
    holds_variables = True
    personality = 0
    seed = 0
    probe: "Probe"

    edits: "Tuple[Edit, ...]" = ()
    hints: "Mapping[str, int]" = {}
    is_seed = False
    generators: "Tuple[str, ...]" = ()
    is_experiment = False
    acts_at_start = False
    is_of_operators = False
    may_break = False

    factor = ""
    varies = ""
    takes = ""
    no_effect = "the trials do not show it"
    not_here = ""
    moves_memory = True

    @classmethod
    def does(cls) -> str:
        """What it does, in one sentence."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def accepts(cls, value: str) -> bool:
        """Whether it can be held at this value (a text)."""
        return False

    @classmethod
    def at(cls, value: str) -> "Type[Control]":
        """This control, held at a different value. Raises ValueError for one that it does not take."""
        if not cls.accepts(value):
            takes = "takes " + cls.values if cls.values else "takes no value"
            raise ValueError("the control %s %s, not %r" % (cls.id, takes, value))
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "id": cls.id + "=" + value, "value": value})

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        """Variables to set before the process starts."""
        return {}

    def at_start(self) -> None:
        """What to do when the process starts, before the program."""

    def after_import(self) -> "ImportHooks":
        """Module name -> function(module), called once when that module has been imported."""
        return {}

    def read_back(self) -> "ControlEffect":
        """Return what the control does now: (one of wire.EFFECTS, a sentence for people)."""
        return UNREADABLE, ""

    # -- the factor of `samebits vary` ------------------------------------------------------------------------

    @classmethod
    def base(cls) -> str:
        """The value at which the factor is held while different factors are varied."""
        return OWN

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        """The values that are tried beside the base if the user names none; empty if there are none here.

        `machine`: answers for this machine (samebits.vary.factor.Machine).
        """
        return []

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        """Why this machine cannot have a value that `accepts` takes, or OWN; empty if it can."""
        return ""

    @classmethod
    def at_own(cls, machine: "VariedMachine") -> "Optional[str]":
        """The value at which it is held if the factor is at OWN; None: it is not held."""

    @staticmethod
    def in_force() -> "Optional[str]":
        """What is in force in this process, held or not, in words that differ if the effect differs; None: unknown."""


def held(is_held: bool, why: str) -> "ControlEffect":
    """Make the answer of `read_back` from a yes or no. `why`: the sentence for a no."""
    return (HELD, "") if is_held else (UNDONE, why)


def seeded(by_program: bool) -> "ControlEffect":
    """Make the answer of `read_back` for a generator that the control has seeded."""
    return (OVERRULED, "the program seeds it itself, and its seed wins") if by_program else (HELD, "")


def imported(*libraries: str) -> "List[Any]":
    """Return those of the modules that have been imported."""
    return [sys.modules[name] for name in libraries if sys.modules.get(name) is not None]
