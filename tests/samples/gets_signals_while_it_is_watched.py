"""Sends itself signals in the midst of the probe's work, and says where what the handlers raise arrives."""

import _thread
import builtins
import ctypes
import os
import signal
import sys
import threading
import time
import weakref

from samebits_probe import api

probe = api.current()
done, frames = [], []


class Late(Exception):
    pass


class Limit(Exception):
    pass


def late(number, frame):
    frames.append(frame)
    raise Late


def work(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)
    for _ in range(1000):  # time enough for a handler to run here
        pass
    done.append("work done")
    return "given back"


def outcome(function, *arguments):
    del done[:]
    try:
        function(*arguments)
        return ", ".join(done) + ", and nothing came"
    except (Late, KeyboardInterrupt) as error:
        return "%s, then %s in the program" % (", ".join(done), type(error).__name__)


def two():
    probe.guard("two", work, signal.SIGALRM, signal.SIGUSR1)


def two_signals():
    first = outcome(two)
    try:
        time.sleep(5)
        return first + ", and nothing else"
    except Late:
        return first + ", and Late soon"


class Mortal:
    pass


def finalizer():
    mortal = Mortal()
    weakref.finalize(mortal, probe.guard, "finalizer", work, signal.SIGALRM)
    del mortal
    time.sleep(5)


class Sends(dict):
    def __getitem__(self, key):
        work(signal.SIGALRM)
        return dict.__getitem__(self, key)


def open_a_file():
    files = sys.modules["samebits_probe.files"]
    files._is_ignored = lambda path: work(signal.SIGALRM)
    builtins.open(__file__).close()


SPIN = """
def spin(begin):
    begin()
    while True:
        pass
"""


def from_a_thread():
    here = threading.get_ident()

    def set_it():
        time.sleep(0.1)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(here), ctypes.py_object(Limit))

    # the frame is one of the probe's, as it is when the probe works on its own
    exec(compile(SPIN, api.__file__, "exec"), globals())
    try:
        probe.guard("from a thread", globals()["spin"], lambda: _thread.start_new_thread(set_it, ()))
        return "nothing"
    except Limit:
        return "Limit in the program"


def tell(what, answer):
    print("%s: %s" % (what, answer))


if "from-a-thread" in sys.argv:
    tell("set by a thread", from_a_thread())
elif "failure" in sys.argv:
    tell("failure", probe.guard("failure", lambda: 1 / 0))
else:
    tell("interrupt at start", getattr(signal.getsignal(signal.SIGINT), "__name__", None))
    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGUSR1, late)
    tell("getsignal", "the handler itself" if signal.getsignal(signal.SIGALRM) is late else "something else")
    tell("signal gives", "the handler itself" if signal.signal(signal.SIGALRM, late) is late else "something else")
    tell("alarm in a guard", outcome(probe.guard, "alarm", work, signal.SIGALRM))
    tell("frame", "the program's" if frames[-1].f_code.co_filename == __file__ else frames[-1].f_code.co_filename)
    tell("interrupt in a guard", outcome(probe.guard, "interrupt", work, signal.SIGINT))
    tell("nested guards", outcome(probe.guard, "outer", probe.guard, "inner", work, signal.SIGALRM))
    tell("two signals", two_signals())
    tell("a finalizer of the probe", outcome(finalizer))
    tell("observe", outcome(api.observe, "batch", Sends(a=1)))
    tell("opening a file", outcome(open_a_file))
