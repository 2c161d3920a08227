"""What was compared, and what nobody could see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from samebits import words
from samebits.compare.coverage import named_by_program
from samebits.compare.processes import AlignedTrial
from samebits.compare.threads import trains_elsewhere
from samebits.compare.unwatched import unwatched, unwatched_processes
from samebits.model import Scope


def scope(aligned: Sequence[AlignedTrial]) -> Scope:
    """The scope of a comparison of these trials."""
    whole = [trial for trial in aligned if trial.whole]
    return Scope(
        kind="whole" if aligned and len(whole) == len(aligned) else "prefix",
        steps_compared=min((trial.steps for trial in aligned), default=0),
        steps_total=max((trial.steps for trial in whole), default=None),
        files_compared=max((len(trial.trial.files.files) for trial in whole), default=0),
        not_observed=list(dict.fromkeys(_not_observed(aligned))),
        unwatched=list(dict.fromkeys(what for trial in aligned for what in unwatched(trial.trial))),
    )


def _not_observed(aligned: Sequence[AlignedTrial]) -> Iterator[str]:
    for trial in aligned:
        for process in trial.trial.processes:
            if not process.observed and not trains_elsewhere(process):
                continue
            for event in process.events_named("not-observed"):
                yield f"{event.get('point', '?')}: {event.get('why', '')}"
            if named_by_program(process):
                yield "what the program did not name with observe()"
        if not trial.members and trial.trial.files.files:
            yield "steps: only the files that were written are compared"
        for hidden in unwatched_processes(trial.trial.file):
            why = f" ({hidden.why})" if hidden.why else ""
            yield f"the process {words.command(hidden.argv)}{why}"
