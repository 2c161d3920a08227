"""The control `clock-rate`: the clock runs at a rate for everybody, waits stay real, and nothing else changes."""

import sys
import time
from pathlib import Path

import pytest

from samebits import controls
from samebits.errors import UsageError
from samebits_probe.controls.clock_rate import ClockRate
from samebits_probe.wire import UNDONE

REAL = "def real(): return __import__('os').times()[4]\n"  # in steps of 0.01 s; the control leaves it as it is


@pytest.fixture
def fast(held_run):
    """Function(python, program, *arguments, rate=1000) -> WatchedTrial, which ended well and without a failure."""

    def run(python, program, *arguments, rate=1000, **config):
        trial = held_run([f"clock-rate={rate}"], python, program, *arguments, origin=time.time_ns(), **config)
        assert (trial.exit_code, [process.failures for process in trial.processes]) == (
            0,
            [[] for _ in trial.processes],
        ), trial.stderr
        return trial

    return run


def test_every_reading_runs_at_the_rate(python, fast):
    """The program compares each clock with a real one, which it reads before and after."""
    text = (
        REAL
        + """import datetime, sys, time
from time import perf_counter as counter
clocks = {
    "time": time.time, "monotonic": time.monotonic, "perf_counter": counter,
    "now": lambda: datetime.datetime.now().timestamp(), "today": lambda: datetime.datetime.today().timestamp(),
    "zone": lambda: datetime.datetime.now(tz=datetime.timezone.utc).timestamp(),
    "localtime": lambda: time.mktime(time.localtime()), "ctime": lambda: time.mktime(time.strptime(time.ctime())),
    "strftime": lambda: time.mktime(time.strptime(time.strftime("%Y%m%d%H%M%S"), "%Y%m%d%H%M%S")),
    "gettime": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
}
if sys.version_info >= (3, 7):
    clocks["ns"] = lambda: time.time_ns() / 1e9
    clocks["monotonic_ns"] = lambda: time.monotonic_ns() / 1e9
for name, clock in sorted(clocks.items()):
    clock()
    before = real(); first = clock(); after = real()
    time.sleep(0.2)
    early = real(); last = clock(); late = real()
    least, most = (early - after - 0.02) * 1000 - 1, (late - before + 0.02) * 1000 + 1
    print(name, least <= last - first <= most, least, last - first, most)
"""
    )
    lines = fast(python, text).stdout.splitlines()
    assert len(lines) >= 10
    assert [line for line in lines if line.split()[1] != "True"] == []


def test_processor_times_run_at_the_rate(python, fast):
    text = """import os, resource, time
began = time.process_time()
while time.process_time() - began < 50: sum(range(9999))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime > 40, sum(os.times()[:2]) > 40, type(used).__name__, len(used), type(os.times()).__name__)
"""
    assert fast(python, text).stdout.split() == ["True", "True", "struct_rusage", "16", "times_result"]


def test_the_clock_starts_at_the_true_time(fast):
    before = time.time()
    seen = float(fast(None, "import time\nprint(time.time())\n", rate=0.001).stdout)
    assert before - 1 < seen < time.time()


PROCESSES = """import multiprocessing, os, subprocess, sys, time
def child(queue): queue.put(time.time())
if __name__ == "__main__":
    seen = [time.time()]
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method); queue = context.Queue()
        process = context.Process(target=child, args=(queue,)); process.start(); seen.append(queue.get()); process.join()
        seen.append(time.time())
    seen.append(float(subprocess.check_output([sys.executable, "-c", "import time; print(repr(time.time()))"])))
    seen.append(time.time())
    print(seen == sorted(seen), seen)
"""


def test_all_processes_of_a_trial_share_the_clock(python, fast):
    assert fast(python, PROCESSES).stdout.startswith("True"), "a child read an earlier or a later time"


WAITS = (
    REAL
    + """import asyncio, multiprocessing, queue, sched, selectors, socket, subprocess, sys, threading
from concurrent import futures
import time
def waits(seconds, call):
    began = real()
    try: call()
    except Exception: pass
    if real() - began < seconds - 0.02: print("early", call)
def slow(value): time.sleep(0.2); return value
if __name__ == "__main__":
    waits(0.2, lambda: queue.Queue().get(timeout=0.2))
    waits(0.2, lambda: threading.Event().wait(0.2))
    condition = threading.Condition(); condition.acquire()
    waits(0.2, lambda: condition.wait_for(lambda: False, 0.2))
    timer = threading.Timer(0.2, print, ["timer"]); timer.start()
    waits(0.2, timer.join)
    waits(0.2, lambda: subprocess.call(["sleep", "60"], timeout=0.2))
    asyncio.set_event_loop(asyncio.new_event_loop()); run = asyncio.get_event_loop().run_until_complete
    waits(0.2, lambda: run(asyncio.wait_for(asyncio.sleep(60), 0.2)))
    print("in time", run(asyncio.wait_for(asyncio.sleep(0.2, 1), 60)))
    scheduler = sched.scheduler(); scheduler.enter(0.2, 1, print, ["scheduled"])
    waits(0.2, scheduler.run)
    with futures.ThreadPoolExecutor(1) as pool:
        waits(0.1, lambda: pool.submit(slow, 1).result(timeout=0.1))
        print("in time", pool.submit(slow, 2).result(timeout=60), list(pool.map(slow, [3], timeout=60)))
    with futures.ProcessPoolExecutor(1) as pool: print("in time", list(pool.map(slow, [4], timeout=60)))
    with multiprocessing.Pool(1) as pool:
        waits(0.1, lambda: pool.apply_async(slow, (5,)).get(0.1))
        print("in time", pool.apply_async(slow, (6,)).get(60))
    waits(0.2, lambda: multiprocessing.Queue().get(timeout=0.2))
    ends = multiprocessing.Pipe(); waits(0.2, lambda: ends[0].poll(0.2))
    print("in time", subprocess.check_output([sys.executable, "-c", "print(7)"], timeout=60))
"""
)


def test_no_wait_is_over_early_and_none_hangs(python, fast):
    assert fast(python, WAITS).stdout.splitlines() == [
        "timer",
        "in time 1",
        "scheduled",
        "in time 2 [3]",
        "in time [4]",
        "in time 6",
        r"in time b'7\n'",
    ]


def test_a_function_of_a_library_that_polls_sees_the_real_clock(fast, tmp_path):
    package = tmp_path / "site-packages" / "polls"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import time\n"
        "def wait(seconds):\n"
        "    end = time.monotonic() + seconds\n"
        "    while time.monotonic() < end: time.sleep(0.01)\n"
        "def measured(call):\n"
        "    began = time.perf_counter(); call(); return time.perf_counter() - began\n"
    )
    text = REAL + "import polls, time\nbegan = real(); polls.wait(0.3); print(real() - began > 0.27)\n"
    text += "print(polls.measured(lambda: time.sleep(0.1)) > 90)\n"
    found = fast(None, text, environment={"PYTHONPATH": str(package.parent)}).stdout.split()
    assert found == ["True", "True"]


def test_dates_stay_what_they_are(python, fast):
    text = """import copy, datetime, logging, pickle, sys, time, warnings
from datetime import date, datetime as D
warnings.simplefilter("ignore")
class Own(D): pass
now = D.now()
for made in (now, D.utcnow(), D.today(), Own.now(), Own.utcnow(), Own.today(), Own.now(datetime.timezone.utc)):
    assert isinstance(made, D) and pickle.loads(pickle.dumps(made)) == copy.copy(made) == made
assert type(now) is D and type(Own.now()) is Own and type(Own.utcnow()) is Own and type(date.today()) is date
assert type(D) is type and D.now.__name__ == "now" and D.now.__doc__ and pickle.loads(pickle.dumps(D.now))
assert abs((D.now() - D.fromtimestamp(time.time())).total_seconds()) < 60
assert str(now) == now.isoformat(" ") and "{:%H}".format(now) == now.strftime("%H") and now < D.now()
class Timer: clock, local, now = time.perf_counter, time.localtime, D.now
Timer().clock(); Timer().local(); Timer().now()
for wrong in (lambda: time.time(1), lambda: time.localtime("x"), lambda: D.now(3), lambda: time.strftime(3)):
    try: wrong()
    except TypeError: continue
    print("no error")
logging.basicConfig(format="%(asctime)s", stream=sys.stdout); logging.warning("")
"""
    logged = fast(python, text).stdout.strip()
    assert time.strptime(logged.partition(",")[0], "%Y-%m-%d %H:%M:%S")


def test_a_warning_about_utcnow_names_the_line_of_the_program(pythons, fast, watched_run):
    text = "import datetime\ndatetime.datetime.utcnow()\n#\n"
    plain, held = watched_run(pythons["3.13"], text), fast(pythons["3.13"], text)
    assert "DeprecationWarning" in plain.stderr
    assert held.stderr.replace(str(held.folder), "") == plain.stderr.replace(str(plain.folder), "")


def test_pandas_and_its_times_work(fast):
    pytest.importorskip("pandas")
    text = """import datetime, gc, time
import pandas
first = pandas.Timestamp.now(); time.sleep(0.1); last = pandas.Timestamp.now()
frame = pandas.DataFrame({"t": [datetime.datetime.now(), last]}); frame.to_csv(); gc.collect()
print((last - first).total_seconds() > 60, isinstance(last, datetime.datetime))
"""
    assert fast(None, text).stdout.split() == ["True", "True"]


def test_texts_that_the_clock_wrote_are_noted_and_older_dates_are_not(python, fast):
    text = """import datetime, time
now, old = datetime.datetime.now(), datetime.datetime(2019, 5, 4, 3, 2, 1)
for date in (now, now.date(), old, old.date()):
    print("%s|%s|%s" % (date, date.isoformat(), date.strftime("%Y_%m_%d")))
print("|".join([time.ctime(), time.asctime(), time.strftime("%Y%m%d-%H%M%S"), time.strftime("%H.%M.%S", time.gmtime())]))
print("|".join([time.ctime(1e9), time.asctime(time.gmtime(1e9)), time.strftime("%Y%m%d-%H%M%S", time.gmtime(1e9))]))
"""
    trial = fast(python, text)
    (process,) = trial.processes
    noted = {one for event in process.events if event["event"] == "handed" for one in event["texts"]}
    of_clock, of_dates = set(), set()
    for number, line in enumerate(trial.stdout.splitlines()):
        (of_dates if number in (2, 3, 5) else of_clock).update(line.split("|"))
    assert of_clock <= noted
    assert not of_dates & noted


def test_what_the_clock_wrote_is_not_noted_without_the_control(watched_run):
    trial = watched_run(None, "import datetime, time\nprint(datetime.datetime.now(), time.ctime())\n")
    assert [event for event in trial.processes[0].events if event["event"] == "handed"] == []


def test_the_probe_reads_the_real_clock(fast):
    text = (
        "import samebits_probe, time\ntime.sleep(0.2)\nsamebits_probe.observe('loss', 0.5, step=0)\ntime.sleep(0.2)\n"
    )
    began = time.time()
    trial = fast(None, text)
    spent = time.time() - began
    assert began - 1 < trial.only.facts["started"] < time.time()
    assert 0.1 < trial.only.end["seconds"] <= spent


STEPS = "import samebits_probe\nfor i in range(3): samebits_probe.observe('weights', 0.5, step=i)\n"


def test_it_is_read_back_and_a_program_can_undo_it(python, fast):
    trial = fast(python, STEPS)
    assert trial.only.control("clock-rate=1000", "last-step") == (True, "")
    trial = fast(python, "import time\ntime.time = lambda: 0.0\n" + STEPS)
    effect, why = trial.only.control("clock-rate=1000", "last-step")
    assert (effect, "time.time was replaced" in why) == (False, True)
    trial = fast(python, "import datetime\nclass D(datetime.datetime): pass\ndatetime.datetime = D\n" + STEPS)
    effect, why = trial.only.control("clock-rate=1000", "last-step")
    assert (effect, "datetime.now was replaced" in why) == (False, True)


def test_where_it_cannot_be_held_it_changes_nothing_and_says_so(monkeypatch):
    monkeypatch.setattr(sys.implementation, "name", "different")
    before, control = time.time, ClockRate()
    control.at_start()
    for function in control.after_import().values():
        function(None)
    assert time.time is before
    assert control.read_back() == (UNDONE, "dates can be replaced in CPython only")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e3", "10001", "", "2 "])
def test_a_rate_that_is_none_is_refused(value):
    with pytest.raises(UsageError):
        controls.resolve([f"clock-rate={value}"])


def test_it_takes_numbers_and_no_search_for_a_cause_tries_it():
    assert [controls.describe(f"clock-rate={rate}").value for rate in ("0.5", "30", "10000")] == ["0.5", "30", "10000"]
    assert "clock-rate" in controls.known()
    assert "clock-rate" not in controls.of_sources()


def test_the_bits_of_a_training_with_workers_stay_the_same(fast, watched_run, lean):
    pytest.importorskip("torch")
    sample = Path(__file__).parents[1] / "samples" / "torch_loads_with_workers.py"
    plain = watched_run(None, sample, "fork", environment=lean)
    held = fast(None, sample, "fork", environment=lean)
    assert held.stdout == plain.stdout
    found = [[row for row in trial.only.rows if row[1] != "rng"] for trial in (plain, held)]  # Python's is unseeded
    assert found[0] == found[1] != []
