"""Measures PyTorch (1.3 and later) on tiny inputs: `python behaviour_pytorch.py REQUEST.json ANSWER.json`.

Request and answer are those of `behaviour`; "classes" are paths below torch.
Python 3.6 and later; it imports nothing of samebits.
"""

import functools
import inspect

import torch
from behaviour import Absent, RefusedArgument, main, outcome, signature_below
from torch import nn

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "sgd": "SGD", "rmsprop": "RMSprop",
              "adagrad": "Adagrad", "adadelta": "Adadelta"}  # fmt: skip
SETTINGS = {"epsilon": "eps", "accumulator": "initial_accumulator_value"}
CLIPS = {"clip_norm": "clip_grad_norm_", "clip_global": "clip_grad_norm_", "clip_value": "clip_grad_value_"}
LOSSES = {"mse": ["MSELoss"], "mae": ["L1Loss"], "huber": ["HuberLoss", "SmoothL1Loss"], "bce": ["BCELoss"],
          "categorical": ["CrossEntropyLoss"], "kl": ["KLDivLoss"], "poisson": ["PoissonNLLLoss"]}  # fmt: skip
ACTIVATIONS = {"leaky_relu": "LeakyReLU", "prelu": "PReLU", "elu": "ELU", "gelu": "GELU",
               "hard_sigmoid": "Hardsigmoid", "softmax": "Softmax"}  # fmt: skip


def found(place, names):
    for name in names:
        if hasattr(place, name):
            return getattr(place, name)
    raise Absent("%s has no %s" % (place.__name__, names[0]))


def made(kind, settings):
    """Return an object. Raises Absent if its class does not know a setting."""
    known = inspect.signature(kind.__init__).parameters
    for name in settings:
        if name not in known:
            raise Absent("%s has no %s" % (kind.__name__, name))
    return kind(**settings)


def tensor(values):
    return torch.tensor(values, dtype=torch.float32)


def flat(value):
    return [float(number) for number in value.detach().reshape(-1)]


def train(ask):
    weights = [nn.Parameter(tensor(start)) for start in ask["start"]]
    settings, clip = dict(ask["settings"]), None
    for name in CLIPS:
        if name in settings:
            clip = functools.partial(getattr(nn.utils, CLIPS[name]), weights, settings.pop(name))
    optimizer = optimizer_of(ask, weights, settings)
    numbers = []
    for step, gradients in enumerate(ask["gradients"]):
        for weight, gradient in zip(weights, gradients):
            weight.grad = tensor(gradient)
        if clip:
            clip()
        if ask["rates"]:
            optimizer.param_groups[0]["lr"] = ask["rates"][step]
        optimizer.step()
        numbers += [number for weight in weights for number in flat(weight)]
    return numbers


def optimizer_of(ask, weights, settings):
    kind = found(torch.optim, [OPTIMIZERS[ask["optimizer"]]])
    known = inspect.signature(kind.__init__).parameters
    given = {SETTINGS.get(name, name): value for name, value in settings.items()}
    if "rho" in given and "rho" not in known:
        given["alpha"] = given.pop("rho")
    if "beta2" in given:
        given["betas"] = (0.9, given.pop("beta2"))
    if not isinstance(known["lr"].default, (int, float)):  # SGD of old releases has no default
        if not ask["rates"]:
            raise Absent("%s has no default rate" % kind.__name__)
        given["lr"] = ask["rates"][0]
    given["params"] = weights
    return made(kind, given)


def penalty(ask):
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(ask["kernel"])
        layer.bias.fill_(ask["bias"])
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0, weight_decay=ask["factor"])
    loss = ((layer(torch.zeros(1, 1)) - ask["bias"]) ** 2).mean()
    loss.backward()
    optimizer.step()
    return [ask["kernel"] - layer.weight.item(), ask["bias"] - layer.bias.item(), loss.item()]


def loss(ask):
    settings, output, target = dict(ask["settings"]), tensor(ask["output"]), tensor(ask["target"])
    if settings.pop("probabilities_only", False):
        raise Absent("it takes logits")
    if settings.pop("as_logarithms", False):
        output = torch.log(output)
    kind = found(nn, LOSSES[ask["loss"]])
    if "delta" in settings and kind.__name__ == "SmoothL1Loss":
        settings["beta"] = settings.pop("delta")
    if ask["loss"] == "categorical":
        target = target.argmax(1)
    if "weights" in settings:  # of the samples; here classes
        weights = torch.ones(output.shape[1])
        weights[target] = tensor(settings.pop("weights"))
        settings["weight"] = weights
    return flat(made(kind, settings)(output, target))


def convolve(ask):
    padding = {"valid": 0, "half": (0, (len(ask["kernel"]) - 1) // 2), "same": "same"}[ask["padding"]]
    shape = dict(kernel_size=(1, len(ask["kernel"])), stride=(1, ask["stride"]), padding=padding, bias=False)
    try:
        layer = nn.Conv2d(1, 1, **shape)
        layer.weight.data = tensor(ask["kernel"]).reshape(layer.weight.shape)
        return flat(layer(tensor(ask["row"]).reshape(1, 1, 1, -1)))
    except (ValueError, TypeError, RuntimeError) as why:
        if ask["padding"] == "same":
            raise RefusedArgument(str(why).splitlines()[0]) from None
        raise


def transpose(ask):
    layer = nn.ConvTranspose2d(1, 1, (1, len(ask["kernel"])), (1, ask["stride"]), padding=(0, 1), bias=False)
    layer.weight.data = tensor(ask["kernel"]).reshape(layer.weight.shape)
    return flat(layer(tensor(ask["row"]).reshape(1, 1, 1, -1)))


def pool(ask):
    kind = nn.MaxPool2d if ask["kind"] == "max" else nn.AvgPool2d
    layer = kind((1, ask["size"]), (1, ask["stride"]), (0, ask["size"] // 2))
    return flat(layer(tensor(ask["row"]).reshape(1, 1, 1, -1)))


def batch_norm(ask):
    inputs, settings = tensor(ask["inputs"]).reshape(-1, 1), {"momentum": ask["momentum"]} if "momentum" in ask else {}
    layer = nn.BatchNorm2d(1, **settings) if ask["image"] else nn.BatchNorm1d(1, **settings)
    outputs = layer(inputs.reshape(2, 1, 1, 2) if ask["image"] else inputs)
    return flat(layer.running_mean) + flat(layer.running_var) + flat(outputs)


def layer_norm(ask):
    return flat(nn.LayerNorm(len(ask["inputs"]))(tensor([ask["inputs"]])))


def group_norm(ask):
    return flat(nn.GroupNorm(1, len(ask["inputs"]))(tensor([ask["inputs"]])))


def deviation(ask):
    return flat(torch.std(tensor(ask["row"])))


def activation(ask):
    return flat(found(nn, [ACTIVATIONS[ask["name"]]])()(tensor(ask["points"])))


def recurrent(ask):
    layer = {"gru": nn.GRU, "lstm": nn.LSTM}[ask["layer"]](1, ask["units"], batch_first=True)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(tensor(ask["kernel"]).t())
        layer.weight_hh_l0.copy_(tensor(ask["recurrent"]).t())
        layer.bias_ih_l0.copy_(tensor(ask["bias"]))
        layer.bias_hh_l0.zero_()
        return flat(layer(tensor([ask["inputs"]]))[0])


def start(ask):
    torch.manual_seed(1)
    if ask["layer"] == "lstm":
        layer = nn.LSTM(1, 2)
        return flat(layer.bias_ih_l0 + layer.bias_hh_l0)
    return flat({"dense": lambda: nn.Linear(4, 16).bias, "convolution": lambda: nn.Conv2d(2, 16, 3).bias,
                 "embedding": lambda: nn.Embedding(1000, 4).weight}[ask["layer"]]())  # fmt: skip


def spread(ask):
    """Return [the largest value, the deviation, how far the columns are from an orthonormal set]."""
    torch.manual_seed(1)
    kernel = {
        "dense": lambda: nn.Linear(100, 300).weight,
        "convolution": lambda: nn.Conv2d(20, 40, 3).weight,
        "lstm": lambda: nn.LSTM(20, 50).weight_ih_l0,
        "recurrent": lambda: nn.LSTM(20, 50).weight_hh_l0,
    }[ask["layer"]]().detach().double()  # fmt: skip
    columns = kernel.reshape(kernel.shape[0], -1).t()
    apart = columns.mm(columns.t()) - torch.eye(len(columns), dtype=columns.dtype)
    return [float(kernel.abs().max()), float(kernel.std()), float(apart.abs().max())]


def bias_step(ask):
    """Return how far the biases of a gate move in a step of SGD, and the kernel for an input of one."""
    torch.manual_seed(1)
    layer = nn.LSTM(1, 2, batch_first=True)
    before = [weight.detach().clone() for weight in layer.parameters()]
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    (layer(torch.ones(1, 1, 1))[0] ** 2).mean().backward()
    optimizer.step()
    kernel, _, first, second = [now.detach() - old for now, old in zip(layer.parameters(), before)]
    place = int(kernel.reshape(-1).abs().argmax())
    return [float((first + second)[place] / kernel.reshape(-1)[place])]


def epoch(ask):
    """Return the mean of the samples in each batch of a DataLoader, from the steps of SGD on the loss w x."""
    torch.manual_seed(1)
    weight, numbers = nn.Parameter(torch.zeros(1)), []
    optimizer = torch.optim.SGD([weight], lr=1.0)
    for (batch,) in torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(tensor(ask["samples"])), batch_size=ask["batch"]
    ):
        before = weight.item()
        optimizer.zero_grad()
        (weight * batch).mean().backward()
        optimizer.step()
        numbers.append(before - weight.item())
    return numbers


def dropout(ask):
    torch.manual_seed(1)
    layer, ones = nn.Dropout(ask["share"]), torch.ones(ask["count"])
    return [float(layer(ones).max()), float(layer.eval()(ones).max())]


def flatten(ask):
    return flat(nn.Flatten()(tensor([ask["image"]])))


def upsample(ask):
    row = tensor(ask["row"]).reshape(1, 1, 1, -1)
    return flat(nn.Upsample(scale_factor=(1.0, 2.0), mode=ask["kind"])(row))


DO = {do.__name__: do for do in (train, penalty, loss, convolve, transpose, pool, batch_norm, layer_norm, group_norm,
                                 deviation, activation, recurrent, start, spread, bias_step, epoch, dropout, flatten,
                                 upsample)}  # fmt: skip


def prepare(side):
    torch.set_num_threads(1)
    return (
        torch.__version__,
        lambda ask: outcome(lambda: DO[ask["do"]](ask)),
        functools.partial(signature_below, torch),
    )


if __name__ == "__main__":
    main(prepare)
