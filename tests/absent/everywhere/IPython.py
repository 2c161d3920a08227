"""As where IPython is not installed (see the fixture `alone`)."""

raise ModuleNotFoundError("No module named 'IPython'", name="IPython")
