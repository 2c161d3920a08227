"""Masks durations, rates and loads in printed text, and numbers whose names say what they are.

A unit between two numbers may belong to either: "loss 0.43 seconds 12.3", "12.3 seconds 0.43". The words before them
tell to which. If they do not, neither number is masked, because a loss must never be masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from samebits.store.value_names import (
    CHOSEN,
    NUMBER_REASONS,
    OF_DATA,
    can_be,
    is_of_device,
    is_of_model,
    reason_of_key,
    tokens,
)

# (pattern, replacement). `re` compiles a pattern when it is first used, and keeps it: all of them at the start would
# take 20 ms
Rule = tuple[str, str | Callable[[re.Match[str]], str]]
# each pattern starts at the start of a word or number and gives up there, so that none is slow on a long text
NUMBER = r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = r"[A-Za-z_][\w./%-]*"
_UNIT = r"(?:ns|us|usecs?|µs|μs|ms|msecs?|millis(?:econds?)?|s|secs?|seconds?|mins?|minutes?|hrs?|hours?)"
_THING = (
    r"(?:[kKMGT]?(?:it|its|iters?|iterations?|samples?|examples?|ex|imgs?|images?|tok|tokens?|steps?|batch(?:es)?|"
    r"epochs?|sentences?|seqs?|sequences?|frames?|words?|rows?|records?|episodes?|bytes|i?B|FLOPs?|FLOPS))"
)
_RATE = r"(?:fps|FPS|[KMGT]?FLOPS)"
KEEP = "\ue000"  # marks what no rule may mask, until all rules have run
_BETWEEN = (
    rf"({NUMBER})(\s+)((?:{_THING} ?(?:/|per) ?(?:s|sec|second)|{_UNIT}(?: ?(?:/|per) ?{_THING})?|elapsed|{_RATE}))"
    rf"(\s*[:=]\s*|\s+)({NUMBER})(?![\d.,]*\d)(?!\s*{_UNIT}(?![\w%]))"
)
_BEFORE = re.compile(r"([A-Za-z_@]\w*)(\W{0,4})$")
_COUNTERS = frozenset(("epoch", "step", "iter", "iteration", "batch", "fold", "round"))
# names of a number before a unit, if the unit belongs to the number after it: results and counters
RESULTS = frozenset(
    ("loss", "acc", "accuracy", "error", "err", "mse", "rmse", "mae", "auc", "f", "score", "ppl", "perplexity", "bleu",
     "reward", "return", "precision", "recall", "map", "iou", "dice", "r", "nll", "elbo", "bce", "ce", "kl", "val",
     "metric", "best", "seed", "psnr", "ssim", "ap", "miou", "wer", "cer", "fid")
) | _COUNTERS  # fmt: skip
_SPANNED = frozenset(("took", "taken", "in", "after", "time", "elapsed", "duration", "for", "runtime"))
# names of a number with a unit of time that is not a run time: "RMSE 3.2 s", "predicted trip duration: 540 s"
_ERRORS = frozenset(
    ("error", "errors", "err", "rmse", "mse", "mae", "mape", "loss", "deviation", "residual", "residuals", "bias",
     "std", "accuracy", "acc", "onset", "tau", "constant")
)  # fmt: skip
_FILLERS = frozenset(
    ("of", "is", "was", "on", "the", "a", "test", "val", "valid", "validation", "train", "training", "set", "about")
)
_COMPUTED = re.compile(r"\s+(?:predicted|forecast|(?:of )?(?:error|deviation|bias))\b")  # "3.2 seconds predicted"
_PHRASE = re.compile(r"([A-Za-z_][A-Za-z_ %/()-]{0,60})[\s:=(\[]*$")
_BIG_UNITS = ("s", "min", "mins")  # "min" also means the smallest of several numbers
_ENDED = (
    r"done|finished|completed|trained|ran|evaluated|validated|tested|saved|loaded|built|compiled|fitted|ended|prepared|"
    r"processed|generated|executed|exited|ready"
)
_RULES: tuple[Rule, ...] = (
    # the meters of PyTorch's examples: "Time 3.128 (3.128)  Data 1.010 (1.010)  Loss 7.0e+00 (7.0e+00)"
    (
        rf"(?i)\b(time\s+){NUMBER}(\s*\(\s*){NUMBER}"
        rf"(?=\s*\)(?:\s+data\s+{NUMBER}\s*\(\s*{NUMBER}\s*\))?\s+\S+\s+{NUMBER}\s*\()",
        r"\1<duration>\2<duration>",
    ),
    (rf"(<duration>\s*\)\s+[Dd]ata\s+){NUMBER}(\s*\(\s*){NUMBER}", r"\1<duration>\2<duration>"),
    (
        rf"{NUMBER}(?:[kKMGT](?= ))? *(?:effective )?{_THING} ?(?:/|per) ?(?:s|sec|second)\b",
        lambda found: found[0] if _is_result(found) else "<rate>",
    ),
    (rf"(?i)\b({_THING} ?(?:/|per) ?(?:s|sec|second)\)?['\"]?\s*[:=]?\s*){NUMBER}", r"\1<rate>"),
    (rf"(?i)(?<![\w.])((?:ms|s|sec|seconds?) ?(?:/|per) ?{_THING}\s*[:=]?\s*){NUMBER}", r"\1<duration>"),
    (rf"{NUMBER} *{_RATE}\b", "<rate>"),
    (rf"(?<=[\s(]){NUMBER}/s(?=[\s,;)\]]|$)", "<rate>"),  # timm: "Time: 0.2s, 320.1/s (0.2s, 318.7/s)"
    (r"(?<![\w.])(?:\d+ ?(?:d|days?),? ?)?(?:\d+ ?h ?)?\d+ ?m(?:in)? ?\d+(?:\.\d+)? ?s\b", "<duration>"),
    (rf"{NUMBER} *{_UNIT}(?![\w%])", lambda found: found[0] if _is_result(found) else "<duration>"),
    (rf"(<duration>\W{{1,3}}std\W{{1,3}}){NUMBER} *{_UNIT}(?![\w%])", r"\1<duration>"),
    (rf"(<duration>.* Data: ){NUMBER}(\s*\(){NUMBER}(?=\)\s*$)", r"\1<duration>\2<duration>"),
    # https://gymnasium.farama.org/api/wrappers/misc_wrappers/#gymnasium.wrappers.RecordEpisodeStatistics
    (
        rf"(\{{'r': [^{{}}]+, 'l': [^{{}}]+, 't': (?:np\.float\d+\(|array\(\[)?){NUMBER}",
        r"\1<duration>",
    ),
    (rf"{NUMBER}(?= +elapsed\s*(?:$|[.,;)\]|]))", "<duration>"),
    # "done in 12.3", but not "done in 12", which may count epochs
    (
        rf"(?i)\b((?:{_ENDED})\b(?: [\w.]+){{0,3}}? (?:in|after) +)\d+\.\d+"
        r"(?=\s*(?:$|[.,;:)\]|!]|- |with\b|and\b|\())",
        r"\1<duration>",
    ),
    (
        r"(?i)\b(time(?: (?:taken|spent|needed))?(?:/| per |(?: taken| spent| needed) for )"
        r"(?:step|epoch|batch|iteration|iter|sample|example|image|token|round|fold)(?: \d+)?(?: is| was)?"
        rf"\s*[:=]?\s*){NUMBER}",
        r"\1<duration>",
    ),
    (rf"(\bdata_time: {NUMBER}\s+memory: )\d+\b", r"\1<memory>"),  # MMEngine, in MiB
    (rf"(?i)\b((?:cpu|ram|mem|[cg]pu[_ ](?:usage|util(?:ization)?))[ :=]+){NUMBER} ?%", r"\1<load>"),
    (rf"(?i)\b(load (?:avg|average)\W+){NUMBER}(?:[, ]+{NUMBER}){{0,2}}", r"\1<load>"),
    (rf"(?i)\b(load\W{{1,3}}){NUMBER}, {NUMBER}, {NUMBER}", r"\1<load>"),
    (
        r"(?i)\b((?:(?:max_?)?mem(?:ory)?_?allocated|"
        r"mem|memory|rss|ram|vram|max_mem|allocated|reserved|resident|peak|current|usage)[:= (]{1,12})"
        rf"{NUMBER}(?= ?[kMGT]i?B?\b)",
        r"\1<memory>",
    ),
)
_KEYED = (
    rf"(?<![\w./%-])({_WORD}(?: {_WORD}){{0,4}} ?)"
    rf"((?:\([^()]{{1,12}}\))?['\"\]]*\s*[:=]\s*[\['\"(]*)({NUMBER})(?![\w.]*\w)"
)
_SPOKEN = rf"(?<![\w/])([A-Za-z_]\w*)([ :=\[(]+(?:(?:\.{{2,}}|-{{2,}}) *)?)({NUMBER})(?![\w.]*\w)"
_SPOKEN_AS = {
    **dict.fromkeys(("pid", "ppid", "tid", "process"), "pid"),
    "port": "port",
    **dict.fromkeys(("mfu", "throughput", "wps", "ups", "fps", "ips", "sps"), "rate"),
    **dict.fromkeys(
        ("took", "taken", "elapsed", "time", "duration", "runtime", "seconds", "secs", "sec", "walltime", "uptime"),
        "duration",
    ),
}
# a row of a table with two columns, as Stable-Baselines3 prints it: "|    fps    | 1234   |"; rich draws its lines
_ROW = rf"^([|│┃]\s*)([A-Za-z_][\w./ -]*?)(\s*[|│┃]\s*)({NUMBER})(?=\s*[|│┃]\s*$)"
_AVERAGE = rf"(?i)(<(?:duration|time)>\s*\((?:avg|average)\W{{0,3}}){NUMBER}(?=\s*\))"
# what is counted: "took 38 episodes", but not if a second number follows: "took 3.2 steps 100"
_COUNTED = re.compile(
    r"\s+(?:steps|episodes|epochs|iterations|iters|moves|actions|turns|games|trials|tries|attempts|generations|rounds|"
    r"batches|updates|evaluations|frames)\b(?!\W{0,3}\d)"
)
# any other count: "took 12 guesses"
_COUNT = re.compile(r"\s+(?!secs\b|seconds|mins\b|minutes|hrs\b|hours|days)[a-z]{2,}s\b(?!\W{0,3}\d)")
_INDEXED = re.compile(r"([A-Za-z_]\w*)\[['\"]?$")  # "coef[duration] = 0.3"
# words that mean something only together with the word before them: "time taken", "memory usage"
_SECOND_WORDS = frozenset(("taken", "id", "elapsed", "used", "spent", "clock", "usage", "allocated"))
# "the first time 0.9", "simulated time 3.5"
_UNTIMED = frozenset(
    ("first", "second", "third", "last", "next", "this", "same", "real", "at", "best", "simulated", "simulation", "sim",
     "game", "played", "waiting")
)  # fmt: skip


def names_a_result(word: str) -> bool:
    """Return whether a word in the name of a file or a folder says that the number behind it is a result."""
    return any(len(part) > 1 and part in RESULTS for part in tokens(word))


def without_durations(text: str) -> str:
    """Return the text with placeholders for durations, rates and loads.

    Numbers whose names say what they are get placeholders too.
    """
    last = ((_ROW, _row), (_KEYED, _keyed), (_SPOKEN, _spoken), (_AVERAGE, r"\1<duration>"))
    return replaced(text, ((_BETWEEN, _owner_told), *_RULES, *last)).replace(KEEP, "")


def replaced(text: str, rules: Iterable[Rule]) -> str:
    """Return the text after all rules, one after the other."""
    for pattern, put in rules:
        text = re.sub(pattern, put, text)
    return text


def _owner_told(found: re.Match[str]) -> str:
    """Keep a unit between two numbers with the number to which it belongs."""
    one, space, unit, between, other = found.groups()
    before = _BEFORE.search(found.string, max(0, found.start() - 40), found.start())
    words, is_key = (tokens(before[1]) if before else []), before is not None and before[2].strip() in ("=", ":")
    if words and words[-1] in _SPANNED:
        return f"<duration>{space}{KEEP}{unit}{between}{KEEP}{other}"
    if between.strip() == "=" or (between.strip() == ":" and is_key):
        return f"{one}{KEEP}{space}{unit}{between}{other}"
    if not between.strip() and not RESULTS.isdisjoint(words) and unit not in _BIG_UNITS:
        return f"{one}{KEEP}{space}{unit}{between}<duration>"
    return f"{one}{KEEP}{space}{unit}{between}{KEEP}{other}"


def _is_result(found: re.Match[str]) -> bool:
    """Return whether the words before a number with a unit of time say that it was computed, not taken from a clock."""
    phrase = _PHRASE.search(found.string, max(0, found.start() - 64), found.start())
    words = [word for word in tokens(phrase[1]) if word not in _FILLERS] if phrase else []
    if _COMPUTED.match(found.string, found.end()):
        return True
    if not OF_DATA.isdisjoint(words):
        return True
    return bool(words) and words[-1] in _ERRORS


def _keyed(found: re.Match[str]) -> str:
    reason = _reason_of_phrase(found[1])
    if reason in ("pid", "port") and not found[3].isdigit():
        return found[0]
    owner = _INDEXED.search(found.string, max(0, found.start() - 40), found.start())
    if owner is not None and is_of_model(owner[1]):
        return _kept(found)
    is_possible = reason is not None and can_be(reason, found[1], _value(found[3]))
    return f"{found[1]}{found[2]}<{reason}>" if is_possible else found[0]


def _value(number: str) -> float:
    """Return the value of a number. With a point, it is never whole: so all lines of one form get the same answer."""
    return float(number.replace(",", "")) + (0.5 if "." in number else 0)


def _row(found: re.Match[str]) -> str:
    reason = _reason_of_phrase(found[2])
    is_possible = reason is not None and can_be(reason, found[2], _value(found[4]))
    return f"{found[1]}{found[2]}{found[3]}<{reason}>" if is_possible else found[0]


def _kept(found: re.Match[str]) -> str:
    """Return the text with a mark, so that no later rule masks it."""
    return f"{found[1]}{found[2]}{KEEP}{found[3]}"


def _spoken(found: re.Match[str]) -> str:
    word = found[1].lower()
    reason = _SPOKEN_AS.get(word) or (_reason_of_measure(found[1]) if "_" in word else None)
    is_whole = re.fullmatch(r"\d{1,7}", found[3]) is not None
    if reason is None or found[3].startswith("-") or (reason in ("pid", "port") and not is_whole):
        return found[0]
    before = _BEFORE.search(found.string, max(0, found.start() - 20), found.start())
    if before is not None and before[1] == "of":
        before = _BEFORE.search(found.string, max(0, before.start() - 20), before.start())
    if before is not None and not OF_DATA.isdisjoint(tokens(before[1])):
        return found[0]
    is_count = _COUNTED.match(found.string, found.end()) or (is_whole and _COUNT.match(found.string, found.end()))
    if reason == "duration" and is_count:
        return found[0]
    if word == "time" and before is not None and before[1].lower() in _UNTIMED:
        return found[0]
    return f"{found[1]}{found[2]}<{reason}>"


def _reason_of_measure(name: str) -> str | None:
    """Return what a name of several words measures: "elapsed_ms", "tokens_per_sec"."""
    reason = reason_of_key(name)
    return reason if reason in ("time", "duration", "rate") else None


def _reason_of_phrase(phrase: str) -> str | None:
    """Return what the words before a number mean: the last word, or a phrase such as "time per epoch"."""
    words = phrase.split()
    if not words:
        return None
    if not OF_DATA.isdisjoint(part for word in words for part in tokens(word)):
        return None
    reason = reason_of_key(words[-1])
    if words[-1].lower() == "utilization" and len(words) > 1 and not any(map(is_of_device, words)):
        return None  # "codebook utilization", "expert utilization"
    if reason is None and len(words) > 1 and words[-1].lower() in _SECOND_WORDS:
        reason = reason_of_key("_".join(words[-2:]))
    for place, word in enumerate(words[:-1] if RESULTS.isdisjoint(_measures(words[-1])) else ()):
        if reason is None and words[place + 1].lower() in ("per", "for", "taken", "to", "of", "spent"):
            reason = reason_of_key(word)
            if reason == "memory" and not any(map(is_of_device, words)):  # "utilization of the codebook"
                return None
    if reason == "run id" and not CHOSEN.isdisjoint(map(str.lower, words)):  # "best run id: 3"
        return None
    return reason if reason in NUMBER_REASONS else None


def _measures(word: str) -> list[str]:
    """Return the words of a name that may mean a result. A counter after "per" does not ("time per epoch")."""
    return [part for part in tokens(word) if part not in _COUNTERS]
