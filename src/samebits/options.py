"""Declares every option once: the command line, its help and the reference page derive from this table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from samebits.needs import read_needs, read_sbatch, read_spread
from samebits.option_values import (
    MOST_STEPS,
    MOST_TRIALS,
    SETTLE,
    read_added,
    read_cases,
    read_duration,
    read_exit_status,
    read_factor,
    read_jobs,
    read_kept,
    read_metric,
    read_moments,
    read_names,
    read_repeats,
    read_seed,
    read_seeds,
    read_settle,
    read_step_or_steps,
    read_steps,
    read_stop,
    read_text,
    read_trials,
    read_whole,
)

__all__ = [
    "DEFAULT_SEED",
    "EACH",
    "FORMATS",
    "MOST_STEPS",
    "MOST_TRIALS",
    "ON",
    "OPTIONS",
    "REPORTS",
    "SBATCH",
    "SPREAD",
    "TIMEOUT",
    "Option",
    "read_added",
    "read_cases",
    "read_duration",
    "read_factor",
    "read_metric",
    "read_names",
    "read_seed",
    "read_seeds",
    "read_step_or_steps",
    "read_steps",
    "read_text",
    "read_trials",
    "read_whole",
]

DEFAULT_TRIALS = 5
DEFAULT_SEED = 2019  # the paper's


class Option(NamedTuple):
    """One option. `read`: None for a flag. `many`: it may be given again. `words`: readers, if it takes several words.

    `names`: returns the names that it takes, for shells that complete them.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    read: Callable[[str], Any] | None = None
    default: Any = None
    many: bool = False
    words: tuple[Callable[[str], Any], ...] = ()
    names: Callable[[], Iterable[str]] | None = None

    @property
    def takes(self) -> int:
        """The number of words after the flag."""
        return len(self.words) if self.words else int(self.read is not None)


TRIALS = Option(
    "trials", ("-n", "--trials"),
    "How many trials to run (with each seed or value, if there are several), each in a fresh process from the start.",
    "N", read_trials, DEFAULT_TRIALS)  # fmt: skip
CONTROLS = Option(
    "controls", ("--control",), "Hold this control in every trial; see `samebits list controls`.", "ID", read_text,
    many=True,
)  # fmt: skip
PRESET = Option(
    "preset", ("--preset",),
    "Hold the controls of a preset: none, strict, code1, code2, code3; see `samebits list presets`.", "NAME", read_text,
)  # fmt: skip
SEED = Option("seed", ("--seed",), f"The seed that seeding controls use (default: {DEFAULT_SEED}).", "S", read_seed)
PYTHON = Option("python", ("--python",), "Run the command with this Python.", "PATH", read_text)
ENVIRONMENT = Option(
    "environment", ("--env",), "Run the command with the Python of this environment; see `samebits env list`.", "NAME",
    read_text,
)  # fmt: skip
ON = Option(
    "on", ("--on",), "Where trials run: local, ray[://ADDRESS] (a Ray cluster), or slurm (Slurm jobs).", "HOST",
    read_text, "local",
)  # fmt: skip
EACH = Option(
    "each", ("--each",), "What a trial needs on its host: num_cpus=2,num_gpus=1,label=a100.", "NEEDS", read_needs
)
SBATCH = Option(
    "sbatch", ("--sbatch",), "sbatch options for the job of a trial: '--partition=a100 --time=60'.", "OPTIONS",
    read_sbatch,
)  # fmt: skip
SPREAD = Option("spread", ("--spread",), "Ray nodes: same (one for all), nodes (in turn), any.", "WHERE", read_spread)
OK_EXIT = Option("ok_exit", ("--ok-exit",), "Treat this exit status as success.", "CODE", read_exit_status, 0)
OVERWRITE = Option("overwrite", ("--overwrite",), "Replace a record folder that exists.", default=False)
JOBS = Option(
    "jobs", ("--jobs",),
    "How many trials run at the same time (auto: after the first one, as many as fit into idle cores and memory).", "J",
    read_jobs, "auto",
)  # fmt: skip
FULL = Option(
    "full", ("--full",),
    "Train every trial to the end, even after a difference (default: in rounds, which end at the first difference).",
    default=False,
)  # fmt: skip
MODELS = Option(
    "models", ("--models",),
    "Run all trials, even after two have diverged, and count the models (default: the check ends when two diverge).",
    default=False,
)  # fmt: skip
STEPS = Option("steps", ("--steps",), "Stop each trial after K steps (the report says so).", "K", read_steps)
BUDGET = Option(
    "budget", ("--budget",), "Do only as much as fits into this time, all trials together: 90s, 5m, 1h30m.",
    "TIME", read_duration,
)  # fmt: skip
TIMEOUT = Option("timeout", ("--timeout",), "The time limit for one trial: 90, 90s, 5m.", "TIME", read_duration)
ARTIFACTS = Option(
    "artifacts", ("--artifact",), "Files in which every difference counts.", "GLOB", read_text, many=True
)
IGNORES = Option("ignores", ("--ignore",), "Files in which no difference counts.", "GLOB", read_text, many=True)
STRICT = Option(
    "strict", ("--strict",),
    "Answer `inconclusive` instead of `repeated` if a warning limits what was compared (for CI).", default=False,
)  # fmt: skip
METRICS = Option(
    "metrics", ("--metric",), "Compare a number that the program prints.", "NAME=REGEX", read_metric, many=True
)
ISOLATE = Option(
    "isolate", ("--isolate",),
    "Each trial gets its own working folder (a copy of this one; large files are linked), HOME, caches and temporary "
    "folder.", default=False,
)  # fmt: skip
SETTLED = Option(
    "settle", ("--settle",),
    "When to run two trials with a faster clock, which show the values that follow the clock: auto (if steps agree and "
    "something else differs), never, always.", "WHEN", read_settle, "auto", names=lambda: SETTLE,
)  # fmt: skip
AGAINST = Option("against", ("--against",), "Compare with a recorded run.", "RECORD", read_text)
GOLDEN = Option(
    "golden", ("--golden",), "Compare with a golden file, which you commit (2 trials, unless -n or --update is given).",
    "FILE", read_text,
)  # fmt: skip
UPDATE = Option(
    "update", ("--update",), "Write the block of this environment into the golden file, if the trials agree.",
    default=False,
)  # fmt: skip
PROFILE = Option(
    "profile", ("--profile",),
    "Also take options from [tool.samebits.profiles.NAME] of pyproject.toml (none: ignore pyproject.toml).",
    "NAME", read_text,
)  # fmt: skip
SHOWN_OPTIONS = Option(
    "show_options", ("--show-options",), "Show the value of each option, and where it comes from. Run nothing.",
    default=False,
)  # fmt: skip
BISECT = Option(
    "bisect", ("--bisect",),
    "Exit as `git bisect run` expects: 125 (skip the commit) if inconclusive, 128 (stop) for an error.", default=False,
)  # fmt: skip
ADD = Option("add", ("--add",), "Add N trials to a record.", "N RECORD", words=(read_added, read_text))
RUN = Option(
    "run", ("--run",), "Run the command of a RECORD that you did not record here, or that was changed.", default=False
)
ALTERNATIVES = Option(
    "alternatives", ("--alternatives",),
    "Also look for controls that work as well, but that nobody would keep (a frozen clock instead of a seed).",
    default=False,
)  # fmt: skip
HEAT = Option("heat", ("--heat",), "Colour the heat map of the page by distance (runs more trials).", default=False)
NOTES = Option("notes", ("--notes",), "Show each note, also about what does not count.", default=False)
OUT = Option("out", ("--out",), "Record folder (default: .samebits/<time>-<name>).", "DIR", read_text)
# format of a report -> (its module in samebits.reports.presenters, the help of its option)
FORMATS = {
    "json": ("json_", "Write the result as JSON (-: to standard output, and nothing else there)."),
    "html": ("html", "Write a page (HTML) that needs no other file."),
    "md": ("markdown", "Write Markdown."),
    "junit": ("junit", "Write JUnit XML."),
}
REPORTS = tuple(Option(name, (f"--{name}",), text, "FILE", read_text) for name, (_, text) in FORMATS.items())
JSON = REPORTS[0]
FROM = Option("folder", ("--from",), "Look for the files in this folder first.", "DIR", read_text)
TO = Option("target", ("--to",), "Put the files into this folder (default: a cache).", "DIR", read_text)

REPLAYED_STEP = Option("step", ("--step",), "Replay this step, or a range such as 0-2.", "K", read_step_or_steps, "0")
REPEATS = Option("repeats", ("--repeats",), "How often each operator is run again.", "R", read_repeats, 4)

FACTORS = Option(
    "factors", ("--factor",),
    "Vary this factor through these values (default: every factor that this machine can vary); see `samebits list "
    "factors`.", "NAME[=V1,V2,...]", read_factor, many=True,
)  # fmt: skip

SEEDS = Option(
    "seeds", ("--seeds",),
    "Train with each of these seeds. They replace {seed} in the command; seeding controls use them too.", "S,S,...",
    read_seeds,
)  # fmt: skip
CASES = Option(
    "cases", ("--cases",),
    "A metric that the program prints for each test case; the regex has two groups, the case and its value.",
    "NAME=REGEX", read_cases, many=True,
)  # fmt: skip
APPLY = Option(
    "apply", ("--apply",), "Put the patch into the files and check again; remove it unless the trials repeat.",
    default=False,
)  # fmt: skip
RESTORE = Option("restore", ("--restore",), "Only remove the patch that a killed --apply left.", default=False)
PATCH = Option(
    "patch", ("--patch",), "Write the patch, a unified diff (-: to standard output, and nothing else there).", "FILE",
    read_text,
)  # fmt: skip

OF = Option("of", ("--of",), "Compare only these metrics.", "NAME,NAME,...", read_names)
LOWER = Option("lower", ("--lower",), "Metrics for which a lower number is better.", "NAME,NAME,...", read_names)

ASK = Option(
    "ask", ("--ask",), "On a terminal, ask before trials that may take longer than this.", "TIME", read_duration, "10m"
)
SET_UP = Option(
    "setup", ("--setup",), "Run this shell command in the worktree of each commit before its trials, such as 'make'.",
    "COMMAND", read_text,
)  # fmt: skip

COMMITS = Option(
    "commits", ("--commits",), "Check the command after -- at two commits, and compare both records.", "A B",
    words=(read_text, read_text),
)  # fmt: skip
PACKAGES = Option(
    "packages", ("--packages",),
    "Check the command after -- with two releases, such as torch==2.9 torch==2.10, and compare both records.",
    "A B", words=(read_text, read_text),
)  # fmt: skip
SAME_WEIGHTS = Option(
    "same_weights", ("--same-weights",), "Let the trials of the second side begin with the initial weights of the "
    "first one (PyTorch, Keras).", default=False,
)  # fmt: skip
STATEMENT = Option(
    "statement", ("--statement",), "Write an in-toto Statement about the final model (-: to standard output, and "
    "nothing else there).", "FILE", read_text,
)  # fmt: skip
PAPER = Option(
    "paper", ("--paper",), "Print a paragraph for the checklist of a paper, and nothing else.", default=False
)
RESUME = Option(
    "resume", ("--resume",),
    "The command that resumes; {checkpoint} stands for the checkpoint (default: the command itself, which finds its "
    "files).", "COMMAND", read_text,
)  # fmt: skip
WITHOUT_SAVING = Option(
    "without_saving", ("--without-saving",), "The command of the same training without saving, to see whether saving "
    "changes it.", "COMMAND", read_text,
)  # fmt: skip
CHECKPOINTS = Option(
    "checkpoints", ("--checkpoints",), "The names of the checkpoints, files or folders, below {out}.", "GLOB", read_text
)
AT = Option("at", ("--at",), "Resume from the checkpoints after these numbers of steps.", "K,K,...", read_moments)
WINDOWS = Option(
    "windows", ("--windows",), "Try this many checkpoints, those at the ends of epochs first.", "N", read_steps
)
LENGTH = Option("length", ("--length",), "Compare this many steps after each resume (default: all).", "K", read_steps)

KEEP = Option("keep", ("--keep",), "How many of the latest records to keep.", "N", read_kept)

SETUP = (CONTROLS, PRESET, SEED, PYTHON, ENVIRONMENT, ON, EACH, SBATCH, SPREAD)
NOISE_SETUP = tuple(option for option in SETUP if option is not SEED)
RUNNING = (OK_EXIT, STEPS, TIMEOUT, ARTIFACTS, IGNORES, STRICT, METRICS, ISOLATE, OUT, OVERWRITE)
CHECKING = (TRIALS, *SETUP, JOBS, FULL, MODELS, BUDGET, *RUNNING)
LOCAL = (
    TRIALS, CONTROLS, PRESET, SEED, PYTHON, ENVIRONMENT, JOBS, OK_EXIT, TIMEOUT, ARTIFACTS, IGNORES, OUT, OVERWRITE,
)  # fmt: skip
MEASURING = (METRICS, CASES, SEEDS, TRIALS, *NOISE_SETUP, JOBS, ASK, OK_EXIT, TIMEOUT, ISOLATE, OUT, OVERWRITE)

STOP = Option(
    "stop", ("--stop",), "How a run is interrupted: kill, or term (SIGTERM, after which a program may still save).",
    "kill|term", read_stop, "kill",
)  # fmt: skip
AUDITING = (RESUME, WITHOUT_SAVING, CHECKPOINTS, AT, WINDOWS, LENGTH, BUDGET, STOP)

OPTIONS: dict[str, tuple[Option, ...]] = {
    "check": (*CHECKING, SETTLED, AGAINST, GOLDEN, UPDATE, BISECT, ADD, RUN, PROFILE, SHOWN_OPTIONS, NOTES, *REPORTS),
    "record": (*SETUP, *RUNNING),
    "locate": (TRIALS, *SETUP, JOBS, FULL, BUDGET, *RUNNING, ASK, RUN, HEAT, *REPORTS),
    "explain": (TRIALS, *SETUP, JOBS, FULL, BUDGET, *RUNNING, ASK, ALTERNATIVES, RUN, *REPORTS),
    "why": (TRIALS, *SETUP, JOBS, FULL, BUDGET, *RUNNING, ASK, APPLY, RUN, *REPORTS),
    "ops": (REPLAYED_STEP, REPEATS, *SETUP, OK_EXIT, TIMEOUT, ISOLATE, OUT, OVERWRITE, *REPORTS),
    "vary": (FACTORS, TRIALS, *SETUP, JOBS, FULL, BUDGET, *RUNNING, ASK, *REPORTS),
    "noise": (*MEASURING, *REPORTS),
    "versus": (OF, LOWER, *MEASURING, *REPORTS),
    "fix": (APPLY, RESTORE, PATCH, ASK, RUN, *REPORTS),
    "report": (NOTES, *REPORTS, STATEMENT, PAPER),
    "verify": (*LOCAL, ISOLATE),
    "compare": (COMMITS, PACKAGES, SAME_WEIGHTS, SET_UP, *LOCAL, STEPS, METRICS, *REPORTS),
    "bisect": (SET_UP, *LOCAL, STEPS, METRICS, JSON),
    "audit": (*AUDITING, CONTROLS, PRESET, SEED, PYTHON, ENVIRONMENT, OK_EXIT, TIMEOUT, ASK, OUT, OVERWRITE, *REPORTS),
    "clean": (KEEP,),
    "doctor": (PYTHON, ENVIRONMENT, JSON),
    "selftest": (PYTHON, ENVIRONMENT),
    "slurm": (),
    "env": (),
    "data": (FROM, TO),
}
