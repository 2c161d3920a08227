"""`GradScaler`: the loss that a backward starts from has been scaled."""

import functools

from ... import imports

_WHY = "GradScaler scales the loss before backward: the scaled value is compared"


def watch_scaling(watch):
    """Say, once, that an enabled scaler was used."""
    for name in ("torch.amp.grad_scaler", "torch.cuda.amp.grad_scaler"):
        imports.after(name, lambda module: _wrap(module.GradScaler, watch))


def _wrap(kind, watch):
    if "scale" not in vars(kind):  # inherits the one that is wrapped
        return
    original, is_compiling = kind.scale, watch.is_compiling

    @functools.wraps(original)
    def scale(self, outputs):
        if not is_compiling() and getattr(self, "_enabled", True):
            watch.say("unscaled loss", _WHY)
        return original(self, outputs)

    kind.scale = scale
