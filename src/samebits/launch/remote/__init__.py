"""Starts trials on other machines, and waits for them: Ray and Slurm."""
