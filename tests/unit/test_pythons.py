"""Python processes that ended before samebits saw them."""

from samebits.launch.processes.pythons import Pythons


def test_a_python_in_which_the_probe_could_not_start_is_known_by_its_file(tmp_path):
    (tmp_path / "probe-failed-12.txt").write_text("ImportError: json\n\0/usr/bin/python3\0python3\0train.py\0")
    (tmp_path / "probe-failed-13.txt").write_text("ImportError: json\n")  # written without the second part
    (tmp_path / "probe-failed-mine.txt").write_text("written by the program\0a\0b\0")
    found = Pythons(tmp_path / "probe").found(set(), {}, tmp_path, was_ended=False, fed=False)
    assert [(one.pid, one.argv, one.executable) for one in found] == [(12, ["python3", "train.py"], "/usr/bin/python3")]
    assert [(one.why, one.watched, one.asks) for one in found] == [
        ("the probe could not start: ImportError: json", False, False)
    ]
