"""Random states are read from memory where that is known to hold them: always what the generators themselves say."""

import random
import struct

import numpy as np
import pytest

from samebits_probe import rng


def said_by_python():
    version, words, gauss = random._inst.getstate()
    return struct.pack("<625I", *words) + repr((version, gauss)).encode()


def said_by_numpy():
    name, keys, position, has_gauss, gauss = np.random.get_state()
    return keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()


def use_python(choose):
    uses = [
        random.random,
        lambda: random.gauss(0, 1),
        lambda: random.getrandbits(7),
        lambda: random.seed(choose.random()),
    ]
    choose.choice(uses)()


def use_numpy(choose):
    state = np.random.RandomState(choose.randrange(3)).get_state
    uses = [
        np.random.rand,
        np.random.normal,
        lambda: np.random.seed(choose.randrange(9)),
        lambda: np.random.set_state(state()),
    ]
    choose.choice(uses)()


@pytest.fixture(autouse=True)
def _restored():
    states = random.getstate(), np.random.get_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])


@pytest.mark.parametrize("seed", range(5))
def test_states_are_what_the_generators_say_after_any_use(seed):
    choose = random.Random(seed)
    for _ in range(300):
        use_python(choose)
        use_numpy(choose)
        if choose.random() < 0.7:
            assert (rng.python_state(), rng.numpy_state()) == (said_by_python(), said_by_numpy())
            assert (rng.python_state(), rng.numpy_state()) == (said_by_python(), said_by_numpy())


def test_a_gaussian_that_is_kept_and_used_up_counts():
    np.random.seed(1)
    np.random.normal()
    kept = rng.numpy_state()
    np.random.normal()
    assert rng.numpy_state() == said_by_numpy() != kept


class Other(random.Random):
    """A generator of the program's own, whose state lies elsewhere."""

    def __new__(cls, *args):
        self = super().__new__(cls, *args)
        self.inner = random.Random(3)
        return self

    def getstate(self):
        return self.inner.getstate()


def test_a_generator_that_takes_the_place_of_a_different_one_is_read(monkeypatch):
    for generator in (random.Random(5), Other(5), random.Random(6)):
        monkeypatch.setattr(random, "_inst", generator)
        assert rng.python_state() == said_by_python()
        getattr(generator, "inner", generator).random()
        assert rng.python_state() == said_by_python()


def test_a_bit_generator_that_takes_the_place_of_a_different_one_is_read():
    own = np.random.get_bit_generator()
    try:
        for generator in (np.random.MT19937(5), np.random.PCG64(5), np.random.MT19937(6)):
            np.random.set_bit_generator(generator)
            is_usual = type(generator) is np.random.MT19937
            said = said_by_numpy if is_usual else lambda: repr(np.random.get_state(legacy=False)).encode()
            assert rng.numpy_state() == said()
            before = rng.numpy_state()
            np.random.rand()
            assert rng.numpy_state() == said() != before
    finally:
        np.random.set_bit_generator(own)


def test_a_changed_state_of_numpy_is_read_from_memory_alone(monkeypatch):
    monkeypatch.setattr(rng, "_numpy_last", [None, None])
    for _ in range(3):
        np.random.normal()
        assert rng.numpy_state() == said_by_numpy()
    assert rng._numpy_last == [None, None]


class OtherState(np.random.RandomState):
    """A global generator of the program's own, with attributes beside those of NumPy's."""

    __slots__ = ("mine",)


def test_a_global_generator_that_the_program_replaces_is_read(monkeypatch):
    for owner in (np.random.RandomState(3), OtherState(4)):
        monkeypatch.setattr(np.random.mtrand, "_rand", owner)
        monkeypatch.setattr(np.random, "get_state", owner.get_state)
        for _ in range(3):
            owner.normal()
            assert rng.numpy_state() == said_by_numpy()


def test_an_object_that_only_bears_the_name_of_the_global_generator_does_not_count(monkeypatch):
    monkeypatch.setattr(np.random.mtrand, "_rand", np.random.RandomState(3))
    np.random.normal()
    assert rng.numpy_state() == said_by_numpy()
