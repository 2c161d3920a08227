"""The order in which real trials open files is in the result where it differs."""

import sys

from samebits import checks
from samebits.launch.plan import Request
from samebits.model import Options

READS = """\
import os, sys
from samebits_probe import observe

total = 0.0
for number, name in enumerate({"a", "b", "c", "d", "e", "f", "g", "h"}):
    with open(os.path.join("data", name)) as file:
        total = total * 2 + float(file.read())
    observe("total", total, step=number)
"""


def test_the_result_holds_the_order_in_which_a_trial_went_through_a_set_of_paths(tmp_path):
    (tmp_path / "data").mkdir()
    for number, name in enumerate("abcdefgh"):
        (tmp_path / "data" / name).write_text(str(number))
    (tmp_path / "reads.py").write_text(READS)
    request = Request(command=[sys.executable, "reads.py"], directory=tmp_path, out=tmp_path / "r",
                      options=Options(trials=2))  # fmt: skip
    found = checks.run(request).result
    assert found.verdict == "diverged"
    order = found.divergence.files
    assert order.files == 8
    assert sorted(order.one) == sorted(order.other)
    assert len(order.one) == 8 - order.start
    assert order.one[0] != order.other[0]
