"""Starts the command of a trial below a supervisor, and reads what its processes do."""
