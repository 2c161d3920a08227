"""Measures how far two tensors are apart."""
