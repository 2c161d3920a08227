"""Check, record, compare with a record, add to one: the steps of each, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from samebits import __version__, compare, store
from samebits.compare.threads import trains_elsewhere
from samebits.errors import UsageError
from samebits.launch import captures, documents, origin, recorded_trials
from samebits.launch.plan import Plan, Request, make_plan
from samebits.launch.progress import Progress
from samebits.launch.rounds import FinishedRound, Schedule, Trials
from samebits.launch.trial import Limits
from samebits.model import RecordFile, Result, TrialFile
from samebits.store.record import RECORD, RESULT

Remarks = Callable[[FinishedRound], list[str]]


@dataclass(frozen=True)
class OneTrialRecord:
    """What `record` made: a record folder with one trial."""

    folder: Path
    trial: TrialFile


def check(request: Request, progress: Progress | None = None, *, hash_wanted: str | None = None) -> Result:
    """Run the trials in rounds until they diverge, end, or have made all that was asked for; judge them.

    `hash_wanted`: the algorithm of a record that this one will be compared with. Raises UsageError, NotFound,
    RecordExists before anything runs, SamebitsError where the disk is full. On KeyboardInterrupt all processes are
    ended and the record is left readable.
    """
    if request.against is not None:
        return check_against(request, request.against, progress)
    if request.options.trials < 2:
        raise UsageError("One trial shows nothing: at least two are needed.", "samebits check -n 2 -- ...")
    began = time.monotonic()
    plan = make_plan(request, hash_wanted=hash_wanted)
    with documents.full_disk_said(plan.record):
        save(plan, describe(plan))
        trials = Trials(plan, progress or Progress())
        ids = list(range(1, request.options.trials + 1))
        return look(trials, ids, began)


def record(request: Request, progress: Progress | None = None) -> OneTrialRecord:
    """Run one trial, whole (or as many steps as asked for), and keep what it did. No verdict."""
    request = replace(request, options=request.options.model_copy(update={"trials": 1}))
    plan = make_plan(request)
    with documents.full_disk_said(plan.record):
        save(plan, describe(plan))
        looked = Trials(plan, progress or Progress()).run_round(Limits(steps=request.options.steps), [1])
        save(plan, after(describe(plan), looked))
        return OneTrialRecord(plan.record, looked.files[0])


def check_against(request: Request, source: Path, progress: Progress | None = None) -> Result:
    """Compare new trials with the recorded ones, which count among `trials`; at least one is new."""
    began = time.monotonic()
    old = store.open_record(source)
    known = recorded_trials.usable(old)
    _refuse_same_folder(request, source)
    plan = make_plan(request, hash_wanted=old.file.hash)
    with documents.full_disk_said(plan.record):
        save(plan, describe(plan))
        adopted = recorded_trials.adopt(old, plan)
        ids = list(range(len(known) + 1, max(request.options.trials, len(known) + 1) + 1))
        trials = Trials(plan, progress or Progress())
        return look(trials, ids, began, lambda looked: _differences(old, plan, adopted[0], looked))


def _refuse_same_folder(request: Request, source: Path) -> None:
    """UsageError where the new record would take the place of the one that it is compared with."""
    if request.out is None:
        return
    new, old = request.out.absolute().resolve(), source.absolute().resolve()
    if new == old or new in old.parents:
        what = f"{request.out} is, or holds, the record that is compared with."
        raise UsageError(what, "--out DIR names a different folder; --add N RECORD adds trials to a record.")


def add(
    folder: Path,
    more: int,
    progress: Progress | None = None,
    *,
    run: bool = False,
    strict: bool = False,
    ignores: Sequence[str] = (),
) -> Result:
    """Run more trials of a record, as many steps as its last round made, and judge them all.

    `strict` and `ignores` are added to what the record was made with. Raises Untrusted for a record from elsewhere,
    unless `run` is given.
    """
    began = time.monotonic()
    old = _asked_more(store.open_record(folder), strict=strict, ignores=ignores)
    recorded_trials.usable(old)
    origin.require(old, run=run)
    ids = recorded_trials.next_ids(old, more)
    trials = resume(old, progress or Progress())
    plan = trials.plan
    with documents.full_disk_said(plan.record):
        looked = trials.run_round(Limits(steps=recorded_trials.last_steps(old)), ids)
        total = old.file.options.model_copy(update={"trials": len(old.trials) + len(ids)})
        save(plan, after(old.file.model_copy(update={"options": total}), looked))
        return conclude(plan, judge(plan), began)


def _asked_more(old: store.Record, *, strict: bool, ignores: Sequence[str]) -> store.Record:
    known = old.file.options
    asked = {"strict": known.strict or strict, "ignores": list(dict.fromkeys([*known.ignores, *ignores]))}
    return replace(old, file=old.file.model_copy(update={"options": known.model_copy(update=asked)}))


def resume(old: store.Record, progress: Progress) -> Trials:
    """The trials of a record, for more of them: what those before have left behind is known."""
    trials = Trials(recorded_trials.reopen(old), progress)
    for trial in old.trials:
        trials.leaks.wrote(trial.id, [trials.plan.directory / path for path in trial.file.wrote])
    return trials


def look(trials: Trials, ids: list[int], began: float, remarks: Remarks | None = None) -> Result:
    """Round after round until the trials diverge or there is no more to see; then the result.

    `remarks`: what the first round shows that belongs among the warnings.
    """
    plan, file = trials.plan, describe(trials.plan)
    schedule = Schedule(plan.options, len(ids))
    limits: Limits | None = schedule.first()
    while limits is not None:
        looked = trials.run_round(limits, ids, tries_first=not file.rounds)
        notes = file.notes or (remarks(looked) if remarks else [])
        file = after(file.model_copy(update={"notes": notes}), looked)
        save(plan, file)
        if train_in_threads(plan):  # only their ends can be compared
            limits = schedule.whole(looked)
            continue
        goes_on = not looked.is_last and repeats_so_far(plan, looked.steps)
        limits = schedule.after(looked) if goes_on else None
    return conclude(plan, judge(plan), began, looked)


def train_in_threads(plan: Plan) -> bool:
    """Whether a process of the round trained in several threads, so that its steps cannot be compared."""
    return any(map(trains_elsewhere, (p for trial in store.open_record(plan.record).trials for p in trial.processes)))


def repeats_so_far(plan: Plan, steps: int | None) -> bool:
    """Whether the trials of a round have the same bits, and so are worth another round."""
    record = store.open_record(plan.record)
    options = record.file.options.model_copy(update={"steps": steps, "strict": False})
    return compare.judge(record.file.model_copy(update={"options": options}), record.trials).verdict == "repeated"


def judge(plan: Plan) -> Result:
    """The verdict on what the record holds now."""
    record = store.open_record(plan.record)
    return compare.judge(record.file, record.trials)


def conclude(plan: Plan, result: Result, began: float, looked: FinishedRound | None = None) -> Result:
    """Add what the judge cannot know, and write result.json.

    `seconds` is the time to the verdict; the size of a divergence is looked up after it.
    """
    result = result.model_copy(update={"seconds": time.monotonic() - began, "record": str(plan.record)})
    documents.write(plan.record / RESULT, result)
    size = captures.measure(plan, result, looked.files) if looked is not None else None
    if size is not None and result.divergence is not None:
        sized = result.divergence.model_copy(update={"size": size})
        result = result.model_copy(update={"divergence": sized})
        documents.write(plan.record / RESULT, result)
    return result


def describe(plan: Plan) -> RecordFile:
    """record.json before the first round."""
    request = plan.request
    return RecordFile(
        samebits=__version__,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=request.command,
        directory=str(plan.directory),
        python=request.python,
        environment=request.environment,
        preset=request.preset,
        controls=plan.controls,
        seed=request.seed,
        variables=request.variables,
        hash="xxh3" if plan.hash == "xxh3" else "blake2b",
        options=request.options,
    )


def after(file: RecordFile, looked: FinishedRound) -> RecordFile:
    """record.json with one more round."""
    return file.model_copy(update={"rounds": [*file.rounds, looked.document]})


def save(plan: Plan, file: RecordFile) -> None:
    """Write record.json."""
    documents.write(plan.record / RECORD, origin.signed(file, plan.record))
    store.seal_record(plan.record)


def _differences(old: store.Record, plan: Plan, before: TrialFile, looked: FinishedRound) -> list[str]:
    return recorded_trials.setup_differences(old.file, describe(plan), before, looked.files[0])
