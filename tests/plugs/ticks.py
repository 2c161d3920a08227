"""Ticks, a made-up library: each call of Model.tick is a step."""

import functools

SEEN = [
    ("step", "Model.tick", "", ""),
    ("batch", "the number that Model.tick is given", "", ""),
    ("update", "the weight after Model.tick", "", ""),
    ("end", "the weight of the model that ticked last", "", ""),
]


def install(module, probe):
    """Record what each tick was given, and what it made of the weight."""
    original, seen = module.Model.tick, Ticks(probe)

    @functools.wraps(original)
    def tick(self, number):
        result = original(self, number)
        probe.guard("tick", seen.add, self, number)
        return result

    module.Model.tick = tick


class Ticks:
    """What is known of the models of a process."""

    def __init__(self, probe):
        self._probe, self._model = probe, None
        probe.at_end(self._end)

    def add(self, model, number):
        """A step has been made."""
        self._model = model
        self._probe.begin()
        self._probe.value("batch", "number", number)
        self._probe.value("update", "weight", model.weight)
        self._probe.end_step()

    def _end(self):
        if self._model is not None:
            self._probe.value("end", "weight", self._model.weight)
