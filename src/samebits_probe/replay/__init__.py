"""Operator replay: runs each operator of some steps again on the same inputs (PyTorch 2.0 or later).

The program continues with the first result of each operator. Replays write only to copies, and every random state is
restored. The package is imported only if config.json asks for a replay.
"""
