"""Controls: what pins a source of variation. One file and one line in the table each."""


def hold(ids, seed, probe):
    """Hold the controls in this process: the halves that act after import."""
