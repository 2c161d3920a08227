"""Is watched, and trains nothing."""

print("nothing to do")
