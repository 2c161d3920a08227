"""A hook of MkDocs: tables of the reference pages, made from the data that the program itself uses.

A page says `{{ options check }}`, `{{ keywords }}`, `{{ seen }}`, `{{ formats }}`, `{{ controls }}`, `{{ factors }}`,
`{{ presets }}`, `{{ exit }}`, `{{ kinds }}` or `{{ document Result }}` on a line of its own (see TABLES).
"""

import html
import importlib
import pkgutil
import re
import typing

from samebits import api, controls, documents, keywords, model
from samebits import options as core
from samebits.store import formats as file_formats
from samebits.vary import factors, result
from samebits_parity import options as parity
from samebits_probe import watchers, wire
from samebits_study import cli as study

OPTIONS = {**core.OPTIONS, **parity.OPTIONS, **study.OPTIONS}
MARK = re.compile(r"^\{\{ (\w+)(?: ([\w ]+))? \}\}$", re.MULTILINE)
MEANINGS = {
    "start": "initial weights or buffers, the first time they are seen",
    "rng": "a random state that agreed at the start and differs now, if something else differs later",
    "batch": "tensors fed to the model, and labels where they are seen",
    "forward": "outputs of modules, the loss",
    "gradient": "gradients as the optimizer finds them",
    "update": "weights, buffers or optimizer state after a step whose gradients were equal",
    "structure": "the trials did different things: different points, or different numbers of steps",
    "end": "anything after the last step: final weights, buffers, metrics, files written",
}

OWN_KEYWORDS = {
    "directory": "The folder in which the command runs (default: the current one).",
    "progress": "An object that receives the progress of the trials.",
    "json": "Write the result.",
}


def on_page_markdown(markdown, **_):
    """Called by MkDocs with the text of each page."""
    return MARK.sub(lambda match: TABLES[match[1]](*filter(None, [match[2]])), markdown)


def table(heads, rows):
    """A Markdown table. A bar within code would show its backslash, so code with a bar is written as HTML."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(str(cell)) for cell in line) + " |" for line in lines)


def _cell(text):
    return re.sub(r"`([^`]*\|[^`]*)`", lambda code: f"<code>{html.escape(code[1])}</code>", text).replace("|", "&#124;")


def options(command):
    """The options of a command."""
    rows = []
    for option in OPTIONS[command]:
        flags = ", ".join(f"`{flag}{' ' + option.metavar if option.metavar else ''}`" for flag in option.flags)
        many = " May be given again." if option.many else ""
        default = f" Default: {option.default}." if option.default not in (None, False) else ""
        rows.append([flags, html.escape(f"{option.help}{default}{many}", quote=False)])
    return table(["option", "meaning"], rows) if rows else "It has no options."


def keyword_table():
    """Every keyword argument of the functions of samebits, with the functions that take it."""
    functions = sorted((name for name in api.__all__ if name.islower()), key=lambda name: (name != "check", name))
    forms = {name: _form(name) for name in functions}
    types = {key: kind.__forward_arg__ for form in forms.values() for key, kind in form.__annotations__.items()}
    said = {option.name: option.help for row in core.OPTIONS.values() for option in row} | OWN_KEYWORDS
    rows = [
        [
            f"`{name}`",
            f"`{kind}`",
            html.escape(said[name]),
            _ids(one for one in forms if name in forms[one].__annotations__),
        ]
        for name, kind in types.items()
    ]
    return table(["keyword", "type", "meaning", "taken by"], rows)


def _form(function):
    """The TypedDict of a function's keywords: its name stands in the annotation `Unpack[...]`."""
    annotation = getattr(api, function).__annotations__["options"]
    return getattr(keywords, annotation.removeprefix("Unpack[").removesuffix("]"))


def seen():
    """What each watcher sees: one table each."""
    parts = []
    for found in pkgutil.walk_packages(watchers.__path__, "samebits_probe.watchers."):
        try:
            module = importlib.import_module(found.name)
        except ModuleNotFoundError as why:
            raise SystemExit(f"{found.name} needs {why.name}. `make docs` installs what the pages need.") from None
        if hasattr(module, "SEEN"):
            title = (module.__doc__ or found.name).strip().splitlines()[0].rstrip(".").removeprefix("Watches ")
            rows = [(*row, *[""] * (4 - len(row))) for row in module.SEEN]
            parts.append(
                f"### {title}\n\n"
                + table(["what", "where it is seen", "what hides it", "what the report says then"], rows)
            )
    return "\n\n".join(parts)


def formats():
    """Every format of files that samebits knows, with the first sentence of its reader."""
    rows = []
    for kind in file_formats.TABLE:
        about = (kind.loaded().__doc__ or "").partition("\n\n")[0] if kind.module else "Reads their bytes, as a model."
        files = ", ".join(f"`{ending}`" for ending in kind.endings) or kind.name
        library = f"`{kind.library}`; else its bytes are compared" if kind.library else ""
        rows.append([files, " ".join(about.split()).rstrip(".").removeprefix("Reads "), library])
    return table(["files", "what is read", "needs"], rows)


def control_table():
    """Every control, in the order in which causes are named."""
    rows = [
        [
            f"`{entry.id}`",
            entry.does(),
            ", ".join(entry.libraries) or "every process",
            _ids((*entry.implies, *entry.needs)),
        ]
        for entry in controls.table()
    ]
    return table(["control", "what it does", "acts on", "held with it"], rows)


def factor_table():
    """Every factor that vary knows, with the value at which it is held while others are varied."""
    found = [factors.find(identity) for identity in factors.TABLE]
    rows = [[f"`{factor.id}`", factor.does(), factor.takes, f"`{factor.held}`"] for factor in found]
    return table(["factor", "what it is", "values", "held at"], rows)


def _ids(names):
    return ", ".join(f"`{name}`" for name in names)


def presets():
    """Every preset."""
    rows = [[f"`{name}`", _ids(ids) or "nothing"] for name, ids in controls.presets().items()]
    return table(["preset", "controls"], rows)


def exit_statuses():
    """The exit status of each verdict."""
    rows = [[f"`{status}`", verdict] for verdict, status in model.EXIT_CODES.items()]
    return table(["status", "verdict"], [*rows, ["`2`", "wrong use, or an error of samebits"]])


def kinds():
    """The kinds of points, in the order in which they are judged."""
    return table(["kind", "what it is"], [[f"`{kind}`", MEANINGS[kind]] for kind in wire.KINDS])


def fields(name):
    """The fields of a document of a result, of what explain found, or of what vary found."""
    document = next(getattr(place, name) for place in (model, documents, result) if hasattr(place, name))
    hints = typing.get_type_hints(document)
    types = {name: hints[name] for name in document.model_fields}
    types.update(
        {name: getattr(document, name).fget.__annotations__["return"] for name in document.model_computed_fields}
    )
    rows = [[f"`{field}`", f"`{_type(annotation)}`"] for field, annotation in types.items()]
    text = " ".join((document.__doc__ or "").split())
    return f"{text}\n\n" + table(["field", "type"], rows)


def _type(annotation):
    text = getattr(annotation, "__name__", None) if isinstance(annotation, type) else None
    return re.sub(r"(typing|samebits(\.\w+)*)\.", "", text or str(annotation))


TABLES = {
    "options": options,
    "seen": seen,
    "formats": formats,
    "controls": control_table,
    "keywords": keyword_table,
    "factors": factor_table,
    "presets": presets,
    "exit": exit_statuses,
    "kinds": kinds,
    "document": fields,
}
