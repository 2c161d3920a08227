"""Sentences agree with the numbers in them: one step was compared, two steps were compared."""

from types import SimpleNamespace

import pytest

from samebits import words
from samebits.comparison.verdict import sentences, warnings
from samebits.documents import Apart, HeldControl
from samebits.model import Result, Scope
from samebits.noise import report as noise_report
from samebits.noise.difference import CaseFlip, MetricDifference
from samebits.ops import _steps_advice
from samebits.reports import findings, result_words
from samebits.reports.table import Table
from samebits_parity.weights import verdict as weights_verdict
from samebits_study.reports import extra_tables


@pytest.mark.parametrize(
    ("number", "said"), [(1, "the first step"), (2, "the first 2 steps"), (1200, "the first 1,200 steps")]
)
def test_a_beginning_of_one_step_has_no_number(number, said):
    assert words.beginning(number, "step") == said


@pytest.mark.parametrize(
    ("steps", "said"), [(1, "Only the first step of 10 compared."), (3, "Only the first 3 steps of 10 compared.")]
)
def test_a_scope_of_one_step(steps, said):
    scope = Scope(kind="prefix", steps_compared=steps, steps_total=10)
    assert result_words.compared(Result.model_construct(scope=scope)) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["threads"], "this control was not read back, so it does not count as held: threads"),
        (["threads", "aslr"], "these controls were not read back, so they do not count as held: threads and aslr"),
    ],
)
def test_controls_that_were_not_read_back(names, said):
    assert warnings.unread([HeldControl(id=name, effect="unreadable") for name in names]) == [said]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["a.pt"], "trial 1 removed a.pt before samebits could read it"),
        (["a.pt", "b.pt"], "trial 1 removed a.pt and b.pt before samebits could read them"),
    ],
)
def test_files_that_were_removed(gone, said):
    files = SimpleNamespace(gone=gone, found=0, files=[], printed=[])
    trial = SimpleNamespace(id=1, trial=SimpleNamespace(files=files))
    assert list(sentences._file_limits(SimpleNamespace(aligned=[trial]))) == [said]


@pytest.mark.parametrize(
    ("more", "said"), [(1, "and 1 more file differ between"), (2, "and 2 more files differ between")]
)
def test_files_that_differ_in_times(more, said):
    left = [
        SimpleNamespace(
            effect="understood",
            is_caveat=False,
            by_name=False,
            path=f"{number}.log",
            name=f"{number}.log",
            reason="a time",
        )
        for number in range(sentences.MOST_FILES + more)
    ]
    comparison = SimpleNamespace(pairs=lambda: [SimpleNamespace(left=left)])
    (sentence,) = sentences._understood(comparison)
    assert said in sentence


@pytest.mark.parametrize(("different", "said"), [(1, "1 value after step 4"), (2, "2 values after step 4")])
def test_values_that_differ_after_a_step(different, said):
    assert findings._distance(Apart(step=4, different=different, elements=9)) == said


@pytest.mark.parametrize(
    ("made", "said"), [(1, "--step 0 can be replayed."), (3, "--step 0 to --step 2 can be replayed.")]
)
def test_the_steps_that_can_be_replayed(made, said):
    assert _steps_advice(SimpleNamespace(made=made)) == said


@pytest.mark.parametrize(
    ("flips", "unsteady", "said"),
    [
        (1, 1, "dice: 1 of 9 test cases flips: 1 better with B, 0 worse; 1 differs between trainings"),
        (2, 0, "dice: 2 of 9 test cases flip: 2 better with B, 0 worse; 0 differ between trainings"),
    ],
)
def test_test_cases_that_flip(flips, unsteady, said):
    flipped = [CaseFlip(case=str(number), a=0.1, b=0.9, better=True) for number in range(flips)]
    one = MetricDifference.model_construct(name="dice", cases=9, flips=flipped, unsteady=unsteady)
    text, table = noise_report._flips(one, 1)
    assert text.text.startswith(said)
    assert isinstance(table, Table)


@pytest.mark.parametrize(
    ("layers", "agrees", "said"),
    [
        (1, False, "1 layer agrees, but the models do not"),
        (2, False, "2 layers agree, but the models do not"),
        (1, None, "1 layer was carried; the outputs"),
        (2, None, "2 layers were carried; the outputs"),
    ],
)
def test_layers_whose_models_do_not_agree(monkeypatch, layers, agrees, said):
    monkeypatch.setattr(weights_verdict, "between", lambda *_: [])
    moved = SimpleNamespace(pairing=SimpleNamespace(pairs=()), keras=None, pytorch=None)
    gap = SimpleNamespace(agrees=agrees, apart=None, why="it holds infinity or NaN")
    assert weights_verdict._whole(moved, gap, layers).sentence.startswith(said)


@pytest.mark.parametrize(
    ("trials", "said"), [([3], "trial 3"), ([1, 2, 5], "trials 1,2,5"), ([1, 2, 3, 4], "in every trial")]
)
def test_the_trials_of_a_field_that_a_mean_leaves_out(trials, said):
    assert extra_tables._in(trials, 4) == said
