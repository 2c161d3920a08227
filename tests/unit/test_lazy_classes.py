"""Data classes that are made when they are first used behave like those that are made at once."""

import copy
import dataclasses
import pickle
import threading
from dataclasses import field

import pytest

from samebits.lazy_classes import dataclass


@dataclass(frozen=True, kw_only=True)
class Base:
    """A class from which others derive."""

    on: frozenset = frozenset("a")


@dataclass(frozen=True)
class Text(Base):
    """A class with all that a data class can have."""

    text: str
    lines: list = field(default_factory=list)


class Plain(Text):
    """A class that is no data class itself."""


@dataclass
class Open:
    number: int = 3

    def __post_init__(self):
        self.number += 1


@dataclass
class Own:
    number: int

    def __init__(self):
        self.number = 7


@dataclass(frozen=True)
class Sent:
    """A class whose first object comes from a different process."""

    number: int = 0


def test_a_class_is_complete_when_it_is_first_used():
    @dataclass(frozen=True)
    class Fresh:
        number: int = 3

    assert "__eq__" not in vars(Fresh)
    assert Fresh() == Fresh(3) != Fresh(4)
    assert repr(Fresh(number=4)).endswith("Fresh(number=4)")
    assert hash(Fresh()) == hash(Fresh())


def test_its_fields_can_be_asked_for_before_it_is_used():
    @dataclass(frozen=True)
    class Derived(Text):
        more: int = 0

    assert [one.name for one in dataclasses.fields(Derived)] == ["on", "text", "lines", "more"]
    assert dataclasses.is_dataclass(Text)
    assert Derived("a", ["b"], 4, on=frozenset()).more == 4


def test_a_usual_data_class_can_derive_from_it():
    @dataclass(frozen=True)
    class Begun:
        number: int

    @dataclasses.dataclass(frozen=True)
    class Derived(Begun):
        text: str = ""

    assert Derived(3) == Derived(number=3, text="")


def test_it_is_frozen_if_it_was_asked_to_be():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Text("a").text = "b"
    opened = Open()
    opened.number += 1
    assert opened.number == 5


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_copy_is_equal(same):
    assert same(Text("a", ["b"])) == Text("a", ["b"])
    assert dataclasses.replace(Text("a"), text="b") == Text("b")


def test_its_first_object_may_come_from_a_pickle():
    number = b"}X\x06\x00\x00\x00numberK\x03s"  # {"number": 3}
    text = b"\x80\x02c%b\nSent\n)\x81%bb." % (__name__.encode(), number)
    assert "__eq__" not in vars(Sent)
    first, second = pickle.loads(text), pickle.loads(text)
    assert first == second
    assert hash(first) == hash(second)
    assert repr(first) == "Sent(number=3)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.number = 4


def test_a_class_that_derives_from_it_uses_its_constructor():
    assert Plain("a").lines == []
    assert Own().number == 7


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="text"):
        Text()


def test_a_constructor_that_calls_that_of_its_base_runs_once():
    calls = []

    @dataclass
    class Below:
        number: int

    class Above(Below):
        def __init__(self):
            calls.append(self)
            super().__init__(3)

    assert Above().number == 3
    assert len(calls) == 1


def test_a_different_thread_finds_a_constructor_while_a_class_is_made():
    seen = []

    class Watched(type):
        def __getattribute__(cls, name):
            if name == "number":  # `dataclasses` reads the default
                seen.append(type.__getattribute__(cls, "__init__"))
            return type.__getattribute__(cls, name)

    @dataclass
    class Slow(metaclass=Watched):
        number: int = 3

    assert Slow(4).number == 4
    assert seen
    assert object.__init__ not in seen


def test_two_threads_can_use_it_first():
    @dataclass(frozen=True)
    class Shared:
        number: int

    made, together = [], threading.Barrier(4)

    def make():
        together.wait()
        made.append(Shared(3))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [Shared(3)] * 4
