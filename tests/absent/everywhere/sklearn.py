"""As where sklearn is not installed (see the fixture `alone`)."""

raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
