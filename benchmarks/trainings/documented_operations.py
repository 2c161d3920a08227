"""A step (step 1) in which every operation runs that PyTorch documents as nondeterministic, and some that it does not.

    python documented_operations.py RESULTS.json [--deterministic]

Each is a function of its own, so that an operator's line says which it belongs to. Sizes are such that ATen shares the
work between threads (from 32,768 elements on). RESULTS.json gets, for each, a digest of its results and gradients, or
the error that it raised.
"""

import hashlib
import json
import sys

import torch
from torch.nn import functional

DOCUMENTED = []  # (name in the documentation, words that the entry holds, function)
OTHERS = []  # (what it is, function)


def documented(name, words=""):
    def add(function):
        DOCUMENTED.append((name, words, function))
        return function

    return add


def other(what):
    def add(function):
        OTHERS.append((what, function))
        return function

    return add


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


def places(most, *shape):
    return torch.randint(0, most, shape)


@documented("torch.nn.Conv1d")
def conv1d():
    x = leaf(8, 16, 512)
    return torch.nn.Conv1d(16, 16, 5)(x), x


@documented("torch.nn.Conv2d")
def conv2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.Conv2d(8, 16, 3)(x), x


@documented("torch.nn.Conv3d")
def conv3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.Conv3d(4, 8, 3)(x), x


@documented("torch.nn.ConvTranspose1d")
def conv_transpose1d():
    x = leaf(8, 16, 512)
    return torch.nn.ConvTranspose1d(16, 16, 5)(x), x


@documented("torch.nn.ConvTranspose2d")
def conv_transpose2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.ConvTranspose2d(8, 16, 3)(x), x


@documented("torch.nn.ConvTranspose3d")
def conv_transpose3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.ConvTranspose3d(4, 8, 3)(x), x


@documented("torch.nn.ReplicationPad1d")
def replication_pad1d():
    x = leaf(8, 16, 512)
    return torch.nn.ReplicationPad1d(7)(x), x


@documented("torch.nn.ReplicationPad2d")
def replication_pad2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.ReplicationPad2d(3)(x), x


@documented("torch.nn.ReplicationPad3d")
def replication_pad3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.ReplicationPad3d(2)(x), x


@documented("torch.bmm")
def bmm_sparse_dense():
    x = torch.randn(8, 64, 64)
    return torch.bmm((x * (x > 1)).to_sparse(), torch.randn(8, 64, 64))


@documented("torch.Tensor.__getitem__")
def getitem():
    x = leaf(500, 16)
    return x[places(500, 20000)], x


@documented("torch.Tensor.index_put", "accumulate=False")
def index_put():
    return torch.randn(500, 16).index_put((places(500, 20000),), torch.randn(20000, 16))


@documented("torch.Tensor.index_put", "accumulate=True")
def index_put_accumulate():
    return torch.randn(500, 16).index_put((places(500, 20000),), torch.randn(20000, 16), accumulate=True)


@documented("torch.Tensor.put_", "`accumulate=True` when called on a CPU")
def put_accumulate():
    return torch.randn(800).put_(places(800, 60000), torch.randn(60000), accumulate=True)


@documented("torch.Tensor.put_", "accumulate=False")
def put():
    return torch.randn(800).put_(places(800, 60000), torch.randn(60000))


@documented("torch.Tensor.scatter_add_")
def scatter_add():
    return torch.randn(800).scatter_add_(0, places(800, 60000), torch.randn(60000))


@documented("torch.gather")
def gather():
    x = leaf(60000)
    return torch.gather(x, 0, places(800, 60000)), x


@documented("torch.index_add")
def index_add():
    return torch.index_add(torch.randn(500, 16), 0, places(500, 20000), torch.randn(20000, 16))


@documented("torch.index_select")
def index_select():
    x = leaf(500, 16)
    return torch.index_select(x, 0, places(500, 20000)), x


@documented("torch.repeat_interleave")
def repeat_interleave():
    x = leaf(500, 16)
    return torch.repeat_interleave(x, places(80, 500), dim=0), x


@documented("torch.Tensor.index_copy")
def index_copy():
    return torch.randn(500, 16).index_copy(0, places(500, 20000), torch.randn(20000, 16))


@documented("torch.Tensor.scatter", "`src` type is Tensor")
def scatter():
    return torch.randn(800).scatter(0, places(800, 60000), torch.randn(60000))


@documented("torch.Tensor.scatter_reduce", "reduce='sum'")
def scatter_reduce_sum():
    x = leaf(60000)
    return torch.zeros(800).scatter_reduce(0, places(800, 60000), x, "mean"), x


@documented("torch.Tensor.scatter_reduce", "reduce='prod'")
def scatter_reduce_prod():
    return torch.ones(800).scatter_reduce(0, places(800, 60000), torch.rand(60000) + 0.5, "prod")


@documented("torch.nn.MaxPool3d")
def max_pool3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.MaxPool3d(3, stride=1)(x), x


@documented("torch.nn.AvgPool3d")
def avg_pool3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.AvgPool3d(3, stride=1)(x), x


@documented("torch.nn.AdaptiveAvgPool2d")
def adaptive_avg_pool2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.AdaptiveAvgPool2d(7)(x), x


@documented("torch.nn.AdaptiveAvgPool3d")
def adaptive_avg_pool3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.AdaptiveAvgPool3d(7)(x), x


@documented("torch.nn.AdaptiveMaxPool2d")
def adaptive_max_pool2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.AdaptiveMaxPool2d(7)(x), x


@documented("torch.nn.FractionalMaxPool2d")
def fractional_max_pool2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.FractionalMaxPool2d(3, output_size=13)(x), x


@documented("torch.nn.FractionalMaxPool3d")
def fractional_max_pool3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.FractionalMaxPool3d(3, output_size=7)(x), x


@documented("torch.nn.MaxUnpool1d")
def max_unpool1d():
    x = leaf(8, 16, 512)
    return torch.nn.MaxUnpool1d(2)(*torch.nn.MaxPool1d(2, return_indices=True)(x)), x


@documented("torch.nn.MaxUnpool2d")
def max_unpool2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.MaxUnpool2d(2)(*torch.nn.MaxPool2d(2, return_indices=True)(x)), x


@documented("torch.nn.MaxUnpool3d")
def max_unpool3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.MaxUnpool3d(2)(*torch.nn.MaxPool3d(2, return_indices=True)(x)), x


@documented("torch.nn.functional.interpolate")
def interpolate():
    line, x, volume = leaf(8, 16, 512), leaf(8, 8, 32, 32), leaf(4, 4, 16, 16, 16)
    parts = [
        functional.interpolate(line, scale_factor=2.5, mode="linear"),
        functional.interpolate(x, scale_factor=2.5, mode="bilinear"),
        functional.interpolate(x, scale_factor=2.5, mode="bicubic"),
        functional.interpolate(volume, scale_factor=1.5, mode="trilinear"),
    ]
    return torch.cat([part.reshape(-1) for part in parts]), line, x, volume


@documented("torch.nn.ReflectionPad1d")
def reflection_pad1d():
    x = leaf(8, 16, 512)
    return torch.nn.ReflectionPad1d(7)(x), x


@documented("torch.nn.ReflectionPad2d")
def reflection_pad2d():
    x = leaf(8, 8, 32, 32)
    return torch.nn.ReflectionPad2d(3)(x), x


@documented("torch.nn.ReflectionPad3d")
def reflection_pad3d():
    x = leaf(4, 4, 16, 16, 16)
    return torch.nn.ReflectionPad3d(2)(x), x


@documented("torch.nn.NLLLoss")
def nll_loss():
    x = leaf(8, 10, 32, 32)
    return torch.nn.NLLLoss()(x.log_softmax(1), places(10, 8, 32, 32)), x


@documented("torch.nn.CTCLoss")
def ctc_loss():
    x = leaf(100, 32, 20)
    lengths = torch.full((32,), 100)
    return torch.nn.CTCLoss()(x.log_softmax(2), places(19, 32, 30) + 1, lengths, torch.full((32,), 30)), x


@documented("torch.nn.EmbeddingBag")
def embedding_bag():
    bag = torch.nn.EmbeddingBag(500, 16, mode="max")
    return bag(places(500, 2000, 10)), bag.weight


@documented("torch.histc")
def histc():
    return torch.histc(torch.randn(60000), 100)


@documented("torch.bincount")
def bincount():
    return torch.bincount(places(800, 60000), weights=torch.randn(60000))


@documented("torch.median")
def median():
    x = leaf(100, 600)
    return x.round(decimals=1).median(1).values, x


@documented("torch.nn.functional.grid_sample")
def grid_sample():
    x, grid = leaf(8, 8, 32, 32), torch.rand(8, 32, 32, 2) * 2 - 1
    return functional.grid_sample(x, grid, align_corners=False), x


@documented("torch.cumsum")
def cumsum():
    x = leaf(60000)
    return x.cumsum(0), x


@other("`torch.linalg.lstsq`, default driver")
def lstsq():
    return torch.linalg.lstsq(torch.randn(200, 40), torch.randn(200, 3)).solution


@other("`torch.linalg.lstsq`, driver `gels`")
def lstsq_gels():
    return torch.linalg.lstsq(torch.randn(200, 40), torch.randn(200, 3), driver="gels").solution


@other("`torch.take`, differentiated")
def take():
    x = leaf(100, 8)
    return torch.take(x, places(800, 60000)), x


@other("`torch.nn.Embedding`, differentiated")
def embedding():
    table = torch.nn.Embedding(500, 16)
    return table(places(500, 20000)), table.weight


@other("`torch.nn.EmbeddingBag`, sum, differentiated")
def embedding_bag_sum():
    bag = torch.nn.EmbeddingBag(500, 16, mode="sum")
    return bag(places(500, 2000, 10)), bag.weight


@other("`torch.Tensor.index_reduce`, mean")
def index_reduce():
    return torch.zeros(500, 16).index_reduce(0, places(500, 20000), torch.randn(20000, 16), "mean")


@other("`torch.matmul`, differentiated")
def matmul():
    x, y = leaf(256, 256), leaf(256, 256)
    return x @ y, x, y


@other("`torch.sparse.mm`, differentiated")
def sparse_mm():
    x = torch.randn(256, 256)
    y = leaf(256, 256)
    return torch.sparse.mm((x * (x > 1)).to_sparse(), y), y


@other("sum of a sparse tensor with repeated places (`coalesce`)")
def coalesce():
    return torch.sparse_coo_tensor(places(800, 1, 60000), torch.randn(60000), (800,)).coalesce().to_dense()


@other("`torch.nn.LSTM`, differentiated")
def lstm():
    x = leaf(16, 20, 32)
    return torch.nn.LSTM(32, 64, batch_first=True)(x)[0], x


@other("`scaled_dot_product_attention`, differentiated")
def attention():
    x = leaf(8, 4, 64, 16)
    return functional.scaled_dot_product_attention(x, x, x), x


@other("`torch.nn.BatchNorm2d`, differentiated")
def batch_norm():
    x = leaf(8, 8, 32, 32)
    return torch.nn.BatchNorm2d(8)(x), x


@other("`torch.sort`")
def sort():
    return torch.randn(60000).round(decimals=1).sort().indices


@other("`torch.histogram` with weights")
def histogram():
    return torch.histogram(torch.randn(60000), 100, weight=torch.rand(60000)).hist


@other("`torch.linalg.svd`, `eigh`, `qr`, `inv`")
def decompositions():
    x = torch.randn(64, 64)
    parts = [*torch.linalg.svd(x), *torch.linalg.eigh(x + x.T), *torch.linalg.qr(x), torch.linalg.inv(x)]
    return torch.cat([part.reshape(-1) for part in parts])


def run(function):
    """A digest of the results and gradients, or the error."""
    torch.manual_seed(1)
    digest = hashlib.blake2b(digest_size=8)
    try:
        found = function()
        result, leaves = (found[0], found[1:]) if isinstance(found, tuple) else (found, ())
        if leaves:
            dense = result * torch.linspace(-1, 1, result.numel()).reshape(result.shape)
            dense.sum().backward()
        for tensor in [result.detach()] + [item.grad for item in leaves]:
            digest.update(tensor.contiguous().numpy().tobytes())
    except RuntimeError as error:
        return {"error": str(error).split("\n")[0]}
    return {"digest": digest.hexdigest()}


def main(target):
    torch.use_deterministic_algorithms("--deterministic" in sys.argv)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    optimizer.step()  # without an optimizer each backward would count as a step of its own
    functions = [entry[-1] for entry in DOCUMENTED + OTHERS]
    results = {function.__name__: run(function) for function in functions}
    with open(target, "w") as file:
        json.dump(results, file)
    optimizer.step()


if __name__ == "__main__":
    main(sys.argv[1])
