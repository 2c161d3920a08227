"""Watches nothing yet."""


def install(module, probe):
    """Install the watcher."""
