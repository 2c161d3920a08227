"""Fingerprints of tensors: laws that hold whatever the layout, the type and the device."""

import struct
import warnings

import pytest

torch = pytest.importorskip("torch", minversion="2.1")

from samebits_probe import fingerprint  # noqa: E402
from samebits_probe.watchers.pytorch.device import CHUNK, LANES, DeviceHash  # noqa: E402
from samebits_probe.watchers.pytorch.tensors import Fingerprints  # noqa: E402

WORD = (1 << 64) - 1


def xxh3():
    import xxhash._xxhash

    return fingerprint.Xxh3(xxhash._xxhash.__file__)


@pytest.fixture(params=["xxh3", "blake2b"])
def prints(request):
    said = []
    hasher = xxh3() if request.param == "xxh3" else fingerprint.Blake2b()
    made = Fingerprints(torch, hasher, lambda point, why: said.append((point, why)))
    made.said = said
    return made


@pytest.fixture(autouse=True)
def _unwarned():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_view_equals_its_copy_and_layout_does_not_matter(prints):
    x = torch.randn(4, 3, 5, 5)
    assert prints.of(x[:, 1:, ::2]) == prints.of(x[:, 1:, ::2].clone())
    assert prints.of(x) == prints.of(x.contiguous(memory_format=torch.channels_last))
    assert prints.of(x.transpose(0, 1)) == prints.of(x.transpose(0, 1).contiguous())
    assert prints.of(x) == prints.of(torch.nn.Parameter(x)) == prints.of(x.clone().requires_grad_() * 1)


def test_bits_dtype_shape_and_order_count(prints):
    x = torch.randn(6)
    swapped = x[[1, 0, 2, 3, 4, 5]]
    flipped = x.clone()
    flipped[:2] *= -1
    others = [
        swapped,
        flipped,
        x.view(2, 3),
        x.view(torch.int32),
        torch.zeros(6),
        -torch.zeros(6),
        x[:5],
        torch.zeros(0),
    ]
    assert len({prints.of(x), *map(prints.of, others)}) == 1 + len(others)


@pytest.mark.parametrize("payload", [0x7FC00001, 0x7FC00002])
def test_payloads_of_nan_count(prints, payload):
    one = torch.tensor([payload], dtype=torch.int32).view(torch.float32)
    assert prints.of(one) != prints.of(torch.tensor([float("nan")]))


def dtypes():
    names = [
        "bool",
        "uint8",
        "int8",
        "int64",
        "float16",
        "bfloat16",
        "float64",
        "complex64",
        "float8_e4m3fn",
        "float8_e5m2",
    ]
    return [getattr(torch, name) for name in names if hasattr(torch, name)]


@pytest.mark.parametrize("dtype", dtypes(), ids=str)
def test_every_dtype_has_fingerprints(prints, dtype):
    one, two = torch.tensor([0, 1, 1]).to(dtype), torch.tensor([0, 1, 0]).to(dtype)
    assert prints.of(one) == prints.of(one.clone()) != prints.of(two)
    assert prints.of(one) is not None
    assert prints.said == []


ODD = {
    "conjugated": lambda values: values.to(torch.complex64).conj(),
    "negated": lambda values: values.to(torch.complex64).conj().imag,
    "sparse": lambda values: values.relu().to_sparse(),
    "uncoalesced": lambda values: torch.sparse_coo_tensor([[0, 0, 1]], [1.0, 2.0, 3.0]),
    "csr": lambda values: values.relu().to_sparse_csr(),
    "csc": lambda values: values.relu().to_sparse_csc(),
    "bsr": lambda values: values.relu().to_sparse_bsr((2, 2)),
    "quantized": lambda values: torch.quantize_per_tensor(values, 0.1, 3, torch.qint8),
    "channels": lambda values: torch.quantize_per_channel(values, torch.ones(4), torch.zeros(4), 0, torch.qint8),
    "nested": lambda values: torch.nested.nested_tensor([values[0, :2], values[1, :3]]),
    "jagged": lambda values: torch.nested.nested_tensor([values[0, :2], values[1, :3]], layout=torch.jagged),
    "subclass": lambda values: values.as_subclass(type("Image", (torch.Tensor,), {})),
    "inference": lambda values: torch.inference_mode()(lambda: torch.ones(3) * 2)(),
    "mkldnn": lambda values: values.to_mkldnn(),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tensors_are_seen_the_same_twice(prints, name):
    tensor = ODD[name](torch.randn(4, 4))
    assert prints.of(tensor) is not None
    assert prints.of(tensor) == prints.of(tensor)
    assert prints.said == []


def test_lazy_views_have_the_fingerprint_of_their_values(prints):
    x = torch.randn(3, dtype=torch.complex64)
    assert prints.of(x.conj()) == prints.of(x.conj().resolve_conj()) != prints.of(x)
    assert prints.of(x.conj().imag) == prints.of(-x.imag)


def without_values():
    from torch._subclasses import FakeTensorMode

    freed = torch.randn(10)[2:]
    freed.untyped_storage().resize_(0)
    with FakeTensorMode():
        fake = torch.zeros(3)
    lazy = torch.nn.LazyLinear(2).weight
    return {"meta": torch.empty(3, device="meta"), "fake": fake, "freed": freed, "lazy": lazy}


@pytest.mark.parametrize("name", ["meta", "fake", "freed", "lazy"])
def test_what_has_no_values_is_said(prints, name):
    tensor = without_values()[name]
    assert [prints.of(tensor), prints.of(tensor)] == [None, None]
    assert len(set(prints.said)) == 1


def test_tensors_within_function_transforms_are_seen(prints):
    found = []

    def loss(x):
        found.append(prints.of(x))
        return (x * x).sum()

    x = torch.randn(3)
    torch.func.grad(loss)(x)
    torch.func.vmap(loss)(x.view(1, 3))
    assert found == [prints.of(x), prints.of(x.view(1, 3))]


def test_the_loss_of_each_sample_within_vmap_is_no_single_number(prints):
    numbers = []

    def loss(x):
        total = (x * x).sum()
        numbers.append(prints.number(total))
        return total

    torch.func.vmap(loss)(torch.ones(4, 3))
    torch.func.grad(loss)(torch.ones(3))
    assert numbers == [None, 3.0]


def test_the_content_of_a_tensor_is_its_bytes_in_logical_order(prints):
    x = torch.arange(6.0).view(2, 3).t()
    assert prints.content(x) == ("float32", (3, 2), struct.pack("<6f", 0, 3, 1, 4, 2, 5))


# -- the hash of the device, on its CPU twin ---------------------------------------------------------------------------


def plain_digest(data):
    """The same in plain integers, word by word."""
    data += bytes(-len(data) % 8)
    sums = []
    for first, second in LANES:
        total = 0
        for position, word in enumerate(struct.unpack(f"<{len(data) // 8}Q", data), 1):
            mixed = ((word ^ (position * first & WORD)) * second) & WORD
            mixed = ((mixed ^ (mixed >> 32)) * first) & WORD
            mixed = ((mixed ^ (mixed >> 29)) * second) & WORD
            total = (total + (mixed ^ (mixed >> 32))) & WORD
        sums.append(total)
    return struct.pack("<QQ", *sums)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 1001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8, torch.float64], ids=str)
def test_the_device_hash_is_that_of_plain_integers(size, dtype):
    x = (torch.randn(size) * 100).to(dtype)
    data = bytes(x.view(torch.uint8).tolist()) if size else b""
    assert DeviceHash(torch).digest(x) == plain_digest(data)


def test_the_device_hash_does_not_depend_on_where_a_tensor_begins():
    x = torch.randn(1001)
    assert DeviceHash(torch).digest(x[1:]) == DeviceHash(torch).digest(x[1:].clone())


def test_the_device_hash_notices_swaps_sign_flips_and_moves():
    x = torch.randn(64)
    digest = DeviceHash(torch).digest
    found = {digest(x)}
    for i in range(0, 62, 2):
        swapped, flipped = x.clone(), x.clone()
        swapped[[i, i + 2]] = x[[i + 2, i]]
        flipped[[i, i + 2]] *= -1
        found |= {digest(swapped), digest(flipped), digest(x.roll(i + 1))}
    assert len(found) == 1 + 3 * 31


def test_the_device_hash_is_the_same_in_pieces():
    x = torch.randint(0, 255, (8 * CHUNK + 24,), dtype=torch.uint8)
    whole = DeviceHash(torch)
    words = x.view(torch.int64)
    total = whole._lanes(words[:CHUNK], 0) + whole._lanes(words[CHUNK:], CHUNK)
    assert whole.digest(x) == struct.pack("<qq", *total.tolist())
