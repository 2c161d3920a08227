"""What `samebits explain` found: the cause, and the evidence that it was found by. In the form of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from samebits.document import Document

# parted: two trials differ; agreed: enough trials have the same bits for the rule; open: they agree so far, and no
# more were needed; broke: the program does not run so; unclear: the trials give no answer
State = Literal["parted", "agreed", "open", "broke", "unclear"]


class Evidence(Document):
    """One setting that was tried. `controls`: all that were held and took effect, in the order of the table.

    `part`: where its trials diverge, in words. `why`: of broke and unclear. `without_effect`: controls asked for
    and did not take effect, or had nothing to act on. `steps`: how many each trial made at most; null: whole trials.
    `record`: its folder.
    """

    controls: list[str]
    trials: int
    groups: int
    state: State = "open"
    part: str = ""
    why: str = ""
    without_effect: list[str] = []
    steps: int | None = None
    seconds: float = 0.0
    record: str = ""


class Fix(Document):
    """How a program holds a control by itself. `library`: "" where it concerns every program. `lines`: to paste.

    `instead`: these lines do as well as those of the fix before.
    """

    control: str
    library: str
    where: str
    lines: list[str]
    instead: bool = False


class Explanation(Document):
    """What was found.

    `cause`: the smallest set of controls that suffices; of equally small ones the most specific. Empty where none was
    found. `minimal_controls`: all smallest sets that were found. `cost`: a set's ids joined by "+" -> step time with it
    over step time without: of the medians of some trials each, by turns. It is 1 for a set that acts before the first
    step only. A set is left out if it could not be timed, or if the times with and without it overlap. `cost_range`:
    its lowest and its highest ratio of two trials.

    `outside_known_controls`: trials diverge with all held. `not_applicable`: control -> why it could not be held.
    `without_effect`: control -> why it counts as not held. `needed`: how many trials must agree. `chance`: that one
    useless control of all that were tried agrees so often by luck, at most. `compared`: how far the trials of the cause
    were compared. `notes`: sentences. `unfinished`: the search was ended midway, or goes on; `sentence` and `evidence`
    say what it had shown. `clears_generators`: the cause shows that no generator without a seed is to blame.
    """

    cause: list[str]
    operator: str | None = None
    minimal_controls: list[list[str]]
    cost: dict[str, float] = {}
    cost_range: dict[str, tuple[float, float]] = {}
    evidence: list[Evidence]
    outside_known_controls: bool = False
    sentence: str = ""
    not_applicable: dict[str, str] = {}
    without_effect: dict[str, str] = {}
    needed: int = 0
    chance: float | None = None
    compared: str = ""
    fixes: list[Fix] = []
    notes: list[str] = []
    seconds: float = 0.0
    unfinished: bool = False
    clears_generators: bool = False

    def warnings(self, said: list[str], unseeded: Mapping[str, str]) -> list[str]:
        """Warnings of the check, without blame for generators that this has cleared. `unseeded`: see Result."""
        blamed = set(unseeded.values()) if self.clears_generators else set()
        return [f"{text}; that is not why the trials diverge" if text in blamed else text for text in said]
