"""As where scipy is not installed (see the fixture `alone`)."""

raise ModuleNotFoundError("No module named 'scipy'", name="scipy")
