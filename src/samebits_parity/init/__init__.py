"""Which initial weights a library draws, measured, beside what it documents."""
