"""Watches PyTorch, from 1.3 on: what is installed, and what counts as seen."""

from .. import rng
from .pytorch_backward import Backward, ByHand, watch_backward
from .pytorch_ends import Ends
from .pytorch_forwards import Forwards
from .pytorch_modules import watch_modules
from .pytorch_optimizers import Optimizers, watch_steps
from .pytorch_random import samplers
from .pytorch_scaling import watch_scaling
from .pytorch_watch import Watch
from .pytorch_weights import Norms, watch_averages


def install(module, probe):
    """Install the watcher into `module` (torch), for a probe."""
    watch = Watch(module, probe)
    rng.SAMPLERS.update(samplers(module))
    probe.converters.append(watch.converted)
    forwards = Forwards(watch)
    by_hand = ByHand(watch, forwards)
    optimizers = Optimizers(watch)
    optimizers.first_seen = by_hand.forget
    optimizers.finished.extend([forwards.close_step, Norms(watch).record])
    Ends(watch, optimizers, forwards, by_hand)
    watch_modules(watch, forwards, by_hand.settle)
    watch_backward(watch, Backward(watch, forwards, by_hand))
    watch_steps(watch, optimizers)
    watch_scaling(watch)
    watch_averages(watch)
