"""Trials in keepers of this machine, as an engine starts them on nodes that share no disk with it."""

from __future__ import annotations

from collections.abc import Mapping

from samebits.launch.hosts import TaskState
from samebits.launch.node.keeper import Keeper
from samebits.launch.node.orders import OrderFiles
from samebits.launch.remote.remote_host import RemoteHost


class Apart(RemoteHost):
    """Each trial has a node of its own, which gets the working folder, too."""

    no_waiting = "trials apart do not wait between rounds"
    why_packed = "because they share no disk"

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        self._node = f"{kind} {address}"

    def begin(self, trial: int, files: OrderFiles) -> ApartTask:
        """See RemoteHost."""
        return ApartTask(files, self._node)


class ApartTask:
    """A trial and its keeper."""

    def __init__(self, files: OrderFiles, node: str) -> None:
        self._files, self._keeper, self._is_over = files, Keeper(files.whole_post(), node), False

    def look(self) -> TaskState:
        """See RemoteTask."""
        if not self._is_over and (outcome := self._keeper.poll(0)) is not None:
            self._files.deliver(outcome)
            self.kill()
        return TaskState(is_over=self._is_over)

    def kill(self) -> None:
        """See RemoteTask."""
        if not self._is_over:
            self._keeper.close()
            self._is_over = True
