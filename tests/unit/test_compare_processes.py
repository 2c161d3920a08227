"""Which process is which: siblings that begin in any order, identities, arguments that were changed."""

ONE, TWO, THREE = ({(0, "batch", "0"): number} for number in (1, 2, 3))
DOUBT = (
    "processes of equal arguments could not be told apart: paired in the order in which they began (python train.py)"
)


def family(writing, *children, **facts):
    """A trial of forked children that begin in this order: (changes, identity) each."""

    def write(folder, number):
        for start, (changes, identity) in enumerate(children, 2):
            process = writing.process(folder, start, forked_from=101, identity=identity, **facts)
            writing.train(process, changes)

    return write


def test_siblings_that_begin_in_another_order_are_the_same(writing, tmp_path):
    one, two = (ONE | {(3, "end", "fc.bias"): 1}, None), (TWO, None)
    result = writing.judged(tmp_path, [family(writing, one, two), family(writing, two, one)])
    assert (result.verdict, result.warnings) == ("repeated", [])
    assert result.trials[0].final == result.trials[1].final is not None


def test_one_sibling_that_differs_is_told_from_its_like(writing, tmp_path):
    trials = [family(writing, (ONE, None), (TWO, None)), family(writing, (THREE, None), (ONE, None))]
    result = writing.judged(tmp_path, trials)
    assert (result.divergence.step, result.divergence.kind, result.divergence.process.order) == (0, "batch", 1)
    assert result.warnings == []


def test_two_siblings_that_differ_are_doubtful(writing, tmp_path):
    trials = [family(writing, (ONE, None), (TWO, None)), family(writing, (THREE, None), ({}, None))]
    result = writing.judged(tmp_path, trials)
    assert (result.verdict, result.warnings) == ("diverged", [DOUBT])


def test_identities_tell_siblings_apart(writing, tmp_path):
    trials = [family(writing, (ONE, [1]), (TWO, [2])), family(writing, ({}, [2]), (THREE, [1]))]
    result = writing.judged(tmp_path, trials)
    assert (result.verdict, result.warnings) == ("diverged", [])


def test_children_of_one_identity_that_begin_in_another_order_are_the_same(writing, tmp_path):
    trials = [family(writing, (ONE, [1]), (TWO, [2])), family(writing, (TWO, [2]), (ONE, [1]))]
    assert writing.judged(tmp_path, trials).verdict == "repeated"


def test_children_of_equal_identity_that_did_each_others_work_differ(writing, tmp_path):
    trials = [family(writing, (ONE, [1]), (TWO, [2])), family(writing, (TWO, [1]), (ONE, [2]))]
    assert writing.judged(tmp_path, trials).verdict == "diverged"


def test_identities_count_only_where_every_child_has_one(writing, tmp_path):
    trials = [family(writing, (ONE, [1]), (TWO, None)), family(writing, (TWO, [1]), (ONE, None))]
    assert writing.judged(tmp_path, trials).verdict == "repeated"


def test_one_process_is_the_same_whatever_its_arguments(writing, tmp_path):
    def trial(*words, changes=None):
        return writing.training(changes, facts={"argv": ["python", "train.py", *words]})

    result = writing.judged(tmp_path / "a", [trial(), trial("--epochs", "2")])
    assert result.verdict == "repeated"
    where = writing.judged(tmp_path / "b", [trial(), trial("--epochs", "2", changes=ONE)]).divergence
    assert (where.step, where.kind, where.name) == (0, "batch", "0")


def test_stopped_siblings_are_compared_as_far_as_they_went(writing, tmp_path):
    def stopped(*changes):
        def write(folder, number):
            for start, change in enumerate(changes, 2):
                writing.train(writing.process(folder, start, forked_from=101), change, steps=start + number, stop=True)
            return {"status": "stopped"}

        return write

    result = writing.judged(tmp_path, [stopped(ONE, TWO), stopped(TWO, ONE)], options={"steps": 3})
    assert (result.verdict, result.warnings) == ("repeated", [])
