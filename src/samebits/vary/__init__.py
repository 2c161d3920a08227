"""Vary: holds the setup and varies one factor of the machine at a time. A table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from samebits import __version__, checks, clock
from samebits.experiment import Request
from samebits.launch.plan import AGAIN, make_record_folder
from samebits.store import record_files, write_document
from samebits.vary import choices, result
from samebits.vary.choices import Choices, Wanted
from samebits.vary.factor import OWN
from samebits.vary.result import VARY_FORMAT, FactorResult, VaryResult
from samebits.vary.runs import MOVED, Runs, SetupRun, Shown

__all__ = ["DOCUMENT", "read", "vary"]

DOCUMENT = "vary.json"


def vary(request: Request, wanted: Sequence[Wanted], shown: Shown) -> VaryResult:
    """Run the base setup, then every value of every factor against it; write vary.json, again after each factor.

    `wanted`: factors and their values; none: all that are cheap here. `shown`: gives the progress of one setup's
    trials. Raises UsageError, NotFound or RecordExists before anything runs.
    """
    began = clock.now()
    chosen = choices.choose(wanted, request)
    held = make_record_folder(request)
    folder = held.folder
    checks.stop_tells(folder)
    runs = Runs(choices.without_varied(_one_by_one(request), chosen), chosen, folder, shown)
    base = runs.base
    result = _written(_result(base, chosen, []), folder, began)
    if base.result.verdict != "repeated":
        return result

    def keep(factors: list[FactorResult]) -> VaryResult:  # stopped by Ctrl-C, what was found so far can be read
        return _written(_result(base, chosen, factors), folder, began)

    return keep(runs.factors(keep))


def _one_by_one(request: Request) -> Request:
    """Trials run one by one unless the user says how many: the load of the machine is a factor."""
    jobs = 1 if request.options.jobs == "auto" else request.options.jobs
    return replace(request, options=request.options.model_copy(update={"jobs": jobs}), again=AGAIN)


def _written(result: VaryResult, folder: Path, began: float) -> VaryResult:
    """Write what is known by now."""
    result = result.model_copy(update={"seconds": clock.now() - began, "record": str(folder)})
    write_document(folder / DOCUMENT, result)
    return result


def read(folder: Path) -> VaryResult:
    """What an earlier vary found. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(
        record_files.parse(record_files.read_bytes(path), path), path
    )  # NaN in those of before 2026-12
    record_files.check_format(content, path, VARY_FORMAT)
    return record_files.checked(content, path, VaryResult).model_copy(update={"record": str(folder.absolute())})


def _result(base: SetupRun, chosen: Choices, factors: list[FactorResult]) -> VaryResult:
    """Make the result. If the base does not repeat, nothing can be compared with it."""
    own = result.not_repeated(base.result)
    left = [] if own else [choice.factor.id for choice in chosen.choices[len(factors) :]]
    verdict, sentence, reason = result.of_all(factors, left)
    if own:
        verdict, reason = "inconclusive", f"nothing can be compared with the base setup: {own}."
        sentence = f"{reason[:1].upper()}{reason[1:]}"
    return VaryResult(
        samebits=__version__,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        verdict=verdict,
        sentence=sentence,
        reason=reason,
        advice=_advice(base) if own else None,
        setup=base.result.setup,
        trials=len(base.result.trials),
        steps=base.result.scope.steps_compared,
        scope=base.result.scope.kind,
        held={name: value for name, value in chosen.held.items() if value != OWN},
        factors=factors,
        left_out={**chosen.left_out, **dict.fromkeys(left, result.STOPPED)},
        by_chance=result.by_chance(len(base.result.trials)),
        warnings=[*result.warnings(base.result, chosen.users), *result.of_memory(factors, MOVED)],
    )


def _advice(base: SetupRun) -> str:
    if base.result.verdict == "inconclusive":
        return base.result.advice or f"samebits report {base.record.folder}"
    return f"samebits explain {base.record.folder}   (finds what makes it vary; hold that with --control)"
