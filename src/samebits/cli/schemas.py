"""Runs `samebits schema`: prints the JSON schema of each document that a command writes."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import click

from samebits import words
from samebits.cli import answers, clients
from samebits.cli.parser import Reads, plain
from samebits.errors import UsageError
from samebits.options import read_text

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["DIALECT", "DOCUMENTS", "SCHEMA", "document_names", "model_of", "schema_of"]

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
    "noise": ("noise.json, and --json of noise", "samebits.noise.result:NoiseResult"),
}

TEXT = """Print the JSON schema of a document that a command writes (draft 2020-12). Without NAME, list the documents.

Later versions may add fields, but never change one. So a schema allows fields that it does not name."""


def documents() -> dict[str, tuple[str, str]]:
    """Return the documents of samebits and of its clients.

    A client names its own in a table `DOCUMENTS`, beside its command.
    """
    known: dict[str, tuple[str, str]] = clients.named("DOCUMENTS")
    return {**DOCUMENTS, **{name: one for name, one in known.items() if name not in DOCUMENTS}}


def document_names() -> list[str]:
    """Return the names that `samebits schema` takes."""
    return list(documents())


def model_of(name: str) -> type[BaseModel]:
    """Return the model of a document. Raises UsageError if there is no such document."""
    known = documents()
    if name not in known:
        raise UsageError(f"There is no document {name!r}.", words.suggestion(name, known))
    module, _, model = known[name][1].partition(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), model)
    return found


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of a document in its written form. Raises UsageError if there is no such document."""
    return {"$schema": DIALECT, **model_of(name).model_json_schema(mode="serialization")}


def show_schema(name: str | None) -> int:
    """Print one schema, or the names of all."""
    if name is None:
        known = documents()
        wide = max(map(len, known))
        answers.say("".join(f"{one:<{wide}}  {about}\n" for one, (about, _) in known.items()))
    else:
        answers.say(json.dumps(schema_of(name), indent=2, allow_nan=False) + "\n")
    return 0


NAME = click.Argument(["name"], type=Reads(read_text, "document", document_names), required=False, metavar="[NAME]")
SCHEMA = plain("schema", show_schema, TEXT, [], [NAME])
