"""A report offers the option --metric for a number that a program printed."""

from types import SimpleNamespace

import pytest

from samebits.reports.printed_metric import offered


@pytest.mark.parametrize(
    ("outputs", "option"),
    [
        (["loss: 0.25\ntest acc = 0.91\n", "loss: 0.5\ntest acc = 0.92\n"], "--metric 'acc=acc = (-?[0-9.]+)'"),
        (["loss: 0.25\nextra 0.5", "loss: 0.5"], "--metric 'loss=loss: (-?[0-9.]+)'"),
        (["Dice: 0.5 (12 cells)", "Dice: 0.6 (9 cells)"], "--metric 'dice=Dice: (-?[0-9.]+)'"),
        (["version 1.2.3", "version 1.2.3"], ""),
        (["done", "done"], ""),
    ],
)
def test_the_last_number_after_a_word_that_every_trial_printed_is_offered(tmp_path, outputs, option):
    for number, text in enumerate(outputs, 1):
        folder = tmp_path / "trials" / f"{number:03d}"
        folder.mkdir(parents=True)
        (folder / "stdout.txt").write_text(text)
    trials = [SimpleNamespace(id=number, file=SimpleNamespace(status="complete")) for number in (1, 2)]
    assert offered(SimpleNamespace(folder=tmp_path, trials=trials)) == option
