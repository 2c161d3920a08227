"""Workers of pools, which are ended while they wait for more, have an end."""

import pytest

from samebits.checks import run


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["pool", "futures"])
def test_workers_that_are_ended_after_their_tasks_have_an_end(ask, kind, method):
    result = run(ask("trains_in_a_pool.py", kind, method, trials=2, timeout=60.0)).result
    assert result.verdict == "repeated", result.sentence
    assert [trial.steps for trial in result.trials] == [3, 3]
