"""Random states are read from memory where that is known to hold them: always what the generators themselves say."""

import ctypes
import random
import struct

import numpy as np
import pytest
import xxhash._xxhash

from samebits_probe import fingerprint, rng


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


@pytest.mark.parametrize(
    "hasher", [fingerprint.Blake2b(), fingerprint.Xxh3(xxhash._xxhash.__file__)], ids=["blake2b", "xxh3"]
)
def test_fingerprints_of_many_pieces_are_those_of_each(hasher):
    pieces = [bytes(range(n)) for n in (1, 4, 17, 200)]
    buffers = [ctypes.create_string_buffer(piece, len(piece)) for piece in pieces]
    headers = [hasher.header("uint8", (len(piece),)) for piece in pieces]
    addresses = [ctypes.addressof(buffer) for buffer in buffers]
    joined = hasher.pointers(addresses, [len(piece) for piece in pieces], hasher.together(headers))
    assert joined == b"".join(hasher.data(piece, header) for piece, header in zip(pieces, headers, strict=True))
