"""Texts without what belongs to one run only: times, durations, rates, dates, paths, addresses, ids.

`masked(text)` gives the text with a placeholder such as ``<time>`` for each of these. Two lines that are equal once
they are masked differ in nothing that a training computes. `reason_of_key` says what a name tells of its value.
Pure functions; the page "What counts among the results" lists the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

# each pattern begins at the beginning of a word or number and gives up there: none takes long on a long text
_NUMBER = r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = r"[A-Za-z_][\w./%-]*"
EARLIEST = 10**9  # seconds since 1970; no run is older than this one
MOST_MASKED = 1 << 18  # characters; a longer text is compared as it is
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[A-Z]{3,4}(?![a-zA-Z])|[+-]\d{2}:?\d{2}))?"
_CLOCK = r"\d{1,2}[:h.-]\d{2}(?:[:m.-]\d{2}(?:[.,:]\d+)?)?"

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rule(pattern: str, put: str, flags: int = 0) -> Rule:
    return re.compile(pattern, flags), put


class Run(NamedTuple):
    """What names one trial: texts (its folders, its host) with what stands for them, and when it ran (epoch)."""

    own: tuple[tuple[str, str], ...] = ()
    span: tuple[float, float] | None = None

    def without_own(self, text: str) -> str:
        """The text without the trial's own folders: these differ in any two trials."""
        for name, put in self.own:
            text = text.replace(name, put)
        return text

    def masked(self, text: str) -> str:
        """The text without anything that belongs to one run only."""
        return masked(text, (self.span,) if self.span else ())

    def without_moments(self, value: Any) -> Any:
        """A plain value with a placeholder for each number that is a moment of this run."""
        if type(value) in (int, float):
            return "<time>" if self.span and EARLIEST < value < 1e19 and is_moment(value, (self.span,)) else value
        return type(value)(map(self.without_moments, value)) if type(value) in (list, tuple) else value


ANY_RUN = Run()

_DATES: tuple[Rule, ...] = (
    # Google's log prefixes (absl, TensorFlow): level, month and day, time, thread
    _rule(r"^[IWEFD]\d{4} \d\d:\d\d:(?:\d+\.\d+|<time>)\s+\d+(?= )", "<time>"),
    _rule(rf"\b(?:19|20)\d\d[-/._](?:0?[1-9]|1[0-2])[-/._][0-3]?\d(?:[T ,_-]+{_CLOCK}{_ZONE})?(?!\d)", "<date>"),
    _rule(rf"\b{_DAY},? +{_MONTH} +\d{{1,2}} +\d\d:\d\d:\d\d{_ZONE} +\d{{4}}", "<date>"),
    _rule(rf"\b(?:{_DAY},? +)?\d{{1,2}}[-/ ]{_MONTH}[-/ ,]+\d{{4}}(?:[ :,T]+{_CLOCK}{_ZONE})?", "<date>"),
    _rule(rf"\b{_MONTH}[ _-]?\d{{1,2}}(?:, \d{{4}}[ ,]*|[ _-]+)\d{{1,2}}[:-]\d\d(?:[:-]\d\d)?{_ZONE}", "<date>"),
    _rule(rf"\b[0-3]?\d[/.][0-3]?\d[/.](?:20)?\d\d,? +{_CLOCK}(?: [AP]M)?", "<date>"),
    _rule(r"(?<!\d)20\d\d[01]\d[0-3]\d[-_T]?[0-2]\d[0-5]\d(?:[0-5]\d)?(?:[.-]?\d{3,6})?Z?(?![\da-fA-F])", "<date>"),
    _rule(r"\b\d+:[0-5]\d(?::[0-5]\d)?<[\d:?]+", "<time>"),  # tqdm: elapsed<remaining
    _rule(r"\b\d+:[0-5]\d:[0-5]\d(?:[.,]\d+)?\b(?: ?[AP]M\b)?", "<time>"),
    _rule(r"\b\d{1,2}:[0-5]\d ?[AP]M\b", "<time>"),
    _rule(r"(?i)((?:eta|elapsed|remaining|time|took)\W{1,3})\d{1,3}:[0-5]\d\b", r"\1<time>"),
)
_PLACES: tuple[Rule, ...] = (
    _rule(r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm|run/user)/[^\s'\",:;()\[\]<>{}]*", "<path>"),
    _rule(r"\b(?:mlruns|runs?)/\d+/[0-9a-f]{32}\b", "<path>"),
    _rule(r"\b(?:offline-)?run-<date>-[a-z0-9]{8}\b", "<id>"),
    # Weights & Biases: a name of two words and a number, and an address that ends with the id
    _rule(r"^(wandb: .*?\b(?:Syncing|View) run )(?!at\b)\S+", r"\1<id>"),
    _rule(r"(https?://[^\s'\"]*?/runs/)[\w-]+", r"\1<id>"),
    # "%(asctime)s %(process)d %(levelname)s" of logging, and workers named by their process
    _rule(r"^(\W*<date>\W+)\d{2,7}(?=\W+(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)\b)", r"\1<pid>"),
    _rule(r"(?i)\b(worker|subprocess|proc)([ :=#-]+)\d{4,7}\b(?!\.\d)", r"\1\2<pid>"),
    _rule(r"\b0[xX][0-9a-fA-F]{5,16}\b", "<address>"),
    _rule(r"(?<![\d.])1(?:39|40)\d{12}(?![\d.])", "<address>"),  # what id() gives under Linux, in decimal
    _rule(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
    _rule(r"\b(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[::1?\]):\d{2,5}\b", "<port>"),
    _rule(r"(?i)((?:https?|tcp|grpc|ws)://[\w.-]+):\d{2,5}\b", r"\1:<port>"),
)
_UNIT = r"(?:ns|us|µs|μs|ms|msecs?|millis(?:econds?)?|s|secs?|seconds?|mins?|minutes?|hrs?|hours?)"
_THING = (
    r"(?:[kKMGT]?(?:it|its|iters?|iterations?|samples?|examples?|ex|imgs?|images?|tok|tokens?|steps?|batch(?:es)?|"
    r"epochs?|sentences?|seqs?|sequences?|frames?|words?|rows?|records?|episodes?|bytes|i?B|FLOPs?|FLOPS))"
)
_DURATIONS: tuple[Rule, ...] = (
    _rule(rf"{_NUMBER} *{_THING} ?(?:/|per) ?(?:s|sec|second)\b", "<rate>"),
    _rule(rf"(?i)\b({_THING} ?(?:/|per) ?(?:s|sec|second)\)?['\"]?\s*[:=]?\s*){_NUMBER}", r"\1<rate>"),
    _rule(rf"{_NUMBER} *(?:fps|FPS|[KMGT]?FLOPS)\b", "<rate>"),
    _rule(r"(?<![\w.])(?:\d+ ?(?:d|days?),? ?)?(?:\d+ ?h ?)?\d+ ?m(?:in)? ?\d+(?:\.\d+)? ?s\b", "<duration>"),
    _rule(rf"{_NUMBER} *{_UNIT}(?![\w%])", "<duration>"),
    _rule(rf"(?i)\b((?:cpu|ram)[ :=]+){_NUMBER} ?%", r"\1<load>"),
    _rule(rf"(?i)\b(load (?:avg|average)\W+){_NUMBER}(?:[, ]+{_NUMBER}){{0,2}}", r"\1<load>"),
)
_KEYED = re.compile(
    rf"(?<![\w./%-])({_WORD}(?: {_WORD}){{0,4}} ?)"
    rf"((?:\([^()]{{1,12}}\))?['\"\]]*\s*[:=]\s*[\['\"(]*)({_NUMBER})(?![\w.]*\w)"
)
_SPOKEN = re.compile(
    rf"(?i)\b(took|elapsed|pid|ppid|port|process|time|duration|runtime|tid)([ :=\[(]+)({_NUMBER})(?![\w.]*\w)"
)
_SPOKEN_AS = {"pid": "pid", "ppid": "pid", "tid": "pid", "process": "pid", "port": "port"}
_PLAIN = re.compile(r"[^\d/]*")  # nothing to mask has neither a digit nor a path
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# tqdm's bar: text, percents, bar, counts, times; without a total: counts and times
_BAR = re.compile(r"^[^|]*?(\d+)%\|[^|]*\| *(\S+?)/(\S+) *\[[^\]]*\]|^[^\[\]]*?\d+\w+ \[\d+:\d\d, [^\]]*\]")


def masked(text: str, spans: Iterable[tuple[float, float]] = ()) -> str:
    """The text with placeholders for what belongs to one run only. `spans`: when that run took place (epoch)."""
    if len(text) > MOST_MASKED or _PLAIN.fullmatch(text):
        return text
    text = _clock_numbers(text, tuple(spans))
    for pattern, put in (*_DATES, *_PLACES, *_DURATIONS):
        text = pattern.sub(put, text)
    text = _KEYED.sub(_keyed, text)
    return _SPOKEN.sub(_spoken, text)


def _clock_numbers(text: str, spans: tuple[tuple[float, float], ...]) -> str:
    """Numbers that are a moment of the run, in seconds to nanoseconds since 1970."""
    if not spans:
        return text

    def put(found: re.Match[str]) -> str:
        return "<time>" if is_moment(float(found[0]), spans) else found[0]

    return re.sub(r"(?<![\w.])1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\w.]*\w)", put, text)


def is_moment(number: float, spans: Iterable[tuple[float, float]]) -> bool:
    """Whether a number is a moment within one of these spans, in seconds, or a thousandth (of a thousandth) of one."""
    return any(begin <= number / unit <= end for begin, end in spans for unit in (1, 1e3, 1e6, 1e9))


def _keyed(found: re.Match[str]) -> str:
    reason = _reason_of_phrase(found[1])
    return f"{found[1]}{found[2]}<{reason}>" if reason else found[0]


def _spoken(found: re.Match[str]) -> str:
    word = found[1].lower()
    if word == "process" and not re.fullmatch(r"\d{1,7}", found[3]):
        return found[0]
    return f"{found[1]}{found[2]}<{_SPOKEN_AS.get(word, 'duration')}>"


def _reason_of_phrase(phrase: str) -> str | None:
    """What the words before a number's colon say: the last word, or a phrase such as "time per epoch"."""
    words = phrase.split()
    if not words:
        return None
    reason = reason_of_key(words[-1])
    if reason is None and len(words) > 1 and words[-1].lower() in ("taken", "id", "elapsed", "used", "spent"):
        reason = reason_of_key("_".join(words[-2:]))
    for place, word in enumerate(words[:-1]):
        if reason is None and words[place + 1].lower() in ("per", "for", "taken", "to", "of", "spent"):
            reason = reason_of_key(word)
    return reason if reason in NUMBER_REASONS else None


# -- what a name says of its value ----------------------------------------------------------------------------------

NUMBER_REASONS = ("run id", "time", "duration", "rate", "memory", "pid", "port")
_TIMES = {
    "time", "times", "timestamp", "timestamps", "datetime", "date", "dates", "clock", "walltime", "mtime", "ctime",
    "atime", "created", "modified", "updated", "started", "finished", "began", "utc", "utcnow", "timing", "timings",
}  # fmt: skip
_SPANS = {
    "elapsed", "duration", "durations", "seconds", "secs", "sec", "runtime", "minutes", "mins", "hours", "ms", "msec",
    "millis", "milliseconds", "latency", "latencies", "took", "eta", "wall", "uptime", "ns", "tic", "toc", "dt",
}  # fmt: skip
_RATES = {"throughput", "fps", "ips", "qps", "bandwidth", "flops", "tflops", "mfu"}
_LOADS = {"rss", "vms", "maxrss", "utilization", "memused"}
_HOSTS = {"host", "hostname", "nodename", "fqdn", "username", "user", "ip", "machine", "platform"}
_RUNS = {"uuid", "guid", "runid", "runname", "sessionid", "jobid", "commit", "branch", "githash", "gitsha", "revision"}
_OWNERS = {"run", "experiment", "session", "job", "task", "execution", "request", "trace", "span", "git", "process"}
_PROCESS_IDS = (["process", "id"], ["thread", "id"], ["native", "id"])
_PATHS = {"path", "paths", "dir", "dirs", "directory", "folder", "cwd", "logdir", "rundir", "outdir", "filename", "uri"}
# words beside which a time is part of a model or of its input: time_embedding, timestep, time_dim, date_feature
_MODELLED = {
    "step", "steps", "embed", "embedding", "embeddings", "emb", "dim", "dims", "series", "weight", "weights", "bias",
    "kernel", "mlp", "proj", "projection", "size", "scale", "shift", "encoding", "encoder", "conv", "norm", "attn",
    "loss", "acc", "accuracy", "feature", "features", "column", "columns", "mixing", "mix", "decay", "linear", "layer",
    "frequency", "freq", "token", "param", "params", "score", "auc", "error", "mse", "mae", "state", "seed", "zone",
    "best", "constant", "distributed", "dense", "pred", "prediction", "predictions", "target", "mask",
}  # fmt: skip


def tokens(name: str) -> list[str]:
    """The words of a name: ``meanFitTime_0`` has mean, fit, time, 0."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z]+|\d+", spaced.lower())


def reason_of_key(name: str) -> str | None:
    """What a name alone says of its value: time, duration, rate, memory, host, pid, port, run id, path; else None."""
    words = [word for word in tokens(name) if not word.isdigit()]
    if not words:
        return None
    known, last = set(words), words[-1]
    if "per" in words and words[-1] in ("second", "sec", "s", "minute", "min", "hour"):
        return "rate"
    return _reason_of_id(words, last) or (None if known & _MODELLED else _reason_of_words(words, known, last))


def _reason_of_words(words: list[str], known: set[str], last: str) -> str | None:
    for reason, these in (("rate", _RATES), ("memory", _LOADS), ("duration", _SPANS), ("time", _TIMES)):
        if known & these:
            return reason
    if last == "at" and len(words) > 1:
        return "time"
    if known & {"memory", "mem"} and known & {"mb", "gb", "kb", "bytes", "peak", "max", "used", "allocated", "usage"}:
        return "memory"
    if last in ("percent", "usage") and known & {"cpu", "gpu", "ram"}:
        return "memory"
    if last in _HOSTS or (known & {"host", "hostname"}):
        return "host"
    return "path" if last in _PATHS else None


def _reason_of_id(words: list[str], last: str) -> str | None:
    if last in ("pid", "ppid", "tid", "pgid", "sid") or words == ["session"] or words[-2:] in _PROCESS_IDS:
        return "pid"
    if words == ["v", "num"]:  # Lightning's number of the folder that it writes into
        return "run id"
    if last == "port":
        return "port"
    if set(words) & _RUNS:
        return "run id"
    owner = words[-2] if len(words) > 1 else ""
    owned = not _OWNERS.isdisjoint((owner, owner.removesuffix("s"))) and last in (
        "id",
        "name",
        "hash",
        "sha",
        "uid",
        "key",
    )
    return "run id" if owned else None


# -- what a terminal would show -------------------------------------------------------------------------------------


def visible(line: str) -> str:
    """A printed line as a terminal leaves it: without escapes, its last rewriting, without a bar that goes on."""
    parts = re.split(r"[\r\b]+", _ESCAPES.sub("", line))
    shown = [part for part in parts if part.strip()]
    if not shown:
        return ""
    is_cleared = len(parts) > 1 and not parts[-1].strip() and parts[-1] != ""
    if len(shown[-1]) > MOST_MASKED or ("%|" not in shown[-1] and " [" not in shown[-1]):
        return shown[-1].strip()
    return _BAR.sub(lambda bar: "" if is_cleared or bar[1] is None or bar[2] != bar[3] else bar[0], shown[-1]).strip()
