"""Values that the program itself names with `samebits_probe.observe`, and the steps that it counts."""

_GUESSED = {"loss": "forward", "weights": "update"}  # beside the names of kinds themselves
_KINDS = ("start", "batch", "forward", "gradient", "update", "end")


def kind_of(name, kind):
    """The kind of a value: the one that was given, else the one that the name's first word means."""
    first = name.replace(".", " ").replace("/", " ").split(" ")[0]
    chosen = kind or (first if first in _KINDS else _GUESSED.get(first, "update"))
    if chosen not in _KINDS:
        raise ValueError("samebits_probe.observe: unknown kind %r" % (kind,))
    return chosen


class OwnPoints:
    """Records what the program names; one for each probe."""

    def __init__(self, probe):
        self._probe = probe
        self.names_steps = False  # the program says which step it is at: no watcher counts others
        self.begin_anew()

    def begin_anew(self):
        """Forget what belongs to the parent of a forked child."""
        self._kinds = set()

    def observe(self, name, value, step, kind):
        """Record a value; `step`, if given, moves the current step on."""
        probe = self._probe
        probe.adopt()
        self.names_steps = self.names_steps or step is not None
        if step is not None and step > probe.step:
            self._move_to(step)
        if not self._kinds:
            probe.at_end(self._close_last_step)
        if kind not in self._kinds:
            self._kinds.add(kind)
            probe.event("observed-by", how="observe", kind=kind)
        probe.begin()
        probe.value(kind, name, value, -1 if kind == "start" and not probe.step else None)

    def _move_to(self, step):
        """Steps that the program does not name hold nothing."""
        probe = self._probe
        if probe.has_observed():
            probe.end_step()
            if probe.step < step:
                probe.step = min(step, probe.stop_after or step) - 1
                probe.end_step()
        else:
            probe.step = step

    def _close_last_step(self):
        """The last step that the program named has no later one that closes it."""
        self._probe.step += 1
