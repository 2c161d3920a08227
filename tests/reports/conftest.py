"""Results made by hand: the three of the contract, from which tests make others by `model_copy`; and their records."""

from pathlib import Path

import pytest
from builders import module_of

from samebits.model import Detection, Divergence, HeldControl, ProcessKey, Result, Scope, Setup, Size, Trial

SAME = "9f3c21ab" + "0" * 24
FINALS = {1: SAME, 2: SAME, 3: "b" * 32, 4: "c" * 32, 5: SAME}


def trials(status="complete", steps=1200, finals=None):
    known = finals or {}
    return [Trial(id=i, status=status, exit_code=0, steps=steps, seconds=3.1, final=known.get(i)) for i in range(1, 6)]


@pytest.fixture
def repeated():
    return Result(
        samebits="0.1.0",
        verdict="repeated",
        sentence="5 trials, one model: all 1,200 steps have the same bits.",
        scope=Scope(kind="whole", steps_compared=1200, steps_total=1200),
        setup=Setup(command=["python", "train.py"], python="/usr/bin/python3", machine={"cpu": "a CPU", "cores": 2}),
        trials=trials(finals=dict.fromkeys(range(1, 6), SAME)),
        groups=[[1, 2, 3, 4, 5]],
        detection=Detection(seen_if_in_half_of_runs=0.9375, seen_if_in_one_of_ten=0.4095),
        judged=dict.fromkeys(("start", "rng", "batch", "forward", "gradient", "update", "end"), "="),
        seconds=31.0,
        record=".samebits/run",
    )


@pytest.fixture
def diverged(repeated):
    marks = {"start": "=", "rng": "=", "batch": "=", "forward": "=", "gradient": "!", "update": ".", "end": "."}
    return repeated.model_copy(
        update={
            "verdict": "diverged",
            "sentence": "5 trials, 3 models. They diverge at step 0.",
            "scope": Scope(kind="prefix", steps_compared=0, steps_total=None),
            "trials": trials("stopped", 20, FINALS),
            "groups": [[1, 2, 5], [3], [4]],
            "divergence": Divergence(
                step=0,
                kind="gradient",
                name="embed.weight",
                trials=[3, 4],
                process=ProcessKey(order=0, argv=["train.py"]),
                details=[{"kind": "update", "name": "embed.weight"}],
                size=Size(
                    elements=65536, different=812, max_ulp=3, looks="like rounding: same sums in a different order"
                ),
            ),
            "judged": marks,
            "seconds": 6.0,
        }
    )


@pytest.fixture
def inconclusive(repeated):
    return repeated.model_copy(
        update={
            "verdict": "inconclusive",
            "sentence": "No answer.",
            "reason": "trial 2 started from a file that trial 1 had written.",
            "advice": "samebits check -- python train.py --output-dir '{out}'",
            "groups": [],
        }
    )


@pytest.fixture
def hostile(diverged):
    """Names that break documents that do not escape: markup, escapes of terminals, control characters."""
    name = "</script><script>alert(1)</script>\x1b[2J|`*_\x00&\"'"
    return diverged.model_copy(
        update={
            "divergence": diverged.divergence.model_copy(update={"name": name}),
            "warnings": [name],
            "setup": Setup(
                command=["python", name], python=name, controls=[HeldControl(id=name, took_effect=False, detail=name)]
            ),
            "advice": name,
            "trials": [trial.model_copy(update={"metrics": {name: 0.5}}) for trial in diverged.trials],
        }
    )


@pytest.fixture(scope="session")
def write_record():
    """Function(folder, groups, steps, parted) -> folder: a record made by hand (records.py)."""
    return module_of(Path(__file__).with_name("records.py")).write_record


@pytest.fixture(scope="session")
def judged(write_record, tmp_path_factory):
    """Function(groups, steps, parted) -> (result, record) of a record made by hand."""
    from samebits.kept_record import judged
    from samebits.store import open_record

    def make(groups, steps, parted=None):
        record = open_record(write_record(tmp_path_factory.mktemp("record") / "run", groups, steps, parted))
        return judged(record), record

    return make


@pytest.fixture(scope="session")
def documents():
    """The module of studies made by hand (study_documents.py)."""
    return module_of(Path(__file__).with_name("study_documents.py"))


@pytest.fixture
def new_page(browser):
    """Function(file, scheme, width) -> the open page; `problems`: what the console said and what was requested."""
    contexts = []

    def open_file(file, scheme, width):
        contexts.append(browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
