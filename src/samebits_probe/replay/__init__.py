"""Operator replay: each operator of the steps asked for is run again on the same inputs (PyTorch from 2.0).

The program goes on with the first result of each operator; what the replays write to are copies, and every random state
is put back. Imported only if config.json asks for it.
"""
