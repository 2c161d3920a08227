"""`samebits parity init`: initial weights as they are drawn, against what the libraries document."""

from __future__ import annotations

from typing import Any

from samebits.cli import answers
from samebits.cli.parser import plain
from samebits_parity.options import OPTIONS

TEXT = """Draw initial weights with each library that is here, tell their distribution, and compare it with what the
library documents.

Initializers and the defaults of layers are drawn for dense, convolution, transposed and depthwise shapes. The formula
is read from the docstring or signature of the installed library where it stands there.

Exit status: 0 all is drawn as documented, 1 something is not, 2 wrong use or an error, 3 nothing could be measured."""


def run(**given: Any) -> int:
    """Measure, show, write."""
    targets = {name: given[name] for name in ("json", "md", "html")}
    answers.check_targets(targets)
    from samebits_parity.init import measurement

    with answers.shown_progress() as progress:
        compared = measurement.compare(list(given["libraries"] or ()), progress.note)
    return answers.present(compared.report, targets)


COMMAND = plain("init", run, TEXT, OPTIONS["parity init"])
