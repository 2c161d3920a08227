"""Masks the parts of a text that belong to one run only: times, durations, rates, dates, paths, addresses, ids.

`masked(text)` returns the text with a placeholder such as ``<time>`` for each of these. If two lines are equal once
they are masked, they differ in nothing that a training computes. All functions are pure. The page "What counts among
the results" lists the rules.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from samebits.store.date_masks import COSTS, DATES
from samebits.store.duration_masks import KEEP, RESULTS, Rule, names_a_result, replaced, without_durations
from samebits.store.value_names import EARLIEST, tokens

MOST_MASKED = 1 << 18  # characters; a longer text is compared as it is


class Run(NamedTuple):
    """What belongs to one trial only. `own`: texts (its folders, its host), each with its placeholder.

    `span`: when the trial ran, in seconds since 1970. `pids`: of its processes.
    """

    own: tuple[tuple[str, str], ...] = ()
    span: tuple[float, float] | None = None
    pids: tuple[int, ...] = ()

    def without_own(self, text: str) -> str:
        """Return the text with placeholders for the trial's own texts, such as its folders."""
        for name, put in self.own:
            text = text.replace(name, put)
        return text

    def masked(self, text: str) -> str:
        """Return the text with placeholders for everything that belongs to this run only."""
        return masked(text, (self.span,) if self.span else ())

    def without_clock_numbers(self, text: str) -> str:
        """Return the text with a placeholder for each number that is a moment of this run."""
        return _clock_numbers(text, (self.span,)) if self.span and _TEN_DIGITS.search(text) else text

    def without_moments(self, value: Any) -> Any:
        """Return a plain value with a placeholder for each number that is a moment of this run."""
        if type(value) in (int, float):
            return "<time>" if self.span and EARLIEST < value < 1e19 and is_moment(value, (self.span,)) else value
        return type(value)(map(self.without_moments, value)) if type(value) in (list, tuple) else value

    def without_pids(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the lines of a text with placeholders for the trial's process ids, if many lines hold one.

        A log can have the process id in any field of its lines. A text that counts to 4711 has it in one line only.
        """
        own = {str(pid) for pid in self.pids if pid >= _LEAST_PID}
        if not own:
            return lines

        def changed_line(line: str) -> str:
            if len(own) <= _FEW_PIDS and not any(pid in line for pid in own):
                return line
            return _WHOLE.sub(lambda found: _pid(found) if found[0] in own else found[0], line)

        changed = [changed_line(line) for line in lines]
        many = sum(map(str.__ne__, lines, changed)) * _LINES_TO_ONE_WITH_PID >= len(lines)
        return [_PADDED.sub(_unpadded, line) for line in changed] if many else lines


def _pid(found: re.Match[str]) -> str:
    """Return a placeholder for a process id, unless a word before the number says that it is a result or a count."""
    word = _WORD_BEFORE.search(found.string, max(0, found.start() - 40), found.start())
    return found[0] if word is not None and not RESULTS.isdisjoint(tokens(word[1])) else "<pid>"


_TEN_DIGITS = re.compile(r"1\d{9}")
_WHOLE = re.compile(r"(?<![\w./])\d{3,10}(?![\w./]*\w)")
_WORD_BEFORE = re.compile(r"([A-Za-z_]\w*)\W{0,3}$")
ANY_RUN = Run()
_LEAST_PID, _LINES_TO_ONE_WITH_PID = 100, 5  # a smaller number may well count something
_FEW_PIDS = 16  # so few are searched for one by one, which is faster

# a hexadecimal number after one of these words was computed: "crc32 of the weights: 0x1a2b3c4d"
_DIGEST = re.compile(
    r"(?i)(?<![a-z])(?:crc\d*|checksums?|hash(?:es)?|digests?|sha\d*|md5|adler\d*|fingerprints?|xxh\w*)(?![a-z]).{0,40}$"
)
# a word before an id that has the form of an MD5 checksum: "run 3f2a...", "session_id=3f2a..."
_LABEL_OF_ID = re.compile(
    r"(?i)(?<![a-z])(?:run|uuid|guid|id|session|job|trace|span|request|experiment|sweep|task|trial|study|client|worker|"
    r"actor|node|process|container)s?(?:[ _-]?(?:id|uuid|key|name))?(?:\W{1,4}|\W{1,2}is\W)$"
)


def _random_id(found: re.Match[str]) -> str:
    """Return a placeholder for a random id without dashes, unless it may be a checksum: one in 64 has this form."""
    before = found.string[max(0, found.start() - 60) : found.start()]
    return "<id>" if _LABEL_OF_ID.search(before) and not _DIGEST.search(before) else found[0]


# where Linux maps the memory of a process, with and without zeros in front
_ADDRESS = re.compile(r"0[xX](?:0000|ffff)?[5-7a-fA-F][0-9a-fA-F]{11}")
_LABEL_OF_ADDRESS = re.compile(
    r"(?i)(?:(?:^|[^a-z])(?:at|addr(?:ess)?|ptr|pointer|handle|id|object|service|stream|context|thread)\W{1,3}|<[^<>]{0,50})$"
)


def _address(found: re.Match[str]) -> str:
    """Return a placeholder for a hexadecimal number that is an address, by its width or by a word before it."""
    before = found.string[max(0, found.start() - 60) : found.start()]
    if before.endswith(" at "):
        return "<address>"
    is_labelled = _ADDRESS.fullmatch(found[0]) or (before and _LABEL_OF_ADDRESS.search(before))
    return "<address>" if is_labelled and not _DIGEST.search(before) else found[0]


_SAVED = ("ckpt", "checkpoint", "checkpoints")  # the number after it says which one: "checkpoint-400"
_TEMPORARY_NAME = re.compile(r"/tmp[a-z0-9_]{8}(?=[./]|$)")  # a name that Python's tempfile gave
_NUMBER_IN_PATH = re.compile(r"(?:(?<![A-Za-z])([A-Za-z]+)([-_=]*))?(?<![\d.])(\d+(?:\.\d+)?)(?!\.?\d)")


def results_in_path(path: str) -> list[str]:
    """Return the numbers in a path that may be results.

    These are numbers with a point ("out/model-0.8123.pt"), and numbers after a word for a result ("out/acc_91").
    """
    return [
        number[3]
        for number in _NUMBER_IN_PATH.finditer(_TEMPORARY_NAME.sub("", path))
        if re.search(r"\.\d\d", number[3]) or (number[2] and (names_a_result(number[1]) or number[1].lower() in _SAVED))
    ]


def _temporary_path(found: re.Match[str]) -> str:
    """Return a placeholder for a path below a temporary folder, and the results in it."""
    numbers = results_in_path(found[0])
    return f"<path>~{'~'.join(numbers)}~" if numbers else "<path>"


_PLACES: tuple[Rule, ...] = (
    (r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm|run/user)/[^\s'\",:;()\[\]<>{}]*", _temporary_path),
    (r"\b(?:mlruns|runs?)/\d+/[0-9a-f]{32}\b", "<path>"),
    (r"\b(?:offline-)?run-<date>-[a-z0-9]{8}\b", "<id>"),
    # Weights & Biases: a name of two words and a number, and an address that ends with the id
    (r"^(wandb: .*?\b(?:Syncing|View) run )(?!at\b)\S+", r"\1<id>"),
    (r"(https?://[^\s'\"]*?/runs/)[\w-]+", r"\1<id>"),
    # "%(asctime)s %(process)d %(levelname)s" of logging, and workers that are named by their process id
    (r"^(\W*<date>\W+)\d{2,7}(?=\W+(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)\b)", r"\1<pid>"),
    # "%(relativeCreated)d %(threadName)s": milliseconds since the start
    (r"^\s*\d+(?= +\[?(?:Main(?:Thread|Process)|Thread-\d+|ThreadPoolExecutor-\d+_\d+)\b)", "<time>"),
    (r"(?i)\b(worker|subprocess|proc)([ :=#-]+)\d{4,7}\b(?!\.\d)", r"\1\2<pid>"),
    (r"\b((?:Main(?:Thread|Process)|Thread-\d+|ThreadPoolExecutor-\d+_\d+)[ :/-]+)\d{3,15}\b(?!\.\d)", r"\1<pid>"),
    (r"\b0[xX][0-9a-fA-F]{5,16}\b", _address),
    (r"(?<![\d.])1(?:39|40)\d{12}(?![\d.])", "<address>"),  # what id() returns under Linux, in decimal
    (r"\b[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\b", _random_id),  # uuid4().hex
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[::1?\]):\d{2,5}\b", "<port>"),
    (r"(?i)((?:https?|tcp|grpc|ws)://[\w.-]+):\d{2,5}\b", r"\1:<port>"),
)
# a date that the training computed: "predicted date: 2026-03-01"
_PREDICTED_DATE = re.compile(r"(?i)\b((?:predict(?:ed|ions?)|forecast)\b[\w ]{0,30}\W{1,4})(\d{1,4})(?=[-/.]\d)")
_PADDED = re.compile(r"([:,=(\[{] *|(?<! ) *)(<(?:time|date|path|id|pid|port|address|duration|rate|load|memory)>)( *)")
_PLAIN = re.compile(r"[^\d/<]*")  # a text with neither a digit, a slash nor a placeholder holds nothing to mask
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# a kernel that is interrupted at its end prints this, unless it is gone before:
# https://github.com/ipython/ipykernel/blob/main/ipykernel/kernelbase.py
_LEAVING = re.compile(r"\[IPKernelApp\] ERROR \| KeyboardInterrupt caught in kernel\.?")
# tqdm's bar: text, percents, bar, counts, times; without a total: counts and times
_MOST_BAR = 4096  # characters: no terminal is that wide
_BAR = re.compile(r"^[^|]*?(\d+)%\|[^|]*\| *(\S+?)/(\S+) *\[[^\]]*\]|^[^\[\]]*?\d+\w+ \[\d+:\d\d, [^\]]*\]")


def masked(text: str, spans: Iterable[tuple[float, float]] = ()) -> str:
    """Return the text with placeholders for what belongs to one run only. `spans`: when the run took place (epoch)."""
    if len(text) > MOST_MASKED or _PLAIN.fullmatch(text):
        return text
    text = replaced(_clock_numbers(_PREDICTED_DATE.sub(rf"\1\2{KEEP}", text), tuple(spans)), (*COSTS, *DATES, *_PLACES))
    return _PADDED.sub(_unpadded, without_durations(text))


def _unpadded(found: re.Match[str]) -> str:
    """Return a placeholder without the spaces that align columns. A longer number has fewer of them."""
    before, placeholder, after = found.groups()
    mark = before.rstrip(" ")
    is_apart = mark in (":", ",") or (mark == "" and before and found.start() > 0)
    return f"{mark}{' ' if is_apart else ''}{placeholder}{after[:1]}"


def _clock_numbers(text: str, spans: tuple[tuple[float, float], ...]) -> str:
    """Mask numbers that are moments of the run, in seconds to nanoseconds since 1970."""
    if not spans:
        return text

    def put(found: re.Match[str]) -> str:
        return "<time>" if is_moment(float(found[0]), spans) else found[0]

    # "exp_1795900001/model.pt" holds one, too
    return re.sub(r"(?<![A-Za-z0-9.])1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![A-Za-z0-9]|\.\d)", put, text)


def is_moment(number: float, spans: Iterable[tuple[float, float]]) -> bool:
    """Return whether a number is a moment in one of these spans, in seconds, milli-, micro- or nanoseconds."""
    return any(begin <= number / unit <= end for begin, end in spans for unit in (1, 1e3, 1e6, 1e9))


# -- what a terminal would show -------------------------------------------------------------------------------------


def visible(line: str) -> str:
    """Return a printed line as a terminal finally shows it.

    Escapes, text that was overwritten, and unfinished progress bars are left out.
    """
    parts = re.split(r"[\r\b]+", _LEAVING.sub("", _ESCAPES.sub("", line)))
    shown = [part for part in parts if part.strip()]
    if not shown:
        return ""
    is_cleared = len(parts) > 1 and not parts[-1].strip() and parts[-1] != ""
    if len(shown[-1]) > _MOST_BAR or ("%|" not in shown[-1] and " [" not in shown[-1]):
        return shown[-1].strip()
    return _BAR.sub(lambda bar: "" if is_cleared or bar[1] is None or bar[2] != bar[3] else bar[0], shown[-1]).strip()


# -- the lines of a long text: those of one form are masked only once --------------------------------------------------
# The lines of a log have few forms: "12:00:01 step 7 loss 0.5" and "12:00:02 step 8 loss 0.4" have the same one. The
# rules look at how many digits a plain number has, and not at which these are. So each plain number of a line is
# replaced by the zeros of a script of its own, which are digits, too. Then the rules show which numbers they keep.

_MOST_WIDE = 2_000  # characters of a line that has a form
# A plain number is less than 10^9 (`EARLIEST`), and no sign beside it makes it a part of a date, an address or a list.
# A clock reading has the digits that a clock can show.
_AFTER = r"[ ;)\]}<|%\"']|,(?!\d)|[.:](?!\S)|$"
_NUMBER = (
    r"-?\d{1,9}(?:\.\d+(?:e-\d+)?|e-\d+|/\d{1,9})?"
    rf"(?=(?:[num]?s|it|it/s|s/it|min|h|x|[kKMGT]i?B)?(?:{_AFTER}))"
)
_DATE = r"20\d\d[-/](?:0[1-9]|1[0-2])[-/][0-3]\d[ T]"
_CLOCK_FIELD = rf"(?:{_DATE})?\d{{1,3}}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?Z?(?={_AFTER})"
_FIELDS = re.compile(rf"(?:(?<=[ =(\[{{<|\"'])|(?<=[A-Za-z\"]:)|^)({_CLOCK_FIELD}|{_NUMBER})")
_SHAPE = {ord(digit): "0" for digit in "123456789"}
# of a clock reading: those of the century and the month, and the first ones of day, minute and second; any other one
_CLOCK_DIGIT = re.compile(r"(^20(?=\d\d[-/])|(?<=[-/])\d(?=\d)|(?<=[-/]\d)\d(?=[-/])|(?<=:)\d(?=\d))|\d")
_DIGIT = re.compile(r"\d")
_OTHER_DIGITS = re.compile(r"(?![0-9])\d")


class TooMany(ValueError):
    """The error if too many lines have a form of their own."""


def masked_lines(lines: Iterable[str], run: Run, most_forms: int = sys.maxsize) -> list[str]:
    """Return the lines, each masked as by `run.masked`. Raises TooMany if they have more forms than `most_forms`."""
    forms = _Forms(run, most_forms)
    return [forms.masked(line) for line in lines]


class _Forms:
    """The forms of lines that were seen so far."""

    def __init__(self, run: Run, most: int) -> None:
        self._run, self._left = run, most
        self._known: dict[tuple[str, str], _Form | None] = {}

    def masked(self, line: str) -> str:
        """Return a line as `run.masked` does."""
        line = self._run.without_clock_numbers(line)
        parts = _FIELDS.split(line) if len(line) <= _MOST_WIDE else [line]
        # neither a line nor a number has a line feed in it
        key = "\n".join(parts[::2]), "\n".join(parts[1::2]).translate(_SHAPE)
        if key not in self._known:
            self._count()
            self._known[key] = _form(parts)
        form = self._known[key]
        if form is None:
            self._count()
            return self._run.masked(line)
        return form.put(parts)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMany


class _Form(NamedTuple):
    """A masked line with gaps for the numbers that no rule masks. `taken`: gets these from the parts of the line."""

    text: str
    taken: Callable[[list[str]], Any] | None

    def put(self, parts: list[str]) -> str:
        """Return the masked line with its own numbers."""
        return self.text % self.taken(parts) if self.taken else self.text


def _form(parts: list[str]) -> _Form | None:
    """Return the form of a line; None if each such line must be masked by itself.

    That is so if a clock reading or a part of a number is left: a rule may look at the digits of this line.
    """
    clocks, *zeros = _zeros()
    fields = parts[1::2]
    if len(fields) > len(zeros) or _OTHER_DIGITS.search("".join(parts)):
        return None
    likes = [_like(field, zero, clocks) for field, zero in zip(fields, zeros, strict=False)]
    text = masked("".join(chain.from_iterable(zip_longest(parts[::2], likes, fillvalue=""))))
    left = [number for number, zero in enumerate(zeros[: len(likes)]) if zero in text]
    if clocks in text or any(not _is_whole(text, likes[number], zeros[number]) for number in left):
        return None
    left.sort(key=lambda number: text.index(likes[number]))
    text = text.replace("%", "%%") if left else text
    for number in left:
        text = text.replace(likes[number], "%s")
    return _Form(text, itemgetter(*(2 * number + 1 for number in left)) if left else None)


def _is_whole(text: str, like: str, zero: str) -> bool:
    return text.count(like) == 1 and text.count(zero) == like.count(zero)


def _like(field: str, zero: str, zero_of_clocks: str) -> str:
    """Return a number of the same shape. A clock reading keeps the digits of which a clock does not show all."""
    if ":" not in field:
        return _DIGIT.sub(zero, field)
    return _CLOCK_DIGIT.sub(lambda found: found[1] or zero_of_clocks, field)


@cache
def _zeros() -> tuple[str, ...]:
    """Return the digits zero of all scripts but ours."""
    return tuple(sign for sign in map(chr, range(0x80, 0x20000)) if unicodedata.decimal(sign, -1) == 0)
