"""Workers of pools: the tasks of a worker depend on how fast the others are. The results of the program need not."""

import pytest

from samebits.model import FilesFile, SavedFile

POOLED = [{"event": "observed-by", "how": "optimizer"}, {"event": "pooled"}]


@pytest.fixture
def pooled(writing, tmp_path):
    """Function(trials, main) -> the result. A trial is (tasks of the first worker, of the second, content of a file)."""

    def judged(trials, main=None):
        def trial(tasks, content):
            def write(folder, number):
                if main:
                    writing.train(writing.process(folder, 9), {(0, "batch", "0"): main[number - 1]})
                for place, given in enumerate(tasks, 1):
                    facts = {"argv": ["python", "-c", "spawn_main"]}
                    changes = {(step, "batch", "0"): task for step, task in enumerate(given)}
                    writing.train(writing.process(folder, place, **facts), changes, events=POOLED)
                saved = SavedFile(path="mean.npy", named=False, format="npy", tensors={"": content * 32})
                return {"files": FilesFile(files=[saved])}

            return write

        return writing.judged(tmp_path, [trial(tasks, content) for *tasks, content in trials])

    return judged


def test_workers_that_swap_their_tasks_are_no_divergence(pooled):
    result = pooled([("abc", "def", "1"), ("dbc", "aef", "1")])
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("the workers of a pool together observed the same values")


def test_a_result_that_differs_where_workers_swap_their_tasks_diverges_at_the_result(pooled):
    result = pooled([("abc", "def", "1"), ("dbc", "aef", "1"), ("abc", "def", "2"), ("dbc", "aef", "2")])
    assert result.verdict == "diverged"
    assert (result.divergence.kind, result.divergence.name) == ("end", "mean.npy")
    assert result.groups == [[1, 2], [3, 4]]


def test_the_program_that_gives_the_tasks_diverges_at_its_own_step(pooled):
    result = pooled([("abc", "def", "1"), ("dbc", "aef", "1")], main=["one", "two"])
    assert result.verdict == "diverged"
    assert (result.divergence.kind, result.divergence.process.argv) == ("batch", ["train.py"])


def test_a_worker_that_observes_a_different_value_diverges(pooled):
    result = pooled([("abc", "def", "1"), ("abc", "dex", "2")])
    assert result.verdict == "diverged"
    assert result.divergence.kind == "batch"
