"""The base class of all controls. A subclass holds everything that samebits knows about one control."""

import os
import re
import sys

from .. import callers
from ..wire import HELD, IDLE, OVERRULED, UNDONE, UNREADABLE

__all__ = ["CODE", "Control", "OWN", "SHELL", "TOP", "Edit", "drawn_from", "held", "imported", "seeded", "whole_number"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Type

    from ..hooks import ImportHook
    from ..probe import Probe
    from ..replacement import Stream

    ControlEffect = Tuple[str, str]  # one of wire.EFFECTS, and a sentence for people
    ImportHooks = Dict[str, ImportHook]  # name of a module -> the hook to call after its import

    class VariedMachine(typing.Protocol):  # novm: only type checkers execute this
        """The facts that controls need about the machine on which `samebits vary` runs."""

        @property
        def cores(self) -> int:
            """The number of processors that trials may use."""

        @property
        def gpus(self) -> "List[str]":
            """The CUDA devices of the machine."""

        @property
        def instructions(self) -> Set[str]:
            """The instruction sets of the processor, by the names of /proc/cpuinfo."""


TOP = "after the imports"
SHELL = "in the shell, before Python starts"
CODE = "in the code"
_MOST_PLACES = 8  # that take a seed from the system; more are not reported
OWN = "own"  # in `samebits vary`: the value of the user's own setup


class Edit:
    """A change by which a program holds the control itself.

    {seed} in a line stands for the seed of the trials, and {command} for their command. `library`: the edit is for
    programs that have loaded this library ("": for all programs). `instead`: it can replace the edit before it.
    """

    def __init__(self, where: str, *lines: str, library: str = "", instead: bool = False) -> None:
        self.where, self.lines, self.library, self.instead = where, lines, library, instead


def whole_number(text: str) -> int:
    """Return the number that a text of digits stands for; -1 for any other text, and for numbers that are too large."""
    return int(text) if re.match(r"[0-9]{1,10}\Z", text) else -1


class Control:
    """One control. The first line of a subclass' docstring is its description.

    What it is, and which controls go with it:
    id           its name, as in --control
    libraries    the top-level modules that it acts on. If none of them is imported, there is nothing to hold. If this
                 is empty, it acts in every process
    implies      ids of controls without which it pins nothing: they are always held with it
    needs        ids of controls without which it can break a program: they are held with it. If the program seeds by
                 itself, they change nothing
    is_strict    whether the preset `strict` holds it

    How it is held, and how it is read back:
    can_be_undone
                 whether a false reading after a true one means that the program has undone it
    joined       variables to which it adds words: name -> words. The variables of `environment` replace the value
                 instead
    value        the value at which it is held; `values` describes the values that it takes (empty: none)
    holds_variables
                 whether its variables are held against the program (flags and thread counts), or only set before it
                 starts (seeds, which the program may choose for itself)
    personality  flags of personality(2) for the processes

    What `samebits explain` needs to know:
    edits        lines to paste, with which a program holds it by itself
    calls        functions or keyword arguments of the program on which it acts. `fix` shows the lines with them if it
                 makes no patch
    hints        kind of a divergence that suggests it -> its place among the suggested controls, the likeliest first.
                 A wrong order costs trials, but never changes the answer
    is_seed      whether it seeds a generator whose state is observed in trials
    generators   the generators that it seeds, by the names of their states in a record
    pins         whether it pins a source of variation. One that pins none is an experiment of its own: `explain` does
                 not try it
    is_experiment
                 whether it replaces what the program sees of its surroundings. That shows a cause, but nobody keeps
                 such a control. So `explain` tries it instead of a different control only on request
    covers       controls whose sources it pins, too. If both explain a divergence, `explain` names those controls
    acts_at_start
                 whether it acts only before the first step, or when a generator is made. So it costs no step time
    is_of_operators
                 whether it changes how operators compute. If the cause holds no such control, no operator is to blame
    may_break    whether it can stop programs from running, or make them far too slow. If a program does not run with
                 all controls, it is added last, and alone

    What `samebits vary` needs to know, if its values are those of a factor of the machine:
    factor       the name of the factor; "": it is not a factor
    varies       describes the factor in one sentence
    takes        describes the values of the factor
    no_effect    why a trial may show nothing of the factor
    not_here     why the factor cannot be varied on a machine for which `varied` returns nothing
    moves_memory whether its values may move the memory of a process, as a side effect

    The holder makes one instance in each process, and sets `seed` and `probe`. Then it calls `at_start`, and each
    function of `after_import` when its module has been imported.
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
    _from_system: "Tuple[str, ...]" = ()

    edits: "Tuple[Edit, ...]" = ()
    calls: "Tuple[str, ...]" = ()
    hints: "Mapping[str, int]" = {}
    is_seed = False
    pins = True
    generators: "Tuple[str, ...]" = ()
    is_experiment = False
    covers: "Tuple[str, ...]" = ()
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
        """Return what the control does, in one sentence."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def accepts(cls, value: str) -> bool:
        """Return whether the control can be held at this value (a text)."""
        return False

    @classmethod
    def at(cls, value: str) -> "Type[Control]":
        """Return this control with a different value. Raises ValueError for a value that it does not take."""
        if not cls.accepts(value):
            takes = "takes " + cls.values if cls.values else "takes no value"
            raise ValueError("the control %s %s, not %r" % (cls.id, takes, value))
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "id": cls.id + "=" + value, "value": value})

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        """Return the environment variables to set before the process starts."""
        return {}

    def at_start(self) -> None:
        """Act when the process starts, before the program."""

    def after_import(self) -> "ImportHooks":
        """Return {module name: function(module)}. Each function is called once, when its module has been imported."""
        return {}

    def read_back(self) -> "ControlEffect":
        """Return the effect of the control now: (one of wire.EFFECTS, a sentence for people)."""
        return UNREADABLE, ""

    def fresh_seed(self, stream: "Stream", bits: int) -> int:
        """Return a seed for a call that gives none, and report the line of the program that makes this call.

        A seed after the imports does not reach that line: it makes a generator, or seeds it again, without a value.
        """
        place = callers.line_of_program()
        if place and place not in self._from_system and len(self._from_system) < _MOST_PLACES:
            self._from_system += (place,)
            self.probe.event("from-system", id=self.id, place=place)
        return stream.bits(bits)

    def drawn(self) -> None:
        """Report that something draws from the stream of this control, also in a worker that observes nothing."""
        with self.probe.lock:
            self.probe.recorder.event("control", id=self.id, effect=HELD, when="draw", why="")

    # -- the factor of `samebits vary` ------------------------------------------------------------------------

    @classmethod
    def base(cls) -> str:
        """Return the value at which this factor is held while different factors are varied."""
        return OWN

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        """Return the values to try in addition to the base if the user names none; empty if this machine has none.

        `machine`: answers for this machine (samebits.vary.factor.Machine).
        """
        return []

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        """Return why this machine cannot have a value; "" if it can. `value`: one that `accepts` takes, or OWN."""
        return ""

    @classmethod
    def at_own(cls, machine: "VariedMachine") -> "Optional[str]":
        """Return the value at which the control is held if the factor is at OWN; None: it is not held."""

    @staticmethod
    def in_force() -> "Optional[str]":
        """Describe what is in force in this process, held or not; None if unknown.

        If two descriptions are equal, the effects are equal.
        """


def held(is_held: bool, why: str) -> "ControlEffect":
    """Make the answer of `read_back` from a yes or no. `why`: the sentence if it is not held."""
    return (HELD, "") if is_held else (UNDONE, why)


def drawn_from(stream: "Stream") -> "ControlEffect":
    """Make the answer of `read_back` for a stream that is held."""
    return (HELD, "") if stream.is_drawn() else (IDLE, "nothing draws from it")


def seeded(by_program: bool) -> "ControlEffect":
    """Make the answer of `read_back` for a generator that the control has seeded."""
    return (OVERRULED, "the program seeds it itself, and its seed wins") if by_program else (HELD, "")


def imported(*libraries: str) -> "List[Any]":
    """Return the modules among these that have been imported."""
    return [sys.modules[name] for name in libraries if sys.modules.get(name) is not None]


def loaded_libraries() -> "List[str]":
    """Return the paths of the shared libraries of this process; empty if they cannot be seen."""
    try:
        with open("/proc/self/maps") as file:
            lines = [line.rstrip("\n").split(None, 5) for line in file]
    except OSError:
        return []
    return sorted({words[5] for words in lines if len(words) == 6 and ".so" in words[5]})


def gpu_is_visible() -> bool:
    """Return whether the driver is there, and CUDA_VISIBLE_DEVICES does not hide every device."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return os.path.exists("/dev/nvidiactl") and (shown is None or shown.strip() not in ("", "-1", "NoDevFiles"))


def first_gpu() -> str:
    """Return the value of CUDA_VISIBLE_DEVICES for one device: the first visible one."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    return shown or "0"
