"""Environments and interpreters: which Python a setup's command runs under."""

from samebits.environments.builder import create
from samebits.environments.interpreters import Interpreter
from samebits.environments.lookup import environment_python, find_python
from samebits.environments.overview import listing

__all__ = ["Interpreter", "create", "environment_python", "find_python", "listing"]
