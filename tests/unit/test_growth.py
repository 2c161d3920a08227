"""JSON files to which each trial adds: the further entries of a later trial are compared with those of an earlier one."""

import json

import pytest

from samebits.model import FilesFile, Leak
from samebits.store.artifacts import contents


@pytest.fixture
def judged(writing, tmp_path):
    """Function(what each trial left, whether later ones have read it) -> the result of equal trainings."""

    def trial(value, number, is_read):
        (tmp_path / "results.json").write_text(json.dumps(value))
        files = FilesFile(files=[contents(tmp_path / "results.json").model_copy(update={"path": "/data/results.json"})])
        leak = Leak(path="/data/results.json", written_by=number - 1, content="0" * 32)

        def write(folder, given):
            writing.training()(folder, given)
            return {"files": files, "leaks": [leak] if is_read and number > 1 else []}

        return write

    (tmp_path / "record").mkdir()
    return lambda *values, is_read=True: writing.judged(
        tmp_path / "record", [trial(value, number, is_read) for number, value in enumerate(values, 1)]
    )


def entry(accuracy, day=1):
    return {"accuracy": accuracy, "at": f"2026-11-0{day}", "by class": {"cat": [accuracy, 1]}}


@pytest.mark.parametrize("held", [lambda entries: entries, lambda entries: {"runs": entries, "of": "us"}])
def test_a_file_to_which_each_trial_adds_the_same_entries_is_no_difference(judged, held):
    old = [entry(0.1), entry(0.2)]
    result = judged(*(held([*old, *[entry(0.5, number) for number in range(trials)]]) for trials in (1, 2, 3)))
    assert result.verdict == "repeated"
    assert any("each trial adds the same to it" in warning for warning in result.warnings)


@pytest.mark.parametrize(("added", "verdict"), [(0.5, "repeated"), (0.6, "inconclusive")])
def test_lists_of_numbers_may_grow_too(judged, added, verdict):
    assert judged({"accuracy": [0.1, 0.5]}, {"accuracy": [0.1, 0.5, added]}).verdict == verdict


@pytest.mark.parametrize(
    "later",
    [
        [entry(0.5), entry(0.6)],
        [entry(0.6), entry(0.6)],
        [entry(0.5)] * 3 + [entry(0.6)],
        [entry(0.5), {"accuracy": 0.5}],
        [],
    ],
)
def test_an_entry_that_differs_is_a_difference(judged, later):
    assert judged([entry(0.5)], later).verdict == "inconclusive"


def test_a_longer_list_is_a_difference_if_the_trial_has_not_read_the_file(judged):
    assert judged([entry(0.5)], [entry(0.5)] * 2, is_read=False).verdict == "inconclusive"
