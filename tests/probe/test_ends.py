"""The end of a process as of now: taken again, replaced, voided by what comes later."""

import pytest

from samebits.checks import run
from samebits.store.trace import read_process
from samebits_probe import wire

START = """
import atexit, os, random, sys
from samebits_probe import observe
from samebits_probe.api import current
random.seed(0)
probe = current()
model = {"w": 0.0}
probe.at_end(lambda: probe.value("end", "w", model["w"]))

def step(number):
    model["w"] += 1.0
    observe("w", model["w"], step=number)
"""


def ended(process):
    """The number of points of kind "end" that are recorded, and the end as the reader takes it."""
    return len(process.prints("end")), read_process(process.folder).end


def test_an_end_replaces_the_one_before_and_holds_the_state_of_its_own_time(watched_run, python):
    program = START + "step(0)\nprobe.end_now('cell')\nstep(1)\nprobe.end_now('cell')\nmodel['w'] = 7.0\n"
    process = watched_run(python, program).only
    once = watched_run(python, START + "step(0)\nstep(1)\nmodel['w'] = 7.0\n").only
    assert process.failures == []
    assert process.rows == once.rows
    assert process.scalars == once.scalars
    assert (process.end["steps"], process.end["reason"]) == (2, "exit")


def test_an_end_is_there_if_the_process_is_killed_after_it(watched_run):
    program = START + "step(0)\nstep(1)\nprobe.end_now('task')\nos.kill(os.getpid(), 9)\n"
    process = watched_run(None, program).only
    whole = watched_run(None, START + "step(0)\nstep(1)\n").only
    assert process.rows == whole.rows
    assert process.end["reason"] == "task"
    assert ended(process)[1]["steps"] == 2


def test_an_observation_after_an_end_voids_it(watched_run):
    program = START + "step(0)\nprobe.end_now('cell')\nstep(1)\nos.kill(os.getpid(), 9)\n"
    process = watched_run(None, program).only
    assert ended(process) == (0, None)
    assert process.end is None


def test_a_row_that_was_written_after_an_end_voids_it_for_the_reader(watched_run):
    process = watched_run(None, START + "step(0)\n").only
    with (process.folder / wire.TRACE).open("ab") as file:
        file.write((process.folder / wire.TRACE).read_bytes()[: wire.ROW.size])
    assert read_process(process.folder).end is None


@pytest.mark.parametrize("call", ["atexit._run_exitfuncs()", "atexit._clear()"])
def test_an_end_that_was_taken_too_early_is_taken_again(watched_run, call):
    process = watched_run(None, START + f"step(0)\n{call}\nmodel['w'] = 7.0\n").only
    late = watched_run(None, START + "step(0)\nmodel['w'] = 7.0\n").only
    assert process.rows == late.rows
    assert process.end["steps"] == 1


def test_exit_functions_of_the_program_run_before_the_end_is_taken(watched_run):
    process = watched_run(None, START + "atexit.register(lambda: model.update(w=7.0))\nstep(0)\n").only
    late = watched_run(None, START + "step(0)\nmodel['w'] = 7.0\n").only
    assert process.rows == late.rows


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["pool", "futures"])
def test_workers_that_are_ended_after_their_tasks_have_an_end(ask, kind, method):
    result = run(ask("trains_in_a_pool.py", kind, method, trials=2, timeout=60.0)).result
    assert result.verdict == "repeated", result.sentence
    assert [trial.steps for trial in result.trials] == [3, 3]
