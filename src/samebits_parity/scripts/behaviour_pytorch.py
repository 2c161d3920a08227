"""Measures PyTorch (1.3 and later) on tiny inputs: `python behaviour_pytorch.py REQUEST.json ANSWER.json`.

Request and answer are those of `exchange`; "classes" are paths below torch.
Python 3.6 and later; it imports nothing of samebits.
"""

import functools
import inspect

import torch
from exchange import Absent, course, first_of, flat, main, measured, refuse_unknown, signature_below
from torch import nn

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
SETTINGS = {"epsilon": "eps", "accumulator": "initial_accumulator_value"}
DEFAULTS = {"rate": ("lr", None), "beta1": ("betas", 0), "beta2": ("betas", 1), "epsilon": ("eps", None),
            "rho": ("alpha", None), "decay": ("weight_decay", None)}  # fmt: skip
CLIPS = {"clip_norm": "clip_grad_norm_", "clip_global": "clip_grad_norm_", "clip_value": "clip_grad_value_"}
LOSSES = {"mse": ["MSELoss"], "mae": ["L1Loss"], "huber": ["HuberLoss", "SmoothL1Loss"], "bce": ["BCELoss"],
          "categorical": ["CrossEntropyLoss"], "kl": ["KLDivLoss"], "poisson": ["PoissonNLLLoss"]}  # fmt: skip


def made(kind, settings):
    """Return an object. Raises Absent if its class does not know a setting."""
    refuse_unknown(kind, kind.__init__, settings)
    return kind(**settings)


def tensor(values):
    return torch.tensor(values, dtype=torch.float32)


def train(ask):
    weights = [nn.Parameter(tensor(start)) for start in ask["start"]]
    settings, clip = dict(ask["settings"]), None
    for name in CLIPS:
        if name in settings:
            clip = functools.partial(getattr(nn.utils, CLIPS[name]), weights, settings.pop(name))
    optimizer = optimizer_of(ask, weights, settings)

    def take(gradients, rate):
        for weight, gradient in zip(weights, gradients):
            weight.grad = tensor(gradient)
        if clip:
            clip()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        return [weight.detach() for weight in weights]

    return course(ask, take)


def optimizer_of(ask, weights, settings):
    kind = first_of(torch.optim, OPTIMIZERS[ask["optimizer"]])
    known = inspect.signature(kind.__init__).parameters
    given = {SETTINGS.get(name, name): value for name, value in settings.items()}
    if "rho" in given and "rho" not in known:
        given["alpha"] = given.pop("rho")
    given["lr"] = ask["rates"][0]
    given["params"] = weights
    return made(kind, given)


def setting(ask):
    """Return a setting of an optimizer that is made without settings."""
    kind, (name, place) = first_of(torch.optim, OPTIMIZERS[ask["optimizer"]]), DEFAULTS[ask["setting"]]
    value = inspect.signature(kind.__init__).parameters[name].default
    value = value if place is None else value[place]
    if not isinstance(value, (int, float)):  # SGD of old releases has no default rate
        raise Absent("%s has no default %s" % (kind.__name__, name))
    return [float(value)]


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
    kind = first_of(nn, *LOSSES[ask["loss"]])
    if "delta" in settings and kind.__name__ == "SmoothL1Loss":
        settings["beta"] = settings.pop("delta")
    if ask["loss"] == "categorical":
        target = target.argmax(1)
    if "weights" in settings:  # of the samples; here classes
        weights = torch.ones(output.shape[1])
        weights[target] = tensor(settings.pop("weights"))
        settings["weight"] = weights
    return flat(made(kind, settings)(output, target))


DO = {"train": train, "setting": setting, "penalty": penalty, "loss": loss}


def answer(request):
    torch.set_num_threads(1)
    return measured(request, torch.__version__, DO, functools.partial(signature_below, torch))


if __name__ == "__main__":
    main(answer)
