"""The search for what a checkpoint forgot, and the samples that a resumed run is given."""

import os
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from samebits.audit import graft
from samebits.audit.arms import Arm
from tests.unit.test_audit_alignment import run

PARTS = [f"part {number}" for number in range(12)]


@given(st.sets(st.sampled_from(PARTS), min_size=1), st.permutations(PARTS))
def test_the_smallest_set_is_found_and_few_runs_are_made(needed, parts):
    tried = []

    def equals(some):
        tried.append(frozenset(some))
        return needed <= set(some)

    found = graft.Search(equals, []).graft(parts, [])
    assert set(found.parts) == needed
    assert found.is_smallest
    assert len(tried) == len(set(tried)) == found.runs <= 2 * len(parts)
    assert len(needed) > 1 or found.runs <= 9


@given(st.sets(st.sampled_from(PARTS)), st.integers(0, 5))
def test_nothing_is_confirmed_that_no_run_has_shown(needed, time):
    shown = []

    def equals(some):
        if len(shown) == time:
            return None
        shown.append((set(some), needed <= set(some) and "part 0" not in needed))
        return shown[-1][1]

    found = graft.Search(equals, []).graft(PARTS[1:4], PARTS[4:])
    assert not found.parts or (set(found.parts), True) in shown
    if found.is_smallest and len(found.parts) > 1:
        for part in found.parts:
            assert any(not is_equal and set(found.parts) - {part} <= some for some, is_equal in shown)


def test_the_likely_parts_are_tried_alone_first():
    tried = []
    found = graft.Search(lambda some: bool(tried.append(list(some))) or "a" in some, ["c"]).graft(["a"], ["b"])
    assert (tried, found.parts, found.unable) == ([["a"]], ["a"], ["c"])
    assert found.sentence == (
        "With a from the uninterrupted run, the resumed run equals it. Other parts differ, but these steps do not need "
        "them: b. samebits cannot put in c, so this is only inferred."
    )


def test_what_was_not_confirmed_is_called_inferred():
    said = graft.Search(lambda some: False, []).graft(["a"], [])
    assert (said.parts, said.sentence) == (
        [], "With a from the uninterrupted run, the resumed run still differs: the cause is only inferred."
    )  # fmt: skip
    assert "--budget was used up" in graft.Search(lambda some: None, []).graft(["a"], []).sentence
    said = graft.Search(lambda some: True, ["b"]).graft([], []).sentence
    assert said == "Nothing was put in. samebits cannot put in b, so this is only inferred."


def with_loader(*events):
    found = [dict(zip(("event", "loader", "step", "samples"), event, strict=False)) for event in events]
    whole = run(0, 6)
    return replace(whole, trace=replace(whole.trace, events=found))


def test_the_samples_of_the_rest_of_an_epoch_and_of_the_next_are_given():
    whole = with_loader(
        ("epoch", "Images 8", 0),
        *(("batch", "Images 8", step, [step, step + 10]) for step in range(3)),
        ("epoch", "Held out 2", 3),
        ("batch", "Held out 2", 3, [0]),
        ("epoch", "Images 8", 3),
        ("batch", "Images 8", 3, [7, 8]),
    )
    assert whole.loader == "Images 8"
    assert graft.samples_from(whole, 1) == [[[1, 11], [2, 12]], [[7, 8]]]
    assert graft.samples_from(whole, 3) == [[[7, 8]]]
    assert graft.samples_from(run(0, 6), 1) == []
    assert graft.samples_from(with_loader(("batch", "Stream 0", 2, [None, None])), 1) == []


def test_a_file_that_a_resumed_run_only_inherited_is_not_compared(tmp_path):
    for place in ("kept/out/last", "arm/out/last", "arm/out/written", "kept/out/written"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place)
        os.utime(path, ns=(1, 1 if path.name == "last" else path.stat().st_ino))
    arm = Arm(None, None, tmp_path / "arm" / "out", [], [])
    assert arm.unwritten(tmp_path / "kept") == {"{out}/last"}
