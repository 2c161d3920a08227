"""The result as one self-contained page: no script, no request; light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

import functools
import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from samebits import words
from samebits.model import Result
from samebits.reports import explanation, figures, location, meaning, result_words, table
from samebits.reports.history import history, later_leavers

if TYPE_CHECKING:
    from samebits.store.record import Record

TEMPLATES = Path(__file__).parent / "templates"
COLOURS = 6  # of groups; more repeat them, their letters do not
MOST_FILES = 200
MOST_DETAILS = 50
MOST_PACKAGES = 500


def render(result: Result, record: Record | None = None) -> str:
    """The page. Without a record it has no map, curves and files, and says so."""
    past = history(result, record)
    return (
        templates()
        .get_template("old_report.html")
        .render(
            result=result,
            words=words,
            wording=result_words,
            says=meaning.says(result),
            does_not_say=meaning.does_not_say(result),
            command=shlex.join(result.setup.command),
            path=result_words.path(result.divergence) if result.divergence else [],
            located=location.page(result.location) if result.location else None,
            why=explanation.page(result.explanation) if result.explanation else None,
            details=result.divergence.details[:MOST_DETAILS] if result.divergence else [],
            letters=result_words.letters(result),
            history=past,
            rows=_rows(result, past),
            ticks=figures.step_ticks(past.steps, before=1),
            later=_later(result, record),
            plots=figures.plots(past),
            files=_files(result, record),
            created=record.file.created if record else None,
            machine=_flat(result.setup.machine),
            code=_flat(result.setup.code),
            packages=sorted(result.setup.packages.items())[:MOST_PACKAGES],
        )
    )


@functools.cache
def templates(own: Path | None = None) -> jinja2.Environment:
    """What pages are made with. `own`: the folder of a page that has its templates elsewhere, and shares the style."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES] if own is None else [own, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    environment.filters.update(clock=words.clock, span=words.span, model=result_words.model_name, colour=_colour)
    environment.filters.update(shown=table.shown, absent=table.is_absent)
    return environment


def _clean(value: Any) -> Any:
    """Texts from outside without control characters; the template's own markup as it is."""
    return words.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _colour(group: str) -> str:
    """The class that colours a group."""
    return f"g{figures.place_of(group) % COLOURS}" if group else "all"


def _rows(result: Result, past: Any) -> list[dict[str, Any]]:
    """The map: a row for each trial."""
    names = result_words.letters(result)
    return [
        {
            "trial": trial,
            "group": names.get(trial.id, ""),
            "bars": figures.bars(past.stretches.get(trial.id, []), past.steps),
            "said": _said(past.stretches.get(trial.id, []), trial),
        }
        for trial in result.trials
    ]


def _said(stretches: list[Any], trial: Any) -> str:
    """The row in words, for those who do not see it."""
    if not stretches:
        return f"not compared ({result_words.status_words(trial)})"
    parts = [f"{'with all' if not s.group else 'group ' + s.group} to step {s.last:,}" for s in stretches]
    return ", then ".join(parts)


def _later(result: Result, record: Record | None) -> list[str]:
    """Which trials leave the largest group after the divergence, and where."""
    leavers = later_leavers(result, record)
    places = sorted(set(leavers.values()))
    return [f"{words.ids(t for t in leavers if leavers[t] == at)} at step {at:,}" for at in places]


def _files(result: Result, record: Record | None) -> list[dict[str, Any]]:
    """Each file that trials wrote: its format, its parts, and whether its content is the same in all."""
    if record is None:
        return []
    names = result_words.letters(result)
    found: dict[str, list[tuple[int, Any]]] = {}
    for trial in record.trials:
        for file in trial.files.files:
            if trial.id in names:
                found.setdefault(file.path, []).append((trial.id, file))
    return [_file(path, found[path]) for path in sorted(found)[:MOST_FILES]]


def _file(path: str, copies: list[tuple[int, Any]]) -> dict[str, Any]:
    contents = Counter(tuple(sorted(file.tensors.items())) for _, file in copies)
    file = copies[0][1]
    differing = sorted({name for a in contents for b in contents for name, _ in set(a) ^ set(b)})
    return {
        "path": path,
        "format": file.format,
        "named": file.named,
        "parts": len(file.tensors),
        "trials": words.ids(trial for trial, _ in copies),
        "contents": len(contents),
        "differing": [name for name in differing if name][:3],
        "error": next((copy.error for _, copy in copies if copy.error), None),
    }


def _flat(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Facts as rows of a table."""
    return [(name, _fact(value)) for name, value in facts.items() if value not in (None, "", [], {})]


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(part, str | int | float) for part in value.values()):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
