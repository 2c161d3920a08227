"""Chooses, from the options, which factors are varied, through which values, and which are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from samebits import controls, words
from samebits.errors import UsageError
from samebits.experiment import Request
from samebits.vary.factor import OWN, Change, Factor, Machine
from samebits.vary.factors import ALIASES, TABLE, TOGETHER, find

MOVES, MOVED_BY = "SAMEBITS_MOVES_MEMORY", 1021  # a variable, and the length of its value
Wanted = tuple[str, list[str]]  # a factor's id and the values that were named; if there are none, its own are used


@dataclass(frozen=True)
class Choice:
    """A factor that is varied. `values`: the base value first. `named`: whether the user asked for it."""

    factor: Factor
    values: list[str]
    named: bool

    @property
    def base(self) -> str:
        """The value in the base setup."""
        return self.values[0]


@dataclass(frozen=True)
class Choices:
    """The factors that are varied, and why the others are not.

    `machine`: answers questions about this machine. `held`: factor -> its value in the base setup. `users`: the
    controls that the user holds.
    """

    choices: list[Choice]
    left_out: dict[str, str]
    machine: Machine
    held: dict[str, str] = field(default_factory=dict)
    users: frozenset[str] = frozenset()


def choose(wanted: Sequence[Wanted], request: Request) -> Choices:
    """Choose what is varied and what is held. Raises UsageError for unknown names and impossible values."""
    machine = Machine(request)
    users = {controls.name_of(identity) for identity in controls.resolve(request.controls, request.preset)}
    left_out: dict[str, str] = {}
    if wanted:
        choices = [_named_choice(identity, values, machine) for identity, values in _single(wanted)]
        _refuse_held_twice(choices, request)
    else:
        choices, left_out = _cheap(machine, users)
    return Choices(choices, left_out, machine, _held_values(choices, users), frozenset(users))


def without_varied(request: Request, chosen: Choices) -> Request:
    """Return the request with controls instead of a preset, and without the controls of varied factors."""
    varied = {choice.factor.control for choice in chosen.choices}
    every = controls.resolve(request.controls, request.preset)
    return replace(request, preset=None, controls=[c for c in every if controls.name_of(c) not in varied])


def base(chosen: Choices) -> Change:
    """Return the change for the base setup: each varied factor at its base value, every other at its held one."""
    return _as(chosen, chosen.held)


def joined(changes: Iterable[Change]) -> Change:
    """Join several changes. No two factors change the same setting."""
    every = list(changes)
    return Change(
        controls=tuple(identity for change in every for identity in change.controls),
        variables={name: value for change in every for name, value in change.variables.items()},
        python=next((change.python for change in every if change.python), None),
        environment=next((change.environment for change in every if change.environment), None),
        elsewhere=any(change.elsewhere for change in every),
        busy=sum(change.busy for change in every),
        node=next((change.node for change in every if change.node), None),
    )


def with_value(chosen: Choices, choice: Choice, value: str) -> Change:
    """Return the change for the base setup with one factor at a different value."""
    return _as(chosen, {**chosen.held, choice.factor.id: value})


def with_memory_elsewhere(chosen: Choices) -> Change:
    """Return the change for the base setup with random addresses and one more variable.

    It moves only the memory of the program.
    """
    layout = {"address-layout": OWN} if "address-layout" in chosen.held else {}
    return joined([_as(chosen, {**chosen.held, **layout}), Change(variables={MOVES: "x" * MOVED_BY})])


def _as(chosen: Choices, values: Mapping[str, str]) -> Change:
    """Return the change that makes these values hold. Factors that are neither varied nor held stay as they are."""
    varied = {choice.factor.id for choice in chosen.choices}
    touched = {name: value for name, value in values.items() if name in varied or value != OWN}
    return joined(find(name).change(value, chosen.machine) for name, value in touched.items())


def _single(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Return each factor once. A name that stands for several factors is replaced by these."""
    by_factor: dict[str, list[str]] = {}
    for identity, values in wanted:
        if identity in TOGETHER and values:
            names = TOGETHER[identity]
            raise UsageError(f"--factor {identity} stands for {', '.join(names)}.", f"--factor {names[0]}=...")
        for name in TOGETHER.get(identity, [ALIASES.get(identity, identity)]):
            if name in by_factor:
                raise UsageError(f"--factor {name} is given twice.", f"name all its values: --factor {name}=V1,V2,V3")
            by_factor[name] = values
    return list(by_factor.items())


def _named_choice(identity: str, values: list[str], machine: Machine) -> Choice:
    _check_known(identity)
    factor = find(identity)
    if not values:
        others = factor.varied(machine)
        if not others:
            raise UsageError(f"{identity} cannot be varied: {factor.why_none(machine)}.", _takes(factor))
        return Choice(factor, [factor.base(machine), *others], named=True)
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"--factor {identity} names {twice} twice.", _takes(factor))
    for value in values:
        why = factor.why_not(value, machine)
        if why:
            raise UsageError(f"--factor {identity}={value} is not possible here: {why}.", _takes(factor))
    if len(values) < 2:
        held = factor.held if factor.held != values[0] else "V2"
        raise UsageError(
            f"--factor {identity}={values[0]}: one value shows nothing; at least two are needed.",
            f"--factor {identity}={held},{values[0]}   (it takes {factor.takes})",
        )
    return Choice(factor, values, named=True)


def _takes(factor: Factor) -> str:
    return f"--factor {factor.id} takes {factor.takes}."


def _check_known(identity: str) -> None:
    if identity not in TABLE:
        raise UsageError(f"There is no factor {identity!r}.", words.suggestion(identity, [*TABLE, *TOGETHER]))


def _cheap(machine: Machine, users: set[str]) -> tuple[list[Choice], dict[str, str]]:
    """Return what this machine can vary without named values, and why the other factors are left out."""
    choices, left_out = [], {}
    for identity in TABLE:
        factor = find(identity)
        others = factor.varied(machine)
        if factor.control in users:
            left_out[identity] = f"the control {factor.control} holds it"
        elif factor.is_cheap and others:
            choices.append(Choice(factor, [factor.held, *others], named=False))
        else:
            left_out[identity] = factor.why_none(machine)
    return choices, left_out


def _refuse_held_twice(choices: Sequence[Choice], request: Request) -> None:
    """Raise UsageError for a factor whose control the user holds: varying it would change the user's setup."""
    held = {controls.name_of(identity) for identity in request.controls}
    for choice in choices:
        if choice.named and choice.factor.control in held:
            raise UsageError(
                f"--control {choice.factor.control} holds what --factor {choice.factor.id} varies.", "Leave one out."
            )


def _held_values(choices: Sequence[Choice], users: set[str]) -> dict[str, str]:
    """Return factor -> its value in the base setup, without factors that the user holds by a control."""
    bases = {choice.factor.id: choice.base for choice in choices}
    held = {}
    for identity in TABLE:
        factor = find(identity)
        if identity in bases or not (factor.control and factor.control in users):
            held[identity] = bases.get(identity, factor.held)
    return held
