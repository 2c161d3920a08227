"""samebits: does a training repeat, bit for bit? If not: where, why, and the cheapest control.

Other programs can rely on the names in `__all__`: functions that take the options of the commands, the types of their
results, and the one error that they raise. Every other name of this package is private.
"""

TYPE_CHECKING = False  # type checkers treat it as typing.TYPE_CHECKING, which needs an import
if TYPE_CHECKING:
    from samebits.api import add, check, compare, explain, locate, record, report
    from samebits.checks import OneTrialRecord
    from samebits.documents import Explanation, Location
    from samebits.errors import SamebitsError
    from samebits.experiment import Progress
    from samebits.model import Divergence, Result

__version__ = "0.1.0"
__all__ = [
    "Divergence",
    "Explanation",
    "Location",
    "OneTrialRecord",
    "Progress",
    "Result",
    "SamebitsError",
    "__version__",
    "add",
    "check",
    "compare",
    "explain",
    "locate",
    "record",
    "report",
]

_MODULES = {
    "Divergence": "model",
    "Explanation": "documents",
    "Location": "documents",
    "OneTrialRecord": "checks",
    "Progress": "experiment",
    "Result": "model",
    "SamebitsError": "errors",
}

if not TYPE_CHECKING:
    from samebits.imports import importer

    __getattr__ = importer(globals(), _MODULES, "api")  # `samebits --help` needs none of these names

    def __dir__():
        return sorted({*globals(), *__all__})
