"""As where matplotlib is not installed (see the fixture `alone`)."""

raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
