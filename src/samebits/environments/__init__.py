"""Environments and interpreters: finds or builds the Python that runs the command of a setup."""

from samebits.environments.builder import create, environment_python, find_python, listing
from samebits.environments.interpreters import Interpreter

__all__ = ["Interpreter", "create", "environment_python", "find_python", "listing"]
