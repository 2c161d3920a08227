"""The code inside the trial: it observes a training without changing it. Python 3.6+, standard library only."""

from .api import observe

__version__ = "0.1.0"
__all__ = ["observe"]
