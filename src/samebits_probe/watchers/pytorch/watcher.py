"""Watches PyTorch, from 1.3 on: what is installed, and what counts as seen."""

import ctypes
from typing import TYPE_CHECKING, Callable, Dict, Optional

from ... import rng
from ..data_passes import watch_loaders
from ..objects import Function, Library, Tensor
from .backward import Backward, ByHand, watch_backward
from .ends import PyTorchEnds
from .forwards import Forwards, watch_modules
from .inspection import watch_details
from .layers import watch_layers
from .optimizers import Optimizers, watch_scaling, watch_steps
from .replay import watch_replay
from .watch import PyTorchWatch

if TYPE_CHECKING:
    from ...probe import Probe

# What counts as seen: (point, where it is hooked, what hides it, what the report says then). The documentation is made
# from it.
SEEN = [
    (
        "rng",
        "the states of PyTorch's CPU generator and, once CUDA is initialised, of its CUDA generators, beside Python's "
        "and numpy's, before anything else of a step",
        "a `torch.Generator` of the program's own",
        "nothing: what is drawn from it appears in batch, forward or start",
    ),
    (
        "start",
        "weights and buffers of an outermost module at its first call, of an optimizer's other parameters at its "
        "first step",
        "what is computed before a module is called for the first time",
        "nothing: its result is the start",
    ),
    (
        "batch",
        "arguments of outermost modules (`Module.__call__` is wrapped) that a later backward reaches; labels from loss "
        "modules and, from PyTorch 1.11 on, from the graph of a loss function",
        "a model that is called inside a compiled function; a training without modules; modules in data loader "
        "workers; every thread that trains after the first",
        "`batch`, `threads` in `not_observed`; what workers do is seen where it is used",
    ),
    (
        "forward",
        "results of outermost modules; the roots of every `backward`, `autograd.backward` and `autograd.grad` are the "
        "loss",
        "`GradScaler` scales the loss before the backward; a loss inside `torch.func.vmap` is the whole batch's",
        "`unscaled loss` in `not_observed`: the scaled value is compared",
    ),
    (
        "evaluation",
        "outermost calls that no backward has reached when the step ends: kind forward, named `evaluation/...`; after "
        "the last step of kind end",
        "transforms without weights that take part in no graph",
        "nothing: their results are seen where they are used",
    ),
    (
        "gradient",
        "`.grad` of each parameter when an optimizer's step begins (global hooks from 2.0 on, deep copies included; "
        "the classes' `step` below), or when a closure returns",
        "a fused optimizer that unscales under `GradScaler`; an optimizer that steps inside a compiled function",
        "`unscaled gradients`, `steps inside torch.compile` in `not_observed`",
    ),
    (
        "update",
        "learning rates and other hyperparameters, weights, optimizer state, then the buffers of all models, after "
        "an optimizer's step; a step within the step of a different optimizer belongs to that one",
        "an optimizer that steps inside a compiled function",
        "`steps inside torch.compile` in `not_observed`: its steps are counted by the weights that they change",
    ),
    (
        "update, by hand",
        "without any optimizer: a backward after which the weights of its graph have changed is a step",
        "`torch.func.grad`, whose gradients only the program knows",
        "`steps` in `not_observed`: `samebits_probe.observe` can name them",
    ),
    (
        "end",
        "weights and buffers of every module that is alive at the exit, even if it was never called; a model that was "
        "called and an optimizer's parameters are read when they die, too",
        "a process that leaves through `os._exit` or a signal; a module that was never called and dies before the exit",
        "the trial has no end: inconclusive; what it wrote or printed is compared",
    ),
    (
        "end, beside weights",
        "tensors, arrays and numbers in plain attributes of modules and of their classes, also in lists and dicts; "
        "what `get_extra_state` returns",
        "other objects in attributes; private names and numbers that a library's own code uses; `get_extra_state` of a "
        "module that dies before the exit",
        "nothing: their effect on weights and outputs is seen. A time, a process id or an address is a note",
    ),
    (
        "tensors that are trained by hand beside an optimizer, also by `torch.func.grad`",
        "their losses, as forward; at the exit, what the program's variables hold of them",
        "what a function that has returned held of them",
        "nothing: its effect on a later loss is seen",
    ),
    (
        "training in several threads",
        "the first thread that trains",
        "every later one",
        "`training in another thread` in `not_observed`: inconclusive",
    ),
    (
        "values of a tensor",
        "dense, strided, sparse, quantised, nested and wrapped tensors of any dtype; on a GPU by a hash that is "
        "computed there",
        "meta and fake tensors, parameters that are not initialised yet, storages that were freed",
        "`values of a ...` in `not_observed`",
    ),
]


def install(module: Library, probe: "Probe") -> None:
    """Install the watcher into `module` (torch), for a probe."""
    watch = PyTorchWatch(module, probe)
    probe.quiet = getattr(module._C, "DisableTorchFunction", probe.quiet)  # no mode or subclass of the program sees it
    rng.SAMPLERS.update(samplers(module))
    rng.keep_given(["torch"])
    probe.converters.append(watch.converted)
    probe.readers.append(watch.read)
    forwards = Forwards(watch)
    by_hand = ByHand(watch, forwards)
    optimizers = Optimizers(watch)
    optimizers.first_seen = by_hand.forget
    optimizers.begun = forwards.commit_due
    optimizers.finished = forwards.close_step
    PyTorchEnds(watch, optimizers, forwards, by_hand)
    # inside of what `watch_modules` wraps: by then the models have their names
    watch_details(watch, forwards, optimizers)
    watch_layers(watch, forwards)
    watch_modules(watch, forwards, by_hand.settle)
    watch_backward(watch, Backward(watch, forwards, by_hand))
    watch_replay(watch, optimizers)
    watch_steps(watch, optimizers)
    watch_scaling(watch)
    watch_loaders(probe)


# The states of PyTorch's random number generators. They are only read.


def samplers(torch: Library) -> Dict[str, Callable[[], Optional[bytes]]]:
    """Return name -> function that gives the state as bytes, or None if the generator is not in use."""
    state = _reader(torch)
    return {"torch": lambda: _bytes_of(state()), "torch-cuda": lambda: _cuda(torch.cuda)}


def _reader(torch: Library) -> Function:
    """Return the function that reads the state of the CPU generator, without calling a function of PyTorch."""
    found: Function = getattr(getattr(torch, "default_generator", None), "get_state", torch.get_rng_state)
    return found


def _bytes_of(state: Tensor) -> bytes:
    return ctypes.string_at(state.data_ptr(), state.numel())


def _cuda(cuda: Library) -> Optional[bytes]:
    """Return the states of all devices, once the program has initialised CUDA.

    To read a state earlier would initialise it.
    """
    if not getattr(cuda, "_initialized", True):
        return None
    if not getattr(cuda, "is_initialized", lambda: getattr(cuda, "_initialized", False))():
        return None
    if getattr(cuda, "is_current_stream_capturing", bool)():  # the state must not be read while a graph is captured
        return None
    return b"".join(_bytes_of(cuda.get_rng_state(device)) for device in range(cuda.device_count()))
