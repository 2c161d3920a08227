"""As where jax is not installed (see the fixture `alone`)."""

raise ModuleNotFoundError("No module named 'jax'", name="jax")
