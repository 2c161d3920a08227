"""Two trainings that are said to do the same, compared step by step by value."""
