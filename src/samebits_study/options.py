"""The options of `samebits study`, declared once, as `samebits.options` does for the other commands."""

from __future__ import annotations

from samebits.options import Option, read_names, read_text, read_trials

SETUPS = Option("setups", ("--setups",), "Only these setups (default: all).", "ID,ID,...", read_names)
SCALE = Option("scale", ("--scale",), "How much is trained: smoke, small or paper.", "NAME", read_text, "smoke")
STUDY_TRIALS = Option("trials", ("-n", "--trials"), "Trials of each setup (default: the scale's).", "N", read_trials)
STUDY_OUT = Option("out", ("--out",), "Folder of the study (default: studies/<name>-<scale>).", "DIR", read_text)
STUDY_DATA = Option("data", ("--data",), "Folder of the images (default: fetched, or generated).", "DIR", read_text)
WATERSHED = Option(
    "watershed", ("--watershed",), "Split cells that touch before they are counted, as in the authors' code.",
    default=False,
)  # fmt: skip

OPTIONS: dict[str, tuple[Option, ...]] = {"study": (SCALE, SETUPS, STUDY_TRIALS, STUDY_DATA, WATERSHED, STUDY_OUT)}
