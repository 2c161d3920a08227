"""What a number of trials can notice."""

from samebits.model import Detection


def chance(share: float, trials: int) -> float:
    """The chance that trials show both sides of a difference that a share of runs shows: 1 - p^n - (1-p)^n."""
    if trials < 2:
        return 0.0
    return 1.0 - float(share**trials) - float((1.0 - share) ** trials)


def detection(trials: int) -> Detection:
    """The chances for half of all runs and for one run in ten."""
    return Detection(
        seen_if_in_half_of_runs=round(chance(0.5, trials), 4), seen_if_in_one_of_ten=round(chance(0.1, trials), 4)
    )
