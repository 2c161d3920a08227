"""What tests of frameworks share: which PyTorch they run under; and the files with most slow tests come first."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """A worker gets whole files: where the long ones come first, both workers end at about the same time."""
    ours = [item for item in items if item.path.parent == HERE]
    slow = Counter(item.path for item in ours if item.get_closest_marker("slow"))
    ours.sort(key=lambda item: -slow[item.path])
    items[:] = [*(item for item in items if item.path.parent != HERE), *ours]


@pytest.fixture(params=["today", "pytorch-1.3"])
def torch_python(request, legacy_python):
    """An interpreter with PyTorch: the one that runs the tests, then the legacy stack's."""
    if request.param != "today":
        return legacy_python(request.param)
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    return sys.executable
