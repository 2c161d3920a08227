"""What differs in the arrays that a program held when it ended: a model counts, a time does not, else it is unknown."""

import pytest

from samebits.model import FilesFile, SavedFile

NAME = "globals {}"


def trained(writing, path, facts=None, *, other=2, kept=False, files=(None, None)):
    """Two trials that end with different values of one array. `kept`: whether the probe kept the sum of the array."""

    def trial(value, file):
        def write(folder, number):
            process = writing.process(folder)
            process.recorder.event("observed-by", how="optimizer")
            process.recorder.event("globals", arrays={path: facts or {}})
            if value is not None:
                process.add(3, "end", NAME.format(path), value, scalar=value if kept else None)
            writing.train(process, {})
            return {"files": FilesFile(files=[file] if file else [])}

        return write

    return [trial(1, files[0]), trial(other, files[1])]


@pytest.mark.parametrize(
    ("path", "facts", "kept", "verdict"),
    [
        ("clf.coef_", {"model": True}, False, "diverged"),
        ("params.w1", {}, False, "inconclusive"),
        ("times", {}, True, "inconclusive"),
        ("duration", {}, True, "repeated"),
        ("cv_results_.duration", {"model": True}, True, "repeated"),
        ("clf.intercept_", {"model": True}, True, "inconclusive"),
        ("z", {}, False, "inconclusive"),
    ],
)
def test_a_model_counts_a_name_is_a_caveat_and_anything_else_is_unknown(writing, tmp_path, path, facts, kept, verdict):
    result = writing.judged(tmp_path, trained(writing, path, facts, kept=kept))
    assert result.verdict == verdict, result.sentence
    assert path in (
        result.divergence.name if verdict == "diverged" else " ".join([result.reason or "", *result.warnings])
    )


def test_an_array_that_one_trial_has_is_unknown(writing, tmp_path):
    result = writing.judged(tmp_path, trained(writing, "z", other=None))
    assert (result.verdict, "in some trials only" in result.reason) == ("inconclusive", True)


def test_the_way_out_of_an_unknown_array_works(writing, tmp_path):
    advice = writing.judged(tmp_path / "a", trained(writing, "z")).advice
    assert "--ignore 'globals z'" in advice
    result = writing.judged(tmp_path / "b", trained(writing, "z"), options={"ignores": ["globals z"]})
    assert (result.verdict, result.warnings) == ("repeated", [])


def test_equal_arrays_repeat(writing, tmp_path):
    assert writing.judged(tmp_path, trained(writing, "z", other=1)).verdict == "repeated"


def test_a_file_that_differs_too_is_named_beside_the_array(writing, tmp_path):
    files = [SavedFile(path="policy.bin", named=True, format="bytes", tensors={"": digit * 32}) for digit in "01"]
    result = writing.judged(tmp_path, trained(writing, "params.w1", {"model": True}, files=files))
    assert result.divergence.name == "globals params.w1"
    assert result.sentence.endswith("(end of globals params.w1); the file policy.bin differs too.")


@pytest.mark.parametrize(("other", "verdict"), [(1, "inconclusive"), (2, "diverged")])
def test_a_program_without_a_step_is_judged_by_what_its_variables_hold_at_the_end(writing, tmp_path, other, verdict):
    def trial(value):
        events = [{"event": "globals", "arrays": {"net.w": {"model": True}}}]
        return writing.observing([(0, "end", NAME.format("net.w"), value)], 0, how=None, events=events)

    result = writing.judged(tmp_path, [trial(1), trial(other)])
    assert result.verdict == verdict
    if verdict == "diverged":
        assert (result.divergence.kind, result.divergence.name) == ("end", "globals net.w")
