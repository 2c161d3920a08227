"""Progress: live lines on a terminal, sparse plain lines elsewhere, nothing that breaks a trial."""

import io
import os
import pty
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest
from builders import Terminal

from samebits.cli import progress
from samebits.experiment.estimates import CostEstimate
from samebits.experiment.progress import QuietProgress
from samebits.interrupt import StopSignal
from samebits.reports import screen


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def run_a_trial(shown, clock=None, steps=100):
    shown.round_started(steps, 2)
    shown.trial_started(1, 2, steps)
    for step in range(1, steps + 1):
        if clock is not None:
            clock.now += 1.0
            shown.break_silence()
        shown.trial_step(1, step)
    shown.note("something to say")
    shown.trial_ended(1, "complete", steps, 3.5)


def test_plain_lines_are_sparse_and_no_silence_is_long():
    stream, clock = io.StringIO(), Clock()
    run_a_trial(progress.ProgressLines(stream, clock), clock)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "samebits: 2 trials, up to 100 steps each"
    assert lines[1] == "samebits: trial 1 of 2: 4 of 100 steps, 1.0 steps/s, 1:36 left"
    assert lines[-1] == "samebits: trial 1 of 2: complete, 100 steps, 3.5 s"
    said = [line for line in lines if line.startswith("samebits")]
    assert len(said) + "".join(line for line in lines if line.startswith(".")).count(".") == 3 + 100 // 5
    assert len(said) < 20


def test_silence_is_broken_before_a_trial_makes_a_step_and_between_trials():
    stream, clock = io.StringIO(), Clock()
    shown = progress.ProgressLines(stream, clock)
    shown.part_started("numpy-seed held: 2 of 8 trials, 0:30 left")
    shown.trial_started(3, 8, None)
    for _ in range(11):
        clock.now += 1.0
        shown.break_silence()
    said = "samebits: numpy-seed held: 2 of 8 trials, 0:30 left; trial 3 of 8: starts\n"
    assert stream.getvalue() == 2 * said
    shown.note("what was found")
    assert stream.getvalue() == 2 * said + "samebits: what was found\n"


def test_a_stream_is_watched_while_it_is_shown(monkeypatch):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.1)
    stream = io.StringIO()
    with progress.shown(stream):
        time.sleep(0.5)
    dots = stream.getvalue()
    assert set(dots) == {".", "\n"}
    time.sleep(0.2)
    assert stream.getvalue() == dots


@pytest.mark.parametrize(
    ("event", "steps", "trials", "said"),
    [
        ("round_started", None, 5, "5 trials, to the end"),
        ("round_started", 200, 5, "5 trials, up to 200 steps each"),
        ("growing_round_started", 20, 5, "5 trials, up to 20 steps each, more if steps are quick"),
        ("growing_round_started", 20, 1, "1 trial, up to 20 steps, more if steps are quick"),
    ],
)
def test_a_round_that_may_grow_is_not_announced_with_a_limit(event, steps, trials, said):
    stream = io.StringIO()
    getattr(progress.ProgressLines(stream), event)(steps, trials)
    assert stream.getvalue() == f"samebits: {said}\n"


def test_a_stream_that_is_no_terminal_gets_no_escapes():
    stream = io.StringIO()
    with progress.shown(stream) as shown:
        run_a_trial(shown)
    assert "\x1b" not in stream.getvalue()
    assert isinstance(shown, progress.ProgressLines)


def test_a_terminal_gets_live_lines_that_go(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress.shown(stream) as shown:
        run_a_trial(shown)
    text = stream.getvalue()
    assert "trial 1 of 2" in text
    assert "something to say" in text
    assert "\x1b[2K" in text  # erased at the end: the verdict stands alone


def test_no_color_asks_for_no_colour(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    with progress.shown(stream) as shown:
        run_a_trial(shown)
    assert "\x1b[3" not in stream.getvalue()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not screen.is_terminal(Terminal())


class Gone(io.StringIO):
    """A stream that nobody reads any more. `error`: what each write raises."""

    def __init__(self, error):
        super().__init__()
        self.error, self.tried = error, []

    def write(self, text):
        self.tried.append(text)
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_reader_that_has_gone_ends_no_trial(error):
    stream, alone = Gone(error), io.StringIO()
    run_a_trial(progress.ProgressLines(stream))
    run_a_trial(progress.ProgressLines(alone))
    assert stream.tried == alone.getvalue().splitlines(keepends=True)


def test_steps_of_an_unknown_trial_are_ignored(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    plain = io.StringIO()
    with progress.shown(Terminal()) as live:
        for shown in (live, progress.ProgressLines(plain)):
            shown.trial_step(7, 1)
            shown.trial_ended(7, "killed", 1, 0.1)
        assert not live._tasks
    assert plain.getvalue() == "samebits: trial 7 of 0: killed, 1 step, 0.1 s\n"


def test_many_trials_do_not_fill_the_screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown(Terminal()) as live:
        for number in range(1, 101):
            live.trial_started(number, 100, None)
            live.trial_step(number, 1)
        assert len(live._tasks) <= progress.ROWS


@pytest.mark.parametrize(
    ("rate", "said"), [(None, ""), (0, ""), (1234.5, "1,234 steps/s"), (2.5, "2.5 steps/s"), (0.25, "4.0 s/step")]
)
def test_a_rate_is_said_as_people_do(rate, said):
    assert progress.pace_words(rate) == said


def test_the_rate_leaves_out_the_start():
    clock = Clock()
    pace = progress.Pace(clock)
    clock.now = 60.0
    assert pace.at(1) is None
    clock.now = 61.0
    assert pace.at(11) == 10
    assert progress.left(10.0, 11, 111) == "0:10 left"
    assert progress.left(10.0, 11, None) == ""


def test_a_trial_that_is_whole_tells_how_long_the_others_will_be():
    clock = Clock()
    sights = progress.Sights(clock)
    sights.start(1, None)
    sights.start(2, 1000)
    sights.start(3, 20)
    assert [sights.total(trial) for trial in (1, 2, 3)] == [None, 1000, 20]
    sights.end("complete", 60)
    assert [sights.total(trial) for trial in (1, 2, 3)] == [60, 60, 20]
    sights.words(1, 0)
    clock.now = 2.0
    assert sights.words(1, 20) == ["20 of 60 steps", "10 steps/s", "0:04 left"]


@pytest.mark.parametrize("shown", [progress.ProgressLines, progress.Live])
def test_a_search_tells_how_long_a_whole_trial_is_without_a_line(shown):
    stream = io.StringIO()
    told = shown(stream)
    quiet = QuietProgress(told)
    quiet.trial_started(1, 2, 200)
    quiet.trial_ended(1, "stopped", 20, 1.0)
    assert told._sights.total(1) == 200
    quiet.trial_ended(1, "complete", 60, 1.0)
    quiet.trial_started(2, 2, 200)
    assert (told._sights.total(2), stream.getvalue()) == (60, "")


def test_a_round_that_has_grown_has_no_total():
    sights = progress.Sights(Clock())
    sights.start(1, 20)
    assert sights.words(1, 20) == ["20 of 20 steps"]
    assert sights.words(1, 55) == ["55 steps"]
    sights.end("complete", 114)
    assert sights.words(1, 60) == ["60 of 114 steps"]


def test_steps_cost_little():
    stream = io.StringIO()
    shown = progress.ProgressLines(stream)
    shown.trial_started(1, 1, None)
    began = time.process_time()
    for step in range(100_000):
        shown.trial_step(1, step)
    assert time.process_time() - began < 5
    assert stream.getvalue() == ""


SHOWS = """
import sys, time
from samebits.cli.progress import shown
with shown(sys.stderr) as live:
    live.round_started(None, 1)
    live.trial_started(1, 1, 50)
    for step in range(50):
        live.trial_step(1, step + 1)
        time.sleep(0.01)
    live.trial_ended(1, "complete", 50, 0.5)
print("the result")
"""


def test_on_a_real_terminal_standard_output_holds_the_result_only():
    screen, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", SHOWS], stdout=subprocess.PIPE, stderr=terminal, env={**os.environ, "TERM": "xterm"}
        )
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(screen, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not part:
                break
            shown += part
    finally:
        os.close(screen)
    assert done.stdout == b"the result\n"
    assert b"trial 1 of 1" in shown


@pytest.mark.parametrize(("answer", "stops"), [("n\n", True), ("\n", False)])
def test_a_terminal_asks_before_trials_that_take_longer_than_the_user_wants(monkeypatch, answer, stops):
    monkeypatch.setattr(screen, "is_terminal", lambda _: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    expected = CostEstimate("locate needs", 10, 12, 60.0)
    with progress.shown(io.StringIO(), ask=3600.0) as live:
        live.estimate(expected)  # nothing is asked, and nothing read
    with progress.shown(io.StringIO(), ask=600.0) as live, pytest.raises(StopSignal) if stops else nullcontext() as why:
        live.estimate(expected)
    assert not stops or why.value.sentence.startswith("stopped by your answer")
