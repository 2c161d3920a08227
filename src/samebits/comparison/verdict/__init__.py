"""From the differences of all trials to a verdict, its reason, and warnings."""
