"""Compares the files and the lines that trials wrote."""
