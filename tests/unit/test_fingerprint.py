"""Fingerprints that are taken in one pass are those of each piece, whichever function of the library computes them."""

import ctypes
import os
import random

import pytest
import xxhash
import xxhash._xxhash

from samebits_probe import fingerprint, wire
from samebits_probe.trace import Group, Occurrences, Rows

EXTENSION = xxhash._xxhash.__file__
# up to 16, 128, 240 and more bytes, and around the blocks of 1,024: XXH3 has a function for each of them
SIZES = [*range(260), 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 65537, 1 << 20]


@pytest.fixture(params=["blake2b", "xxh3"])
def hasher(request):
    return fingerprint.make_hasher(request.param, EXTENSION)


def functions():
    """Every function of the extension that the probe may take."""
    for name in fingerprint._FUNCTIONS:
        try:
            yield fingerprint._address_of(EXTENSION, [name])
        except OSError:  # an extension without the choice of instructions
            continue


def test_every_function_gives_the_bits_that_the_library_documents():
    found = list(functions())
    assert found
    for address in found:
        function = ctypes.PYFUNCTYPE(fingerprint._Digest, *fingerprint._ARGUMENTS)(address)
        for size in SIZES:
            data = os.urandom(size)
            digest = function(ctypes.cast(data, ctypes.c_void_p), size)
            assert (digest.high << 64) | digest.low == xxhash.xxh3_128_intdigest(data), size


KNOWN = {  # of the commit before fingerprints were taken in rows, and of every commit to come
    ("xxh3", bytes(range(256)) * 5, "float32", (64, 5)): "3fd8d8a5b22416d9c49e69f7bfc3fbb2",
    ("xxh3", b"", "int64", (0,)): "c32065ee9008ff7144dd58a45b5e1b1f",
    ("xxh3", b"\x00\x00\x80?", "float32", ()): "9930ef9b88b6a7a814920bee9525c1f1",
    ("blake2b", bytes(range(256)) * 5, "float32", (64, 5)): "1bc5abf70bc836bf6c334c1114065419",
    ("blake2b", b"", "int64", (0,)): "8b85f0b2e2dff552ded40d48125e3b5b",
    ("blake2b", b"\x00\x00\x80?", "float32", ()): "7bef321c9e281dc77dd91930e68aaf69",
}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known[0]}-{len(known[1])}")
def test_fingerprints_are_what_they_always_were(known):
    algorithm, data, dtype, shape = known
    hasher = fingerprint.make_hasher(algorithm, EXTENSION)
    header = hasher.header(dtype, shape)
    buffer = ctypes.create_string_buffer(data, len(data))
    assert hasher.data(data, header).hex() == KNOWN[known]
    assert hasher.data(memoryview(data), header).hex() == KNOWN[known]
    assert hasher.pointer(ctypes.addressof(buffer), len(data), header).hex() == KNOWN[known]


def test_an_extension_without_any_of_them_is_an_error():
    with pytest.raises(OSError, match="exports no function that hashes with XXH3"):
        fingerprint._address_of(EXTENSION, [b"XXH3_of_tomorrow"])


def memory(sizes):
    """(buffers, which keep it alive; addresses) of random bytes."""
    buffers = [ctypes.create_string_buffer(os.urandom(size), size) for size in sizes]
    return buffers, [ctypes.addressof(buffer) for buffer in buffers]


def one_by_one(hasher, step, group, buffers, headers):
    """The records as they are made of one fingerprint at a time."""
    prints = [hasher.data(bytes(buffer), header) for buffer, header in zip(buffers, headers, strict=True)]
    pairs = zip(group.points, prints, strict=True)
    return b"".join(wire.ROW.pack(step, point, wire.CODE[group.kind], wire.LEAF, 0, found) for point, found in pairs)


@pytest.mark.parametrize("step", [0, 1, 255, 256, 1 << 40])
def test_records_of_one_pass_are_those_of_one_fingerprint_at_a_time(hasher, step):
    sizes = [1, 4, 17, 200, 1000, 4096]
    (buffers, addresses), group = memory(sizes), Group("gradient", [7, 0, 70000, 3, 2, 1])
    headers = [hasher.header("float32", (size, 1)) for size in sizes]
    rows = Rows(hasher.rows(sizes, group.fronts, headers)(addresses), len(sizes))
    expected = one_by_one(hasher, step, group, buffers, headers)
    assert rows.at(step) == expected
    assert rows.prints() == [expected[end - 16 : end] for end in range(32, len(expected) + 1, 32)]


def test_a_repeated_pass_reads_where_the_blocks_are_now(hasher):
    sizes = [4, 1000, 17]
    (buffers, addresses), group = memory(sizes), Group("update", [3, 1, 2])
    headers = [hasher.header("float32", (size,)) for size in sizes]
    rows = hasher.rows(sizes, group.fronts, headers)
    for _ in range(2):  # the same blocks with new values
        buffers[1][5] = os.urandom(1)
        assert Rows(rows(addresses), 3).at(7) == one_by_one(hasher, 7, group, buffers, headers)
    moved, addresses = memory(sizes)
    assert Rows(rows(addresses), 3).at(8) == one_by_one(hasher, 8, group, moved, headers)


def test_rows_of_points_one_by_one_are_packed_rows():
    choose, names = random.Random(1), [(2, "a"), (3, "b"), (0, "c")]
    counts, plain = Occurrences({}, []), PlainOccurrences()
    for step in (0, 1, 256, 1 << 40):
        found = [(choose.randrange(3), os.urandom(16)) for _ in range(20)]
        rows, counted = counts.rows(step, found, names)
        assert counted == [plain.add(point) for point, _ in found]
        packed = [
            wire.ROW.pack(step, point, names[point][0], wire.LEAF, occurrence, print_)
            for (point, print_), occurrence in zip(found, counted, strict=True)
        ]
        assert rows == b"".join(packed)


class PlainOccurrences:
    """What `Occurrences` gives, counted point by point."""

    def __init__(self):
        self.counts = {}

    def add(self, point):
        before = self.counts.get(point, 0)
        self.counts[point] = before + 1
        return before

    def add_new(self, group):
        if any(point in self.counts for point in group.points):
            return False
        for point in group.points:
            self.counts[point] = 1
        return True


@pytest.mark.parametrize("seed", range(20))
def test_points_are_counted_alike_by_themselves_and_in_groups(seed):
    choose = random.Random(seed)
    groups = [Group("gradient", range(4)), Group("gradient", [3, 8]), Group("update", [20, 21]), Group("update", [22])]
    points, plain = [0, 1, 3, 8, 9, 20, 22, 30], PlainOccurrences()
    occurrences = Occurrences({}, [])
    for _ in range(60):
        if choose.random() < 0.3:
            group = choose.choice(groups)
            assert occurrences.add_new(group) == plain.add_new(group)
        elif choose.random() < 0.1:
            occurrences, plain = Occurrences({}, []), PlainOccurrences()
        else:
            point = choose.choice(points)
            assert occurrences.copy().add(point) == occurrences.add(point) == plain.add(point)


def test_an_exception_leaves_no_old_addresses_behind(hasher):
    first, second = (ctypes.create_string_buffer(text, 4) for text in (b"abcd", b"efgh"))
    header = hasher.header("uint8", (4,))
    rows = hasher.rows([4], [bytes(16)], [header])
    rows([ctypes.addressof(first)])
    torn = [object()]
    for _ in range(2):  # the second time, these are the addresses of the call before
        with pytest.raises((TypeError, ctypes.ArgumentError)):
            rows(torn)
    assert Rows(rows([ctypes.addressof(second)]), 1).prints() == [hasher.data(b"efgh", header)]
