"""What `samebits audit` needs of a run: which files it saved after which step, what its variables held at some steps,
copies of its files as a kill would leave them, and the parts of a different run that are put into it (a graft).
"""

import os
import pickle
import shutil
import signal

from . import hooks, process, program_state
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple

    from .probe import Probe

__all__ = ["KEPT", "STATE", "VALUES"]

STATE, VALUES = "state-%d.json", "values-%d.pickle"  # of a process, when a step begins
KEPT = "kept-%d"  # of a process: `out` and `work`, one step after a checkpoint
_MANY = 2000  # files of a folder


def watch(probe: "Probe") -> None:
    """Look at the files and the variables when a step begins, and at the loaders of PyTorch."""
    watcher, sample_rng = _Watcher(probe), probe.sample_rng

    def look_and_sample(step: int) -> None:
        if step == probe.step:
            probe.guard("audit", watcher.look, step)
        sample_rng(step)

    probe.sample_rng = look_and_sample  # type: ignore[method-assign]
    probe.closers.append(watcher)
    hooks.after_import("torch.utils.data.dataloader", lambda module: probe.guard("audit", _loaders, module, watcher))


class _Watcher:
    """Does what the launcher asked for. `graft`: what this run is given, if anything."""

    def __init__(self, probe: "Probe") -> None:
        self.probe, self.want = probe, probe.config["audit"]
        self.graft: "Dict[str, Any]" = self.want.get("graft", {})
        self._folders = System.getcwd(), self.want["out"]
        self._first = dict(_files_of(self.want["out"], self._folders[0]))
        self._files: "Dict[str, Tuple[int, int]]" = {}
        self._fetched = -1  # the latest step before which a loader has taken the samples of a batch

    def look(self, step: int) -> None:
        """Look when a step begins."""
        before = dict(self._files)
        self._files.update(_files_of(self.want["out"], self._folders[0]))
        new = [path for path, state in self._files.items() if state not in before.values()]  # not renamed
        for path in new if step else ():
            self.probe.event("saved", path=path, step=step, size=self._files[path][1])
        if self._fetched < step:
            self.exchange()
        if step in self.want.get("states", ()):
            self.probe.recorder.document(STATE % step, program_state.prints(self.probe))

    def fetch(self, loader: str) -> None:
        """Save or set values before a loader makes the first batch of a step: the batch may depend on them."""
        if not self.probe.is_sampled and loader == self.want.get("loader"):
            self._fetched = self.probe.step
            self.exchange()

    def exchange(self) -> None:
        """Save the values of this step, or set those of a different run before the first step."""
        step = self.probe.step
        if step in self.want.get("values", ()):
            program_state.ProgramState().save(System.join(self.probe.recorder.folder, VALUES % step))
        if self.graft and not step:
            with open(self.graft["values"], "rb") as file:
                done = program_state.ProgramState().put(pickle.load(file), self.graft["names"])
            self.probe.event("grafted", names=done)

    def end_step(self) -> None:
        """Copy the files that a kill would leave now, one step after a checkpoint, or send SIGTERM."""
        if self.want.get("term") == self.probe.step:
            System.kill(System.getpid(), signal.SIGTERM)
        if self.probe.step not in self.want.get("keep", ()) or process.ranks()["rank"]:
            return
        (work, out), target = self._folders, System.join(self.probe.recorder.folder, KEPT % self.probe.step)
        os.makedirs(target)
        if os.path.isdir(out):
            shutil.copytree(out, System.join(target, "out"), symlinks=True)
        record = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(out))))
        for path, state in _files_of(out, work):
            place, copied = os.path.relpath(path, work), System.join(target, "work", os.path.relpath(path, work))
            is_elsewhere = place.startswith(os.pardir) or path.startswith(record + os.sep)
            if self._first.get(path) != state and not is_elsewhere:
                os.makedirs(os.path.dirname(copied), exist_ok=True)
                shutil.copy2(path, copied)


def _files_of(*folders: str) -> "Iterator[Tuple[str, Tuple[int, int]]]":
    for place, inside, names in (found for folder in folders for found in os.walk(folder)):
        is_data = "pyvenv.cfg" in names or len(names) > _MANY or place == os.path.dirname(folders[0])
        inside[:] = [name for name in inside if not name.startswith((".", "__")) and not is_data]
        for path in filter(os.path.exists, [os.path.join(place, name) for name in names if not is_data]):
            yield path, (os.stat(path).st_mtime_ns, os.stat(path).st_size)


def _loaders(module: "Any", watcher: _Watcher) -> None:
    """Tell when a loader begins an epoch, and which samples each batch has. Set the samples, if a graft names them."""
    kind, probe = module._BaseDataLoaderIter, watcher.probe
    begin, following, index = module.DataLoader.__iter__, kind.__next__, kind._next_index
    given: "List[List[List[int]]]" = watcher.graft.get("epochs", [])
    opened: "List[Tuple[str, Any]]" = []  # the latest loader, and the samples that its epoch is given

    def iterate(self: "Any") -> "Any":
        name = "%s %s" % (type(self.dataset).__name__, getattr(self.dataset, "__len__", int)())
        is_given = given and name == watcher.want.get("loader")
        opened[:] = [(name, given.pop(0) if is_given else None)]
        if getattr(self, "_iterator", None) is not None:  # of persistent workers, which begin a new epoch
            vars(self._iterator).update(samebits_epoch=opened[0][1], samebits_samples=[])
        found = begin(self)  # a loader with workers already takes samples here
        found.samebits_loader, found.samebits_epoch = opened[0]
        probe.event("epoch", step=probe.step, loader=name, workers=self.num_workers)
        return found

    def next_index(self: "Any") -> "Any":
        name, epoch = opened[0] if not hasattr(self, "samebits_loader") else (self.samebits_loader, self.samebits_epoch)
        samples = index(self) if epoch is None else _given_samples(epoch, index, self)
        vars(self).setdefault("samebits_samples", []).append(samples)
        probe.guard("audit", watcher.fetch, name)
        return samples

    def next_batch(self: "Any") -> "Any":
        found, samples = following(self), vars(self).get("samebits_samples", [])[self._num_yielded - 1 :][:1]
        if samples and isinstance(samples[0], list) and hasattr(self, "samebits_loader"):
            probe.event("batch", step=probe.step, loader=self.samebits_loader, samples=samples[0])
        return found

    module.DataLoader.__iter__, kind.__next__, kind._next_index = iterate, next_batch, next_index


def _given_samples(epoch: "List[List[int]]", index: "Any", iterator: "Any") -> "List[int]":
    """Return the samples of the next batch of an epoch. The sampler draws in any case."""
    try:
        index(iterator)
    except StopIteration:
        pass
    if not epoch:
        raise StopIteration
    return epoch.pop(0)
