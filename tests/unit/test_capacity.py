"""How many cores are free: those that this process may use, without what others keep busy, within a quota."""

import os

import pytest

from samebits.launch.capacity.resources import free_cores

OWN = len(os.sched_getaffinity(0))


def group(tmp_path, **files):
    """A control group with these files."""
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name.replace("__", "/").replace("_max", ".max").replace("cfs", "cpu.cfs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_others_keep_busy_is_not_free(tmp_path):
    assert free_cores(0.0, tmp_path) == OWN
    assert free_cores(0.4, tmp_path) == pytest.approx(OWN - 0.4)
    assert free_cores(OWN + 3.0, tmp_path) == 0.0


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"cpu_max": "50000 100000\n"}, 0.5),
        ({"cpu_max": "max 100000\n"}, OWN),
        ({"cpu_max": "nonsense\n"}, OWN),
        ({"cpu__cfs_quota_us": "25000\n", "cpu__cfs_period_us": "100000\n"}, 0.25),
        ({"cpu__cfs_quota_us": "-1\n", "cpu__cfs_period_us": "100000\n"}, OWN),
    ],
)
def test_a_quota_is_the_limit(tmp_path, files, free):
    assert free_cores(0.0, group(tmp_path, **files)) == free
