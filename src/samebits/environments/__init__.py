"""Environments and interpreters: which Python a setup's command runs under."""

from samebits.environments.finding import environment_python, find_python
from samebits.environments.interpreters import Interpreter

__all__ = ["Interpreter", "environment_python", "find_python"]
