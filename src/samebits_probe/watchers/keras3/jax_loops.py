"""Training loops of the program's own with Keras on JAX: `optimizer.stateless_apply`, mostly inside `jax.jit`."""

import atexit

from . import models

SAID = "Keras on JAX in a traced function of the program's own: samebits_probe.observe(name, value, step=i) names it"


class Stateless:
    """Records a step where an optimizer returns new values; in a traced function by a callback, which adds no value."""

    def __init__(self, watch):
        self._watch, self._backend = watch, watch.backend
        self._last = {}  # name -> what is kept of a variable after the last step
        self._is_followed = False

    def apply(self, optimizer, gradients, variables, run):
        """An optimizer step outside of train functions."""
        watch = self._watch
        if watch.probe.stepping is not None:
            return run()
        watch.probe.guard("before an optimizer step", self._start, variables)
        result = run()
        watch.probe.guard("after an optimizer step", self._step, optimizer, (gradients, variables), result)
        return result

    def _start(self, variables):
        self._watch.stepped("apply")
        self._watch.probe.optimizer_seen = True
        self._watch.lives.start(models.named(variables))
        if not self._is_followed:
            self._is_followed = True
            self._watch.probe.at_end(self._ended)
        atexit.unregister(self._exit)
        atexit.register(self._exit)  # before JAX's own exit functions, which take its arrays away

    def _step(self, optimizer, given, result):
        gradients, variables = given
        names = [name for name, _ in gradients]
        weights = [name for name, _ in models.named(variables)]
        others = [name for name, _ in models.named(optimizer.variables)]

        def record(gradients, trainable, state):
            guard = self._watch.probe.guard
            guard("optimizer step", self._record, zip(names, gradients), zip(weights, trainable), zip(others, state))

        values = [value for _, value in gradients], list(result[0]), list(result[1])
        if self._backend.is_concrete(values):
            record(*values)
        else:
            for point in ("batch", "loss", "gradient"):  # gradients given out could change what XLA makes of the step
                self._watch.not_observed(point, SAID)
            self._backend.jax.debug.callback(record, [], *values[1:])

    def _record(self, gradients, weights, state):
        watch, array = self._watch, self._backend.array
        watch.probe.begin()
        watch.record("gradient", gradients)
        for name, value in weights:
            watch.points.array("update", name, array(value))
            self._last[name] = watch.points.kept(name, array(value))
        watch.record("update", state)
        watch.probe.end_step()

    def _exit(self):
        self._watch.probe.guard("end of a loop", self._backend.jax.effects_barrier)

    def _ended(self):
        self._backend.jax.effects_barrier()
        for kept in self._last.values():
            self._watch.points.add_kept("end", kept)
