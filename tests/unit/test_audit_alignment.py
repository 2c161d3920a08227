"""Shifted runs: a run equals itself at any offset, one changed value is found, and the weights show the offset."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.audit import alignment, checkpoints, mends, state, verdicts
from samebits.audit.alignment import Run
from samebits.audit.result import Checkpoint, Moment
from samebits.store import Point, ProcessTrace
from samebits.store.trace import ROW_TYPE
from samebits_probe import wire

POINTS = [Point("start", "w"), Point("rng", "torch"), Point("batch", "x"), Point("update", "w"), Point("end", "m")]
KINDS = [wire.CODE[point.kind] for point in POINTS]


def value(number):
    return np.void(int(number).to_bytes(16, "little"))


def row(step, point, number, occurrence=0):
    return (step, point, KINDS[point], wire.LEAF, occurrence, value(number))


def run(first, last, *, change=None, end=True, rng=lambda step: step):
    """A run of the steps first..last-1 of one training, numbered from 0. `change`: (step of the training, point)."""
    rows = [row(-1, 0, 1000 + first)]
    for step in range(first, last):
        numbers = {1: rng(step), 2: 50 + step, 3: 1001 + step}
        rows += [
            row(step - first, point, n + (10**6 if (step, point) == change else 0)) for point, n in numbers.items()
        ]
    rows += [row(last - first, 4, 7)] if end else []
    facts = {"steps": last - first}
    return Run(
        ProcessTrace({"pid": 1}, POINTS, np.array(rows, ROW_TYPE), np.array([]), [], facts if end else None, facts)
    )


@given(st.integers(2, 20), st.data())
def test_a_resumed_run_equals_the_run_and_one_change_is_found(steps, data):
    offset = data.draw(st.integers(1, steps - 1))
    whole = run(0, steps)
    equal = alignment.compare(whole, run(offset, steps), offset)
    assert (equal.first, equal.steps, equal.points) == (None, steps - offset, 3 * (steps - offset) + 1)
    assert alignment.offset_of(whole, run(offset, steps), offset) == offset
    change = data.draw(st.integers(offset, steps - 1)), data.draw(st.sampled_from([2, 3]))
    found = alignment.compare(whole, run(offset, steps, change=change), offset).first
    assert (found.step, found.kind) == (change[0], POINTS[change[1]].kind)


def test_the_weights_show_that_a_checkpoint_is_of_a_neighbour_or_of_no_step():
    whole, at = run(0, 9), Checkpoint(step=4, path="c.pt")
    trial = type("File", (), {"status": "complete", "why": "", "said": ""})
    moment = verdicts.judged(at, [whole], [run(3, 9)], None, [])
    assert (moment.verdict, moment.offset, moment.expected) == ("repeated", 3, 4)
    assert moment.named == ["The checkpoint is of step 3, not 4."]
    moment = verdicts.judged(at, [whole], [run(0, 9)], None, [])
    assert "it started again from step 0" in moment.sentence
    moment = verdicts.judged(at, [whole], [run(40, 45)], None, [])
    assert moment.named == ["It did not resume with the weights of step 4, nor with those of any other step."]
    moment = verdicts.unanswered(at, [whole], [run(4, 9), run(4, 9)], trial)
    assert "has 2 ranks, the uninterrupted one 1" in moment.sentence
    assert verdicts.unanswered(at, [whole], [], trial).verdict == "inconclusive"
    moment = verdicts.judged(at, [whole], [run(4, 9)], None, ["{out}/last.pt > w"])
    assert "only what it saved last differs" in moment.sentence


def test_a_generator_counts_only_if_the_run_draws_from_it_and_seeds_it():
    still = run(0, 6, rng=lambda step: 5)
    other = run(2, 6, rng=lambda step: 6)
    assert alignment.compare(still, other, 2).first is None
    drawn = run(2, 6, rng=lambda step: 90 + step)
    assert alignment.compare(run(0, 6), drawn, 2).first.kind == "rng"
    unseeded = run(0, 6).with_unseeded(run(0, 6, rng=lambda step: 70 + step))
    assert unseeded.unseeded == {"torch"}
    assert alignment.compare(unseeded, drawn, 2).first is None


def test_a_different_number_of_steps_is_found_at_the_end():
    found = alignment.compare(run(0, 9), run(4, 8), 4).first
    assert (found.kind, found.name) == ("structure", "the number of steps")
    assert alignment.compare(run(0, 9), run(4, 8, end=False), 4).first is None
    assert alignment.compare(run(0, 9), run(4, 9), 4, 2).steps == 2


def test_nothing_is_called_equal_that_was_not_compared():
    told = verdicts.overall([], ("why", "what to do"), ("", False))
    assert told["verdict"] == "inconclusive"
    moment = Moment(checkpoint=Checkpoint(step=2, path="c"), verdict="inconclusive", sentence="said")
    good = moment.model_copy(update={"verdict": "repeated", "steps": 3})
    assert verdicts.overall([good, moment], None, ("", False))["verdict"] == "inconclusive"
    assert verdicts.overall([good], None, ("Saving changes the training", True))["verdict"] == "diverged"


def saved(*files):
    """A run that saved these files: (step, path, size)."""
    events = [{"event": "saved", "step": step, "path": f"/a/w/t/1/out/{path}", "size": n} for step, path, n in files]
    return Run(replace(run(0, 9).trace, events=events))


def found_paths(whole, pattern):
    files = list(checkpoints.saved_by(whole, Path("/a/w/t/1/out"), Path("/none")))
    return [one.path for one in checkpoints.found_in(whole, files, pattern)]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([(2, "last.pt", 9), (4, "last.pt", 9)], ["last.pt", "last.pt"]),
        ([(2, "c-2/model.pt", 9), (2, "c-2/rng.pt", 3), (4, "c-4/model.pt", 9), (4, "c-4/rng.pt", 3)], ["c-2", "c-4"]),
        ([(2, "c-2/model.pt", 9)], ["c-2/model.pt"]),
        ([(step, "log", 99) for step in range(1, 9)] + [(3, "state", 5)], ["state"]),
    ],
)
def test_checkpoints_are_files_or_the_folders_that_were_filled_together(files, found):
    assert found_paths(saved(*files), None) == found


def test_a_glob_names_the_checkpoints_that_a_program_reads():
    run_ = saved((2, "c-2/model.pt", 9), (2, "c-2/rng.pt", 3))
    assert found_paths(run_, "*/rng.pt") == ["c-2/rng.pt"]


@given(st.integers(1, 40), st.integers(1, 40))
def test_so_many_windows_are_tried_and_boundaries_come_first(number, windows):
    known = [Checkpoint(step=n, path="c", kinds=["middle" if n % 4 else "boundary"]) for n in range(1, number + 1)]
    steps = [one.step for one in checkpoints.chosen(known, number + 1, None, windows)]
    assert steps == sorted(set(steps))
    assert len(steps) == min(number, windows)
    assert sum(step % 4 == 0 for step in steps) == min(number // 4, windows)


def test_a_checkpoint_that_is_missing_or_torn_gives_no_answer(tmp_path):
    at = Checkpoint(step=4, path="c.pt", size=9)
    assert "was no longer there" in verdicts.incomplete(at, tmp_path)[0]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c.pt").write_bytes(b"torn")
    assert "was still being written" in verdicts.incomplete(at, tmp_path)[0]
    (tmp_path / "out" / "c.pt").write_bytes(b"whole now")
    assert verdicts.incomplete(at, tmp_path) is None


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (("model", "net.0.weight", "float32 [2]", "0"), "weights"),
        (("model", "net.buffer.mean", "float32 [2]", "0"), "buffers"),
        (("torch.optim.adam", "o.state.0.exp_avg", "float32 [2]", "0"), "moments"),
        (("torch.optim.adam", "o.state.0.step", "float32 []", "0"), "step counters"),
        (("torch.optim.adam", "o.param_groups.0.lr", "0.1", "0"), "learning rate and schedule"),
        (("torch.optim.lr_scheduler", "s.last_epoch", "3", "0"), "learning rate and schedule"),
        (("torch.amp.grad_scaler", "s.scale", "256.0", "0"), "gradient scaler"),
        (("generator", "python", "Random", "0"), "random generators"),
        (("", "best", "0.5", "0"), "numbers of the program"),
        (("", "shadow", "float32 [2]", "0"), "tensors of the program"),
    ],
)
def test_each_value_belongs_to_a_part(row, part):
    assert state.StateLeaf.of(*row).part == part


def test_the_values_of_a_part_come_in_the_order_of_the_program():
    names = [f"weights.{number}" for number in range(20)]
    before, after = (
        state.StateOfStep(
            [state.StateLeaf("tensors of the program", name, "float32 [2]", fingerprint) for name in names]
        )
        for fingerprint in "ab"
    )
    moment = Moment(checkpoint=Checkpoint(step=2, path="c"), verdict="diverged", sentence="", offset=2)
    pair = state.StatePair(moment, run(0, 4), run(2, 4), 2, before, after)
    assert next(part.names for part in pair.parts() if part.part == "tensors of the program") == names


def test_the_mend_has_the_lines_of_the_forgotten_parts_and_of_the_trainer():
    found = dict(mends.mends(["generator torch", "moments"], ["lightning", "torch"]))
    assert list(found) == ["Lightning", "a plain PyTorch loop"]
    assert 'torch.set_rng_state(saved["torch"])' in found["a plain PyTorch loop"]
    assert "optimizer.load_state_dict" in found["a plain PyTorch loop"]
    assert mends.mends([], ["lightning"]) == []
    assert [title for title, _ in mends.mends(["moments"], ["keras"])] == ["Keras"]
    assert len(mends.mends(["everything"], [])[0][1].splitlines()) > 20


def test_the_lines_of_each_mend_are_python_and_stand_in_the_documentation():
    libraries = ["torch", "lightning", "transformers", "accelerate", "keras"]
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "audit.md").read_text()
    found = mends.mends(["everything"], libraries)
    assert len(found) == len(libraries)
    for _, text in found:
        compile(text, "mend", "exec")
        assert f"```python\n{text}\n```" in page


def test_weights_with_different_names_are_paired_in_their_order():
    whole, other = run(0, 6), run(2, 6)
    renamed = [one._replace(name=f"loaded/{one.name}") if one.name == "w" else one for one in other.trace.points]
    loaded = Run(replace(other.trace, points=renamed))
    assert alignment.compare(whole, loaded, 2).first.kind == "structure"
    assert alignment.compare(whole, loaded.named_as(whole), 2).first is None
    changed = Run(replace(run(2, 6, change=(3, 3)).trace, points=renamed)).named_as(whole)
    assert alignment.compare(whole, changed, 2).first == (3, "update", "w")
    assert other.named_as(whole).names == {}
