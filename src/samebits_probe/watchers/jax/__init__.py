"""Watches plain JAX: a step is a call of a compiled function that takes a state and returns it."""
