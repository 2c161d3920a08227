"""Each step observes one thing that it takes from the machine; `wanted` names those it takes, all others are fixed."""
import os
import sys
import time

from samebits_probe import observe

wanted = sys.argv[1:]
os.makedirs("data", exist_ok=True)
for name in ("one", "two", "three"):
    open(os.path.join("data", name), "w").close()
takes = {
    "working-folder": os.getcwd,
    "home": lambda: os.path.expanduser("~") + str(os.environ.get("USER")),
    "locale": lambda: str(os.environ.get("LC_ALL")) + str(os.environ.get("LANG")),
    "time-zone": lambda: time.localtime(0).tm_hour,
    "file-order": lambda: os.listdir("data"),
    "hash-seed": lambda: list({"a", "b", "c", "d", "e", "f"}),
    "interpreter": lambda: sys.version,
}
for step, name in enumerate(takes):
    observe("update." + name, takes[name]() if name in wanted else "fixed", step=step)
