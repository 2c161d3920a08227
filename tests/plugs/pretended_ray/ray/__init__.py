"""What the bridge uses of Ray, on a cluster that is only described: the file that PRETENDED_NODES names holds its nodes.

Tasks are threads of the bridge.
"""

import json
import os
import threading
import time
from pathlib import Path

from ray import exceptions, util

_here = threading.local()


def nodes():
    return json.loads(Path(os.environ["PRETENDED_NODES"]).read_text())


def init(address=None, **options):
    while "PRETENDED_SILENCE" in os.environ:  # of the cluster
        time.sleep(60)


def shutdown():
    pass


def put(value):
    return value


class Task:
    def __init__(self, function, node, arguments):
        self.outcome = self.error = None
        self.is_over = threading.Event()
        if node is None:  # it was lost since the bridge chose it
            self.error = exceptions.TaskUnschedulableError()
            self.is_over.set()
        else:
            threading.Thread(target=self._run, args=(function, node, arguments), daemon=True).start()

    def _run(self, function, node, arguments):
        _here.node = node["NodeID"]
        try:
            self.outcome = function(*arguments)
        except Exception as error:
            self.error = error
        self.is_over.set()


class remote:
    def __init__(self, function, **options):
        self._function, self._options = function, options

    def options(self, **options):
        return remote(self._function, **options)

    def remote(self, *arguments):
        alive = [node for node in nodes() if node["Alive"]]
        pinned = self._options.get("scheduling_strategy")
        found = [node for node in alive if pinned is None or node["NodeID"] == pinned.node_id]
        return Task(self._function, found[0] if found else None, arguments)


def wait(tasks, timeout=None):
    over = [task for task in tasks if task.is_over.is_set()]
    return over, [task for task in tasks if task not in over]


def get(task, timeout=None):
    assert task.is_over.wait(timeout)
    if task.error is not None:
        raise task.error
    return task.outcome


def cancel(task, force=False):
    if not task.is_over.is_set() and force:
        task.error = exceptions.TaskCancelledError()
        task.is_over.set()


class get_runtime_context:
    def get_node_id(self):
        return _here.node


__all__ = [
    "cancel",
    "exceptions",
    "get",
    "get_runtime_context",
    "init",
    "nodes",
    "put",
    "remote",
    "shutdown",
    "util",
    "wait",
]
