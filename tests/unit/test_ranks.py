"""Seeds of trainings with several ranks differ from rank to rank."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.causes import document
from samebits.documents import Fix
from samebits.ranks import have_ranks, of_rank


@pytest.mark.parametrize(
    ("sizes", "found"), [([], False), ([None], False), ([1, 1], False), ([None, 2], True), ([2, 2], True)]
)
def test_ranks_are_processes_of_a_world_of_several(sizes, found):
    assert have_ranks({"world_size": size} for size in sizes) is found


@given(seed=st.integers(0, 2**31), ranks=st.lists(st.integers(0, 1000), unique=True, min_size=2, max_size=8))
def test_each_rank_has_a_seed_of_its_own(seed, ranks):
    before = dict(os.environ)
    try:
        seeds = []
        for rank in ranks:
            os.environ["RANK"] = str(rank)
            seeds.append(eval(of_rank(seed), {"os": os}))
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert seeds == [seed + rank for rank in ranks]


@pytest.mark.parametrize("rank", [None, ""])
def test_a_program_without_a_rank_runs_with_the_seed_itself(monkeypatch, rank):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert eval(of_rank(7), {"os": os}) == 7


def test_the_lines_to_paste_have_it_too():
    fix = Fix(
        control="torch-seed",
        library="torch",
        where="after the imports",
        lines=["import torch", "torch.manual_seed(2019)"],
    )
    assert document._of_ranks(fix, 2019).lines == [
        "import os",
        "import torch",
        'torch.manual_seed(2019 + int(os.environ.get("RANK") or 0))',
    ]
    other = fix.model_copy(update={"lines": ["torch.use_deterministic_algorithms(True)"]})
    assert document._of_ranks(other, 2019) == other
