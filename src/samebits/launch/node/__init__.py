"""What runs on a different machine: the worker, the keeper, and the trial in it. And what travels there."""
