"""Environments and interpreters: which Python a setup's command runs under."""

from samebits.environments.building import create
from samebits.environments.finding import environment_python, find_python
from samebits.environments.interpreters import Interpreter
from samebits.environments.listing import listing

__all__ = ["Interpreter", "create", "environment_python", "find_python", "listing"]
