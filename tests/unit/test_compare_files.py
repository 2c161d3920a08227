"""Files that were found by themselves: names that hold times or random text, and parts that are no tensors."""

import datetime
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from samebits.model import FilesFile, SavedFile
from samebits.store.artifacts import fingerprint_file

A, B, C = ("0" * 32, "1" * 32, "2" * 32)


def saved(path, digits=A, named=False, **how):
    return SavedFile(path=path, named=named, **{"format": "torch", "tensors": {"": digits}, **how})


@pytest.mark.parametrize(
    ("one", "two", "pattern"),
    [
        ("out/m-acc0.7933.pt", "out/m-acc0.8033.pt", "out/m-acc*.pt"),
        ("epoch=3-val_loss=1.25.ckpt", "epoch=3-val_loss=1.27.ckpt", "epoch=3-val_loss=*.ckpt"),
        ("best_epoch7/m.pt", "best_epoch12/m.pt", "best_epoch*/m.pt"),
        ("out/cat.pt", "out/cot.pt", "out/*.pt"),
    ],
)
def test_the_advice_about_a_result_in_the_name_of_a_file_names_it_in_the_next_run_too(judged, one, two, pattern):
    advice = judged([saved(one)], [saved(two)]).advice
    assert advice.startswith(f"If it counts, name it: --artifact '{pattern}'. If not, use --ignore '{pattern}'.")


SPANS = [1796120430.0 + 100 * number for number in range(2)]  # two trials of a minute, on 2026-12-01


@pytest.fixture
def judged(writing, tmp_path):
    """Function(files of each trial, ...) -> the result of equal trainings that wrote these, each in a minute of its own."""

    def judge(*files):
        left = [
            FilesFile(files=some, span=[begin, begin + 60], pids=[4001 + place])
            for place, (some, begin) in enumerate(zip(files, SPANS, strict=False))
        ]
        return writing.judged(tmp_path, [writing.training(trial={"files": one}) for one in left])

    return judge


@pytest.mark.parametrize(
    ("pids", "named", "verdict"),
    [((4001, 4002), True, "repeated"), ((4001, 4002), False, "repeated"), ((4002, 4003), True, "diverged"), ((4002, 4003), False, "inconclusive")],
)  # fmt: skip
def test_a_process_id_is_known_by_value(judged, tmp_path, pids, named, verdict):
    def written(pid):
        (tmp_path / "latest.txt").write_text(f"held by {pid}")
        return [fingerprint_file(tmp_path / "latest.txt", named).model_copy(update={"path": "latest.txt"})]

    assert judged(*map(written, pids)).verdict == verdict


def of_moments(pattern):
    """A pattern of strftime, filled with a moment of each trial."""
    moments = (datetime.datetime.fromtimestamp(begin + 9, datetime.timezone.utc) for begin in SPANS)
    return [moment.strftime(pattern) for moment in moments]


NAMES = ["runs/%Y-%m-%d_%H-%M-%S/m.pt", "events.%s.5.pt", "log-%b%d_%H-%M-%S_x.pt", "m.INFO.%Y%m%d-%H%M%S.pt"]


@pytest.mark.parametrize("pattern", NAMES)
def test_a_moment_of_the_trial_in_the_name_of_a_file_does_not_matter(judged, pattern):
    one, two = of_moments(pattern)
    result = judged([saved(one)], [saved(two)])
    assert (result.verdict, result.warnings) == ("repeated", [])


@pytest.mark.parametrize(
    ("one", "two"),
    [("out/m-acc0.7933.pt", "out/m-acc0.8033.pt"), ("best_epoch7/m.pt", "best_epoch12/m.pt"), ("best-cat.pt", "best-dog.pt"),
     ("elapsed_3.25.pt", "elapsed_3.41.pt"), ("runs/2026-01-01/m.pt", "runs/2026-01-02/m.pt"), ("k3f.pt", "zzz.pt")],
)  # fmt: skip
def test_anything_else_in_the_name_of_a_file_gives_no_answer_if_it_differs(judged, one, two):
    result = judged([saved(one)], [saved(two)])
    assert result.verdict == "inconclusive"
    assert f"{one} > its name differs between trials: {one} in trial 1, {two} in trial 2" in result.reason


@pytest.mark.parametrize("pattern", NAMES)
def test_content_under_names_with_times_matters(judged, pattern):
    one, two = of_moments(pattern)
    result = judged([saved(one)], [saved(two, B)])
    assert (result.divergence.kind, result.divergence.name, result.warnings) == ("end", one, [])


@pytest.mark.parametrize(("digits", "verdict"), [(A, "repeated"), (B, "diverged")])
def test_parts_whose_names_hold_a_moment_are_compared_with_one_another(judged, digits, verdict):
    def files(folder, digits):
        named = {f"best_k_models.{folder}/a.ckpt": digits, f"best_k_models.{folder}/b.ckpt": B, "w": A}
        return [SavedFile(path=f"{folder}/a.ckpt", named=False, format="torch", tensors=named)]

    one, two = of_moments("logs/%Y%m%d-%H%M%S")
    assert judged(files(one, A), files(two, digits)).verdict == verdict


def test_what_content_leaves_over_is_paired_in_order_and_differs(judged):
    result = judged([saved("a.pt", A), saved("b.pt", B)], [saved("y.pt", B), saved("z.pt", C)])
    assert (result.divergence.kind, result.divergence.name) == ("end", "a.pt")
    assert result.warnings == []


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (["a.pt", "b.pt"], ["y.pt", "z.pt"], "a.pt > its name differs between trials: a.pt in trial 1, z.pt in trial 2"),
        (["m-1.pt"], ["m-2.pt", "m-3.pt"], "m-1.pt > its name differs between trials: m-1.pt in trial 1, m-3.pt in trial 2"),
        (["{out}/b.npz", "{out}/a.pt"], ["{out}/a.pt"], "b.npz was written in some trials only"),
        (["a.pt"], ["b.npz"], "a.pt was written in some trials only"),
    ],
)  # fmt: skip
def test_a_file_that_only_one_trial_wrote_or_under_a_different_name_gives_no_answer(judged, one, two, said):
    """The contents go by the place in the first list, and come in the opposite order in the second one."""
    result = judged(
        [saved(*file) for file in zip(one, (A, B), strict=False)],
        [saved(*file) for file in zip(two, (B, A), strict=False)],
    )
    assert (result.verdict, said in result.reason) == ("inconclusive", True)
    assert result.reason.startswith("all 3 steps have the same bits, but ")


def test_a_file_that_only_the_first_trial_wrote_is_no_difference_if_the_others_found_it(writing, tmp_path):
    leak = {"path": "/cache.npz", "written_by": 1, "content": None, "how": "there"}
    later = writing.training(files=[saved("a.pt")], trial={"leaks": [leak]})
    result = writing.judged(tmp_path, [writing.training(files=[saved("a.pt"), saved("/cache.npz")]), later])
    assert result.verdict == "repeated"
    assert any("could find a file that trial 1 had written (/cache.npz)" in warning for warning in result.warnings)


def test_a_named_file_is_meant_by_its_name(judged):
    result = judged([saved("a.pt", named=True)], [saved("b.pt", named=True)])
    assert result.divergence.kind == "structure"


@pytest.mark.parametrize(("digits", "verdict"), [(A, "inconclusive"), (B, "diverged")])
def test_a_named_file_in_a_folder_with_a_random_name_is_the_same_file(judged, digits, verdict):
    result = judged([saved("run-x7/m.pt", named=True)], [saved("run-qq/m.pt", digits, named=True)])
    assert result.verdict == verdict
    assert digits == A or (result.divergence.kind, result.divergence.name) == ("end", "run-x7/m.pt")


def with_time(named, time, weight=A, *more):
    tensors = {"w": weight, "time": time, **dict.fromkeys(more, time)}
    shown = {name: "15" if time == A else "25" for name in ("time", *more)}
    return SavedFile(path="m.pt", named=named, format="torch", tensors=tensors, values=["time", *more], shown=shown)


def test_the_sentence_ends_where_no_file_differs_beside_the_one_that_is_named(judged):
    result = judged([saved("a.pt", A)], [saved("a.pt", B)])
    assert result.sentence.endswith("(end of a.pt).")


def test_a_number_that_nobody_understands_gives_no_answer_with_its_place_and_both_values(judged):
    result = judged([with_time(False, A, A, "best_score")], [with_time(False, B, A, "best_score")])
    assert result.verdict == "inconclusive"
    why = "m.pt > best_score differs between trials: 15 in trial 1, 25 in trial 2."
    assert result.reason == f"all 3 steps have the same bits, but {why}"
    assert "--artifact m.pt" in result.advice
    assert "--ignore m.pt" in result.advice


def test_an_ignored_file_does_not_count(writing, tmp_path):
    trials = [writing.training(files=[saved("runs/m.pt", digits)]) for digits in (A, B)]
    assert writing.judged(tmp_path / "counted", trials).verdict == "diverged"
    assert writing.judged(tmp_path / "ignored", trials, options={"ignores": ["runs/*.pt"]}).verdict == "repeated"


def test_a_time_is_believed_by_its_whole_name_if_no_experiment_was_made_and_is_a_caveat(judged):
    result = judged([with_time(False, A)], [with_time(False, B)])
    assert result.verdict == "repeated"
    assert result.warnings == [
        "m.pt differs between trials at time; this does not count (only its name says that it is a time)"
    ]


def test_a_time_that_is_believed_by_its_name_is_refused_with_strict(writing, tmp_path):
    trials = [writing.training(files=[with_time(False, digits)]) for digits in (A, B)]
    result = writing.judged(tmp_path, trials, options={"strict": True})
    assert result.verdict == "inconclusive"
    assert "m.pt differs between trials at time" in result.reason


def test_what_is_not_understood_counts_in_a_named_file(judged):
    result = judged([with_time(True, A, A, "rate_r2")], [with_time(True, B, A, "rate_r2")])
    assert result.divergence.name == "m.pt > rate_r2"


@pytest.mark.parametrize(("head", "verdict"), [("%Y-%m-%d %H:%M:%S", "repeated"), ("20%M-%m-%d", "inconclusive")])
def test_a_date_in_a_table_is_understood_only_if_the_trial_ran_then(judged, tmp_path, head, verdict):
    def written(date):
        (tmp_path / "a.csv").write_text(f"item,date\na,{date}\n")
        return [fingerprint_file(tmp_path / "a.csv", named=False).model_copy(update={"path": "a.csv"})]

    assert judged(*map(written, of_moments(head))).verdict == verdict


def test_a_tensor_beside_such_a_part_counts(judged):
    assert judged([with_time(False, A, A)], [with_time(False, B, B)]).divergence.name == "m.pt > w"


def test_a_pickle_tells_arrays_from_values(tmp_path):
    content = {"time": 1.5, "rng": random.Random(3).getstate(), "w": np.arange(3.0), "args": {"pid": 7}}
    (tmp_path / "m.pt").write_bytes(pickle.dumps(content, protocol=2))
    file = fingerprint_file(tmp_path / "m.pt", named=False)
    assert file.error is None
    values = {name for name, part in file.parts.items() if part.kind == "value"}
    assert {"time", "args.pid"} <= values
    assert any(name.startswith("rng") for name in values)
    assert any(name.startswith("w") for name in file.parts)
    assert not any(name.startswith("w") for name in values)


def test_text_in_an_archive_of_arrays_is_a_value(tmp_path):
    np.savez(tmp_path / "m.npz", w=np.arange(3.0), run=np.array("k3f"))
    file = fingerprint_file(tmp_path / "m.npz", named=False)
    assert {name: part.kind for name, part in file.parts.items()} == {"run": "value", "w": "array"}


@pytest.mark.parametrize(
    ("only_in_one", "verdict"),
    [("z.txt", "repeated"), ("a.txt", "inconclusive"), ("z.pt", "inconclusive"), ("z.json", "inconclusive")],
)
def test_a_file_beyond_the_limit_of_a_trial_may_have_been_written_by_it(writing, tmp_path, only_in_one, verdict):
    formats = {".pt": "torch", ".txt": "text", ".json": "json"}
    files = [
        SavedFile(path=name, named=False, format=formats[Path(name).suffix], tensors={"": A})
        for name in ("m.txt", "n.txt", only_in_one)
    ]
    trials = [writing.training(trial={"files": FilesFile(files=some, found=9)}) for some in (files[:2], files)]
    result = writing.judged(tmp_path, trials)
    assert result.verdict == verdict, result.reason
    assert any("only 2 of 9 files" in warning for warning in result.warnings)


def test_texts_outside_of_the_folders_are_a_caveat(writing, tmp_path):
    trial = writing.training(trial={"files": FilesFile(elsewhere=["/data/a b.txt", "/data/c.csv"])})
    result = writing.judged(tmp_path, [trial, trial])
    assert result.verdict == "repeated"
    assert [text for text in result.warnings if text.startswith("'/data/a b.txt' and /data/c.csv were not compared")]
