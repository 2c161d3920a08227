"""Trials in keepers of this machine, as an engine starts them on its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from samebits.launch.hosts import TrialOrder
from samebits.launch.keeper import Delivery, Keeper, Post
from samebits.launch.remote import RemoteTrial, packed_code, post


class Apart:
    """Each trial has a node of its own."""

    no_waiting, slots = "trials apart do not wait between rounds", 1

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        self._node = f"{kind} {address}"

    def reach(self, directory: Path) -> str:
        """See Host: these nodes share the disk."""
        return ""

    def nodes(self) -> list[str]:
        """See Host."""
        return []

    def start(self, order: TrialOrder) -> RemoteTrial:
        """See Host."""
        whole = replace(post(order), code=packed_code(order.plan.record))
        return RemoteTrial(order, ApartTask(whole, self._node))


class ApartTask:
    """A trial and its keeper."""

    def __init__(self, post: Post, node: str) -> None:
        self._keeper = Keeper(post, node)
        self._outcome: Delivery | None = None

    def poll(self) -> Delivery | None:
        """See RemoteTask."""
        if self._outcome is None:
            self._outcome = self._keeper.poll(0)
            if self._outcome is not None:
                self._keeper.close()
        return self._outcome

    def news(self) -> str:
        """See RemoteTask."""
        return ""

    def cancel(self) -> None:
        """See RemoteTask."""
        if self._outcome is None:
            self._keeper.close()
            self._outcome = Delivery(lost=True)
