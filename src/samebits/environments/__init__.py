"""Environments and interpreters: finds or builds the Python that runs the command of a setup."""

from samebits.environments.builder import create, listing
from samebits.environments.catalog import environment_python, find_python
from samebits.environments.interpreters import Interpreter

__all__ = ["Interpreter", "create", "environment_python", "find_python", "listing"]
