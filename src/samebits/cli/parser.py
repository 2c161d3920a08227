"""Makes the parser from the table of options, and lists the names that options and arguments take.

No command declares options itself. `samebits list` shows the names, and shells complete them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from samebits.options import OPTIONS, Option
from samebits.requests import passed_on, training_command
from samebits.words import printable

__all__ = ["KINDS", "NAMES", "NameEntry", "NameKind", "Reads", "as_click", "launching", "plain", "record_argument"]

_SORTS = {"FILE": "file", "PATH": "file", "DIR": "dir", "RECORD": "dir"}  # metavar -> what the shell completes itself
_FEW = 12  # a help shows at most so many options in one list
# the title of a group in a longer help -> the names of its options, the most used ones first
_GROUPS = {
    "Trials": "trials seeds steps full models budget timeout jobs ask isolate ok_exit settle",
    "What is compared": "metrics cases artifacts ignores strict against golden update add of lower",
    "What is held": "controls preset seed",
    "Where trials run": "python environment on each sbatch spread run",
    "Output": "notes out overwrite json html md junit",
    "Other": "profile show_options bisect",
}
STOPS_AT_THE_COMMAND = {"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]}


class Reads(click.ParamType[Any]):
    """A click type that reads a word with a reader of the table, or says why it cannot."""

    def __init__(self, read: Callable[[str], Any], name: str, names: Callable[[], Iterable[str]] | None = None) -> None:
        self.read, self.name, self._names = read, name, names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # a default
        try:
            return self.read(value)
        except ValueError as why:
            self.fail(str(why), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete a name, also after a comma. Without names, complete files or folders if the option takes these."""
        before, comma, begun = incomplete.rpartition(",")
        entries = self._entries()
        if not entries:
            sort = _SORTS.get(str(param.metavar or "").strip("[]"))
            return [CompletionItem(incomplete, type=sort)] if sort else []
        return [
            CompletionItem(before + comma + row.name, help=row.about) for row in entries if row.name.startswith(begun)
        ]

    def _entries(self) -> list[NameEntry]:
        if self._names is not None:
            return [NameEntry(name, "") for name in self._names()]
        return NAMES[self.name]() if self.name in NAMES else []


class FlagOption(click.Option):
    """An option that messages call by its longest flag."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return max(self.opts, key=len)


def as_click(option: Option) -> click.Option:
    """Turn an option of the table into an option of click."""
    declared = (*option.flags, option.name)
    if option.takes == 0:
        return FlagOption(declared, is_flag=True, default=False, help=option.help)
    kind: Any = _kind(option)
    return FlagOption(
        declared,
        type=kind,
        default=option.default,
        show_default=option.default is not None,
        multiple=option.many,
        metavar=option.metavar,
        help=option.help,
    )


def _kind(option: Option) -> Any:
    if option.words:
        return tuple(Reads(read, "word") for read in option.words)
    assert option.read is not None
    return Reads(option.read, option.name, option.names)


class GroupedCommand(click.Command):
    """A command whose help shows many options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        left = {option.name: record for option in options if (record := option.get_help_record(ctx))}
        groups = _GROUPS if len(left) > _FEW else {}
        parts = {title: [left.pop(name) for name in names.split() if name in left] for title, names in groups.items()}
        for title, records in {"Options": list(left.values()), **parts}.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class LaunchCommand(GroupedCommand):
    """A command that ends in the command of a training. Its own options must come before that.

    If there is no `--` before a script, python runs the script.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = self._with_python(args)
        given = list(args)
        rest = super().parse_args(ctx, args)
        words = ctx.params.get("command") or ()
        before = len(given) - len(words) - 1
        if before < 0 or given[before] != "--":
            ctx.params["command"] = tuple(training_command(words))
            self._say_passed_on(words)
        return rest

    def _say_passed_on(self, words: Sequence[str]) -> None:
        """Say which options go to the script. A script that ignores them would hide that samebits does not see them."""
        for flag in passed_on(words, {flag for option in self.params for flag in option.opts}):
            advice = f"If you mean the option of samebits, put it before {words[0]}."
            click.echo(f"samebits: {flag} goes to {printable(words[0])}. {printable(advice)}", err=True)

    def _with_python(self, args: list[str]) -> list[str]:
        """Replace `-m pkg.train`, which is short for `-- python -m pkg.train`."""
        options = [option for option in self.params if isinstance(option, click.Option) and not option.is_flag]
        takes = {flag: option.nargs for option in options for flag in option.opts}
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in ("--", "-"):
            if args[at] == "-m":
                return [*args[:at], "--", "python", *args[at:]]
            at += 1 + takes.get(args[at], 0)
        return args


def launching(name: str, run: Callable[..., int], text: str) -> click.Command:
    """Make a command with the options of its name in the table, and the words of a training's command."""
    words = click.Argument(
        ["command"], nargs=-1, type=click.UNPROCESSED, metavar="[--] COMMAND ...",
        shell_complete=lambda _ctx, _param, incomplete: [CompletionItem(incomplete, type="file")],
    )  # fmt: skip
    return LaunchCommand(
        name,
        params=[*map(as_click, OPTIONS[name]), words],
        callback=run,
        help=text,
        context_settings=STOPS_AT_THE_COMMAND,
    )


def record_argument() -> click.Argument:
    """Make the argument for the folder of a record: the latest one if it is missing. The shell completes folders."""
    return click.Argument(["record"], type=Reads(str, "record"), metavar="[RECORD]", default="last")


def plain(
    name: str, run: Callable[..., int], text: str, options: Iterable[Option], arguments: Iterable[click.Argument] = ()
) -> click.Command:
    """Make a command with options and arguments, and without the command of a training."""
    return GroupedCommand(name, params=[*map(as_click, options), *arguments], callback=run, help=text)


# -- names ------------------------------------------------------------------------------------------------------------


class NameEntry(NamedTuple):
    """A name, and what it stands for in one line."""

    name: str
    about: str


class NameKind(NamedTuple):
    """Names of one kind. `used`: where people type them. `find`: returns all of them, in the order of the table."""

    used: str
    find: Callable[[], list[NameEntry]]


_PRESETS = {
    "none": "nothing is held; the program runs as it is",
    "strict": "all controls that make runs repeat, if they apply",
    "code1": "the paper's settings for TensorFlow 1.14",
    "code2": "the paper's settings for TensorFlow 2.1",
    "code3": "the paper's settings for PyTorch",
}


def _controls() -> list[NameEntry]:
    from samebits import controls  # imported here and below, because the help does not need it

    return [NameEntry(control.id, control.does()) for control in controls.table()]


def _presets() -> list[NameEntry]:
    from samebits import controls

    return [NameEntry(name, ": ".join([_PRESETS[name], *([", ".join(ids)] if ids else [])]))
            for name, ids in controls.presets().items()]  # fmt: skip


def _factors() -> list[NameEntry]:
    from samebits.vary import factors

    groups = [NameEntry(name, f"all of {', '.join(ids)}") for name, ids in factors.TOGETHER.items()]
    return [*(NameEntry(name, factors.find(name).does()) for name in factors.TABLE), *groups]


def _environments() -> list[NameEntry]:
    from samebits.environments import RECIPES

    return [NameEntry(recipe.name, recipe.about) for recipe in RECIPES.values()]


def _datasets() -> list[NameEntry]:
    from samebits.datasets.sources import DATASETS

    return [NameEntry(name, ", ".join(file.name for file in dataset.files)) for name, dataset in DATASETS.items()]


def _records() -> list[NameEntry]:
    from samebits.cli import old_records

    return old_records.records()


KINDS: dict[str, NameKind] = {
    "controls": NameKind("--control", _controls),
    "presets": NameKind("--preset", _presets),
    "factors": NameKind("samebits vary --factor", _factors),
    "environments": NameKind("--env, samebits env create", _environments),
    "datasets": NameKind("samebits data get", _datasets),
    "records": NameKind("samebits report, explain and others", _records),
}

# the name of an option or argument -> the names that it takes
NAMES: dict[str, Callable[[], list[NameEntry]]] = {
    "controls": _controls,
    "preset": _presets,
    "factors": _factors,
    "environment": _environments,
    "env_a": _environments,
    "env_b": _environments,
    "dataset": _datasets,
    "kind": lambda: [NameEntry(name, kind.used) for name, kind in KINDS.items()],
}
