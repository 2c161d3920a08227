"""Controls of what Python itself varies: a program varies without, is pinned with, and the reading says so."""

import os
import shutil
import subprocess
import sys

import pytest

TRIALS = 4


@pytest.fixture
def printed(held_run):
    """Function(ids, python, program) -> the set of what several trials print, until two differ."""

    def run(ids, python, program, trials=TRIALS, **options):
        found = set()
        for _ in range(trials):
            trial = held_run(ids, python, program, **options)
            assert trial.exit_code == 0, trial.stderr
            found.add(trial.stdout)
            if len(found) > 1:
                break  # no further trial makes them alike
        return found

    return run


VARYING = {
    "python-seed": """import random
from random import random as r
print(r(), random.Random().random(), random.sample(range(1000), 3)); random.seed(); print(r())
""",
    "hash-seed": "print([n for n in {'ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu'}])\nprint(hash('a'))\n",
    "entropy": """import os, secrets, uuid, random
from os import urandom
print(urandom(4), os.urandom(4), secrets.token_hex(3), secrets.randbelow(10**9), uuid.uuid4(), uuid.uuid1())
print(random.SystemRandom().random(), random.SystemRandom().choice(range(10**9)))
""",
    "clock": """import time, datetime
from time import time as now, perf_counter
from datetime import datetime as D, date
a = now(); sum(range(10**5)); print(a, now() - a, perf_counter(), time.monotonic(), time.process_time())
print(D.now(), D.utcnow(), D.today(), D.now(datetime.timezone.utc), date.today(), time.strftime('%H%M%S'))
print(time.localtime(), time.gmtime(), time.ctime())
""",
    # The order of a set of 300 objects can be the same at several addresses: only the low bits of an address count in it.
    "aslr": """class Sample: pass
samples = [Sample() for _ in range(300)]; place = {id(s): i for i, s in enumerate(samples)}
print(id(samples), [place[id(s)] for s in set(samples)])
""",
    "serial-threads": """import os, random, threading, time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from multiprocessing.pool import ThreadPool
def work(i): time.sleep(random.SystemRandom().random() / 50); return i
with ThreadPoolExecutor(4) as pool:
    futures = [pool.submit(work, i) for i in range(12)]
    print([f.result() for f in as_completed(futures)], [f.result() for f in as_completed(set(futures))])
    print([f.result() for f in wait(futures).done], list(pool.map(work, range(3))))
out = []
threads = [threading.Thread(target=lambda i=i: out.append(work(i))) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(out)
with ThreadPool(4) as pool: print(list(pool.imap_unordered(work, range(12))))
text = 'with ThreadPool(4) as pool: pool.map(lambda i: out.append(work(i)), range(8), 1)'
exec(compile(text, '/lib/site-packages/joblib.py', 'exec')); print(out)
""",
}


@pytest.mark.parametrize("identity", VARYING)
def test_the_source_varies_without_the_control_and_is_pinned_with_it(identity, python, printed):
    assert len(printed([], python, VARYING[identity], environment={"PYTHONHASHSEED": "random"})) > 1
    compiled = {"PYTHONDONTWRITEBYTECODE": "1"}  # as where all bytecode is there: a start that compiles moves memory
    assert len(printed([identity], python, VARYING[identity], environment=compiled)) == 1


@pytest.mark.parametrize("identity", [name for name in VARYING if name != "aslr"])
def test_a_control_leaves_the_other_sources_alone(identity, printed):
    """One source only: what does not print its own source varies as before."""
    others = {name: text for name, text in VARYING.items() if name not in (identity, "aslr", "serial-threads")}
    for name, text in others.items():
        if (identity, name) != ("serial-threads", "clock"):
            assert len(printed([identity], None, text, trials=2, environment={"PYTHONHASHSEED": "random"})) > 1, name


STEPS = """
import samebits_probe
{before}
for i in range(3):
    samebits_probe.observe("weights", 0.5, step=i)
{after}
"""


def test_each_control_is_read_back_at_the_start_the_first_and_the_last_step(python, held_run):
    ids = ["hash-seed", "entropy", "clock", "listing-order", "aslr", "fill-uninitialized"]
    trial = held_run(ids, python, STEPS.format(before="", after=""))
    assert not trial.only.failures
    for identity in ids:
        for when in ("start", "first-step", "last-step"):
            assert trial.only.control(identity, when)[0] is True, (identity, trial.only.control(identity, when))


def test_a_control_is_read_back_in_a_trial_that_is_stopped(held_run):
    trial = held_run(["hash-seed"], None, STEPS.format(before="", after=""), stop_after=2)
    assert trial.only.stopped
    assert trial.only.control("hash-seed", "first-step") == (True, "")
    assert trial.only.control("hash-seed", "last-step") == (True, "")


def test_a_library_that_is_never_imported_is_said(held_run):
    trial = held_run(["torch-seed"], None, STEPS.format(before="", after=""))
    assert trial.only.control("torch-seed", "first-step") == (None, "torch has not been imported")
    assert trial.only.control("torch-seed", "last-step") == (None, "torch was never imported")


def test_a_control_that_the_program_undoes_is_said(held_run):
    after = "import time; time.time = lambda: 0.0"
    trial = held_run(["clock"], None, STEPS.format(before="", after=after))
    assert trial.only.control("clock", "first-step") == (True, "")
    effect, detail = trial.only.control("clock", "last-step")
    assert effect is False
    assert detail.startswith("undone by the program before the last step")


def test_a_control_that_came_too_late_is_said(watched_run):
    """The half that is set before the start is missing: the probe alone cannot hold these."""
    ids = ["hash-seed", "fill-uninitialized", "aslr", "tf32-off"]
    environment = {"PYTHONHASHSEED": "random", "MALLOC_PERTURB_": "0", "NVIDIA_TF32_OVERRIDE": "1"}
    trial = watched_run(None, STEPS.format(before="", after=""), controls=ids, environment=environment)
    for identity in ids:
        effect, detail = trial.only.control(identity, "start")
        assert effect is False
        assert detail


def test_a_control_that_this_probe_does_not_know_is_said(watched_run):
    trial = watched_run(None, STEPS.format(before="", after=""), controls=["of-tomorrow"])
    assert trial.only.control("of-tomorrow", "start")[0] is False


def test_the_programs_own_seeding_wins(held_run):
    text = "import random\nrandom.seed(5); print(random.random(), random.Random(6).random())\n"
    without, held = held_run([], None, text), held_run(["python-seed", "entropy"], None, text)
    assert held.stdout == without.stdout
    assert held.processes[0].control("python-seed", "last-step") == (
        True,
        "the program seeds it itself, and its seed wins",
    )


FROM_SYSTEM = """import random, tempfile
random.seed(5); random.Random(6)
def make():
    return random.Random()
for _ in range(2):
    make()
random.seed(None)
tempfile.mkstemp()
"""


def test_the_lines_that_take_a_seed_from_the_system_are_reported_once(python, held_run):
    trial = held_run(["python-seed"], python, FROM_SYSTEM)
    told = [(e["id"], e["place"]) for e in trial.processes[0].events if e["event"] == "from-system"]
    assert told == [("python-seed", "program.py:4"), ("python-seed", "program.py:7")]


def test_a_global_generator_of_numpy_that_is_seeded_from_the_system_is_reported(held_run):
    trial = held_run(["numpy-seed"], None, "import numpy\nnumpy.random.seed(1)\nnumpy.random.seed()\n")
    told = [(e["id"], e["place"]) for e in trial.processes[0].events if e["event"] == "from-system"]
    assert told == [("numpy-seed", "program.py:3")]


def test_a_seed_by_the_clock_is_not_stolen_by_the_seeding_control(printed):
    text = "import random, time\nrandom.seed(time.time()); print(random.random())\n"
    assert len(printed(["python-seed"], None, text)) > 1
    assert len(printed(["clock"], None, text)) == 1


def test_thread_counts_and_flags_are_held_against_the_program(python, held_run):
    text = """import os, subprocess, sys
os.environ['OMP_NUM_THREADS'] = '4'; os.environ.update(MKL_NUM_THREADS='3'); del os.environ['NUMEXPR_NUM_THREADS']
os.environ['MINE'] = 'kept'; assert os.environ.pop('MINE') == 'kept'
print(os.environ['OMP_NUM_THREADS'], os.environ['MKL_NUM_THREADS'], os.environ['NUMEXPR_NUM_THREADS'])
sys.stdout.flush(); subprocess.check_call([sys.executable, '-c', 'import os; print(os.environ["OMP_NUM_THREADS"])'])
os.environ.clear(); print(os.environ.get('OMP_NUM_THREADS'), os.environ.get('PATH'))
"""
    assert held_run(["threads"], python, text).stdout.split() == ["1", "1", "1", "1", "1", "None"]


# a stand-in for BLIS, which says -1 as long as nobody has given it a number of threads
BLIS = """#include <stdlib.h>
static long count;
long bli_thread_get_num_threads(void) {
    const char *asked = getenv("BLIS_NUM_THREADS");
    return count ? count : asked ? atol(asked) : -1;
}
void bli_thread_set_num_threads(long number) { count = number; }
"""


@pytest.fixture(scope="module")
def blis(tmp_path_factory):
    """A shared library with the functions of BLIS."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("blis")
    (folder / "blis.c").write_text(BLIS)
    subprocess.run([compiler, "-shared", "-fPIC", folder / "blis.c", "-o", folder / "libblis.so.4"], check=True)
    return folder / "libblis.so.4"


@pytest.mark.parametrize(
    ("then", "found"),
    [
        ("", (True, "libblis.so.4")),
        (
            "library.bli_thread_set_num_threads(3)",
            (False, "undone by the program before the last step: libblis.so.4: 3"),
        ),
    ],
)
def test_the_threads_of_blis_are_read_back(held_run, blis, then, found):
    trial = held_run(["threads"], None, f"import ctypes; library = ctypes.CDLL({str(blis)!r})\n{then}\n")
    assert trial.processes[0].control("threads", "last-step") == found


def test_a_blis_without_a_number_of_threads_has_one(blis):
    program = f"import ctypes; ctypes.CDLL({str(blis)!r}); from samebits_probe.controls import threads as n; "
    environment = {name: text for name, text in os.environ.items() if name != "BLIS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program + "print(n.blas_counts())"], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "[('libblis.so.4', 1)]\n"


def test_a_hash_seed_that_a_program_restarts_itself_with_is_its_own(held_run):
    text = """import os, sys
if os.environ.get('PYTHONHASHSEED') != '42':
    os.environ['PYTHONHASHSEED'] = '42'; os.execv(sys.executable, [sys.executable] + sys.argv)
"""
    trial = held_run(["hash-seed"], None, text)
    assert trial.exit_code == 0
    effect, detail = trial.processes[-1].control("hash-seed", "start")
    assert (effect, "42" in detail) == (True, True)


def test_folders_are_listed_in_order(python, held_run, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number * 7919 % 10007:05d}.txt").touch()
    text = """import glob, os, pathlib, shutil, sys
f = sys.argv[1]; base = os.path.basename
with os.scandir(f) as entries: first = [e.name for e in entries]
found = [os.listdir(f), first, [base(p) for p in glob.glob(f + '/*')], [base(p) for p in glob.iglob(f + '/*')],
  [p.name for p in pathlib.Path(f).iterdir()], [p.name for p in pathlib.Path(f).glob('*')], next(os.walk(f))[2],
  [p.name for p in pathlib.Path(f).rglob('*.txt')], [os.fsdecode(n) for n in os.listdir(os.fsencode(f))]]
print([names == sorted(names) for names in found], shutil.rmtree.avoids_symlink_attacks)
os.chdir(f); assert os.listdir() == os.listdir('.') == sorted(found[0])
"""
    if "True" in held_run([], python, text, folder).stdout.split("]")[0]:
        pytest.skip("this file system lists files in order by itself")
    trial = held_run(["listing-order"], python, text, folder)
    assert trial.stdout == f"{[True] * 9} True\n", trial.stderr


def test_the_held_clock_adds_what_is_slept(python, held_run):
    text = "import time\na = time.time(); time.sleep(0.25); print(round(time.time() - a, 3), time.time() < 1.6e9)\n"
    assert held_run(["clock"], python, text).stdout == "0.251 True\n"


def test_waiting_with_a_timeout_ends_under_the_held_clock(python, held_run):
    text = """import multiprocessing, queue, threading
try: queue.Queue().get(timeout=0.1)
except queue.Empty: print('empty')
print(threading.Event().wait(0.1))
a, b = multiprocessing.Pipe(); print(a.poll(0.1))
"""
    assert held_run(["clock"], python, text).stdout.split() == ["empty", "False", "False"]


def test_dates_of_the_held_clock_are_dates_of_the_classes_that_there_were(python, held_run):
    """Compiled libraries hold these classes, and need their size: Timestamp of pandas is derived from one."""
    text = """import pickle, time
early = __import__('datetime').datetime
from datetime import date, datetime, timedelta
now = datetime.now(); later = now + timedelta(1)
assert isinstance(now, datetime) and isinstance(now, date) and isinstance(later, datetime)
assert issubclass(datetime, date)
assert pickle.loads(pickle.dumps(now)) == now and type(now).__name__ == 'datetime'
assert datetime(2020, 1, 2) > datetime(2020, 1, 1) and datetime.strptime('2020', '%Y') == datetime(2020, 1, 1)
import _datetime
print(datetime.fromtimestamp(0).year in (1969, 1970), datetime is _datetime.datetime, date is _datetime.date)
"""
    trial = held_run(["clock"], python, text)
    assert trial.exit_code == 0, trial.stderr
    assert trial.stdout.split() == ["True"] * 3, trial.stderr


def test_producers_and_consumers_do_not_hang_under_serial_threads(python, held_run):
    text = """import queue, threading
q, out = queue.Queue(2), []
def consume():
    while True:
        item = q.get()
        if item is None: return
        out.append(item)
t = threading.Thread(target=consume); t.start()
for i in range(20): q.put(i)
q.put(None); t.join(); print(out == list(range(20)))
event = threading.Event(); t = threading.Thread(target=event.wait); t.start(); event.set(); t.join()
"""
    trial = held_run(["serial-threads"], python, text, timeout=60)
    assert trial.stdout == "True\n", trial.stderr
    effect, detail = trial.processes[0].control("serial-threads", "last-step")
    assert effect is False
    assert "waited for a different" in detail


def test_calls_that_wait_for_each_other_do_not_hang_under_serial_threads(held_run):
    text = """from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    print(pool.submit(lambda: pool.submit(pow, 2, 5).result()).result())
    try: pool.submit(int, 'x').result()
    except ValueError as error: print('raised')
"""
    assert held_run(["serial-threads"], None, text, timeout=60).stdout.split() == ["32", "raised"]


def test_pools_of_processes_give_their_results_in_order_under_serial_threads(python, held_run):
    text = """import os, time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import Pool
def work(i): time.sleep(int.from_bytes(os.urandom(1), 'big') / 5000); return i
def begin(word): os.environ['WORD'] = word
def word(i): return os.environ['WORD']
if __name__ == '__main__':
    with Pool(3, begin, ('a',)) as pool:
        print(list(pool.imap_unordered(work, range(9))), pool.map(word, [1]), pool._processes)
    with Pool(processes=3) as pool: print(pool.apply_async(work, (4,)).get())
    with ProcessPoolExecutor(3) as pool:
        print([f.result() for f in as_completed({pool.submit(work, i) for i in range(9)})])
"""
    trial = held_run(["serial-threads"], python, text, timeout=60)
    assert trial.stdout.splitlines() == [f"{list(range(9))} ['a'] 1", "4", f"{list(range(9))}"], trial.stderr
    assert trial.processes[0].control("serial-threads", "last-step") == (True, "")


def test_standard_streams_and_a_program_without_steps_are_left_alone(python, held_run):
    trial = held_run(["clock", "entropy", "listing-order", "serial-threads", "python-seed"], python, "print(1)\n#\n")
    assert (trial.stdout, trial.stderr, trial.exit_code) == ("1\n", "", 0)


def test_functions_that_stand_for_built_in_ones_are_kept_in_classes_and_pickled(python, held_run):
    text = """import os, pickle, random, time
class Timer: clock, list, seed, draw = time.perf_counter, os.listdir, random.seed, os.urandom
timer = Timer(); timer.clock(); timer.list('.'); timer.seed(1); timer.draw(2)
for function in (time.time, os.listdir, os.urandom, time.sleep): assert pickle.loads(pickle.dumps(function)) is function
print(time.time.__name__, os.listdir in os.supports_fd)
"""
    trial = held_run(["clock", "entropy", "listing-order", "python-seed"], python, text)
    assert trial.stdout == "time True\n", trial.stderr
