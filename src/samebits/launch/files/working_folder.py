"""Lets each trial start from the same files: samebits first sets aside what the trial before it wrote there.

The files of the trial that ran last stay in the folder, as after a plain run. When the next trial starts, they move to
`.samebits/apart` below the folder, and the files that they replaced come back. A trial that waited gets its files back
before it goes on. At the end the files of the last complete trial are in the folder.

A journal is written before each move. If samebits is killed, the next samebits puts back what was set aside, or says
where it is.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from samebits import interrupt
from samebits.launch.files import folders
from samebits.launch.files.folders import Snapshot, State
from samebits.launch.files.moves import held, holds_files, move
from samebits.launch.files.originals import Originals
from samebits.launch.files.stays import Stay, Writers
from samebits.store.record import LEFT, RECORDS

PLACE, JOURNAL, ORIGINALS = "apart", "moves.json", "before"
_NOTE = (
    "Each trial starts from the same files. While other trials run, the files that a trial wrote here are in {}. "
    "At the end, the files of the last complete trial are here."
)
SAVED = "saved"  # in .samebits, and a time: what could not be put back


class SharedFolder:
    """The user's working folder, in which trials run one after the other. `why_not`: why nothing is set aside."""

    _known: dict[Path, SharedFolder] = {}

    @classmethod
    def of(cls, directory: Path) -> SharedFolder:
        """Return the object of a folder: all records of this process share it."""
        return cls._known.setdefault(directory, cls(directory))

    @classmethod
    def settle_all(cls) -> None:
        """Settle the folders of all records of this process. No trial follows."""
        for room in list(cls._known.values()):
            room._settle_at_end()

    def __init__(self, directory: Path) -> None:
        self.directory, self._place = directory, directory / RECORDS / PLACE
        self._lock = -1
        self._notes: list[str] = []
        self._forget()

    def _forget(self) -> None:
        self.why_not, self._is_busy, self._is_told = "", False, False
        self._here: list[Stay] = []
        self._away: list[Stay] = []
        self._running: set[Stay] = set()
        self._last: Stay | None = None  # the last whole trial, or that of the record to which trials are added
        self._is_recalled = False
        self._runs = 0
        self._originals = Originals(self.directory, self._place / ORIGINALS)

    # -- trials ---------------------------------------------------------------------------------------------------

    def stay(self, record: Path, number: int) -> Stay:
        """Return a new run of a trial, which has not entered the folder."""
        self._runs += 1
        return Stay(record, number, self._place / f"{number:03d}-{self._runs}")

    def enter(self, stay: Stay) -> Snapshot:
        """Make the folder as this trial needs it: as before the first one, or as it left it. Return what is there."""
        if self._open() and not self._running:
            for other in [other for other in self._here if other is not stay]:
                self._set_aside(other)
        if stay.is_away:
            self._put_back(stay)
        self._here = [*(other for other in self._here if other is not stay), stay]
        before = folders.snapshot(self.directory)
        if not before.is_whole:
            self.why_not = self.why_not or f"it holds more than {folders.MOST_FILES:,} files"
        if self.is_held:
            beside = next((other for other in self._running if other.old), None)
            if beside is not None:
                stay.begin_beside(beside)
            else:
                self._originals.keep(before.entries, {*stay.created, *stay.changed, *stay.removed})
                stay.begin(before, self._originals, self.directory)
        self._running.add(stay)
        return before

    def leave(self, stay: Stay, after: Snapshot, writers: Writers) -> None:
        """Note what a trial has done to the folder. It is over, or waits."""
        self._running.discard(stay)
        if not self.is_held or not after.is_whole or not stay.old:
            return
        beside = {name: other for other in self._here if other is not stay for name in other.created}
        stay.learn(self.directory, after, writers, is_wary=self._is_shared())
        stay.stuck += [name for name in stay.changed if not self._originals.has(name)]
        for name in stay.created.keys() & beside.keys():  # trials side by side: it belongs to the one that wrote it
            loser = stay if name in stay.unsure else beside[name]
            loser.created.pop(name)
            loser.unsure.discard(name)
        for other in self._away:  # if a name comes again, the program writes the file
            again = other.unsure & stay.created.keys()
            other.unsure -= again
            stay.unsure -= again

    def end(self, stay: Stay, *, is_whole: bool = False) -> None:
        """Note that a trial is over. Only the files of the last whole trial are kept."""
        self._running.discard(stay)
        stay.is_over, stay.is_whole = True, is_whole
        former = stay
        if is_whole and not self._is_recalled:
            former, self._last = self._last or stay, stay
        if former.is_away and former is not self._last:
            self._discard(former)

    @property
    def is_held(self) -> bool:
        """Whether what a trial does here is set aside before the next one starts."""
        return self._lock >= 0 and not self.why_not

    @property
    def is_used(self) -> bool:
        """Whether ended or waiting trials left files that cannot be set aside because other trials run."""
        return bool(self._running) and any(not stay.is_empty for stay in self._here if stay not in self._running)

    def _is_shared(self) -> bool:
        """Return whether all kinds of programs write into the folder: it holds HOME, or everybody may write there."""
        home = Path(os.environ.get("HOME") or "~").expanduser()
        return home.is_relative_to(self.directory) or bool(self.directory.stat().st_mode & stat.S_ISVTX)

    def tell(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each sentence that the user has not seen yet."""
        new, self._notes = self._notes, []
        for text in new:
            listener(text)

    # -- moves ----------------------------------------------------------------------------------------------------

    def _set_aside(self, stay: Stay) -> None:
        self._here.remove(stay)
        if stay.is_empty and stay.is_over:
            return
        if not stay.is_empty and not self._is_told:
            self._is_told = True
            self._notes.append(_NOTE.format(self._place))
        self._away.append(stay)
        stay.leave_others(self.directory)
        with self._in_journal(stay):
            stay.set_aside(self.directory, self._originals)
        if stay.is_over and stay is not self._last:
            self._discard(stay)

    def _put_back(self, stay: Stay) -> list[str]:
        """Return the files whose names something else has taken."""
        with self._in_journal(stay):
            left = stay.put_back(self.directory, self._originals)
        self._away = [other for other in self._away if other is not stay]
        return left

    @contextmanager
    def _in_journal(self, moved: Stay) -> Iterator[None]:
        """Write the journal before a move and after it. The first entry says that the stay is away."""
        self._is_busy = moved.is_away = True
        self._write_journal()
        try:
            yield
        finally:
            self._is_busy = False
        self._write_journal()

    def _write_journal(self) -> None:
        names = {name for stay in self._away for name in (*stay.changed, *stay.removed) if self._originals.has(name)}
        restored = {name: self._originals.states[name] for name in names}
        last = self._away.index(self._last) if self._last in self._away else None
        content = {"away": [stay.document() for stay in self._away], "restored": restored, "last": last}
        draft = self._place / f"{JOURNAL}.part"
        draft.write_text(json.dumps(content))
        draft.replace(self._place / JOURNAL)

    def _discard(self, stay: Stay) -> None:
        """Remove the files of a trial that is over: samebits has read them. Files that may belong to others stay."""
        if not stay.unsure:
            self._away = [other for other in self._away if other is not stay]
            self._write_journal()
            folders.discard(stay.place)

    # -- from the first trial to the last one ---------------------------------------------------------------------

    def _open(self) -> bool:
        """Hold the folder, unless a different samebits holds it. Return whether it is held."""
        if self._lock >= 0 or self.why_not:
            return self._lock >= 0
        try:
            folder = self._place.parent
            if not folder.exists():
                folder.mkdir()
                (folder / ".gitignore").write_text("*\n")
            self._lock = held(self._place)
        except BlockingIOError:
            self.why_not = "a different samebits runs trials in this folder"
        except OSError as why:
            self.why_not = f"{folder} cannot be written ({why.strerror or why})"
        if self._lock >= 0:
            atexit.register(self._settle_at_end)
            interrupt.undo_at_end(self._settle_at_end)
            self._notes += filter(None, [self._recovered()])
        return self._lock >= 0

    def _recovered(self) -> str:
        """Put back the files that a killed samebits had set aside. Return a sentence about it."""
        try:
            document = json.loads((self._place / JOURNAL).read_text())
        except (OSError, ValueError):
            document = {}
        stays = [Stay.read(entry) for entry in document.get("away", ())]
        self._originals.recover({name: State(*state) for name, state in document.get("restored", {}).items()})
        last = document.get("last")
        for stay in stays:  # complete a move that was begun
            stay.set_aside(self.directory, self._originals)
        if last is not None:
            stays[last].put_back(self.directory, self._originals)
        for stay in reversed(stays):
            stay.put_back_unsure(self.directory)
        self._originals.unpack_changed()
        target = self._place.with_name(f"{SAVED}-{time.strftime('%Y%m%d-%H%M%S')}")
        rest = [path for path in sorted(self._place.iterdir()) if path.is_dir() and holds_files(path)]
        for path in rest:
            move(path, target / path.name)
        self._originals.clear()
        self._write_journal()
        sentence = f"samebits was killed while trials ran in {self.directory}"
        put = f"{sentence}. The files of trial {stays[last].number} are back" if last is not None else sentence
        more = f". Files of other trials, and files as they were before the trials, are in {target}" if rest else ""
        return f"{put}{more}." if stays or rest else ""

    def recover(self) -> None:
        """Put back the files that a killed samebits had set aside, unless a samebits holds the folder now."""
        if not self._here and not self._away and self._open():
            self.settle()

    def recall(self, record: Path) -> None:
        """Set aside what the last trial of a record left, so that more trials start from the same files."""
        if self._here or self._away:  # the record grows in this process
            self._is_recalled = self._last is not None
            return
        try:
            document = json.loads((record / LEFT / JOURNAL).read_text())
            stay = Stay.read(document)
        except (OSError, ValueError, KeyError, TypeError):
            return
        if document.get("directory") != str(self.directory) or not self._open():
            return
        for name in (*stay.changed, *stay.removed):
            self._originals.adopt(name, record / LEFT / ORIGINALS / name)
        self._here, self._last, self._is_recalled = [stay], stay, True
        stay.place = self._place / f"{stay.number:03d}-0"

    def settle(self) -> list[str]:
        """Put the files of the last whole trial into the folder, and remove all other files, at the end of a command.

        Return sentences about files that could not be put back.
        """
        if self._lock < 0 or self._running or self._is_busy:
            return []
        best = self._last
        sentences: list[str] = []
        if best is not None and best.is_away:
            for stay in list(self._here):
                self._set_aside(stay)
            if self._put_back(best):
                sentences = self._saved(best)
        elif best is None and self._here:
            best = self._here[-1]
        for stay in reversed(self._away):
            stay.put_back_unsure(self.directory)
        if best is not None and not best.is_away:
            self._keep_left(best)
        for stay in self._away:
            if any(os.path.lexists(stay.place / name) for name in stay.unsure):
                sentences += self._saved(stay)
        self._close()
        return sentences

    def _settle_at_end(self) -> None:
        try:
            sentences = self.settle()
        except OSError as why:  # a full disk, or a folder that is gone; other steps at the end still follow
            sentences = [
                f"{self._place} still holds files of trials ({why.strerror or why}): the next samebits puts them back."
            ]
        for text in sentences:
            print(f"samebits: {text}", file=sys.stderr)

    def _keep_left(self, stay: Stay) -> None:
        """Keep in a record what its last trial left, so that more trials can start from the same files."""
        place = stay.record / LEFT
        is_read = not stay.old  # it was read from that place
        if is_read or stay.is_empty or not stay.record.is_dir():
            return
        with suppress(OSError):
            folders.discard(place)
            for name in (*stay.changed, *stay.removed):
                self._originals.copy_to(name, place / ORIGINALS / name)
            place.mkdir(exist_ok=True)
            content = {**stay.document(), "directory": str(self.directory)}
            (place / JOURNAL).write_text(json.dumps(content))

    def _saved(self, stay: Stay) -> list[str]:
        """Keep files that cannot be put back because something else has their names now. Return where they are."""
        target = self._place.with_name(f"{SAVED}-{time.strftime('%Y%m%d-%H%M%S')}") / stay.place.name
        is_moved = move(stay.place, target)
        why = "because other files have their names now"
        return [f"Files of trial {stay.number} are in {target}, {why}."] if is_moved else []

    def _close(self) -> None:
        self._away = []
        self._write_journal()
        folders.discard(self._place)
        with suppress(OSError):
            if sorted(path.name for path in self._place.parent.iterdir()) == [".gitignore"]:
                shutil.rmtree(self._place.parent)
        os.close(self._lock)
        self._lock = -1
        atexit.unregister(self._settle_at_end)
        interrupt.forget(self._settle_at_end)
        self._forget()


def recovered(directory: Path) -> str:
    """Put back the files that a killed samebits had set aside in a folder. Return a sentence, or an empty text."""
    if not os.path.lexists(directory / RECORDS / PLACE / JOURNAL):
        return ""
    folder = SharedFolder.of(directory)
    folder.recover()
    sentences: list[str] = []
    folder.tell(sentences.append)
    return " ".join(sentences)
