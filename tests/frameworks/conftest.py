"""What tests of frameworks share: which PyTorch they run under."""

import importlib.util
import sys

import pytest


@pytest.fixture(params=["today", "pytorch-1.3"])
def torch_python(request, legacy_python):
    """An interpreter with PyTorch: the one that runs the tests, then the legacy stack's."""
    if request.param != "today":
        return legacy_python(request.param)
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    return sys.executable
