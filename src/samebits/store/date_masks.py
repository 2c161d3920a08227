"""Holds the rules that mask dates, times of day, and the costs that `time` and profilers print."""

from __future__ import annotations

import re
from collections.abc import Iterable

from samebits.store.duration_masks import NUMBER, Rule

# not any word that begins like this: "6 Decoder 2048" is not a date
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_MONTH_SHORT = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
# not any word of three or four capitals: "2026-11-28 12:00:01 PASS" ends with a result
_ZONE = (
    r"(?:\s?(?:Z|UTC|GMT|(?:AC|AE|AK|AW|B|C|CE|E|EE|H|HK|I|IS|J|K|M|N|NZ|P|PK|SA|SG|W|WE|WI)(?:S|D)?T\b|MSK\b|"
    r"[+-]\d{2}:?\d{2}))?"
)
# two numbers with a point between them are not a time: "2026-11-28 0.41" ends with a loss
_CLOCK = (
    r"(?:\d{1,2}[:h][0-5]\d(?:[:m][0-5]\d(?:[.,:]\d+)?)?|\d\d-[0-5]\d(?!-?\d)|"
    r"\d{1,2}[.-][0-5]\d[.-][0-5]\d(?:[.,:]\d+)?)"
)
DATES: tuple[Rule, ...] = (
    # "%(asctime)s,%(msecs)d" of logging: the milliseconds appear twice
    (r"(\d\d:[0-5]\d:[0-5]\d,0*(\d{1,3})),\2(?= )", r"\1"),
    # Google's log prefixes (absl, TensorFlow): level, month and day, time, thread
    (r"^[IWEFD](?:20\d\d)?\d{4} \d\d:\d\d:(?:\d+\.\d+|<time>)\s+\d+(?= )", "<time>"),
    # "28-11-2026_12-00-01", and with the month first
    (r"(?<!\d)[0-3]?\d([-_])[0-3]?\d\1(?:19|20)\d\d[T _-]+\d\d([-_:])[0-5]\d(?:\2[0-5]\d)?(?!\d)", "<date>"),
    (r"^\[\d\d:[0-5]\d\](?= )", "[<time>]"),  # a line of a log begins with minutes and seconds, or hours and minutes
    (r"\b(?:19|20)\d\d_(?:0[1-9]|1[0-2])_[0-3]\d(?:__?\d\d){2,3}(?!\d)", "<date>"),
    (rf"\b(?:19|20)\d\d[-/._](?:0?[1-9]|1[0-2])[-/._][0-3]?\d(?:[T ,_/-]+{_CLOCK}{_ZONE})?(?!\d)", "<date>"),
    (rf"\b{_DAY},? +{_MONTH} +\d{{1,2}} +\d\d:\d\d:\d\d{_ZONE} +\d{{4}}", "<date>"),
    (rf"\b(?:{_DAY},? +)?\d{{1,2}}[-/ ]{_MONTH}[-/ ,]+\d{{4}}(?:[ :,T]+{_CLOCK}{_ZONE})?", "<date>"),
    (rf"\b{_MONTH}[ _-]?\d{{1,2}}(?:, \d{{4}}[ ,]*|[ _-]+)\d{{1,2}}[:-]\d\d(?:[:-]\d\d)?{_ZONE}", "<date>"),
    (rf"\b[0-3]?\d[/.][0-3]?\d[/.](?:20)?\d\d,? +{_CLOCK}(?: [AP]M)?", "<date>"),
    (r"(?<![\d.])20\d\d[01]\d[0-3]\d[-_T]?[0-2]\d[0-5]\d(?:[0-5]\d)?(?:[.-]?\d{3,6})?Z?(?![\da-fA-F])", "<date>"),
    # the folder that TensorBoard's writer makes: "runs/Nov28_12-00-01_host"
    (rf"\b{_MONTH_SHORT}\d\d_\d\d-[0-5]\d-[0-5]\d(?=_)", "<date>"),
    (r"\b\d+:[0-5]\d(?::[0-5]\d)?<[\d:?]+", "<time>"),  # tqdm: elapsed<remaining
    # tqdm: a rate follows, of anything that the program counts ("cell/s" of papermill)
    (r"(\[<time>, *)[\d.]+(?:[kMGTPEZY]? ?[^\s\d/,\]]*/s|s/ ?[^\s\d/,\]]+)(?=[,\]])", r"\1<rate>"),
    (r"\b\d+:[0-5]\d:[0-5]\d(?:[.,]\d+)?\b(?: ?[AP]M\b)?", "<time>"),
    (r"\b\d{1,2}:[0-5]\d ?[AP]M\b", "<time>"),
    (rf"(?i)(?<![a-z])((?:eta|elapsed|remaining|time|took)\W{{1,3}}){NUMBER} ?h\b", r"\1<duration>"),
    (r"(?i)(?<![a-z])((?:eta|elapsed|remaining|time|took)\W{1,3})\d{1,3}:[0-5]\d\b", r"\1<time>"),
)
# what GNU time prints: https://www.gnu.org/software/time/
COSTS: tuple[Rule, ...] = (
    (
        r"^(\s*(?:User|System) time \(seconds\)|\s*(?:Maximum|Average) resident set size \(kbytes\)|\s*File system \w+|"
        r"\s*(?:Minor|Major) \([\w /]+\) page faults|\s*(?:Involuntary|Voluntary) context switches|"
        r"\s*Percent of CPU this job got|\s*Elapsed \(wall clock\) time \(h:mm:ss or m:ss\)): .*",
        r"\1: <load>",
    ),
    (r"^[\d.]+user [\d.]+system [\d:.]+elapsed .*", "<load>"),
    (r"^\d+inputs\+\d+outputs \(.*pagefaults \d+swaps$", "<load>"),
)
# what `time -p` prints, in three lines. A single line "real 0.53" may be the score of a discriminator
_POSIX_TIME = re.compile(r"^real(\s+)\d+\.\d+\nuser\s+\d+\.\d+\nsys\s+\d+\.\d+$", re.MULTILINE)


# The tables that profilers print hold times, numbers of calls and memory. Times decide the order of their rows, and
# which rows are there if the program asked for the first ones only. PyTorch's table does not say whether it is whole,
# but the shares of time in a whole table add up to 100 %:
# https://docs.python.org/3/library/profile.html, https://docs.pytorch.org/docs/stable/profiler.html,
# https://lightning.ai/docs/pytorch/stable/tuning/profiler_basic.html
_CALLS_FIRST = r"^ *ncalls +tottime +percall +cumtime +percall filename:lineno\(function\)\n(?:.+\n)*"
_OPERATORS = r"^[- ]+\n( +Name .*Self CPU %.*\n[- ]+\n(?:.+\n)*?)[- ]+(?:\n|\Z)"
_ACTIONS = r"^-+\n\| +Action[ \t]+\|.*Mean duration.*\n-+\n(?:\|.*\n|-+\n)*"
_PROFILES = re.compile(f"({_CALLS_FIRST})|({_ACTIONS})|{_OPERATORS}", re.MULTILINE)
_CALLS = re.compile(r"^ *(\d+(?:/\d+)?)(?: +[\d.]+){4} +(.+)$", re.MULTILINE)
_REDUCED = re.compile(r"List reduced from .+\n\s*\Z")
# a call of samebits' own probe, which waits now and then: its calls, and all that they call, differ between trials
_OF_PROBE = re.compile(r"samebits_probe/|(?<= )signals\.py:\d+\((?:run|hold|release)\)")
_TOTAL = re.compile(
    r"^( *)\d+ function calls(?: \(\d+ primitive calls\))? in |(?<=List reduced from )\d+", re.MULTILINE
)


def without_profiles(text: str) -> str:
    """Return a text without the times in the tables of profilers, and without the three times of `time -p`."""
    if any(found[1] and _OF_PROBE.search(found[1]) for found in _PROFILES.finditer(text)):
        text = _TOTAL.sub(r"\1<load> ", text)
    text = _PROFILES.sub(_calls, text)
    return _POSIX_TIME.sub(r"real\1<duration>\nuser\1<duration>\nsys\1<duration>", text)


def _calls(found: re.Match[str]) -> str:
    """Return the numbers of calls in a table, sorted as texts, if they do not depend on times."""
    rows: list[str] = []
    is_reduced = _REDUCED.search(found.string, max(0, found.start() - 200), found.start())
    if found[1] and not is_reduced and not _OF_PROBE.search(found[1]):
        rows = [f"{calls} calls of {name}" for calls, name in _CALLS.findall(found[1])]
    if found[2]:
        cells = [[cell.strip() for cell in line.split("|")] for line in found[2].splitlines() if line.startswith("|")]
        place = next((n for n, cell in enumerate(cells[0]) if cell == "Num calls"), 0)
        rows = [f"{row[place]} calls of {row[1]}" for row in cells[1:] if place and len(row) > place]
    rows = _calls_of_operators(found[3]) if found[3] else rows
    return "".join(f"{row}\n" for row in ("<duration>", *sorted(rows)))


# PyTorch shows 100 rows if the program does not say how many
_ROWS, _ROUNDED = 100, 0.01  # a share of time has two digits after the point
_CALLS_OF = re.compile(r"\d+ calls of (.+) \(in a part of a table\)")
# calls that the profiler or a driver may make at any time
_OF_DRIVER = re.compile(
    r"(?:cuda|cu|hip)[A-Z]|Activity Buffer|Buffer Flush|Lazy Function|Runtime Triggered|Command Buffer"
)


def _calls_of_operators(table: str) -> list[str]:
    """Return the numbers of calls in PyTorch's table, each with the operator and the cells after the number."""
    head, *rows = ([cell.strip() for cell in re.split(r" {2,}", line.strip())] for line in table.splitlines())
    if "# of Calls" not in head:
        return []
    place, share = head.index("# of Calls"), head.index("Self CPU %")
    rows = [row for row in rows if len(row) == len(head) and row[place].isdigit()]
    missing = abs(100 - sum(float(row[share].rstrip("%")) for row in rows))
    is_whole = len(rows) != _ROWS and missing <= _ROUNDED * max(len(rows), 1) ** 0.5
    said = [(row[place], " ".join([row[0], *row[place + 1 :]])) for row in rows if not _OF_DRIVER.match(row[0])]
    return [f"{calls} calls of {name}{'' if is_whole else ' (in a part of a table)'}" for calls, name in said]


def are_of_other_rows(one: str, two: str) -> bool:
    """Return whether two lines are different rows of a table that is not whole. Times decide which rows it has."""
    names = [found[1] for line in (one, two) if (found := _CALLS_OF.fullmatch(line))]
    return bool(names) and len(names) == sum(map(bool, (one, two))) and len(set(names)) == len(names)


def has_part_of_table(lines: Iterable[str]) -> bool:
    """Return whether lines hold a part of a table of PyTorch's profiler."""
    return any(map(_CALLS_OF.fullmatch, lines))
