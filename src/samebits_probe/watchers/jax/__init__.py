"""Watches plain JAX: a step is a call of a compiled function that returns the state that it was given."""
