"""PyTorch's compiler is imported by a program that uses it, and not by the first optimizer (see the fixture `lean`)."""

import importlib
import sys
from types import ModuleType

NAME = "torch._dynamo"


class Later(ModuleType):
    """Stands for the compiler. Optimizers ask it to leave their functions alone, which it does."""

    @staticmethod
    def disable(function=None, *_, **__):
        return (lambda named: named) if function is None else function

    @staticmethod
    def graph_break(*_):
        return None

    def __getattr__(self, name):
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(importlib.import_module(NAME), name)


sys.modules[NAME] = Later(NAME)
