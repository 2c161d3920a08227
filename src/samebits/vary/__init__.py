"""Holds the setup, and varies one factor of the machine at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    """Run the base setup, and compare every value of every factor with it.

    Writes vary.json after the base and after each factor. `wanted`: factors and their values; if there are none, all
    factors that are cheap here. `shown`: shows the progress of one setup's trials. Raises UsageError, NotFoundError or
    RecordExists before anything runs.
    """
    began = clock.now()
    chosen = choices.choose(wanted, request)
    holder = make_record_folder(request)
    folder = holder.folder
    runs = Runs(choices.without_varied(_one_by_one(request), chosen), chosen, folder, shown)
    base = runs.base
    result = _written(_result(base, chosen, []), folder, began)
    if base.result.verdict != "repeated":
        return result

    def keep(factors: list[FactorResult]) -> VaryResult:  # after Ctrl-C, people can read what was found so far
        return _written(_result(base, chosen, factors), folder, began)

    return keep(runs.factors(keep))


def _one_by_one(request: Request) -> Request:
    """Return the request so that trials run one by one, unless the user gives a number.

    The load of the machine is itself a factor.
    """
    jobs = 1 if request.options.jobs == "auto" else request.options.jobs
    return replace(request, options=request.options.model_copy(update={"jobs": jobs}), again=AGAIN)


def _written(result: VaryResult, folder: Path, began: float) -> VaryResult:
    """Write the result as it is known by now, and return it. Before that, only the record of the base can be read."""
    result = result.model_copy(update={"seconds": clock.now() - began, "record": str(folder)})
    write_document(folder / DOCUMENT, result)
    checks.stop_tells(folder, replace=True)
    return result


def read(folder: Path) -> VaryResult:
    """Read what an earlier vary found. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(
        record_files.parse(record_files.read_bytes(path), path), path
    )  # documents of before 2026-12 may hold NaN
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
        created=clock.date(),
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
