"""Infers from a name what its value is: a time, a duration, a rate, a host, a path, the id of a run.

All functions are pure. The page "What counts among the results" lists the rules.
"""

from __future__ import annotations

import re

EARLIEST = 10**9  # seconds since 1970; no run began before this moment
NUMBER_REASONS = ("run id", "time", "moment", "duration", "rate", "memory", "pid", "port")
_TIMES = {
    "time", "times", "timestamp", "timestamps", "datetime", "date", "dates", "clock", "walltime", "mtime", "ctime",
    "atime", "utc", "utcnow", "timing", "timings",
}  # fmt: skip
# a number with such a name is a time only if it is that large: not in "updated: 12" or "finished: 0.91"
_MOMENTS = {"created", "modified", "updated", "started", "finished", "began"}
_SPANS = {
    "elapsed", "duration", "durations", "seconds", "secs", "sec", "runtime", "minutes", "mins", "hours", "ms", "msec",
    "millis", "milliseconds", "dur", "latency", "latencies", "took", "wall", "uptime", "ns", "tic", "toc",
}  # fmt: skip
_RATES = {"throughput", "fps", "ips", "qps", "wps", "ups", "sps", "tflops", "mfu"}
_LOADS = {"rss", "vms", "maxrss", "memused"}
_DEVICES = {"cpu", "gpu", "ram", "memory", "mem", "vram", "device", "disk", "tpu", "npu", "sm", "cuda"}
_WORDS_OF = {"rate": _RATES, "memory": _LOADS, "duration": _SPANS, "time": _TIMES, "moment": _MOMENTS}
_MEASURES = set[str]().union(*_WORDS_OF.values())
_SIZES = {"mb", "gb", "kb", "mib", "gib", "kib", "bytes", "peak", "max", "used", "allocated", "usage"}
_HOSTS = {"host", "hostname", "nodename", "fqdn", "username", "ip", "machine", "platform"}
_RUNS = {"uuid", "guid", "runid", "runname", "sessionid", "jobid"}
_STATES_OF_CODE = {"commit", "branch", "githash", "gitsha", "revision"}
_OWNERS = {"run", "experiment", "session", "job", "task", "execution", "request", "trace", "span", "git", "process"}
_PROCESS_IDS = (["process", "id"], ["thread", "id"], ["native", "id"])
_PATHS = {"path", "paths", "dir", "dirs", "directory", "folder", "cwd", "logdir", "rundir", "outdir", "filename", "uri"}
# a number for each feature of the data, which may be called "duration"
COEFFICIENTS = frozenset(("coef", "coefs", "coefficient", "coefficients", "importance", "importances"))
# an id is a result if one of these words is beside it: "best run id"
CHOSEN = frozenset(("best", "selected", "chosen", "winner", "winning", "top"))
# a time beside one of these words is computed, or comes from the data: predicted_time, trip_duration, duration_rmse
OF_DATA = frozenset(
    ("rmse", "mae", "mape", "err", "errors", "predicted", "forecast", "residual", "deviation", "trip", "ride", "flight",
     "travel", "arrival", "delivery", "departure", "reaction", "delay", "lap", "convergence", "factor", "sigma", "age",
     "stay", "life", "lifetime", "prediction", "predictions", "survival", "failure", "useful", "rul", "hitting",
     "passage", "goal", "slope", "jitter", "snr", "frequency", "hit", "settling", "rise", "dwell", "relaxation",
     "r", "pearson", "pearsonr", "spearman", "spearmanr", "kendall", "rmsle", "smape", "medae", "nrmse", "logloss",
     "correlation", "autocorr", "autocorrelation", "equilibration", "burnin", "breakup", "stopping", "event")
) | COEFFICIENTS  # fmt: skip
# a time beside one of these words is part of a model or of its input: time_embedding, timestep, time_dim, date_feature
_MODELLED = {
    "step", "steps", "embed", "embedding", "embeddings", "emb", "dim", "dims", "series", "weight", "weights", "bias",
    "kernel", "mlp", "proj", "projection", "size", "scale", "shift", "encoding", "encoder", "conv", "norm", "attn",
    "loss", "acc", "accuracy", "feature", "features", "column", "columns", "mixing", "mix", "decay", "linear", "layer",
    "frequency", "freq", "token", "param", "params", "score", "auc", "error", "mse", "mae", "state", "seed", "zone",
    "best", "constant", "failure", "survival", "distributed", "dense", "pred", "prediction", "predictions",
    "target", "mask", "toe", "w", "n", "num", "seen", "epochs", "episodes", "iterations", "horizon", "distance",
    "constraint", "drift", "audio", "speech", "played", "waiting", "tour", "sim", "simulated", "simulation", "game",
    "hang",
}  # fmt: skip


# a time beside one of these words is a measurement: ms_ssim, wall_hits, duration_kl
_MEASURED = {
    "ssim", "psnr", "hits", "collisions", "wins", "kl", "l", "map", "iou", "dice", "bleu", "rouge", "wer", "cer", "fid",
    "recall", "precision", "reward", "return", "success", "corr", "correlation", "entropy", "similarity", "f", "q",
    "ap", "correct", "won", "selected", "matched", "survived", "alive", "penalty", "bonus", "estimate", "gap",
    "sampled", "threshold", "idx", "index", "lag", "skew", "offset", "structure",
}  # fmt: skip
# words that say what was timed: "time.train", "seconds/epoch". "time.epochs" may be the number of epochs
STAGES = frozenset(
    ("train", "training", "val", "valid", "validation", "eval", "evaluation", "test", "fit", "predict", "total",
     "epoch", "forward", "backward", "fwd", "bwd", "iter", "iteration", "loading", "saving", "preprocess",
     "postprocess", "inference", "optimizer")
)  # fmt: skip
# words after a word for a time that leave it a time: "time_ms", "latency_p95", "time_of_day", "throughput_tokens". Any
# word that is not among these says what the value really is: "time_r2", "latency_pearson", "duration_nll"
_LINKS = {"for", "to", "of", "in", "per", "since", "until", "by", "after", "before", "spent", "taken", "needed", "used",
          "elapsed", "this", "on", "from", "between", "during", "at"}  # fmt: skip
_FOLLOWERS = STAGES | _DEVICES | _SIZES | _MOMENTS | {
    "s", "us", "usec", "mean", "avg", "average", "std", "stddev", "sum", "min", "max", "median", "med", "p", "pct",
    "percentile", "cumulative", "cum", "overall", "current", "start", "end", "begin", "stop", "complete", "completed",
    "saved", "run", "local", "iso", "isoformat", "str", "string", "text", "unix", "now", "ago", "left", "remaining",
    "eta", "real", "user", "sys", "system", "batch", "step", "steps", "sample", "samples", "image", "images", "token",
    "tokens", "round", "rounds", "fold", "folds", "items", "rows", "load", "save", "data", "dataloader", "compile",
    "compilation", "setup", "init", "warmup", "update", "rollout", "sampling", "decode", "encode", "prefill",
    "loop", "pass", "search", "tuning", "build", "h", "m", "hms", "humanized", "formatted", "list", "log", "values",
    "wait", "sync", "comm", "allreduce", "io", "read", "write", "checkpoint", "checkpointing", "job", "worker",
    "img", "imgs", "optim", "cost", "costs", "stamp", "jit", "first", "last", "model", "infer", "tokenize", "generate",
}  # fmt: skip
# if one of these words comes first, the last word can still mean a duration: score_time, step_time
_TIMED = {"score", "step", "steps", "layer", "encoder", "token", "feature", "features", *_MEASURED}

COMPARED_FIRST = (".pkl", ".joblib", ".json", ".onnx", ".csv")  # like files of tensors, if there are too many files
ATTRIBUTE = "xattr@"  # begins the names of parts that are extended attributes of a file


def is_attribute(name: str) -> bool:
    """Return whether a part is an extended attribute of a file."""
    return name.startswith(ATTRIBUTE)


def tokens(name: str) -> list[str]:
    """Return the words of a name: ``meanFitTime_0`` has mean, fit, time, 0."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z]+|\d+", spaced.lower())


def is_moment_of_time(number: float) -> bool:
    """Return whether a number can be a moment, in seconds (or milliseconds and the like) since 1970."""
    return number >= EARLIEST


def can_be(reason: str, name: str, number: float) -> bool:
    """Return whether a number can be of the kind that its name says."""
    if reason == "moment":
        return is_moment_of_time(number)
    return number % 1 == 0 or not (reason in ("pid", "port") or may_be_squares(name))


def is_of_device(word: str) -> bool:
    """Return whether a word names a part of the machine."""
    return not _DEVICES.isdisjoint(tokens(word))


def may_be_squares(name: str) -> bool:
    """Return whether a name can mean a residual sum of squares, as "rss" can, and not only the memory of a process."""
    return "rss" in tokens(name) and _SIZES.isdisjoint(tokens(name))


def is_of_model(name: str) -> bool:
    """Return whether a name says that its value is computed: part of a model, or a result."""
    return not (OF_DATA | _MODELLED).isdisjoint(tokens(name))


def reason_of_key(name: str) -> str | None:
    """Return what the name alone says of its value; None if it says nothing.

    That is time, moment, duration, rate, memory, host, pid, port, run id, path, or version of the code.
    """
    words = [word for word in tokens(name) if not word.isdigit()]
    if not words:
        return None
    known, last = set(words), words[-1]
    if "per" in words and words[-1] in ("second", "sec", "s", "minute", "min", "hour"):
        return None if known & (_MEASURED | OF_DATA | {"loss", "acc", "accuracy", "error", "score"}) else "rate"
    if "per" in words[1:] and words[words.index("per", 1) - 1] in _TIMES | _SPANS and not known & OF_DATA:
        return "duration"  # time_per_step
    modelled = known & OF_DATA or known & (_MODELLED | _MEASURED) - (
        _TIMED if last in ("time", "times") or last in _SPANS else set()
    )
    return _reason_of_id(words, last) or (None if modelled else _reason_of_words(words, known, last))


def _reason_of_words(words: list[str], known: set[str], last: str) -> str | None:
    if last == "at" and len(words) > 1:
        return "moment"  # "created_at", but "converged_at: 12" may be an epoch
    for reason, these in _WORDS_OF.items():
        if known & these:
            return reason if _is_of(words, _MEASURES) else None
    is_size = known & {"memory", "mem", "ram", "vram"} and known & _SIZES and _is_of(words, _SIZES)
    is_load = last in ("percent", "usage", "utilization", "util") and known & _DEVICES
    if is_size or is_load or words == ["gb", "free"] or words == ["utilization"]:
        return "memory"
    if last in _HOSTS or (known & {"host", "hostname"}):
        return "host"
    return "path" if last in _PATHS else None


def _is_of(words: list[str], measures: set[str]) -> bool:
    """Return whether the words after the last word for a time (a rate, a load) leave it one."""
    place = max(place for place, word in enumerate(words) if word in measures)
    after = words[place + 1 :]
    return not after or after[0] in _LINKS or all(word in _FOLLOWERS for word in after)


def _reason_of_id(words: list[str], last: str) -> str | None:
    if last in ("pid", "ppid", "tid", "pgid", "sid") or words == ["session"] or words[-2:] in _PROCESS_IDS:
        return "pid"
    if words == ["v", "num"]:  # Lightning's number for the folder into which it writes
        return "run id"
    if last == "port":
        return "port"
    if set(words) & _RUNS:
        return "run id"
    if set(words) & _STATES_OF_CODE:
        return "version of the code"
    owner = words[-2] if len(words) > 1 else ""
    is_owned = not _OWNERS.isdisjoint((owner, owner.removesuffix("s")))
    return "run id" if is_owned and last in ("id", "name", "hash", "sha", "uid", "key") else None
