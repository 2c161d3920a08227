"""Files that were found by themselves: names that hold times or random text, and parts that are no tensors."""

import json
import os
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from samebits.comparison.file_names import results_in_names
from samebits.comparison.files import file_differences
from samebits.model import FilesFile, Lines, SavedFile, TrialFile
from samebits.store.artifacts import fingerprint_file, link_to_folder
from samebits.store.masks import Run, masked
from samebits.store.trace import TrialTrace

A, B, C = ("0" * 32, "1" * 32, "2" * 32)


def saved(path, digits=A, named=False, **how):
    return SavedFile(path=path, named=named, format="torch", tensors={"": digits}, **how)


@pytest.fixture
def judged(writing, tmp_path):
    """Function(files of each trial, ...) -> the result of equal trainings that wrote these."""

    def trial(files):
        def write(folder, number):
            writing.training()(folder, number)
            return {"files": FilesFile(files=files)}

        return write

    return lambda *files: writing.judged(tmp_path, [trial(one) for one in files])


@pytest.mark.parametrize("named", [True, False])
def test_a_text_with_the_process_id_of_one_trial_by_chance_is_the_same(judged, tmp_path, named):
    (tmp_path / "latest.txt").write_text("4711")
    result = judged(*([fingerprint_file(tmp_path / "latest.txt", named, Run(pids=(pid,)))] for pid in (4711, 4712)))
    assert (result.verdict, result.warnings) == ("repeated", [])


NAMES = [
    ("m-1200.pt", "m-1300.pt"),
    ("ckpt/k3f.pt", "ckpt/zz8.pt"),
    ("runs/2026-01-01/m.pt", "runs/2026-01-02/m.pt"),
    ("runs/happy-fox/m.pt", "runs/sad-owl/m.pt"),
]


@pytest.mark.parametrize(("one", "two"), NAMES)
def test_names_with_times_or_random_text_do_not_matter(judged, one, two):
    result = judged([saved(one)], [saved(two)])
    assert (result.verdict, result.warnings) == ("repeated", [])


@pytest.mark.parametrize(
    ("one", "two", "shown"),
    [("out/m-acc0.7933.pt", "out/m-acc0.8033.pt", "acc 0.7933"), ("m-0.7933.pt", "m-0.8033.pt", "m 0.7933"),
     ("epoch=3-val_loss=1.25.ckpt", "epoch=3-val_loss=1.27.ckpt", "loss 1.25"), ("best_epoch7/m.pt", "best_epoch12/m.pt", "epoch 7"),
     ("valLoss=0.5.pt", "valLoss=0.6.pt", "valLoss 0.5"), ("model_2.3145.pt", "model_2.3151.pt", "model 2.3145"),
     ("lr-1.23e-3/m.pt", "lr-1.24e-3/m.pt", "lr 1.23")],
)  # fmt: skip
def test_a_result_in_the_name_of_a_file_gives_no_answer_if_it_differs(judged, one, two, shown):
    result = judged([saved(one)], [saved(two)])
    assert result.verdict == "inconclusive"
    assert f"{one} > its name differs between trials: {shown}" in result.reason


@pytest.mark.parametrize(
    ("one", "two", "shown"),
    [
        ("best-cat.pt", "best-dog.pt", "cat in trial 1, dog in trial 2"),
        ("out/CNN_3.pt", "out/MLP_3.pt", "CNN in trial 1, MLP in trial 2"),
    ],
)
def test_a_word_in_the_name_of_a_file_is_inconclusive_if_it_differs(judged, one, two, shown):
    result = judged([saved(one)], [saved(two)])
    assert (result.verdict, shown in result.reason) == ("inconclusive", True)


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
    assert advice == f"If it counts, name it: --artifact '{pattern}'. If not, use --ignore '{pattern}'."


@pytest.mark.parametrize(
    ("one", "two"),
    [("k3f.pt", "zzz.pt"), ("tmpabcdefgh.pt", "tmpstuvwxyz.pt"), ("m-3fab.pt", "m-3cde.pt"), ("m-aXbQ.pt", "m-kJmP.pt"),
     ("log-Nov28_12-00-01_x.pt", "log-Dec01_12-00-01_x.pt"), ("m_14.41.pt", "m_14.42.pt"), ("slurm-123.45.pt", "slurm-124.46.pt"),
     ("m.INFO.20261129-144129.4711", "m.INFO.20261129-144131.4792"), ("elapsed_3.25.pt", "elapsed_3.41.pt"), ("v1.2.pt", "v1.3.pt")],
)  # fmt: skip
def test_random_letters_dates_and_times_in_the_name_of_a_file_are_no_results(judged, one, two):
    assert judged([saved(one)], [saved(two)]).verdict == "repeated"


@pytest.mark.parametrize("is_known", [True, False])
def test_the_name_of_the_machine_in_the_name_of_a_file_is_not_a_word(is_known):
    machines = [{"host": host} if is_known else {} for host in ("alpha", "omega")]
    files = [TrialFile(id=1, status="complete", started="", seconds=1.0, machine=machine) for machine in machines]
    one, two = (TrialTrace(file, FilesFile(), []) for file in files)
    found = results_in_names(saved("events-alpha-0.pt"), saved("events-omega-0.pt"), (one, two))
    assert found == (None if is_known else ("alpha", "omega"))


@pytest.mark.parametrize(
    ("one", "two", "text", "verdict"),
    [("correct-7123.done", "correct-7200.done", "", "inconclusive"), ("correct-7123.x", "correct-7200.x", "0", "repeated"),
     ("run_7.done", "run_8.done", "", "repeated"), ("begun-1795716028.done", "begun-1795716099.done", "", "repeated"),
     ("begun-1795716028123.done", "begun-1795716099123.done", "", "repeated")],
)  # fmt: skip
def test_a_number_in_the_name_of_an_empty_file_is_inconclusive_unless_it_belongs_to_the_run(
    judged, tmp_path, one, two, text, verdict
):
    (tmp_path / "file").write_text(text)
    file = fingerprint_file(tmp_path / "file", named=False)
    assert judged(*([file.model_copy(update={"path": path})] for path in (one, two))).verdict == verdict


@pytest.mark.parametrize(
    ("one", "two"),
    [("run_1/epoch3.pt", "run_2/epoch3.pt"), ("events.1795716028.5.pt", "events.1795716099.5.pt"), ("v1.2.3.pt", "v1.2.4.pt"),
     ("m_12.05_10.31.pt", "m_12.05_10.32.pt"), ("2026.11.27/m.pt", "2026.11.28/m.pt")],
)  # fmt: skip
def test_a_running_number_or_a_time_in_the_name_of_a_file_is_no_result(judged, one, two):
    assert judged([saved(one)], [saved(two)]).verdict == "repeated"


@pytest.mark.parametrize(("one", "two"), NAMES)
def test_content_under_names_with_times_or_random_text_matters(judged, one, two):
    result = judged([saved(one)], [saved(two, B)])
    assert (result.divergence.kind, result.divergence.name, result.warnings) == ("end", one, [])


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [("checkpoint-4", "checkpoint-8", "inconclusive"), ("checkpoint-4", "checkpoint-4", "repeated"),
     ("run-20261127_051031-ab12cd34", "run-20261127_051519-zz9p3c4e", "repeated"), ("version_0", "version_1", "repeated")],
)  # fmt: skip
def test_a_link_to_a_folder_gives_no_answer_if_it_leads_to_a_different_checkpoint(judged, one, two, verdict):
    logs = [saved("version_0/m.pt")], [saved("version_1/m.pt")]
    result = judged(*([link_to_folder("best", target), *log] for target, log in zip((one, two), logs, strict=True)))
    assert result.verdict == verdict, result.reason


def test_random_names_are_paired_by_content_first(judged):
    result = judged([saved("a.pt", A), saved("b.pt", B)], [saved("y.pt", B), saved("z.pt", A)])
    assert (result.verdict, result.warnings) == ("repeated", [])


def test_texts_that_follow_the_name_of_the_trial_s_own_folder_are_understood(writing, tmp_path):
    def trial(folder):
        def write(place, number):
            writing.training()(place, number)
            meta = SavedFile(path=f"{folder}/meta.json", named=False, format="json", tensors={"out": folder}, values=["out"],
                             shown={"out": json.dumps(folder)})  # fmt: skip
            line = f"saved to {masked(folder)}"
            lines = Lines(raw=line, ordered=line, sorted=line, count=1, kept=[line])
            printed = SavedFile(path="stdout", named=False, format="printed", tensors={"": line}, lines=lines)
            return {"files": FilesFile(files=[meta], printed=[printed])}

        return write

    folders = ("runs/Nov26_20-55-29_vm_f092e1", "runs/Nov26_20-55-34_vm_b923c6")
    result = writing.judged(tmp_path, [trial(folder) for folder in folders])
    assert result.verdict == "repeated", result.reason
    assert "it varies with the name of the trial's own folder" in result.warnings[0]


@pytest.mark.parametrize(("digits", "verdict"), [(A, "repeated"), (B, "diverged")])
def test_parts_whose_names_hold_the_trial_s_own_folder_are_compared_with_one_another(judged, digits, verdict):
    def files(number, digits):
        folder = f"logs/version_{number}"
        named = {f"best_k_models.{folder}/a.ckpt": digits, f"best_k_models.{folder}/b.ckpt": B, "w": A}
        return [SavedFile(path=f"{folder}/a.ckpt", named=False, format="torch", tensors=named), saved(f"{folder}/z.pt")]

    assert judged(files(0, A), files(1, digits)).verdict == verdict


@pytest.mark.parametrize(("digits", "verdict"), [(A, "repeated"), (B, "inconclusive")])
def test_parts_whose_names_differ_only_in_a_time_are_compared_with_one_another(judged, digits, verdict):
    def files(minute, value):
        name = f"2026-11-28 12:0{minute}:00.loss"
        return [SavedFile(path="r.json", named=False, format="json", tensors={name: value, "w": A}, values=[name])]

    assert judged(files(1, A), files(2, digits)).verdict == verdict


def test_what_content_leaves_over_is_paired_in_order_and_differs(judged):
    result = judged([saved("a.pt", A), saved("b.pt", B)], [saved("y.pt", B), saved("z.pt", C)])
    assert (result.divergence.kind, result.divergence.name) == ("end", "a.pt")
    assert result.warnings == []


def test_a_file_that_a_later_trial_wrote_and_an_earlier_one_did_not_gives_no_answer(judged):
    result = judged([saved("m-1.pt", A)], [saved("m-2.pt", B), saved("m-3.pt", A)])
    assert result.verdict == "inconclusive"
    assert result.reason == "m-2.pt differs between trials: m-2.pt was written in some trials only."
    assert result.advice == "If it counts, name it: --artifact m-2.pt. If not, use --ignore m-2.pt."


def test_a_file_that_a_later_trial_found_and_wrote_into_is_said_to_be_that(writing, tmp_path):
    leak = {"path": "/home/me/runs.db", "written_by": 1, "content": "1" * 32}

    def trial(rows, **fields):
        def write(folder, number):
            writing.training()(folder, number)
            file = SavedFile(
                path="runs.db", named=False, format="sqlite", tensors={"runs.rows": rows}, values=["runs.rows"]
            )
            return {"files": FilesFile(files=[file]), **fields}

        return write

    result = writing.judged(tmp_path, [trial("1"), trial("2", leaks=[leak])])
    assert (result.verdict, result.reason) == (
        "inconclusive",
        "runs.db > runs.rows differs between trials: trial 2 found the file that trial 1 had written, and wrote into it.",
    )
    assert result.advice.startswith("Run with --isolate: each trial then begins without the file.")


def test_a_file_that_only_the_first_trial_wrote_is_a_warning_since_the_others_found_it(judged):
    result = judged([saved("a.pt"), saved("cache.npz")], [saved("a.pt")])
    assert result.verdict == "repeated"
    assert result.warnings == ["not every trial wrote cache.npz: a later trial found what an earlier one wrote"]


def test_a_file_of_one_trial_only_in_its_own_folder_gives_no_answer(judged):
    result = judged([saved("{out}/a.pt"), saved("{out}/b.npz")], [saved("{out}/a.pt")])
    assert result.verdict == "inconclusive"
    assert "b.npz" in result.reason


def test_another_ending_is_another_file(judged):
    assert "b.npz was written in some trials only" in judged([saved("a.pt")], [saved("b.npz")]).reason


def test_a_named_file_is_meant_by_its_name(judged):
    result = judged([saved("a.pt", named=True)], [saved("b.pt", named=True)])
    assert result.divergence.kind == "structure"


@pytest.mark.parametrize(("digits", "verdict"), [(A, "repeated"), (B, "diverged")])
def test_a_named_file_in_a_folder_with_a_random_name_is_the_same_file(judged, digits, verdict):
    result = judged([saved("run-x7/m.pt", named=True)], [saved("run-qq/m.pt", digits, named=True)])
    assert (result.verdict, result.divergence and result.divergence.kind) == (verdict, "end" if digits == B else None)


def with_time(named, time, weight=A, *more):
    tensors = {"w": weight, "time": time, **dict.fromkeys(more, time)}
    shown = {name: "15" if time == A else "25" for name in ("time", *more)}
    return SavedFile(path="m.pt", named=named, format="torch", tensors=tensors, values=["time", *more], shown=shown)


def test_the_sentence_ends_where_no_file_differs_beside_the_one_that_is_named(judged):
    result = judged([saved("a.pt", A)], [saved("a.pt", B)])
    assert result.sentence.endswith("(end of a.pt).")


def test_a_time_beside_tensors_is_a_warning(judged):
    result = judged([with_time(False, A)], [with_time(False, B)])
    assert result.verdict == "repeated"
    assert result.warnings == ["m.pt differs between trials at time; this does not count (named like a time)"]


def test_many_such_parts_are_one_warning(judged):
    more = ("pid", "seconds", "port")
    result = judged([with_time(False, A, A, *more)], [with_time(False, B, A, *more)])
    assert result.warnings == [
        "m.pt differs between trials at time, pid, seconds and 1 more place; this does not count (named like a time, "
        "named like a process id and named like a duration)"
    ]


def test_a_long_place_in_a_file_is_shown_by_its_two_ends(judged):
    place = "callbacks.ModelCheckpoint{" + "'setting': None, " * 20 + "}.time"
    result = judged([with_time(False, A, A, place)], [with_time(False, B, A, place)])
    assert "callbacks.ModelCheckpoint{'setting': Non…" in result.warnings[0]
    assert "}.time; this does not count (named like a time)" in result.warnings[0]
    assert len(result.warnings[0]) < 200


def test_a_number_that_nobody_understands_gives_no_answer_with_its_place_and_both_values(judged):
    result = judged([with_time(False, A, A, "best_score")], [with_time(False, B, A, "best_score")])
    assert result.verdict == "inconclusive"
    assert result.reason == "m.pt > best_score differs between trials: 15 in trial 1, 25 in trial 2."
    assert "--artifact m.pt" in result.advice
    assert "--ignore m.pt" in result.advice


@pytest.mark.parametrize(
    ("path", "attribute", "verdict"),
    [("a.txt", "digest", "inconclusive"), ("a.bin", "digest", "inconclusive"), ("a.bin", "elapsed_time", "repeated")],
)
def test_an_extended_attribute_that_differs_is_judged_by_its_name_in_any_file(
    judged, tmp_path, path, attribute, verdict
):
    def written(number):
        file = tmp_path / path
        file.write_bytes(b"\0" if path == "a.bin" else b"x")
        try:
            os.setxattr(file, f"user.{attribute}", f"0.{number}".encode())
        except OSError:
            pytest.skip("the file system keeps no extended attributes")
        return fingerprint_file(file, False).model_copy(update={"path": path})

    result = judged([written(1)], [written(2)])
    assert result.verdict == verdict, result.reason
    assert any(f"xattr@user.{attribute}" in said for said in (result.reason or "", *result.warnings))


@pytest.mark.parametrize(
    ("modes", "verdict"),
    [((0o644, 0o644), "repeated"), ((0o644, 0o600), "inconclusive"), ((0o755, 0o711), "inconclusive")],
)
def test_the_permissions_of_a_file_are_compared(judged, tmp_path, modes, verdict):
    def written(mode):
        file = tmp_path / "a.txt"
        file.write_text("x")
        file.chmod(mode)
        return fingerprint_file(file, False).model_copy(update={"path": "a.txt"})

    result = judged(*([written(mode)] for mode in modes))
    assert result.verdict == verdict, result.reason
    assert (verdict == "repeated") == ("a.txt > its permissions" not in (result.reason or ""))


@pytest.mark.parametrize("is_old", [True, False])
def test_a_record_without_permissions_or_with_a_different_umask_is_compared(judged, tmp_path, monkeypatch, is_old):
    def written(umask):
        monkeypatch.setattr("samebits.store.artifacts._umask", lambda: umask)
        file = tmp_path / "a.txt"
        file.write_text("x")
        file.chmod(0o666 & ~umask)
        return fingerprint_file(file, False).model_copy(update={"path": "a.txt"})

    old = {"mode": None} if is_old else {}
    assert judged([written(0o022).model_copy(update=old)], [written(0o077)]).verdict == "repeated"


def test_an_ignored_file_does_not_count(judged, writing, tmp_path):
    def with_file(digits):
        def write(folder, number):
            writing.training()(folder, number)
            return {"files": FilesFile(files=[saved("runs/m.pt", digits)])}

        return write

    trials = [with_file(A), with_file(B)]
    assert writing.judged(tmp_path / "counted", trials).verdict == "diverged"
    assert writing.judged(tmp_path / "ignored", trials, options={"ignores": ["runs/*.pt"]}).verdict == "repeated"


def test_such_a_part_counts_in_a_named_file(judged):
    assert judged([with_time(True, A)], [with_time(True, B)]).divergence.name == "m.pt > time"


def test_a_tensor_beside_such_a_part_counts(judged):
    assert judged([with_time(False, A, A)], [with_time(False, B, B)]).divergence.name == "m.pt > w"


def test_a_pickle_tells_arrays_from_values(tmp_path):
    content = {"time": 1.5, "rng": random.Random(3).getstate(), "w": np.arange(3.0), "args": {"pid": 7}}
    (tmp_path / "m.pt").write_bytes(pickle.dumps(content, protocol=2))
    file = fingerprint_file(tmp_path / "m.pt", named=False)
    assert file.error is None
    assert {"time", "args.pid"} <= set(file.values)
    assert any(name.startswith("rng") for name in file.values)
    assert any(name.startswith("w") for name in file.tensors)
    assert not any(name.startswith("w") for name in file.values)


def test_text_in_an_archive_of_arrays_is_a_value(tmp_path):
    np.savez(tmp_path / "m.npz", w=np.arange(3.0), run=np.array("k3f"))
    file = fingerprint_file(tmp_path / "m.npz", named=False)
    assert (file.values, sorted(file.tensors)) == (["run"], ["run", "w"])


@pytest.mark.parametrize(
    ("only_in_one", "verdict"),
    [("z.txt", "repeated"), ("a.txt", "inconclusive"), ("z.pt", "inconclusive"), ("z.json", "inconclusive")],
)
def test_a_file_beyond_the_limit_of_a_trial_may_have_been_written_by_it(writing, tmp_path, only_in_one, verdict):
    def trial(names, found):
        def write(folder, number):
            writing.training()(folder, number)
            formats = {".pt": "torch", ".txt": "text", ".json": "json"}
            files = [
                SavedFile(path=name, named=False, format=formats[Path(name).suffix], tensors={"": A}) for name in names
            ]
            return {"files": FilesFile(files=files, found=found, apart=True)}

        return write

    result = writing.judged(tmp_path, [trial(["m.txt", "n.txt"], 9), trial(["m.txt", "n.txt", only_in_one], 9)])
    assert result.verdict == verdict, result.reason
    assert any("only 2 of 9 files" in warning for warning in result.warnings)


def test_the_times_that_catboost_notes_while_it_trains_are_no_result(judged, tmp_path):
    def written(number):
        (tmp_path / "time_left.tsv").write_text(f"iter\tPassed\tRemaining\n0\t{number}\t{number}7\n")
        return fingerprint_file(tmp_path / "time_left.tsv", False).model_copy(update={"path": "cb/time_left.tsv"})

    assert judged([written(1)], [written(2)]).verdict == "repeated"


@pytest.mark.parametrize(
    ("path", "one", "two", "verdict"),
    [("mlruns/0/1/tags/mlflow.runName", "bold-shrew-1", "sad-cat-9", "repeated"), ("best/duration", "3.5\n", "3.6\n", "repeated"),
     ("mlruns/0/1/tags/mlflow.note", "bold", "sad", "inconclusive"), ("out/best_run_name", "a", "b", "inconclusive"),
     ("mlruns/0/1/metrics/epoch_time", "1795716028123 3.5 0\n1795716029123 3.6 1\n",
      "1795716028124 3.7 0\n1795716029124 3.8 1\n", "repeated"),
     ("mlruns/0/1/metrics/acc", "1795716028123 0.5 0\n", "1795716028123 0.6 0\n", "inconclusive"),
     ("out/duration", "3.5\n0.25", "3.5\n0.26", "inconclusive"), ("out/duration", "trip 3.5", "trip 3.6", "inconclusive")],
)  # fmt: skip
def test_a_file_that_holds_one_value_is_understood_by_its_name(judged, tmp_path, path, one, two, verdict):
    files = []
    for number, text in enumerate((one, two)):
        (tmp_path / f"file{number}").write_text(text)
        read = fingerprint_file(tmp_path / f"file{number}", named=False, run=Run(span=(1795716000.0, 1795717000.0)))
        files.append([read.model_copy(update={"path": path})])
    assert judged(*files).verdict == verdict


def test_texts_outside_of_the_folders_are_a_caveat(writing, tmp_path):
    def trial(folder, number):
        writing.training()(folder, number)
        return {"files": FilesFile(elsewhere=["/data/a b.txt", "/data/c.csv"])}

    result = writing.judged(tmp_path, [trial, trial])
    assert result.verdict == "repeated"
    assert [text for text in result.warnings if text.startswith("'/data/a b.txt' and /data/c.csv were not compared")]


@pytest.mark.parametrize(
    ("path", "verdict"), [("core", "inconclusive"), ("acc.prof", "inconclusive"), ("out/core.1", "inconclusive"), ("a.nfs/.nfs01", "repeated")]
)  # fmt: skip
def test_a_text_with_the_name_of_a_dump_or_a_profile_is_compared(tmp_path, path, verdict):
    for name, texts, expected in (("text", (b"0.5", b"0.6"), verdict), ("dump", (b"\0\1", b"\0\2"), "repeated")):
        files = []
        for number, content in enumerate(texts):
            (tmp_path / f"{name}{number}").write_bytes(content)
            files.append(fingerprint_file(tmp_path / f"{name}{number}", named=False).model_copy(update={"path": path}))
        found = {difference.effect for difference in file_differences(*map(_wrote, files))}
        assert found == ({"unknown"} if expected == "inconclusive" else set())


def _wrote(file):
    return TrialTrace(TrialFile(id=1, status="complete", started="", seconds=1.0), FilesFile(files=[file]), [])


@pytest.mark.parametrize(("head", "verdict"), [("date", "repeated"), ("predicted_date", "inconclusive")])
def test_a_predicted_date_in_a_table_is_not_a_date_of_the_run(judged, tmp_path, head, verdict):
    files = []
    for month in (1, 2):
        (tmp_path / f"{month}.csv").write_text(f"item,{head}\na,2026-0{month}-01\n")
        read = fingerprint_file(tmp_path / f"{month}.csv", named=False)
        files.append([read.model_copy(update={"path": "a.csv"})])
    assert judged(*files).verdict == verdict


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [("out/acc_0.912345", "out/acc_0.812345", "inconclusive"), ("winner-cat", "winner-dog", "inconclusive"),
     ("correct-7123", "correct-7200", "inconclusive"), ("run_20261128_120001", "run_20261128_120009", "repeated"),
     ("run_3", "run_8", "repeated"), ("tmpabcdefgh", "tmpstuvwxyz", "repeated"), ("out/3f2a9c", "out/77b1d0", "repeated"),
     ("lightning_logs/version_0/checkpoints", "lightning_logs/version_1/checkpoints", "repeated"), ("out", "out", "repeated")],
)  # fmt: skip
def test_a_result_in_the_name_of_an_empty_folder_is_inconclusive(writing, tmp_path, one, two, verdict):
    assert judged_folders(writing, tmp_path, [one], [two]).verdict == verdict


def judged_folders(writing, tmp_path, *left, **options):
    """Return the result of equal trainings that left these empty folders. None: the record has none of them."""

    def trial(names):
        def write(folder, number):
            writing.training()(folder, number)
            return {"files": FilesFile(empty_folders=names)}

        return write

    return writing.judged(tmp_path, [trial(names) for names in left], **options)


def test_an_empty_folder_that_only_the_later_trial_made_is_named(writing, tmp_path):
    result = judged_folders(writing, tmp_path, [], ["converged"])
    assert result.verdict == "inconclusive"
    assert "converged is an empty folder after some trials only" in result.reason


@pytest.mark.parametrize(
    "left",
    [(["logs"], []), (None, ["converged"]), ([], ["tmpabcdefgh"])],
    ids=["the later trial found it", "a record of an earlier version", "a temporary folder"],
)
def test_an_empty_folder_of_one_trial_is_no_difference_if_the_other_one_may_have_it(writing, tmp_path, left):
    result = judged_folders(writing, tmp_path, *left)
    assert (result.verdict, result.warnings) == ("repeated", [])


LOCKS = [
    ("", "4711"),
    ("4711\nnode-1\n", "4999\nnode-1\n"),
    ("pid: 4711", "pid: 4999"),
    ('{"pid": 4711, "token": "3f2a9c3f2a9c3f2a"}', '{"pid": 4999, "token": "77b1d077b1d077b1"}'),
    ("held since 2026-11-28 12:00:01 by 4711", "held since 2026-11-28 12:00:09 by 4999"),
]


def judged_locks(judged, tmp_path, one, two, ending):
    files = []
    for text in (one, two):
        (tmp_path / f"best{ending}").write_bytes(text if isinstance(text, bytes) else text.encode())
        file = fingerprint_file(tmp_path / f"best{ending}", named=False)
        files.append(file.model_copy(update={"path": f"best{ending}"}))
    return judged(*([file] for file in files))


@pytest.mark.parametrize("ending", [".lock", ".lck", ".pid"])
@pytest.mark.parametrize(("one", "two"), LOCKS)
def test_the_owner_of_a_lock_is_no_result(judged, tmp_path, one, two, ending):
    result = judged_locks(judged, tmp_path, one, two, ending)
    assert (result.verdict, result.warnings) == ("repeated", [])


@pytest.mark.parametrize("ending", [".lock", ".lck", ".pid"])
@pytest.mark.parametrize(
    ("one", "two"),
    [("acc 0.912345", "acc 0.812345"), ("correct 91", "correct 90"), (b"\0\xff1", b"\0\xff2"), ("4711\nacc 1", "4711")],
)
def test_anything_else_in_a_lock_is_inconclusive_if_it_differs(judged, tmp_path, one, two, ending):
    result = judged_locks(judged, tmp_path, one, two, ending)
    assert (result.verdict, f"best{ending}" in result.reason) == ("inconclusive", True)
