"""The code inside the trial: watches a training without changing it. Python 3.6+, standard library alone."""

from .api import observe

__version__ = "0.1.0"
__all__ = ["observe"]
