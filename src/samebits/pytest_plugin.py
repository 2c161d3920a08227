"""The plugin for pytest: the marker `samebits`, and the fixture `samebits`, whose `check` runs a training.

pytest imports every installed plugin when it starts. So this module imports the rest of samebits only for a check.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from samebits.model import Result

__all__ = ["SamebitsFixture"]

NAME, FOLDER = "samebits", "__samebits__"
MARKER = f"{NAME}(**options): this test checks a training; the options are those of samebits.check, such as trials=3."
GOLDEN = f"{NAME}.golden"  # the property of a test that says what was done with its golden file
OFF = f"the test runs trainings: give --{NAME}, or write `{NAME} = true` into the options of pytest"
_OF_TOOLS = ("PYTEST_", "COV_CORE_", "COVERAGE_")  # variables of pytest, pytest-cov and coverage begin with these
_LONGEST = 100  # characters of the parameters of a test in the name of its file
_CHECKS = pytest.StashKey[int]()  # how many checks a test has begun


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup(NAME, "trainings that must repeat bit for bit")
    about = "Run the tests that check trainings."
    group.addoption(f"--{NAME}", action="store_true", help=about)
    group.addoption(f"--{NAME}-update", action="store_true", help=f"{about} Write the golden files of these tests.")
    group.addoption(
        f"--{NAME}-strict",
        action="store_true",
        help=f"{about} Let a test fail, not skip, if its golden file does not know this environment.",
    )
    parser.addini(NAME, about, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that checks a training, unless somebody asks for such tests."""
    config = item.config
    is_on = config.getini(NAME) or any(_is_given(config, flag) for flag in (NAME, "samebits_update", "samebits_strict"))
    if not is_on and (item.get_closest_marker(NAME) or _takes_fixture(item)):
        pytest.skip(OFF)
    item.stash[_CHECKS] = 0


def _takes_fixture(item: pytest.Item) -> bool:
    """Return whether a test takes the fixture of this plugin, and not one of its own with this name."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).get(NAME, ())
    return any(fixture.func.__module__ == __name__ for fixture in fixtures[-1:])


@pytest.hookimpl(trylast=True)  # after the test itself; wrappers need pytest 7.4
def pytest_runtest_call(item: pytest.Item) -> None:
    """Let a test fail that has the marker, but checks nothing."""
    if item.get_closest_marker(NAME) and not item.stash[_CHECKS]:
        advice = f'take the fixture {NAME} and call {NAME}.check("train.py"), or remove the marker.'
        _fail(f"The test has the marker {NAME}, but it checked no training.", advice)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which golden files were written, and which are missing."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    states = Counter(value for report in calls for name, value in report.user_properties if name == GOLDEN)
    for state, text in (("written", "written"), ("missing", f"missing; pytest --{NAME}-update writes them")):
        if states[state]:
            terminalreporter.write_line(f"{NAME}: golden files {text}: {states[state]}")


def _is_given(config: pytest.Config, option: str) -> bool:
    return bool(config.getoption(option))


def _fail(message: str, advice: str = "") -> NoReturn:
    pytest.fail(f"{message}\n   do this  {advice}" if advice else message, pytrace=False)


@pytest.fixture(name=NAME)
def _samebits(request: pytest.FixtureRequest) -> SamebitsFixture:
    """Run a training several times, compare the trials with each other and with the golden file of this test."""
    return SamebitsFixture(request.node)


class SamebitsFixture:
    """The fixture of one test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item, self._config = item, item.config

    def check(self, *command: str | os.PathLike[str], **options: Any) -> Result:
        """Check a training, and let the test fail unless it repeats. Returns the result.

        `options`: those of `samebits.check`; they win over those of the marker. `golden=False`: without a golden file.
        """
        from samebits.errors import SamebitsError
        from samebits.requests import refuse_platform

        self._item.stash[_CHECKS] += 1
        if not command or not all(isinstance(word, str | os.PathLike) for word in command):
            _fail("check takes the words of a command, one by one.", f'{NAME}.check("train.py", "--epochs", "1")')
        fault = None
        try:
            refuse_platform()
            result = self._checked(list(command), {**self._options_of_markers(), **options})
        except SamebitsError as why:
            fault = why
        if fault is not None:  # here, because pytest also shows an exception that is being handled
            _fail(fault.message, fault.advice.replace(" --update", f" --{NAME}-update"))
        self._judge(result)
        return result

    def _options_of_markers(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for marker in reversed(list(self._item.iter_markers(NAME))):
            if marker.args:
                _fail(f"The marker {NAME} has an option without a name.", f"write @pytest.mark.{NAME}(trials=3).")
            options.update(marker.kwargs)
        return options

    def _checked(self, command: list[Any], options: dict[str, Any]) -> Result:
        import samebits

        root, update = self._config.rootpath, _is_given(self._config, "samebits_update")
        with_golden = options.pop("golden", True)
        if not isinstance(with_golden, bool):
            _fail(
                f"golden is {with_golden!r}, but the golden file of a test has a fixed place.",
                "write golden=False, or leave it out.",
            )
        golden = self._golden() if with_golden and "against" not in options else None
        is_there = golden is not None and golden.is_file()
        if golden is not None and not is_there and not update and os.environ.get("CI"):
            _fail(f"There is no golden file {golden}, and a CI must have one.", f"{self._update()}, then commit it.")
        if golden is not None and update:
            golden.parent.mkdir(parents=True, exist_ok=True)
        compared = {"golden": golden, "update": update} if golden is not None and (update or is_there) else {}
        arguments: dict[str, Any] = {"directory": root, "out": self._record(), "overwrite": True, **options, **compared}
        with _turn(root), _variables_of_users():
            result = samebits.check(command, **arguments)
        state = result.golden.state if result.golden else "missing" if golden else "none"
        properties = {NAME: result.verdict, f"{NAME}.sentence": result.sentence, f"{NAME}.record": result.record}
        self._item.user_properties += [*properties.items(), (GOLDEN, state)]
        return result

    def _golden(self) -> Path:
        path = self._item.path
        return path.parent / FOLDER / path.stem / f"{self._name()}.samebits"

    def _record(self) -> Path:
        """Return the folder of the record: one for each check, which the next run of the test replaces."""
        file = Path(self._item.nodeid.partition("::")[0]).with_suffix("")
        parts = [part for part in file.parts if part != ".."]
        return self._config.rootpath.joinpath(".samebits", "pytest", *parts, self._name())

    def _name(self) -> str:
        """Return the path of this check in a folder of its file. No two checks have the same one."""
        head, bracket, parameters = self._item.nodeid.partition("::")[2].partition("[")
        last = quote(bracket + parameters, safe="[]=,+-")
        if len(last) > _LONGEST:
            last = f"{last[:_LONGEST]}-{hashlib.blake2b(last.encode(), digest_size=8).hexdigest()}"
        number = self._item.stash[_CHECKS]
        return f"{head.replace('::', '/')}{last}" + (f"-{number}" if number > 1 else "")

    def _update(self) -> str:
        return f"pytest --{NAME}-update {shlex.quote(self._item.nodeid)}"

    def _judge(self, result: Result) -> None:
        """Let the test fail, or skip, unless the result is that it repeated."""
        if result.verdict == "repeated":
            return
        is_new = result.golden is not None and result.golden.state in ("unknown", "changed")
        if is_new and not _is_given(self._config, "samebits_strict"):
            pytest.skip(result.sentence)
        _fail(self._report(result, is_new=is_new))

    def _report(self, result: Result, *, is_new: bool) -> str:
        """Return what a terminal shows, with the command of pytest that writes the golden file."""
        from samebits.reports import report_of_result
        from samebits.reports.presenters import terminal
        from samebits.store import open_record

        if result.golden is not None:
            golden = result.golden.model_copy(update={"accept": self._update()})
            advice = f"to add a block, run this with the code of the golden file: {self._update()}"
            changes = {"golden": golden, **({"advice": advice} if is_new else {})}
            result = result.model_copy(update=changes)
        assert result.record is not None
        return terminal.render(report_of_result(result, open_record(Path(result.record)), {})).rstrip()


@contextmanager
def _turn(root: Path) -> Iterator[None]:
    """Wait until no other worker of pytest-xdist runs trials: they would share this folder, the cores and the GPU."""
    import fcntl

    folder = root / ".samebits" / "pytest"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _variables_of_users() -> Iterator[None]:
    """Remove the variables of pytest and coverage meanwhile, because trials get the environment of this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_OF_TOOLS)]:
            patch.delenv(name)
        yield
