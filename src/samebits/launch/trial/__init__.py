"""Runs one trial on this machine, from its start to its sealed folder."""
