"""Files that are made to do harm: each a function(path), by the name that the file gets.

A few bytes stand for gigabytes or for endless time, name files elsewhere, or lie about what follows.
"""

import gzip
import io
import json
import pickle
import struct
import zipfile
import zlib

import numpy as np

MEGABYTE, GIGABYTES = 1 << 20, 3 << 30
TORCH = [
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x80\x02M\xe9\x03.",
    b"\x80\x02}q\x00.",
]  # torch.save before 1.6


def storage(key="0", count=1, kind=b"torch\nFloatStorage\n"):
    """Opcodes of a storage's persistent id."""
    named = b"X" + struct.pack("<I", len(key)) + key.encode()
    size = b"\x8a\x08" + struct.pack("<q", count)
    return b"(X\x07\x00\x00\x00storagec" + kind + named + b"X\x03\x00\x00\x00cpu" + size + b"tQ"


def tensor(shape, strides, offset=0, count=1):
    """A pickle of one tensor."""
    numbers = [b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in one) + b"t" for one in (shape, strides)]
    start = b"\x8a\x08" + struct.pack("<q", offset)
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage(count=count) + start + b"".join(numbers) + b"\x89NtR."
    )


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)


def torch_zip(path, pickled, **members):
    archive(
        path,
        {"archive/data.pkl": pickled, "archive/data/0": b"\0" * 4, **{f"archive/{n}": d for n, d in members.items()}},
    )


def deflated(size, start):
    """Zeros behind a start, deflated piece by piece: each piece after the first has the same bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(start + b"\0" * (MEGABYTE - len(start))) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b"\0" * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + piece * (size // MEGABYTE - 1) + packer.flush()


def bomb(path, name, size=GIGABYTES, claimed=None, copies=1, start=b""):
    """A zip archive of zeros. `claimed`: the size it says it has; `copies`: entries that share the same bytes."""
    packed, crc = deflated(size, start), 0
    claimed = size if claimed is None else claimed
    local = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 33, crc, len(packed), claimed & 0xFFFFFFFF, len(name), 0
    )
    body, central = local + name.encode() + packed, b""
    for _ in range(copies):
        entry = name
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 33, crc, len(packed), claimed & 0xFFFFFFFF,
                               len(entry), 0, 0, 0, 0, 0, 0) + entry.encode()  # fmt: skip
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, copies, copies, len(central), len(body), 0)
    path.write_bytes(body + central + end)


def npy_header(text, version=1):
    data = text.encode()
    length = struct.pack("<H", len(data)) if version == 1 else struct.pack("<I", len(data))
    return b"\x93NUMPY" + bytes([version, 0]) + length + data


ZEROS = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({GIGABYTES - 128},)}}"


def nested(levels, open_=b"(", close=b"t"):
    return open_ * levels + close * levels


def doubled(levels=100):
    """Opcodes of a tuple that holds the one before it twice, and so on: its text has 2 ** levels characters."""
    body = b"K\x00q\x000"
    for level in range(levels):
        again = b"h" + bytes([level])
        body += again + again + b"\x86q" + bytes([level + 1]) + b"0"
    return body + b"h" + bytes([levels])


def exponential_repr(path):
    path.write_bytes(b"\x80\x04\x8f(" + doubled() + b"\x90.")


def exponential_key(path):
    path.write_bytes(b"\x80\x02}" + doubled() + b"K\x01s.")


def exponential_function(path):
    path.write_bytes(b"\x80\x02" + doubled() + b")R.")


def exponential_global(path):
    path.write_bytes(b"\x80\x04" + doubled() + b"h\x01\x93.")


def exponential_lists(path):
    value = []
    for _ in range(60):
        value = [value, value]
    path.write_bytes(pickle.dumps(value))


def one_text_often(path):
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
    path.write_bytes(b"\x80\x02]" + b"(" + text + b"h\x00" * 1_000_000 + b"e.")


def one_list_often(path):
    inner = b"](" + b"K\x00" * 500_000 + b"eq\x00"
    path.write_bytes(b"\x80\x02](" + inner + b"h\x00" * 500_000 + b"e.")


def one_name_often(path):
    key = b"X" + struct.pack("<I", 1 << 20) + b"k" * (1 << 20) + b"q\x00"
    path.write_bytes(b"\x80\x02}(" + key + b"}(" + b"h\x00](" + b"]" * 900_000 + b"euu.")


def deep_key(path):
    path.write_bytes(b"\x80\x02}K\x00" + b"\x85" * 1_000_000 + b"K\x01s.")


def colliding_keys(path):
    """Whole numbers that a dict puts into one place: its work grows with their square."""
    keys = [b"\x8a\x0b" + (n * ((1 << 61) - 1)).to_bytes(11, "little") + b"N" for n in range(1, 60_000)]
    path.write_bytes(b"\x80\x02}(" + b"".join(keys) + b"u.")


def runs_a_command(path):
    path.write_bytes(b"\x80\x02cos\nsystem\nX\x10\x00\x00\x00touch /tmp/pwned\x85R.")


def overlapping_tensors(path):
    size = 3 << 20
    header = {f"t{n}": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]} for n in range(20_000)}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * size)


def hdf5(make):
    def write(path):
        import h5py

        with h5py.File(path, "w") as file:
            make(file, h5py)

    return write


def unallocated(file, h5py):
    file.create_dataset("w", (1 << 40,), "f8", chunks=(1 << 16,))


def overflowing(file, h5py):
    file.create_dataset("w", (1 << 32, 1 << 32), "u1", chunks=(1 << 10, 1 << 10))


def packed_zeros(file, h5py):
    file.create_dataset("w", data=np.zeros(300 << 20, "u1"), compression="gzip", chunks=(1 << 24,))


def external_values(file, h5py):
    file.create_dataset("w", (64,), "u1", external=[("/etc/passwd", 0, 64)])


def external_link(file, h5py):
    file["w"] = h5py.ExternalLink("/etc/passwd", "/w")
    file["s"] = h5py.SoftLink("/nowhere")


def virtual(file, h5py):
    layout = h5py.VirtualLayout(shape=(1 << 40,), dtype="f8")
    layout[:4] = h5py.VirtualSource("/etc/passwd", "w", shape=(4,))
    file.create_virtual_dataset("w", layout)


def cyclic(file, h5py):
    group = file.create_group("g")
    group["w"] = np.zeros(3)
    for number in range(50):
        group[f"again{number}"] = group


def many_copies(file, h5py):
    kind = h5py.vlen_dtype(np.dtype("u1"))
    data = file.create_dataset("w", (100_000,), kind, fillvalue=None)
    data[0] = np.zeros(1000, "u1")


def cut_hdf5(path):
    hdf5(packed_zeros)(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def bent_hdf5(path):
    hdf5(unallocated)(path)
    data = bytearray(path.read_bytes())
    for at in range(100, len(data), 37):
        data[at] ^= 0xFF
    path.write_bytes(data)


FILES = {
    "repr of a set.pt": exponential_repr,
    "repr of a key.pt": exponential_key,
    "repr of a function.pt": exponential_function,
    "name of a global.pt": exponential_global,
    "lists of lists.pt": exponential_lists,
    "one text a million times.pt": one_text_often,
    "one list often.pt": one_list_often,
    "one long name often.pt": one_name_often,
    "runs a command.pt": runs_a_command,
    "deep.pt": lambda path: path.write_bytes(b"\x80\x02" + nested(1_000_000) + b"."),
    "deep lists.pth": lambda path: path.write_bytes(b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."),
    "a deep key.pt": deep_key,
    "keys in one place.pkl": colliding_keys,
    "a memo number of gigabytes.pkl": lambda path: path.write_bytes(b"\x80\x02]r\xff\xff\xff\x7f."),
    "a frame of an exabyte.pkl": lambda path: path.write_bytes(b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"N."),
    "marks.pt": lambda path: path.write_bytes(b"\x80\x02" + b"(" * 3_000_000 + b"."),
    "copies of the top.pt": lambda path: path.write_bytes(b"\x80\x02(K\x00" + b"2" * 3_000_000 + b"t."),
    "a long that is endless.pt": lambda path: path.write_bytes(b"\x80\x02\x8b\xff\xff\xff\x7f" + b"1" * 1000),
    "bytes of an exabyte.pt": lambda path: path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"x."),
    "a large number.pt": lambda path: path.write_bytes(b"\x80\x02\x8b" + struct.pack("<i", 1 << 20) + b"\x7f" * (1 << 20) + b"."),
    "a tensor of a terabyte.pt": lambda path: torch_zip(path, tensor((1 << 38,), (0,))),
    "a tensor of many ones.pt": lambda path: torch_zip(path, tensor((1,) * 500, (0,) * 500)),
    "a tensor of no size.pt": lambda path: torch_zip(path, tensor((-1, -(1 << 40)), (1, 1))),
    "a tensor outside.pt": lambda path: torch_zip(path, tensor((4,), (1 << 60,), offset=1 << 62)),
    "a storage of an exabyte.pt": lambda path: path.write_bytes(b"".join(TORCH) + storage(count=1 << 59)[:-1] + b"Q.](X\x01\x00\x00\x000e." + struct.pack("<q", 1 << 59)),
    "zeros in a member.pt": lambda path: archive(path, {"a/data.pkl": b"\x80\x02N.", "a/extra": b"\0" * (300 << 20)}),
    "zeros as a pickle.pt": lambda path: bomb(path, "a/data.pkl"),
    "zeros.npz": lambda path: bomb(path, "w.npy", start=npy_header(ZEROS)),
    "zeros that lie.npz": lambda path: bomb(path, "w.npy", claimed=100, start=npy_header(ZEROS)),
    "overlapping zeros.npz": lambda path: bomb(path, "notes.txt", size=64 << 20, copies=2000),
    "zeros as text.npz": lambda path: bomb(path, "notes.txt"),
    "bzip2.npz": lambda path: archive(path, {"w": b"\0" * (1 << 30)}, zipfile.ZIP_BZIP2),
    "lzma.npz": lambda path: archive(path, {"w": b"\0" * (1 << 29)}, zipfile.ZIP_LZMA),
    "many members.npz": lambda path: archive(path, {f"{n}.npy": b"" for n in range(20_000)}),
    "zips in a zip.npz": lambda path: archive(path, {"a.zip": _zipped(1 << 26), "b.npy": _zipped(1 << 26)}),
    "a header of gigabytes.npz": lambda path: archive(path, {"w.npy": npy_header(" " * (1 << 28), 2)}),
    "a shape of exabytes.npy": lambda path: path.write_bytes(npy_header(f"{{'descr': '<f8', 'fortran_order': True, 'shape': ({1 << 60},)}}") + b"\0" * 8),
    "a shape of many digits.npy": lambda path: path.write_bytes(npy_header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'9' * 9000},)}}")),
    "code in a header.npy": lambda path: path.write_bytes(npy_header("__import__('os').system('touch /tmp/pwned')")),
    "deep header.npy": lambda path: path.write_bytes(npy_header("(" * 9000 + ")" * 9000)),
    "an array of objects.npy": lambda path: np.save(path, np.array([{"a": 1}], dtype=object)),
    "a header of exabytes.safetensors": lambda path: path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}"),
    "overlapping.safetensors": overlapping_tensors,
    "deep.safetensors": lambda path: path.write_bytes(struct.pack("<Q", 200_000) + b'{"a":' * 40_000),
    "offsets backwards.safetensors": lambda path: _safe(path, {"w": {"dtype": "F32", "shape": [1], "data_offsets": [8, -8]}}),
    "a wrong header.safetensors": lambda path: _safe(path, {"w": 7, "v": {"dtype": [], "shape": "x", "data_offsets": [0, 1e400]}}),
    "deep.json": lambda path: path.write_bytes(b"[" * 1_000_000),
    "deep and wide.json": lambda path: path.write_text("[" * 900 + "[" + "0," * 300_000 + "{}" + "]" * 901),
    "a number of digits.json": lambda path: path.write_text('{"a": ' + "9" * 1_000_000 + "}"),
    "one long name.json": lambda path: path.write_text(json.dumps({"k" * 10_000_000: {str(n): n for n in range(1000)}})),
    "unallocated.h5": hdf5(unallocated),
    "overflowing.h5": hdf5(overflowing),
    "packed zeros.h5": hdf5(packed_zeros),
    "external values.h5": hdf5(external_values),
    "external link.h5": hdf5(external_link),
    "virtual.h5": hdf5(virtual),
    "cyclic.h5": hdf5(cyclic),
    "many copies.hdf5": hdf5(many_copies),
    "cut.h5": cut_hdf5,
    "bent.h5": bent_hdf5,
    "zeros.keras": lambda path: bomb(path, "config.json"),
    "a bomb inside.keras": lambda path: archive(path, {"model.weights.h5": _written(hdf5(unallocated))}),
    "not gzip.ckpt": lambda path: path.write_bytes(gzip.compress(b"\0" * (1 << 28))),
    "a bent directory.ckpt": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 40 + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, 46, 0, 0)),
}  # fmt: skip


def _zipped(size):
    stream = io.BytesIO()
    archive(stream, {"inner": b"\0" * size})
    return stream.getvalue()


def _safe(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 16)


def _written(write):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "inner.h5")
        return (Path(folder) / "inner.h5").read_bytes()
