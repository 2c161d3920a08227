"""Holds all shapes and names by which a difference is judged. No other module holds any.

A form is a shape that no result has. A name is believed only if no trial with a faster clock could decide, and then it
is a caveat. A new form needs the link to what prints it. A new name needs a reason why the experiment cannot decide.
"""

from __future__ import annotations

import re

Form = tuple[str, str]  # the pattern, and what stands for it in both texts
TIME = "<time>"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"
_TIME = r"(?P<H>\d\d?)[:.h-]?(?P<M>[0-5]\d)(?:[:.m-]?(?P<S>[0-5]\d)(?:[.,_]\d+)?)?"
_MONTH = r"(?P<b>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"

# dates, which are judged by value: only a moment at which the trial ran belongs to the trial
DATES: tuple[re.Pattern[str], ...] = tuple(
    map(
        re.compile,
        (
            rf"(?<!\d)(?P<Y>20\d\d)[-/._](?P<m>\d\d)[-/._](?P<d>\d\d)(?:(?:[T_ /-]|, )+{_TIME}{_ZONE})?(?!\d)",
            rf"(?<![\da-fA-F])(?P<Y>20\d\d)(?P<m>[01]\d)(?P<d>[0-3]\d)(?:[-_T ]?{_TIME}{_ZONE})?(?![\da-fA-F])",
            rf"(?<!\d)(?P<d>\d\d?)[/.](?P<m>\d\d?)[/.](?P<Y>20\d\d)(?:,? +{_TIME})?(?!\d)",
            rf"\b(?:\w{{3}} )?{_MONTH} ?[ _]?(?P<d>\d\d?)(?:[ _,]+{_TIME})?(?:,? (?P<Y>20\d\d))?(?!\d)",
            rf"\b(?:\w{{3}}, )?(?P<d>\d\d?)[ -]{_MONTH}(?:[ -](?P<Y>20\d\d))?(?: {_TIME}{_ZONE})?(?!\d)",
        ),
    )
)
FORMS: tuple[Form, ...] = (
    # https://docs.python.org/3/library/uuid.html
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
    # where Linux maps the memory of a process: https://docs.kernel.org/arch/x86/x86_64/mm.html
    (r"\b0[xX](?:0000)?[57][0-9a-fA-F]{11}\b", "<address>"),
    (r"(?<= at )0[xX][0-9a-fA-F]{6,16}(?=>)", "<address>"),
    (r"(?<![\d.])(?:9[34]|139|140)\d{12}(?![\d.])", "<address>"),  # id() of an object, in decimal
    # https://github.com/tqdm/tqdm/blob/master/tqdm/std.py (`bar_format`)
    (r"\[(?:\d+:)?\d+:[0-5]\d(?:<[^\]\s]+)?, +[^\],]*(?:/s|s/)[^\],]*", "[<bar>"),
    # https://github.com/lightgbm-org/LightGBM/blob/master/src/io/dataset.cpp: which one is faster is measured
    (r"^(\[LightGBM\] \[Info\] Auto-choosing )\S+( multi-threading), the overhead of testing was .*", r"\1*\2"),
    # https://catboost.ai/docs/en/concepts/output-data_training-log
    (r"\ttotal: [\d.a-z ]+\tremaining: [\d.a-z ]+", "\ttotal: <time>"),
    # https://github.com/google/glog#log-line-prefix
    (r"^[IWEF]\d{4} \d\d:\d\d:[\d.]+ +\d+ ", "<log> "),
    # https://docs.python.org/3/library/profile.html
    (r"\d+ function calls(?: \(\d+ primitive calls\))? in [\d.]+ seconds", "<calls>"),
    (r"^ *\d+(?:/\d+)?(?: +\d+\.\d{3}){4} (?:\S+:\d+\(.+\)|\{.+\})$", "<calls>"),
    # https://docs.pytorch.org/docs/stable/profiler.html: the times of the rows decide their order
    (r"^ *\S.*? {2,}[\d.]+%(?: +[\d.]+[mu]?s +[\d.]+%){1,3} +[\d.]+[mu]?s +[\d.]+[mu]?s .*", "<operator>"),
    (r"^((?:Self )?(?:CPU|CUDA|XPU) time total: ).*", r"\1<time>"),
    # as wide as the texts beside it let it be: https://github.com/Textualize/rich/blob/master/rich/progress_bar.py
    (r"[━╸╺]{4,}", "<bar>"),
    # fill a line to its width: https://github.com/joblib/joblib/blob/main/joblib/memory.py (`format_time`)
    (r"([._])\1{3,}", "<fill>"),
    # a line of nothing but a rule, which is as wide as its table
    (r"^[-=_+|─━═┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╞╡╪ ]{4,}$", "<rule>"),
    # https://ipython.readthedocs.io/en/stable/interactive/magics.html#magic-time: two lines, four if it took long
    (r"^(?:CPU times: user .*|Wall time: .*|(?:Compiler|Parser  ) : .*)$", TIME),
    # https://www.gnu.org/software/bash/manual/bash.html#Pipelines
    (r"^(real|user|sys)\s+\d+m\d+[.,]\d+s$", r"\1 <time>"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), put) for pattern, put in FORMS)

MOST_OF_A_NAME = 40  # names; `benchmarks/structure.py` counts them
# whole names; each is believed only without an experiment, and is a caveat then
NAMES = frozenset(
    ("time", "timestamp", "date", "datetime", "elapsed", "elapsed_time", "duration", "seconds", "runtime", "walltime",
     "wall_time", "wall_clock", "train_time", "training_time", "fit_time", "eval_time", "epoch_time", "step_time",
     "time_ms", "time_s", "total_time", "train_runtime", "eval_runtime", "created_at", "started_at", "finished_at",
     "start_time", "end_time", "samples_per_second", "steps_per_second", "train_samples_per_second",
     "train_steps_per_second", "eval_samples_per_second", "tokens_per_second", "throughput", "fps", "eta", "pid",
     "hostname")
)  # fmt: skip


def without_forms(text: str) -> str:
    """Return a text with a mark in the place of each form. Column padding becomes one space."""
    for pattern, put in _COMPILED:
        text = pattern.sub(put, text)
    return re.sub(r"[ \t]+", " ", text).strip()
