"""Each trial starts from the same files, whatever others did before it, and nothing of the user is ever lost."""

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from samebits.launch.files import folders
from samebits.launch.files.stays import Writers
from samebits.launch.files.working_folder import PLACE, SharedFolder, recovered
from samebits.store.record import RECORDS

USERS = {"a.txt": "a", "b.txt": "b", "d/x.txt": "x", "d/e/y.txt": "y"}
OLD_TIME = 1_500_000_000
NEW = ["n.txt", "d/n.txt", "new/k.txt", "new/sub/k.txt"]
FOREIGN = ["f.txt", "d/f.txt", "g.txt"]
NAMES = [*USERS, *NEW]
PHASES = [Phase.explicit, Phase.generate]


class Killed(BaseException):
    """samebits ends here, without doing anything else."""


class Calls:
    """Ends "samebits" before one of its system calls: an audit hook sees each that changes a file."""

    left = None
    events = (
        "open",
        "os.rename",
        "os.link",
        "os.remove",
        "os.mkdir",
        "os.rmdir",
        "os.utime",
        "os.chmod",
        "ctypes.dlsym",
    )

    @classmethod
    def look(cls, event, arguments):
        if cls.left is not None and event in cls.events:
            if cls.left == 0:
                raise Killed
            cls.left -= 1


sys.addaudithook(Calls.look)


def tree(folder):
    """What a folder holds, but for what samebits keeps there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.partition("/")[0] != RECORDS:
            found[name] = path.read_text() if path.is_file() else None
    return found


def apply(folder, steps):
    """Do what a program does, and return the files that it wrote."""
    wrote = []
    for step, name, other in steps:
        path = folder / name
        with suppress(OSError):
            if step == "write":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{other}!")
            elif step == "append":
                with path.open("a") as file:
                    file.write("+")
            elif step == "replace":
                wrote.append(folder / "draft")
                (folder / "draft").write_text("r")
                (folder / "draft").replace(path)
            elif step == "rename":
                path.rename(folder / other)
                path = folder / other
            elif step == "remove":
                path.unlink()
            elif step == "rmtree":
                shutil.rmtree(path.parent) if "/" in name else None
            elif step == "mkdir":
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                path.with_name("made").mkdir()
            wrote.append(path)
    return wrote


STEP = st.tuples(
    st.sampled_from(["write", "append", "replace", "rename", "remove", "rmtree", "mkdir"]),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
STEPS = st.lists(STEP, max_size=6)


class Trials(RuleBasedStateMachine):
    """Trials that follow each other, wait, and go on; others write files, and samebits is killed."""

    def __init__(self):
        super().__init__()
        self.top = Path(tempfile.mkdtemp())
        self.folder, self.plain = self.top / "work", self.top / "plain"
        for name, text in USERS.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
            os.utime(self.folder / name, (OLD_TIME, OLD_TIME))
        self.base = tree(self.folder)
        self.foreign = {}
        self.waiting = []
        self.doubtful = set()
        self.expected, self.number = dict(self.base), 0
        self.is_settled = True
        self.room = SharedFolder.of(self.folder)

    def teardown(self):
        self.room.settle()
        shutil.rmtree(self.top)

    def model(self, *parts):
        """What a plain run leaves. A part is (files of others, steps): it begins when others have written the files."""
        shutil.rmtree(self.plain, ignore_errors=True)
        self.plain.mkdir()
        known = {}
        for files, steps in ((self.base, []), *parts):
            for name, text in files.items():
                path = self.plain / name
                if known.get(name, "") != text:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.mkdir(exist_ok=True) if text is None else path.write_text(text)
            known.update(files)
            apply(self.plain, steps)
        return tree(self.plain)

    def enter(self, stay, *before):
        self.room.enter(stay)
        self.is_settled = False
        assert tree(self.folder) == self.model(*before, (self.foreign, [])), "the trial starts from other files"

    def leave(self, stay, steps, *, is_sure, is_over):
        before = tree(self.folder)
        wrote = apply(self.folder, steps)
        self.doubtful.update(name for name in tree(self.folder) if name not in before and not is_sure)
        own = [path for path in wrote if is_sure or str(path.relative_to(self.folder)) in {**USERS, **self.base}]
        self.room.leave(stay, folders.snapshot(self.folder), Writers(own))
        if is_over:
            self.room.end(stay, is_whole=True)

    @rule(steps=STEPS, is_sure=st.booleans(), waits=st.booleans())
    def run(self, steps, is_sure, waits):
        self.number += 1
        stay = self.room.stay(self.top, self.number)
        self.enter(stay)
        self.leave(stay, steps, is_sure=is_sure, is_over=not waits)
        if waits:
            self.waiting.append((stay, (dict(self.foreign), steps)))
        else:
            self.expected = self.model((self.foreign, steps))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), more=STEPS)
    def go_on(self, data, more):
        stay, begun = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.enter(stay, begun)
        self.leave(stay, more, is_sure=True, is_over=True)
        self.expected = self.model(begun, (self.foreign, more))

    @precondition(lambda self: not self.is_settled and not self.waiting)
    @rule()
    def settle(self):
        assert self.room.settle() == []
        now = tree(self.folder)
        assert {name: now.get(name, "gone") for name in self.expected} == self.expected
        assert now.keys() - self.expected.keys() <= self.doubtful  # nobody was seen to write it, so it is not removed
        assert not (self.folder / RECORDS / PLACE).exists()
        for name, text in self.expected.items():
            if USERS.get(name) == text and (self.folder / name).stat().st_mtime != OLD_TIME:
                assert (self.plain / name).stat().st_mtime != OLD_TIME
        self.base, self.foreign, self.is_settled = now, {}, True
        self.expected, self.doubtful = dict(now), set()

    @precondition(lambda self: not self.is_settled)
    @rule(name=st.sampled_from(FOREIGN), text=st.text("xyz", min_size=1, max_size=2))
    def somebody_writes(self, name, text):
        """Between two trials: the last one's files are still there."""
        with suppress(OSError):
            (self.folder / name).write_text(text)
            self.foreign[name] = text
            self.expected[name] = text

    @precondition(lambda self: not self.is_settled)
    @rule(after=st.integers(0, 120), steps=STEPS, is_whole=st.booleans())
    def is_killed(self, after, steps, is_whole):
        """samebits is killed while one more trial starts, after it, or while the folder is settled."""
        self.number += 1
        stay = self.room.stay(self.top, self.number)
        results = [self.expected, self.model((self.foreign, steps)), *(self.model(begun) for _, begun in self.waiting)]
        Calls.left = after
        try:
            self.room.enter(stay)
            Calls.left, left = None, Calls.left
            wrote = apply(self.folder, steps)
            Calls.left = left
            self.room.leave(stay, folders.snapshot(self.folder), Writers(wrote))
            self.room.end(stay, is_whole=is_whole)
            self.room.settle()
        except Killed:
            pass
        finally:
            Calls.left = None
        self.die()
        recovered(self.folder)
        self.check_nothing_is_lost(results)
        self.base, self.foreign, self.waiting = tree(self.folder), {}, []
        self.expected, self.is_settled = dict(self.base), True
        shutil.rmtree(self.folder / RECORDS, ignore_errors=True)

    def die(self):
        """The process is gone: nobody holds the folder."""
        if self.room._lock >= 0:
            with suppress(OSError):
                os.close(self.room._lock)
        self.room._lock = -1
        self.room._forget()

    def check_nothing_is_lost(self, results):
        """A file of the user that no trial changes is where it was.

        What a trial changed is a copy in a folder that the sentence names, or as a plain run leaves it.
        """
        texts = {path.read_text() for path in self.folder.rglob("*") if path.is_file()}
        now = tree(self.folder)
        for name, text in {**self.base, **self.foreign}.items():
            if text is not None and all(result.get(name) == text for result in results):
                assert now.get(name) == text, name
            elif text is not None:
                assert text in texts or any(now.get(name) == result.get(name) for result in results), name


Trials.TestCase.settings = settings(
    max_examples=int(os.environ.get("SAMEBITS_EXAMPLES", "40")), stateful_step_count=12, deadline=None, phases=PHASES
)
TestTrials = Trials.TestCase


BESIDE = st.tuples(
    st.integers(0, 2), st.sampled_from(["append", "write", "remove", "rmtree", "end"]), st.sampled_from(NAMES)
)


@given(st.lists(BESIDE, max_size=10))
@settings(max_examples=int(os.environ.get("SAMEBITS_EXAMPLES", "40")), deadline=None, phases=PHASES)
def test_trials_side_by_side_leave_nothing_to_the_next_one(steps):
    """A trial starts with its first step, so a trial beside it may have written already."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "work"
        apply(folder, [("write", name, text) for name, text in USERS.items()])
        base, room, running = tree(folder), SharedFolder.of(folder), {}

        def leave(number):
            stay, wrote = running.pop(number)
            room.leave(stay, folders.snapshot(folder), Writers(wrote))
            room.end(stay)

        for number, step, name in steps:
            if step == "end":
                leave(number) if len(running) > 1 and number in running else None
                continue
            if number not in running:
                running[number] = room.stay(Path(top), number), []
                room.enter(running[number][0])
            running[number][1].extend(apply(folder, [(step, name, f"{number}")]))
        for number in list(running):
            leave(number)
        last = room.stay(Path(top), 4)
        room.enter(last)
        try:
            assert tree(folder) == base
        finally:
            room.end(last)
            room.settle()
