"""Keeps the user's folders and files as they were: sets aside, copies, restores and removes files around a trial."""
