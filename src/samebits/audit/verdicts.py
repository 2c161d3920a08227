"""Judges the arms of an audit: each moment, then all of them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from samebits import words
from samebits.audit import alignment
from samebits.audit.alignment import Run, ShiftedComparison, StepPlace
from samebits.audit.result import Checkpoint, Moment, ResumeDifference
from samebits.endings import ENDED_WELL
from samebits.model import FilesFile, TrialFile
from samebits_probe import wire

Reason = tuple[str, str]  # a sentence, and what to do
_KINDS = {
    "middle": "in the middle of an epoch",
    "boundary": "at an epoch's boundary",
    "validation": "after a validation",
    "again": "a second resume",
}


def failed(file: TrialFile, runs: Sequence[Run]) -> Reason | None:
    """Return why the uninterrupted run cannot be used."""
    if file.status not in ENDED_WELL:
        return f"The uninterrupted run did not end well: {_ending(file)}", "make it run by itself first."
    if not any(run.of(step, "update") for run in runs for step in (0, run.steps - 1)):
        what = "samebits saw no step that changes weights in the uninterrupted run."
        return what, "samebits check -- ... says what it sees of the program."
    return None


def _ending(file: TrialFile) -> str:
    return f"{file.why or file.status}." + (f" It said: {file.said}" if file.said else "")


def _differ(first: Sequence[Run], second: Sequence[Run]) -> list[StepPlace]:
    """Return the first difference of each rank."""
    found = [alignment.compare(one, other, 0).first for one, other in zip(first, second, strict=False)]
    return [place for place in found if place is not None]


def unrepeated(first: Sequence[Run], second: Sequence[Run]) -> Reason | None:
    """Return why two uninterrupted runs do not agree."""
    found = _differ(first, second)
    if len(first) == len(second) and not found:
        return None
    where = f"at step {found[0].step} ({found[0].kind} of {found[0].name})" if found else "in their number of ranks"
    what = f"The uninterrupted run does not repeat: two runs of it differ {where}. So it cannot judge a resumed run."
    return what, "samebits why -- ... finds the cause."


def no_checkpoint(known: Sequence[Checkpoint], steps: int, saved: str) -> Reason:
    """Say that there is nothing to resume from, and which files were saved."""
    late = f" The only checkpoint is of the end (step {known[-1].step})." if known else ""
    what = f"The program wrote no checkpoint between two of its {words.count(steps, 'step')}.{late} Files: {saved}."
    return what, "let it save while it trains, or name its checkpoints with --checkpoints GLOB."


def incomplete(at: Checkpoint, files: Path) -> Reason | None:
    """Return why a checkpoint cannot be used. `files`: those that a kill one step later would have left."""
    path = files / at.place / at.path
    if not path.exists():
        return f"{at.path} was no longer there one step after step {at.step}.", ""
    size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size
    if size < at.size:
        advice = "let the program wait for the end of its save, or try a different moment with --at."
        return f"{at.path} was still being written one step after step {at.step}.", advice
    return None


def no_answer(at: Checkpoint, sentence: str, advice: str) -> Moment:
    """Return a moment that gives no answer."""
    return Moment(checkpoint=at, verdict="inconclusive", sentence=sentence, expected=at.step, advice=advice)


def unanswered(at: Checkpoint, whole: Sequence[Run], other: Sequence[Run], file: TrialFile) -> Moment | None:
    """Return the answer if a resumed run cannot be compared with the uninterrupted one; None if it can."""
    if file.status not in ENDED_WELL:
        return no_answer(at, f"The resumed run did not end well: {_ending(file)}", "")
    if not other:
        return no_answer(at, "The resumed run took no step: nothing was compared.", "--at a step before the last one.")
    if len(other) != len(whole):
        what = f"The resumed run has {words.count(len(other), 'rank')}, the uninterrupted one {len(whole)}."
        return no_answer(at, what, "resume with as many ranks as the uninterrupted run has.")
    return None


def judged(at: Checkpoint, whole: Sequence[Run], other: Sequence[Run], length: int | None, files: list[str]) -> Moment:
    """Compare a resumed run with the uninterrupted one. `files`: arrays of saved files that differ at the end."""
    offset = alignment.offset_of(whole[0], other[0], at.step)
    begin = at.step if offset is None else offset
    compared = [alignment.compare(one, two, begin, length) for one, two in zip(whole, other, strict=True)]
    moment = Moment(
        checkpoint=at,
        verdict="repeated",
        sentence="",
        expected=at.step,
        offset=offset,
        steps=min(one.steps for one in compared),
        to_the_end=all(run.is_whole for run in other),
        points=sum(one.points for one in compared),
        left_out=sum(one.left_out for one in compared),
    )
    return moment.model_copy(update=_judgement(moment, compared, files))


def _judgement(moment: Moment, compared: Sequence[ShiftedComparison], files: list[str]) -> dict[str, Any]:
    step, offset = moment.expected, moment.offset
    if offset == 0:
        named = ["It started from the initial weights, at step 0."]
        return {"verdict": "diverged", "sentence": f"The run did not resume from the checkpoint of step {step}: it "
                "started again from step 0.", "named": named, "forgotten": ["everything"]}  # fmt: skip
    found = [(one.first, rank) for rank, one in enumerate(compared) if one.first is not None]
    first, rank = min(found, key=lambda pair: (pair[0].step, wire.KINDS.index(pair[0].kind)), default=(None, 0))
    named = [f"Rank {rank} differs first."] if first is not None and len(compared) > 1 else []
    if offset is not None and offset != step:
        inside = " It lies inside an accumulation window." if compared[0].begun else ""
        named.append(f"The checkpoint is of step {offset}, not {step}.{inside}")
    if offset is None:
        named.append(f"It did not resume with the weights of step {step}, nor with those of any other step.")
    if first is None:
        if not moment.steps or not moment.points:
            why = "No step of the resumed run could be compared."
            return {"verdict": "inconclusive", "sentence": why, "advice": "--at an earlier step."}
        if files:
            where = ResumeDifference(step=step + moment.steps, after=moment.steps, kind="end", name=files[0])
            said = f"Resumed from step {step}, every step is the same; only what it saved last differs ({files[0]})."
            return {"verdict": "diverged", "sentence": said, "divergence": where, "named": named}
        far = words.count(moment.steps, "step") + (" and the end" if moment.to_the_end else "")
        said = f"Resumed from step {step}, it equals the uninterrupted run: {far} compared."
        return {"sentence": said, "named": named}
    where = ResumeDifference(step=first.step, after=first.step - compared[0].offset, kind=first.kind, name=first.name)
    after = "at its first step" if not where.after else f"{words.count(where.after, 'step')} later"
    sentence = f"Resumed from step {step}, it differs {after} ({first.kind} of {first.name})."
    return {"verdict": "diverged", "sentence": sentence, "divergence": where, "named": named, "rank": rank}


def differing_files(whole: FilesFile, other: FilesFile, unwritten: Collection[str]) -> list[str]:
    """Return the arrays of files that both runs saved and that differ. `unwritten`: files that one only inherited."""
    theirs = {file.path: file.parts for file in other.files if file.path not in unwritten}
    return [
        f"{file.path} > {name}"
        for file in whole.files
        for name, part in file.parts.items()
        if part.kind == "array" and name in theirs.get(file.path, {})
        if theirs[file.path][name].digest != part.digest
    ]


def of_saving(whole: Sequence[Run], unsaved: Sequence[Run], file: TrialFile) -> tuple[str, bool]:
    """Return what the run without saving shows, and whether it differs."""
    if file.status not in ENDED_WELL or len(whole) != len(unsaved):
        return "The run without saving gave no answer.", False
    first = next(iter(_differ(whole, unsaved)), None)
    if first is None:
        return "The run without saving has the same bits.", False
    return f"Saving changes the training: without it, step {first.step} differs ({first.kind} of {first.name}).", True


def overall(moments: Sequence[Moment], reason: Reason | None, saving: tuple[str, bool]) -> dict[str, Any]:
    """Return the verdict of an audit, and its sentence. `saving`: see `of_saving`."""
    if reason is not None:
        return {"verdict": "inconclusive", "sentence": reason[0], "reason": reason[0], "advice": reason[1]}
    if saving[1]:
        return {"verdict": "diverged", "sentence": saving[0]}
    if not moments:
        said = "No checkpoint was tried: --budget left no time."
        return {"verdict": "inconclusive", "sentence": said, "reason": said, "advice": "give a longer --budget."}
    bad = [one for one in moments if one.verdict == "diverged"]
    if bad:
        return {"verdict": "diverged", "sentence": bad[0].sentence + _forgotten(bad)}
    unknown = next((one for one in moments if one.verdict == "inconclusive"), None)
    if unknown is not None:
        said, advice = unknown.sentence, unknown.advice
        return {"verdict": "inconclusive", "sentence": said, "reason": said, "advice": advice}
    at = [one.checkpoint.step for one in moments if not one.again]
    steps = f"step{'s' * (len(at) > 1)} {words.listed(at)}"
    compared = words.listed(f"{one.steps:,}" for one in moments)
    sentence = f"The run that was resumed from {steps} equals the uninterrupted one ({compared} steps compared)."
    return {"verdict": "repeated", "sentence": sentence}


def _forgotten(bad: Sequence[Moment]) -> str:
    """Return what the checkpoint forgot: "exactly" if experiments have confirmed that nothing less is enough."""
    is_exact = all(one.graft is not None and one.graft.is_smallest for one in bad)
    lost = list(dict.fromkeys(name for one in bad for name in _confirmed(one) or one.forgotten))
    exactly = " exactly" if is_exact else ""
    return f" The checkpoint forgot{exactly}: {words.listed(lost)}." if lost and lost != ["everything"] else ""


def _confirmed(one: Moment) -> list[str]:
    return one.graft.parts if one.graft is not None else []


def tried(moments: Sequence[Moment]) -> list[str]:
    """Return the moments that were tried, in words."""
    found = []
    for one in moments:
        kinds = [*one.checkpoint.kinds, *(["again"] if one.again else [])]
        found.append(f"step {one.checkpoint.step}" + "".join(f", {_KINDS[kind]}" for kind in kinds))
    return found


def not_tried(moments: Sequence[Moment], known: Sequence[Checkpoint], *, saves: bool) -> list[str]:
    """Return the moments and arms that were not tried, in words. `saves`: a run without saving was made."""
    kinds = {kind for one in moments for kind in one.checkpoint.kinds}
    found = [f"a checkpoint {_KINDS[kind]}" for kind in ("middle", "boundary") if kind not in kinds]
    done = {one.checkpoint.step for one in moments}
    left = [one.step for one in known if one.step not in done]
    found += [f"the other {words.count(len(left), 'checkpoint')}"] if left else []
    found += [] if any(one.again for one in moments) else ["a second resume"]
    return [
        *found,
        "a checkpoint inside an accumulation window",
        *([] if saves else ["the run without saving"]),
        *([] if any(one.cold for one in moments) else ["a fresh run with the weights alone"]),
    ]
