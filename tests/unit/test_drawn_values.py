"""A printed number that differs beside a generator that is unseeded, and used or not."""

import pytest

from samebits.model import FilesFile, Part, SavedFile
from samebits.store.text_files import lines_of

RATES = (1.0, 1.0, 1000.0, 30.0)


def trial(writing, number, text, *, used=True, rate=1.0, made=""):
    """A training whose generator of numpy has a state of its own from the start, and changes if it is used.

    `made`: a generator without a seed that the program makes.
    """

    def write(folder, _):
        process = writing.process(folder)
        if made:
            process.recorder.event(event="unseeded", generator=made)
        writing.train(process, {(step, "rng", "numpy"): (number, used and step == 3) for step in range(-1, 4)})
        lines = lines_of(text, is_printed=True)
        out = SavedFile(path="stdout", named=False, format="printed", parts={"": Part(digest=lines.raw)}, lines=lines)
        return {"clock_rate": rate, "files": FilesFile(printed=[out])}

    return write


@pytest.fixture
def judged(writing, tmp_path):
    """Function(text of a number, rates, numbers, used=) -> the result of trials that print these numbers."""

    def judge(text, rates, numbers, **how):
        trials = [
            trial(writing, n, text.format(value), rate=rate, **how)
            for n, (rate, value) in enumerate(zip(rates, numbers, strict=True))
        ]
        return writing.judged(tmp_path / "record", trials)

    return judge


@pytest.mark.parametrize("text", ["elapsed: {}", "auc {}"])
def test_no_name_excuses_a_number_beside_a_generator_that_was_used(judged, text):
    assert judged(text, RATES[:2], (0.91, 0.92)).verdict == "inconclusive"


def test_a_name_excuses_it_if_nobody_used_the_generator(judged):
    assert judged("elapsed: {}", RATES[:2], (0.91, 0.92), used=False).verdict == "repeated"


@pytest.mark.parametrize("text", ["elapsed: {}", "auc {}"])
def test_a_number_that_does_not_follow_the_clock_counts(judged, text):
    result = judged(text, RATES, (0.91, 0.92, 0.93, 0.94))
    assert (result.verdict, result.divergence.kind, len(result.groups)) == ("diverged", "end", 4)
    assert "numpy's global RNG is unseeded and was used" in result.divergence.detail


def test_it_counts_beside_a_generator_that_the_program_made_without_a_seed(judged):
    result = judged("auc {}", RATES, (0.91, 0.92, 0.93, 0.94), used=False, made="own-numpy")
    assert (result.verdict, result.divergence.kind) == ("diverged", "end")
    assert "a generator of NumPy that the program made is unseeded and was used" in result.divergence.detail


def test_a_number_that_varies_like_a_time_stays_unknown(judged):
    assert judged("spread {}", RATES, (0.019, 0.005, 0.6, 0.03)).verdict == "inconclusive"


@pytest.mark.parametrize("text", ["elapsed: {}", "auc {}"])
def test_a_number_that_follows_the_clock_is_understood(judged, text):
    assert judged(text, RATES, (0.91, 0.92, 930.5, 27.75)).verdict == "repeated"


@pytest.mark.parametrize("used", [False, True])
def test_without_a_generator_that_was_used_or_without_a_fraction_it_stays_unknown(judged, used):
    text = "epochs {}" if used else "auc {}"
    numbers = (1, 2, 3, 4) if used else (0.91, 0.92, 0.93, 0.94)
    assert judged(text, RATES, numbers, used=used).verdict == "inconclusive"
