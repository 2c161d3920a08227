"""What initial weights a library draws, measured, against what it documents."""
