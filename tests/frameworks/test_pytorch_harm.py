"""A watched PyTorch program runs into nothing that it would not run into alone."""

from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def test_of_200_time_limits_the_probe_swallows_none_and_sees_the_steps_after_them(watched_run, torch_python):
    trial = watched_run(torch_python, SAMPLES / "torch_has_time_limits.py", 200, timeout=500)
    assert trial.stdout == "limits that were passed over: 0\n", trial.stderr
    assert trial.only.failures == []
    assert trial.only.names("gradient", trial.only.steps - 1), "the last step, after all limits, was not seen"
