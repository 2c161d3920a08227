"""Children of multiprocessing are told apart by its own count of them, not by the moment at which they begin."""

import pytest

from samebits.checks import run
from samebits.store import open_record

CHILD = """
import os
from samebits_probe import observe
{before}
observe("start", 1.0)
observe("w", 1.0, step=0)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_that_begin_in_another_order_are_the_same(ask, method):
    result = run(ask("trains_in_spawned_processes.py", method, "{trial}", "turned", trials=2, timeout=60.0)).result
    assert result.verdict == "repeated", result.sentence
    record = open_record(result.record)
    names = {process.facts["name"].partition("-")[2] for process in record.trials[0].observed}
    assert names == {"1", "2"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RANK": "1", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}, (1, 0, 2)),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, (3, None, 4)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, (None, None, None)),
    ],
)
def test_ranks_are_read_when_the_first_step_is_seen(watched_run, variables, expected):
    process = watched_run(None, CHILD.format(before=f"os.environ.update({variables!r})")).only
    assert tuple(process.facts[name] for name in ("rank", "local_rank", "world_size")) == expected


def test_names_that_begin_with_a_kind_are_of_that_kind(watched_run):
    process = watched_run(None, CHILD.format(before="observe('start/encoder.w', 2.0)")).only
    assert process.names("start", -1) == ["start/encoder.w", "start"]
    assert process.names("update") == ["w"]
