"""Watches PyTorch: `watcher` is installed, the other modules are its parts."""
