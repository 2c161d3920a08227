"""Watches the loops, tapes and graphs of TensorFlow itself."""
