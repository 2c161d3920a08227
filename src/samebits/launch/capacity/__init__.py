"""Says how many trials fit into the cores and the memory of this machine."""
