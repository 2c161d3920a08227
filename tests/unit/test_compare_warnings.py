"""What is said aloud beside the verdict."""

import pytest

from samebits.comparison.verdict.merged_records import judged_together
from samebits.documents import TOOK_EFFECT
from samebits.model import SavedFile
from samebits.reports.result_words import next_steps
from samebits.store import open_record


@pytest.fixture
def said(writing, tmp_path):
    """Function(trials, **record fields) -> the warnings of trials that repeat."""

    def judge(trials, **fields):
        result = writing.judged(tmp_path, trials, **fields)
        assert result.verdict == "repeated", result.reason
        judge.result = result
        return result.warnings

    return judge


HOW = {"event": "observed-by", "how": "optimizer"}
NAN = float("nan")
NO_CHANGE = {(step, kind, name): 0 for step, kind in ((-1, "start"), (3, "end")) for name in ("fc.weight", "fc.bias")}
FROZEN = {at: 0 for at in NO_CHANGE if at[2] == "fc.bias"}
SAID_BY_PROBE = {"event": "warning", "text": "from the probe"}
STOPPED = [
    {"code": {"files": code}, "wrote": ["out.ipynb"]}
    for code in ({"in.ipynb": "a"}, {"in.ipynb": "a", "out.ipynb": "b"})
]
WARNINGS = {  # the fields of each trial, those of the record, what is said
    "a loss that is NaN": ([{"losses": {1: NAN, 2: NAN}}] * 2, {},
                           ["the loss is NaN in all trials, from step 1 on: equal bits of such a model say little"]),
    "a loss that is NaN once": ([{"losses": {1: NAN}}] * 2, {}, []),
    "weights that never change": ([{"changes": NO_CHANGE}] * 2, {},
                                  ["the weights never change: at the end they have the bits that they had at the start"]),
    "one weight that never changes": ([{"changes": FROZEN}] * 2, {}, []),
    "a script that was changed": ([{"trial": {"code": {"files": {"train.py": digest}}}} for digest in "ab"], {},
                                  ["the code was changed between the trials"]),
    "a result of a stopped trial is no code": ([{"trial": fields} for fields in STOPPED], {"directory": "/folder"}, []),
    "changes that are not committed": (
        [{"trial": {"code": {"commit": "a", "dirty": True}}}] * 2, {},
        ["the code has changes that are not committed; the commit alone does not identify the code that ran"]),
    "packages": ([{"events": [HOW, {"event": "packages", "packages": {"torch": v}}]} for v in "12"], {},
                 ["the trials had different versions of torch"]),
    "processes left behind": ([{"trial": {"children_left": ["tensorboard"]}}] * 2, {},
                              ["trials 1 and 2 left processes behind; samebits ended them (tensorboard)"]),
    "a metric that was never printed": ([{}] * 2, {"options": {"metrics": {"acc": "acc=(.*)"}}},
                                        ["the metric acc: its pattern matched nothing that trials 1 and 2 printed"]),
    "notes": ([{"events": [HOW, SAID_BY_PROBE], "trial": {"notes": ["from the launcher"]}}] * 2, {"notes": ["from the check"]},
              ["from the check", "from the launcher", "from the probe"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WARNINGS)
def test_what_limits_an_answer_is_said_once(writing, said, case):
    trials, fields, warnings = WARNINGS[case]
    assert said([writing.training(**trial) for trial in trials], **fields) == warnings


UNDONE = "undone by the program before the last step: 8 threads"


@pytest.mark.parametrize(
    ("read", "others", "warnings", "effect"),
    [
        ([("held", "start", ""), ("held", "last-step", "")], None, [], "held"),
        ([("undone", "start", "torch is not imported")], None, ["the control threads did not hold: torch is not imported"], "undone"),
        ([("held", "start", ""), ("undone", "last-step", UNDONE)], None, [f"the control threads did not hold: {UNDONE}"], "undone"),
        ([], None, ["this control was not read back, so it does not count as held: threads"], "unreadable"),
        ([("held", "start", "")], [("undone", "start", "")], ["the control threads did not hold"], "undone"),
    ],
    ids=["held", "not at the start", "undone later", "not read back", "undone in one trial"],
)  # fmt: skip
def test_a_control_that_did_not_hold_is_said(writing, said, read, others, warnings, effect):
    def trial(read):
        events = [{"event": "control", "id": "threads", "effect": e, "when": when, "why": why} for e, when, why in read]
        return writing.training(events=[HOW, *events])

    assert said([trial(read), trial(read if others is None else others)], controls=["threads"]) == warnings
    found = said.result.setup.controls[0]
    assert (found.effect, found.took_effect) == (effect, TOOK_EFFECT[effect])


def test_code_that_was_changed_between_trials(writing, said):
    trials = [writing.training(trial={"code": {"commit": commit}}) for commit in "ab"]
    assert said(trials) == ["the code was changed between the trials"]
    assert said.result.setup.code_changed


def test_after_a_change_of_the_code_no_search_for_a_cause_is_proposed(writing, tmp_path):
    judged = writing.judged(tmp_path, [writing.training(), writing.training({(2, "batch", "0"): 5})])
    result = judged.model_copy(update={"record": "record"})
    assert [command for _, command in next_steps(result)] == ["samebits explain record"]
    changed = result.setup.model_copy(update={"code_changed": True})
    assert next_steps(result.model_copy(update={"setup": changed})) == []


@pytest.mark.parametrize("name", ["out.ipynb", "./out.ipynb", "/folder/out.ipynb"])
def test_a_result_that_the_command_names_is_no_code(writing, said, name):
    wrote = SavedFile(path="out.ipynb", named=False, format="json", tensors={"": "0" * 32})

    codes = [{"in.ipynb": "a"}, {"in.ipynb": "a", name: "b"}]
    trials = [writing.training(trial={"code": {"files": code}}, files=[wrote]) for code in codes]
    assert said(trials, directory="/folder") == []


def test_a_metric_that_is_not_a_number_and_does_not_agree_with_anything(writing, said):
    trial = writing.training(trial={"metrics_printed": {"acc": "good"}})
    assert said([trial] * 2, options={"metrics": {"acc": "acc=(.*)"}}) == [
        "the metric acc: its pattern found 'good', which is not a number. "
        "Put the number into parentheses: --metric 'acc=acc: ([0-9.]+)'"
    ]
    assert said.result.agrees == []


def test_what_a_watcher_cannot_see_is_in_the_scope(writing, said):
    event = {"event": "not-observed", "point": "gradient", "why": "torch.func.grad"}
    assert said([writing.training(events=[HOW, event])] * 2) == []
    assert said.result.scope.not_observed == ["gradient: torch.func.grad"]


def test_what_agrees_though_bits_differ(writing, tmp_path):
    printed = {"metrics_printed": {"acc": "0.91"}, "metrics": {"acc": 0.91}}
    trials = [
        writing.training({(2, "forward", "loss"): text}, losses={2: loss}, trial=printed)
        for text, loss in (("a", 0.12345678), ("b", 0.12345679))
    ]
    assert writing.judged(tmp_path, trials).agrees == [
        "the metric acc is the same in all trials, to the printed digits (0.91)",
        "loss is the same to 6 digits at all 3 steps that were compared",
    ]


def test_a_number_at_the_end_with_the_same_bits_is_not_said_to_agree(writing, tmp_path):
    trials = [
        writing.training({(3, "end", "fc.weight"): weight}, losses={0: weight}, numbers={"training": 1.0, "bias": bias})
        for weight, bias in ((1.0, 0.12345678), (2.0, 0.12345679))
    ]
    assert writing.judged(tmp_path, trials).agrees == ["bias is the same to 6 digits in all trials"]


def test_what_agrees_in_a_child_names_the_child(writing, tmp_path):
    def trial(text, loss):
        def write(folder, number):
            for identity in (1, 2):
                process = writing.process(folder, identity + 1, identity=[identity], name=f"Process-{identity}")
                writing.train(process, {(2, "forward", "loss"): text}, losses={2: loss})

        return write

    assert writing.judged(tmp_path, [trial("a", 0.12345678), trial("b", 0.12345679)]).agrees == [
        f"Process-{identity}: loss is the same to 6 digits at all 3 steps that were compared" for identity in (1, 2)
    ]


def test_nothing_is_said_to_agree_where_nothing_does(writing, tmp_path):
    trials = [writing.training({(0, "forward", "loss"): loss}, losses={0: loss}) for loss in (1.0, 2.0)]
    assert writing.judged(tmp_path, trials).agrees == []


@pytest.mark.parametrize(("trials", "half", "tenth"), [(2, 0.5, 0.18), (5, 0.9375, 0.4095), (7, 0.9844, 0.5217)])
def test_what_trials_can_notice(writing, tmp_path, trials, half, tenth):
    detection = writing.judged(tmp_path, [writing.training()] * trials).detection
    assert (detection.seen_if_in_half_of_runs, detection.seen_if_in_one_of_ten) == (half, tenth)


@pytest.mark.parametrize(("other", "said"), [({}, False), ({"numpy": "1.0"}, True)])
def test_records_differ_in_packages_only_if_both_list_some(writing, tmp_path, other, said):
    def record(name, packages):
        return open_record(writing.record(tmp_path / name, [writing.training(trial={"packages": packages})]))

    _, result = judged_together(record("a", {"numpy": "2.0"}), record("b", other))
    assert any("differ in packages" in warning for warning in result.warnings) == said, result.warnings


def test_a_generator_with_a_seed_of_its_own_in_each_record_is_not_called_unseeded(writing, tmp_path):
    other = {(step, "rng", "numpy"): "other" for step in range(-1, 4)} | {(0, "batch", "0"): 5}

    def both(*trials):
        folders = [
            writing.record(tmp_path / f"{len(trials)}{n}", [writing.training(x) for x in side])
            for n, side in enumerate(trials)
        ]
        return judged_together(*map(open_record, folders))[1]

    seeded = both([{}, {}], [other, other])
    assert (seeded.verdict, seeded.unseeded) == ("diverged", {})
    assert "numpy's global RNG starts differently in the two records" in seeded.warnings
