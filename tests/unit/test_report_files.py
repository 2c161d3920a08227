"""The files that the options of reports name."""

import os
import threading

from samebits.reports import write_file


def test_a_report_in_a_pipe_leaves_the_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_file("json", str(pipe), "report")
    reader.join(60)
    assert (read, pipe.is_fifo()) == (["report"], True)


def test_a_report_behind_a_link_is_written_to_the_file_of_the_link(tmp_path):
    link, file = tmp_path / "latest.json", tmp_path / "run-7.json"
    link.symlink_to(file)
    for text in ("first", "second"):
        write_file("json", str(link), text)
        assert (link.is_symlink(), file.read_text()) == (True, text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "run-7.json"]
