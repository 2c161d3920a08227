"""Data classes without compiled methods behave like those of the standard library."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.data_classes import dataclass

NAMES = st.sampled_from(["on", "text", "lines", "more", "wrong"])
NUMBERS = st.integers(0, 1)


def classes(make):
    """Return a base class, and one that derives from it. They have all that a data class of samebits has."""

    @make(frozen=True, kw_only=True)
    class Base:
        on: object = 0

    @make(frozen=True)
    class Text(Base):
        text: object
        more: object = field(default=0, compare=False)
        lines: list = field(default_factory=list, repr=False)

    return Base, Text


BASE, TEXT = classes(dataclass)
_, USUAL_TEXT = classes(dataclasses.dataclass)


@dataclass(frozen=True)
class Sent:
    number: float = 0
    text: str = ""


@dataclass
class Open:
    number: int = 3

    def __post_init__(self):
        self.number += 1


class Plain(Sent):
    """A class that is no data class itself."""

    def __init__(self):
        super().__init__(3)
        self.own = 4


@dataclass
class Own:
    number: int

    def __init__(self):
        self.number = 7

    def __repr__(self):
        return "mine"

    def __eq__(self, other):
        return True


def made(kind, values, named):
    try:
        return kind(*values, **named)
    except TypeError as error:
        return type(error)


@given(values=st.lists(NUMBERS, max_size=4), named=st.dictionaries(NAMES, NUMBERS))
def test_objects_are_made_and_shown_as_usual(values, named):
    ours, usual = made(TEXT, values, named), made(USUAL_TEXT, values, named)
    assert repr(ours) == repr(usual)
    if ours is not TypeError:
        assert dataclasses.astuple(ours) == dataclasses.astuple(usual)


@given(*[st.fixed_dictionaries({"on": NUMBERS, "text": NUMBERS, "more": NUMBERS})] * 2)
def test_objects_are_compared_as_usual(one, other):
    assert (TEXT(**one) == TEXT(**other)) is (USUAL_TEXT(**one) == USUAL_TEXT(**other))
    ours, usual = ((kind(**one, lines=()), kind(**other, lines=())) for kind in (TEXT, USUAL_TEXT))
    assert (hash(ours[0]) == hash(ours[1])) is (hash(usual[0]) == hash(usual[1]))


@pytest.mark.parametrize("text", [{}, {"text": 1, "wrong": 2}])
def test_wrong_values_are_named(text):
    with pytest.raises(TypeError, match=r"'wrong'" if text else r"misses 'text'"):
        TEXT(**text)
    with pytest.raises(TypeError, match="two values for 'text'"):
        TEXT(1, text=1)
    with pytest.raises(TypeError, match="takes 3 positional values, and not 4"):
        TEXT(1, 2, [], 4)


def test_no_two_objects_share_a_list():
    TEXT("a").lines.append(1)
    assert TEXT("a").lines == []


def test_a_value_that_differs_from_itself_is_equal_in_the_same_object():
    same = Sent(float("nan"))
    assert same == same  # noqa: PLR0124  (the standard library compares tuples, which look at identity first)
    assert same != Sent(float("inf"))


def test_classes_with_the_same_fields_are_not_equal():
    assert BASE() != Sent()
    assert Sent() != Plain()


def test_it_is_frozen_if_it_was_asked_to_be():
    for change in (lambda it: setattr(it, "text", 1), lambda it: setattr(it, "own", 1), lambda it: delattr(it, "on")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change(TEXT("a"))
    opened = Open()
    opened.number += 1
    assert opened.number == 5
    assert Open.__hash__ is None


def test_a_class_that_derives_from_a_frozen_one_may_have_more_attributes():
    derived = Plain()
    assert (derived.number, derived.own) == (3, 4)
    del derived.own
    with pytest.raises(dataclasses.FrozenInstanceError):
        derived.number = 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        del derived.number


def test_own_methods_stay():
    assert Own().number == 7
    assert repr(Own()) == "mine"
    assert Own() == 3


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_copy_is_equal(same):
    assert same(Sent(3, "b")) == Sent(3, "b")
    assert dataclasses.replace(Sent(3), text="b") == Sent(3, "b")


def test_a_usual_data_class_can_derive_from_it():
    @dataclasses.dataclass(frozen=True)
    class Derived(Sent):
        more: int = 0

    assert Derived(3) == Derived(number=3, text="", more=0)
    assert [one.name for one in dataclasses.fields(Derived)] == ["number", "text", "more"]
    with pytest.raises(TypeError, match="non-frozen"):
        dataclasses.dataclass(type("Open", (Sent,), {}))


def test_other_options_work_too():
    @dataclass(frozen=True, order=True)
    class Ordered:
        number: int

    assert Ordered(3) < Ordered(4)
    assert list(inspect.signature(Ordered).parameters) == ["number"]


def test_objects_can_be_compared_by_identity():
    @dataclass(eq=False)
    class Single:
        number: int = 3

    one = Single()
    assert one == one != Single()
    assert {one: 1}[one] == 1
