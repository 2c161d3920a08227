"""Environments and interpreters: which Python a setup's command runs under."""

from samebits.environments.builder import create, listing
from samebits.environments.catalog import environment_python, find_python
from samebits.environments.interpreters import Interpreter

__all__ = ["Interpreter", "create", "environment_python", "find_python", "listing"]
