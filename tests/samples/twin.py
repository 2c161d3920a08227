"""Trains three steps with values that are known, as both sides of a comparison of two trainings."""

import samebits_probe

for step in range(3):
    for name in ("v", "w"):
        if not step:
            samebits_probe.observe(name, 1.0, step=step, kind="start")
        samebits_probe.observe(name, 0.5, step=step, kind="gradient")
        samebits_probe.observe(name, 1.0 - step, step=step, kind="update")
