"""Everything that is no answer: each with its own sentence and what to do."""

import json
import subprocess
import sys
from pathlib import Path

import other_words
import pytest

from samebits.comparison.verdict import reasons
from samebits.endings import STOPPED_BY_USER
from samebits.model import FilesFile, Leak, Lines, PythonProcess, SavedFile


@pytest.fixture
def no_answer(writing, tmp_path):
    """Function(trials, **record fields) -> the reason, after checking that the result is inconclusive and says so."""

    def judge(trials, **fields):
        result = writing.judged(tmp_path, trials, **fields)
        assert result.verdict == "inconclusive"
        assert result.reason == result.sentence
        assert result.advice
        judge.result = result
        return result.reason

    return judge


def left(**fields):
    """A trial in which no process observed anything."""
    return lambda folder, number: dict(fields)


def saved(name="out/model.json", digits="0" * 32, named=True, **fields):
    return SavedFile(path=name, named=named, format="json", tensors={"": digits}, **fields)


def wrote(*files, without=()):
    return left(files=FilesFile(files=list(files), patterns_without_match=list(without)))


def python(argv, watched=True, why=""):
    return PythonProcess(pid=5, argv=argv, watched=watched, why=why)


def observing(writing, how, *kinds):
    """A trial of three steps in which these kinds were observed, in this way."""
    rows = [(step, kind, kind, step) for step in range(3) for kind in kinds]
    return writing.observing([*rows, (3, "end", "end", 1)], 3, how=how)


def naming(writing, kind):
    """A trial whose program named a value of this kind, and nothing else but the end that is recorded of every program."""
    named = {"event": "observed-by", "how": "observe", "kind": kind}
    end = [] if kind == "end" else [(1, "end", "globals x", 1)]
    return writing.observing([(0, kind, kind, 0), *end], 1, how=None, events=[named])


def leaking(writing, content, changes=None):
    leak = Leak(path="runs/checkpoint.pt", written_by=1, content=content)
    return writing.training(changes, trial={"leaks": [leak]})


def unparsed(folder, number):
    """A trial whose interpreter cannot parse the probe."""
    (folder / "probe-failed-7.txt").write_text("SyntaxError: invalid syntax\n")


RAN = python(["python", "train.py"])
ISOLATED = python(["python", "-I", "train.py"], watched=False, why="-I")
WITHOUT_SITE = python(["python", "-S", "train.py"], watched=False, why="-S")
NO_STEP = "no step was seen in trials 1 and 2"
NOT_KNOWN = NO_STEP + ": samebits watched python train.py and saw no training that it knows."
UNSEEN = "so some values may not have been observed."
OTHER = {(0, "batch", "0"): 1}
FOREIGN = {"event": "probe-failed", "where": "after a step", "error": "Limit: ", "foreign": True}
FAULT = {**FOREIGN, "error": "KeyError: 1", "foreign": False}
MACHINES = [{"machine": {"processor": processor}} for processor in "ab"]
CASES = {
    "it never steps": (lambda w: [left(python_processes=[RAN])] * 2,
     NOT_KNOWN, ""),
    "it observes and never steps": (lambda w: [w.training(steps=0)] * 2,
     NO_STEP + ": no Python process ran below the command.", ""),
    "exit status 3": (lambda w: [w.training(trial={"status": "failed", "exit_code": 3})] * 2,
     "trials 1 and 2 ended with exit status 3, not 0.", "--ok-exit 3"),
    "one of three fails": (
     lambda w: [w.training(), w.training(trial={"status": "failed", "exit_code": 1}), w.training()],
     "trial 2 ended with exit status 1, not 0 (2 other trials ended well).", ""),
    "a timeout": (lambda w: [w.training(end=False, trial={"status": "timeout", "exit_code": None}), w.training()],
     "trial 1 had not ended after 60 s (--timeout) (1 other trial ended well).", "", {"options": {"timeout": 60}}),
    "the probe cannot be parsed": (lambda w: [unparsed] * 2,
     "the probe itself failed in trials 1 and 2 (SyntaxError: invalid syntax), " + UNSEEN, ""),
    "the probe failed": (lambda w: [w.training(), w.training(events=[FAULT])],
     "the probe itself failed in trial 2 (after a step: KeyError: 1), " + UNSEEN, ""),
    "the probe failed beside an exception of the program": (
     lambda w: [w.training(events=[FAULT]), w.training(events=[FOREIGN])],
     "the probe itself failed in trials 1 and 2 (after a step: KeyError: 1), " + UNSEEN, ""),
    "isolated": (lambda w: [left(status="unwatched", python_processes=[ISOLATED])] * 2,
     "nothing was watched in trials 1 and 2: python -I train.py (-I).", ""),
    "hidden beside watched": (lambda w: [left(python_processes=[RAN, WITHOUT_SITE])] * 2,
     NO_STEP + ", and Python ran unwatched: python -S train.py (-S).", ""),
    "no Python": (lambda w: [left()] * 2,
     NO_STEP + ": no Python process ran below the command.", ""),
    "Ray": (lambda w: [w.training(steps=0, events=[{"event": "watcher", "name": "ray_tasks"}])] * 2,
     NO_STEP + ": no Python process ran below the command.", "instead of ray://"),
    "files alone": (lambda w: [wrote(saved("w.npz", named=False))] * 2,
     NO_STEP + ", only what was saved: w.npz.", "--artifact 'w.npz'"),
    "no artifact": (lambda w: [wrote(without=["out/*.json"])] * 2,
     "the artifact pattern out/*.json matched nothing in trials 1 and 2.", ""),
    "no artifact, unwatched": (
     lambda w: [left(status="unwatched", files=FilesFile(patterns_without_match=["out/*.json"]))] * 2,
     "the artifact pattern out/*.json matched nothing in trials 1 and 2.", ""),
    "one trial": (lambda w: [w.training()], "only one trial was run: at least two are needed.", ""),
    "fewer trials": (lambda w: [w.training()] * 2,
     "2 of 5 trials were completed.", "samebits check --add 3", {"options": {"trials": 5}}),
    "a beginning": (lambda w: [w.training(stop=True)] * 2,
     "only the first 3 steps were compared; they have the same bits.", ""),
    "a rank without a trace": (lambda w: [w.training(facts={"rank": 0, "world_size": 2})] * 2,
     "rank 1 of 2 left no trace in trial 1.", ""),
    "no weights, no end": (lambda w: [w.training(without=("update", "end"))] * 2,
     "too little was observed in trial 1: the weights and the end could not be seen.", ""),
    "no end": (lambda w: [w.training(without=("end",))] * 2,
     "too little was observed in trial 1: the end could not be seen.", ""),
    "no batch, no loss": (lambda w: [w.training(without=("batch", "forward"))] * 2,
     "too little was observed in trial 1: batch and loss could not be seen.", ""),
    "only batches": (lambda w: [observing(w, "observe", "batch")] * 2,
     "too little was observed in trial 1: the weights could not be seen.", ""),
    "only named batches": (lambda w: [naming(w, "batch")] * 2,
     "too little was observed in trial 1: the weights could not be seen.", ""),
    "without its end": (lambda w: [w.training(end=False)] * 2,
     "trial 1: the end of python train.py was not seen; it left without Python's normal exit.", ""),
    "a fork without its end": (lambda w: [w.training(end=False, facts={"forked_from": 100})] * 2,
     "trial 1: the end of a forked copy of python train.py was not seen; it left without Python's normal exit.", ""),
    "a named process without its end": (
     lambda w: [w.training(end=False, facts={"forked_from": 100, "identity": [2], "name": "Process-2"})] * 2,
     "trial 1: the end of the process Process-2 was not seen; it left without Python's normal exit.", ""),
    "different machines": (lambda w: [w.training(trial=MACHINES[0]), w.training(OTHER, trial=MACHINES[1])],
     "the trials did not have the same setup: their bits differ, and so do their machines (processor).", ""),
    "a leak": (lambda w: [w.training(), leaking(w, "a" * 32, OTHER)],
     "trial 2 started from a file that trial 1 had written (runs/checkpoint.pt).",
     "samebits check --isolate -- python train.py"),
    "a leak in a named folder": (lambda w: [w.training(), leaking(w, "a" * 32, OTHER)],
     "trial 2 started from a file that trial 1 had written (runs/checkpoint.pt).",
     "samebits check -- python train.py --output-dir '{out}'", {"command": ["python", "train.py", "--output-dir", "runs"]}),
    "a leak though isolated": (lambda w: [w.training(), leaking(w, "a" * 32, OTHER)],
     "trial 2 started from a file that trial 1 had written (runs/checkpoint.pt).",
     "Remove runs/checkpoint.pt before each trial", {"options": {"isolate": True}}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_cause_of_no_answer_has_its_sentence_and_what_to_do(writing, no_answer, case):
    trials, reason, advice, *fields = CASES[case]
    assert no_answer(trials(writing), **(fields[0] if fields else {})) == reason
    assert advice in no_answer.result.advice


def test_a_trial_that_failed_is_in_no_group(writing, no_answer):
    no_answer(CASES["one of three fails"][0](writing))
    assert no_answer.result.groups == [[1, 3]]


@pytest.mark.parametrize(("number", "of_memory"), [(9, True), (15, False)])
def test_a_signal_is_named_once_and_only_that_of_the_system_suggests_memory(writing, no_answer, number, of_memory):
    name = {9: "SIGKILL", 15: "SIGTERM"}[number]
    how = {"status": "killed", "exit_code": None, "signal": number, "why": f"it was killed by {name}"}
    killed = writing.training(steps=2, end=False, trial=how)
    assert no_answer([killed] * 2) == f"trials 1 and 2 were killed by {name} after 2 steps."
    assert ("too much memory" in no_answer.result.advice) == of_memory


def test_an_exit_status_that_is_said_to_be_good(writing, tmp_path):
    trial = writing.training(trial={"status": "complete", "exit_code": 3})
    assert writing.judged(tmp_path, [trial] * 2, options={"ok_exit": 3}).verdict == "repeated"


def test_an_exception_of_the_program_that_arrived_while_the_probe_worked(writing, no_answer):
    event = {"event": "probe-failed", "where": "after a step", "error": "Limit: ", "foreign": True}
    limited = writing.training(events=[event])
    reason = no_answer([writing.training(), limited])
    assert reason.startswith("an exception from a different thread of the program interrupted the probe, in trial 2")
    assert "(after a step: Limit: )" in reason
    assert "time limit" in no_answer.result.advice
    assert "please report" not in no_answer.result.advice


def test_a_trial_that_failed_while_others_differ_does_not_hide_the_difference(writing, tmp_path):
    failed = writing.training(trial={"status": "failed", "exit_code": 1})
    result = writing.judged(tmp_path, [writing.training(), failed, writing.training({(0, "batch", "0"): 1})])
    assert result.verdict == "diverged"
    assert "trial 2 did not end well and was not compared" in result.warnings


def test_a_beginning_that_was_asked_for(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(stop=True)] * 2, options={"steps": 3})
    assert (result.verdict, result.scope.kind, result.scope.steps_total) == ("repeated", "prefix", None)
    assert result.sentence == "2 trials, one model so far: the first 3 steps have the same bits."
    assert result.judged["end"] == "."
    assert result.trials[0].final is None


def test_a_program_that_names_its_end_alone_has_shown_its_weights(writing, tmp_path):
    assert writing.judged(tmp_path, [naming(writing, "end")] * 2).verdict == "repeated"


def test_options_that_a_program_shares_with_samebits_are_not_mentioned_for_anything_else(writing, no_answer, tmp_path):
    shared = ["python", "train.py", "--seed", "3", "--out", "x"]
    no_answer([writing.training(end=False)] * 2, command=shared)
    assert "The option" not in no_answer.result.advice
    result = writing.judged(tmp_path / "equal", [writing.training()] * 2, command=shared)
    assert (result.verdict, result.advice, result.warnings) == ("repeated", None, [])


def test_what_is_added_to_the_weights_stands_for_batch_and_loss(writing, tmp_path):
    result = writing.judged(tmp_path, [observing(writing, "apply-updates", "update")] * 2)
    assert result.verdict == "repeated"


def using_jax(writing, *files):
    def program(folder, number):
        process = writing.process(folder)
        process.recorder.event("watcher", name="jax_loops")
        process.end(0)
        return {"files": FilesFile(files=[*files])}

    return program


def test_a_program_of_jax_without_a_step_is_shown_a_line_to_add(writing, no_answer):
    no_answer([using_jax(writing)] * 2)
    assert 'samebits_probe.observe("weights", params, step=step)' in no_answer.result.advice


def test_a_program_of_jax_that_saved_a_file_is_shown_both_ways_out(writing, no_answer):
    no_answer([using_jax(writing, saved("out.ipynb", named=False))] * 2)
    assert no_answer.result.advice.startswith("If this file is the result, name it: --artifact 'out.ipynb'. Name the")
    assert "samebits_probe.observe(" in no_answer.result.advice


def test_a_difference_between_trials_that_started_from_the_same_file(writing, tmp_path):
    trials = [leaking(writing, "a" * 32), leaking(writing, "a" * 32, OTHER)]
    assert writing.judged(tmp_path, trials).verdict == "diverged"


def test_equal_bits_with_a_leak_repeat_with_a_warning(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(), leaking(writing, "a" * 32)])
    assert result.verdict == "repeated"
    assert result.warnings == [
        "trial 2 started from a file that trial 1 had written (runs/checkpoint.pt); all trials have the same bits, "
        "but samebits did not run the trials without that file"
    ]


def test_strict_gives_no_answer_if_a_warning_limits_what_was_compared(writing, tmp_path):
    trials = [writing.training(), leaking(writing, "a" * 32)]
    result = writing.judged(tmp_path, trials, options={"strict": True})
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("--strict: trial 2 started from a file that trial 1 had written")
    assert result.advice


def test_the_advice_of_strict_is_about_the_warning_that_it_names(writing, tmp_path):
    same = {(step, kind, name): 0 for step, kind in ((-1, "start"), (3, "end")) for name in ("fc.weight", "fc.bias")}
    result = writing.judged(
        tmp_path, [writing.training(same), leaking(writing, "a" * 32, same)], options={"strict": True}
    )
    assert result.reason.startswith("--strict: the weights never change")
    assert result.advice == "Remove the cause of each warning. Or run without --strict."
    alone = writing.judged(tmp_path / "alone", [writing.training(same)] * 2, options={"strict": True})
    assert alone.advice == "Remove the cause of this warning. Or run without --strict."


def test_strict_repeats_if_no_warning_is_a_caveat(writing, tmp_path):
    dirty = writing.training(trial={"code": {"dirty": True}})
    result = writing.judged(tmp_path, [dirty, dirty], options={"strict": True})
    assert (result.verdict, len(result.warnings)) == ("repeated", 1)


def test_a_difference_on_one_of_two_machines_is_a_divergence(writing, tmp_path):
    one, two = {"machine": {"host": "a"}}, {"machine": {"host": "b"}}
    trials = [writing.training(trial=one), writing.training(OTHER, trial=one), writing.training(trial=two)]
    assert writing.judged(tmp_path, trials).verdict == "diverged"


def test_only_named_files_repeat(writing, tmp_path):
    trial = wrote(saved("out/a.json"), saved("out/b.json"))
    result = writing.judged(tmp_path, [trial] * 5)
    assert result.verdict == "repeated"
    assert result.sentence == "5 trials, one outcome: all 2 files have the same content."
    assert result.trials[0].final == result.trials[4].final is not None
    assert result.scope.not_observed == ["steps: only the files that were written are compared"]


def test_what_a_program_observes_itself_counts(writing, tmp_path):
    def program(folder, number):
        process = writing.process(folder)
        process.recorder.event("observed-by", how="observe")
        for step in range(6):
            process.add(step, "update", "weights", step)
        process.end(6)

    result = writing.judged(tmp_path, [program] * 2)
    assert result.verdict == "repeated"
    assert result.scope.not_observed == ["values that the program did not pass to observe()"]


def test_no_verdict_depends_on_the_words_of_a_sentence(writing, tmp_path):
    """A second process changes the words of all sentences of the comparison. Nothing else in the answers may change."""
    for number, (trials, _, _, *fields) in enumerate(CASES.values()):
        writing.record(tmp_path / str(number), trials(writing), **(fields[0] if fields else {}))
    stopped = writing.training(end=False, trial={"status": "killed", "exit_code": None, "why": STOPPED_BY_USER})
    writing.record(tmp_path / "stopped", [stopped] * 2)
    writing.record(tmp_path / "equal", [writing.training()] * 2)
    writing.record(tmp_path / "different", [writing.training(), writing.training(OTHER)])
    script = Path(other_words.__file__)
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True, text=True)
    plain, reworded = other_words.answers(tmp_path), json.loads(done.stdout)
    assert {name: decided for name, (decided, _) in reworded.items()} == {name: own for name, (own, _) in plain.items()}
    assert [name for name, (_, sentence) in plain.items() if reworded[name][1] == sentence] == []
    codes = {code for (verdict, code, *_), _ in plain.values() if verdict == "inconclusive"}
    assert len(codes) > 10
    page = (Path(__file__).parents[2] / "docs" / "reference" / "result.md").read_text()
    assert [code for code in (*codes, *reasons._LOOKS) if f"`{code}`" not in page] == []


def test_a_printed_stream_that_the_user_names_is_a_result_unless_it_is_empty(writing, tmp_path, no_answer):
    streams = [SavedFile(path="stdout", named=True, format="printed", lines=Lines(raw="ab", count=1, kept=[line]))
               for line in ("", "accuracy 0.91")]  # fmt: skip
    empty, printing = (left(files=FilesFile(printed=[stream])) for stream in streams)
    assert NO_STEP in no_answer([empty] * 2)
    result = writing.judged(tmp_path / "printed", [printing] * 2)
    assert result.sentence == "2 trials, one outcome: the printed lines have the same content."
