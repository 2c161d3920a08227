"""Which lines draw, as a trial of fix sees it: in each release of Python, and without a trace in what the program does."""

import json

import pytest

DRAWS = """\
import random
import sys
import threading

def depth():
    frame, found = sys._getframe(), []
    while frame is not None:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found

def draw():
    number = [
        random.random() for _ in range(3)
    ]
    return number

first = random.getstate() and 1
random.seed(5)
print(depth(), draw(), random.getstate()[1][-1])
thread = threading.Thread(target=lambda: print(random.random()))
thread.start()
thread.join()
try:
    raise ValueError(1)
except ValueError as error:
    print(error.__traceback__.tb_lineno, error.__traceback__.tb_next)
"""


def events(trial, name):
    found = []
    for path in sorted((trial.folder / "processes").glob("*/events.jsonl")):
        found += [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in found if event["event"] == name]


def test_the_lines_that_run_and_those_that_draw_are_told(watched_run, python):
    trial, plain = (watched_run(python, DRAWS, draws=draws) for draws in (True, False))
    assert trial.exit_code == 0
    drew = [event["places"] for event in events(trial, "drew")]
    lines = [[line for _, line in places] for places in drew]
    assert lines[0] == [19]
    assert lines[1][0] in (13, 14)
    assert lines[1][-1] == 20
    ran = {event["line"] for event in events(trial, "ran")}
    assert {1, 2, 3, 14, 16, 19, 25, 27} <= ran
    assert all(event["main"] for event in events(trial, "ran"))
    assert not events(trial, "probe-failed")
    assert trial.stdout == plain.stdout, "the program does the same without it"
    assert trial.stdout.startswith("['depth', '<module>']")
    assert not events(plain, "ran")


def test_what_a_library_draws_while_it_is_imported_is_no_draw_of_the_program(watched_run):
    pytest.importorskip("numpy")
    trial = watched_run(None, "import numpy\nimport random\nx = 1\nnumpy.random.rand()\n", draws=True)
    assert [(event["generator"], event["places"][0][1]) for event in events(trial, "drew")] == [("numpy", 4)]


def test_a_line_that_draws_in_a_thread_is_told(watched_run):
    text = "import random, threading\ndef work():\n    random.random()\nt = threading.Thread(target=work)\nt.start()\nt.join()\n"
    trial = watched_run(None, text, draws=True)
    assert [event["places"][0][1] for event in events(trial, "drew")] == [3]


def test_a_trial_that_ends_in_the_middle_of_a_line_has_told_what_that_line_drew(watched_run):
    text = (
        "import random\nfrom samebits_probe import observe\n[observe('x', random.random(), step=i) for i in range(9)]\n"
    )
    trial = watched_run(None, text, draws=True, stop_after=2)
    assert [event["places"][0][1] for event in events(trial, "drew")] == [3]
    assert trial.only.stopped["steps"] == 2


def test_a_line_of_a_notebook_is_told_with_its_text(watched_run):
    cell = "import random\nx = random.random()\n"
    text = f"""
import linecache
cell, name = {cell!r}, "/tmp/ipykernel_1/2.py"
linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
exec(compile(cell, name, "exec"))
"""
    drew = events(watched_run(None, text, draws=True), "drew")
    assert [(event["places"][0], event["text"]) for event in drew] == [
        (["/tmp/ipykernel_1/2.py", 2], "x = random.random()")
    ]


CELLS = """\
import linecache

def run(name, text):
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), globals())

run("<ipython-input-1-ab>", "import random\\n")
run("/tmp/ipykernel_7/12.py", "x = random.random()\\n")
run("<string>", "x = random.random()\\n")
"""


def test_the_cells_of_a_kernel_old_or_new_are_told_with_their_text(watched_run):
    trial = watched_run(None, CELLS, draws=True)
    cells = [(event["path"], event["text"]) for event in events(trial, "cell")]
    assert [(path.rpartition("/")[2], text) for path, text in cells] == [
        ("<ipython-input-1-ab>", "import random\n"),
        ("12.py", "x = random.random()\n"),
    ]
    assert next(event["places"][0] for event in events(trial, "drew")) == ["/tmp/ipykernel_7/12.py", 1]
    assert {(event["path"], 1) for event in events(trial, "ran")} >= {(path, 1) for path, _ in cells}
