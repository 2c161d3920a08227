"""What a difference between values that left a run means, by their names and their form."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.comparison.classification import classify, classify_lines
from samebits.comparison.files import file_differences
from samebits.model import FilesFile, SavedFile, TrialFile
from samebits.store.content import Parts, add_json
from samebits.store.masks import Run, masked, visible
from samebits.store.text_files import lines_of
from samebits.store.trace import TrialTrace

BEGAN = 1_795_716_028.0
NUMBERS = st.floats(0, 1e6).map(lambda value: f"{value:.6f}")
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)


def parts(value, span=(BEGAN, BEGAN + 100)):
    found = Parts(Run(span=span))
    add_json(found, "", value)
    return found


@pytest.mark.parametrize(
    "name",
    ["seconds", "history.npz > seconds", "train_runtime", "date_saved", "run.start_time", "cv.mean_fit_time",
     "startTime", "train_samples_per_second", "elapsed_ms", "max_rss", "rss_mb", "throughput", "SPS", "ram_gb", "Time [s]", "epoch time (ms)", "time/iter", "timing.fwd", "logs.12.wall_time",
     "log.csv > row 1.samples/s", "row 3.ms/step", "it/s", "time.train", "step 3.time/epoch", "throughput.val"],
)  # fmt: skip
def test_a_number_whose_name_says_time_rate_or_memory_is_understood(name):
    assert classify(name, 1.5, 2.5).effect == "understood"


@pytest.mark.parametrize(
    "name",
    ["loss", "accuracy", "time_embed.weight", "timestep", "best_epoch", "seed", "time_step", "update", "mask", "lifetime_value_pred",
     "best_model_path", "n_estimators", "sentiment", "dateline_score", "",
     "rss", "train_rss", "created_at", "converged_at", "stopped_at", "f1_at",
     "time.mean", "time.step", "loss.train", "time_step.train", "time.epochs", "training_time.epochs"],
)  # fmt: skip
def test_a_number_whose_name_says_nothing_of_a_run_is_unknown(name):
    assert classify(name, 1.5, 2.5).effect == "unknown"


@pytest.mark.parametrize("name", ["pid", "process_id", "master_port"])
def test_process_ids_and_ports_are_understood(name):
    assert classify(name, 4242, 4711).effect == "understood"


@pytest.mark.parametrize(
    "name", ["hostname", "run_id", "git_commit", "output_dir", "wandb.run.name", "mlflow.runName", "runs.name"]
)
def test_text_whose_name_says_host_run_or_folder_is_understood(name):
    assert classify(name, "one", "two").effect == "understood"


def test_a_part_of_a_model_counts_whatever_its_name_is():
    assert classify("model.time", 1.0, 2.0, model=True).effect == "counts"


def test_how_long_the_fits_of_a_model_took_is_no_part_of_it():
    for name in ("search.joblib > refit_time_", "search.joblib > cv_results_.mean_score_time", "m.pkl > fit_seconds_"):
        assert classify(name, 0.5, 0.25, model=True).effect == "understood"
    assert classify("cv_results_.mean_test_score", model=True, nonnegative=True).effect == "counts"
    assert classify("cv_results_.std_fit_time", model=True, nonnegative=True).effect == "understood"
    for name in (
        "train_score_",
        "mean_time_",
        "elapsed",
        "score_decay_time",
        "fit_time_weight",
        "train.total",
        "time_score_",
        "coef_.train_time",
    ):
        assert classify(f"m.pkl > {name}", 0.5, 0.25, model=True).effect == "counts", name


def test_a_negative_time_is_not_understood():
    assert classify("seconds", -1.0, 2.0).effect == "unknown"


def test_an_array_of_times_is_understood_only_if_none_of_its_values_is_negative():
    assert classify("seconds", nonnegative=True).effect == "understood"
    assert classify("seconds").effect == "unknown"


@pytest.mark.parametrize("name", ["pid", "port", "path", "host", "ip", "run.id", "rss"])
def test_an_array_is_no_path_process_id_or_host_whatever_its_name_says(name):
    assert classify(name, nonnegative=True).effect == "unknown"


def test_texts_that_differ_in_a_date_only_are_understood_by_their_form():
    found = classify("note", "made on 2026-11-26 16:15:49", "made on 2026-11-27 08:00:01")
    assert (found.effect, found.reason) == ("understood", "written like a date")


def test_the_name_of_the_best_checkpoint_is_no_path_like_others():
    assert classify("best_model_checkpoint", "out/checkpoint-4", "out/checkpoint-8").effect == "unknown"


SAME_ONCE_MASKED = [
    ("epoch 1 loss 0.5 took 3.2s", "epoch 1 loss 0.5 took 4.1s"),
    ("took 12.25 in process 4242", "took 99.1 in process 17"),
    ("2026-11-26 16:20:11.123456: I tensorflow/core: x", "2026-11-27 06:00:00.000001: I tensorflow/core: x"),
    ("I1126 16:20:11.123456 140234 file.cc:12] x", "I1127 06:20:11.123456 1234 file.cc:12] x"),
    ("{'train_runtime': 1.2, 'train_steps_per_second': 3.3, 'loss': 0.6}",
     "{'train_runtime': 9.2, 'train_steps_per_second': 1.3, 'loss': 0.6}"),
    ("32/32 - 2s - 50ms/step - loss: 0.5", "32/32 - 1s - 40ms/step - loss: 0.5"),
    ("step 5: loss 0.1 (12.3 ms/batch, 100 tokens/s)", "step 5: loss 0.1 (9.1 ms/batch, 140 tokens/s)"),
    ("saved to /tmp/abc/model.pt", "saved to /tmp/xyzw/model.pt"),
    ("<object at 0x7f0123456700>", "<object at 0x7f9923456700>"),
    ("Time per epoch: 3.22", "Time per epoch: 4.01"),
    ("listening on http://worker-1:34567", "listening on http://worker-1:41234"),
    ("wandb: Syncing run mild-lake-29", "wandb: Syncing run brisk-sun-48"),
    ("wandb: View run calm-sun-3 at: https://wandb.ai/me/p/runs/2c3e3bc4",
     "wandb: View run mild-sun-4 at: https://wandb.ai/me/p/runs/f90f66a1"),
    ("2026-11-26 16:20:11,123 14575 INFO loss 0.5", "2026-11-26 16:21:59,007 982 INFO loss 0.5"),
    ("[worker 14183] sample 3", "[worker 14575] sample 3"), ("   505 MainThread loss 0.5", "  1505 MainThread loss 0.5"),
    ("I20261126 16:20:11.123456  4711 train.cc:12] x", "I20261127 16:20:11.123456 14711 train.cc:12] x"),
    ("2026-11-26 16:20:11 CEST loss 0.5", "2026-11-26 16:21:11 CET loss 0.5"),
    ("GPU 0 | CPU 10.1%", "GPU 0 | CPU 85.0%"),
    ("mem 679 MB", "mem 718 MB"), ("Peak memory: 19579 kB", "Peak memory: 20618 kB"),
    ("load (13.8, 15.5, 14.1)", "load (0.5, 0.25, 0.75)"),
    ("2026-11-26 16:20:11 [MainThread:19579] loss 0.5", "2026-11-26 16:21:11 [MainThread:20618] loss 0.5"),
    ("load average: 0.5, 1.25, 3.0", "load average: 0.75, 1.5, 3.25"),
    # columns that are aligned with spaces
    ("Epoch 0: 100%|##########| 150/150 [00:08<00:00, 17.31it/s, v_num=1]",
     "Epoch 0: 100%|##########| 150/150 [00:16<00:00,  9.31it/s, v_num=2]"),
    ("loss 0.5 time:  9.3s (avg  8.12s)", "loss 0.5 time:112.3s (avg 10.12s)"),
    ("time/step=  9.3000", "time/step=112.3000"), ("GPU mem     8.2MB", "GPU mem 12345.5MB"),
    ("[  9.3s] loss 0.5", "[112.3s] loss 0.5"), ("| 9.3s   | 0.5 |", "| 112.3s | 0.5 |"),
    ("XLA service 0x5bd4c80 initialized", "XLA service 0x4bd4c80 initialized"), ("ptr=0x1a2b3c", "ptr=0x1a2b3d"),
    ("run id: 5d41402abc4b4a76a9719d911017c592", "run id: 6d41402abc4b4a76a9719d911017c592"),
    ("saved to /tmp/tmpab0_12cd/m.pt", "saved to /tmp/tmpab0_12ce/m.pt"),
    ("2026-11-28 12:00:01,269,269 root acc 0.5", "2026-11-28 12:00:02,007,7 root acc 0.5"),
    ("data_time: 0.1  memory: 746  loss: 0.5", "data_time: 0.2  memory: 747  loss: 0.5"), ("gb_free=12.5", "gb_free=13.5"),
    ("MemAllocated=0.5GB, MaxMemAllocated=0.6GB", "MemAllocated=0.7GB, MaxMemAllocated=0.8GB"),
    ("gpu_util 19%", "gpu_util 34%"), ("5: 19.4 usec per loop", "5: 34.1 usec per loop"),
    ("utilization of the GPU: 34", "utilization of the GPU: 35"),
    ("│ time  │ 0.37 │", "│ time  │ 0.23 │"),
    ("hash table at 0x7f0123456700", "hash table at 0x7f9923456700"), ("0x7f0123456700", "0x7f9923456700"),
    ("elapsed 3.2 steps 100", "elapsed 4.2 steps 100"),
    ("started 2026-11-28_10-53-07 and 3 March 2026 10:53", "started 2026-11-28_10-54-09 and 28 Nov 2026 04:01"),
    ("took 12 seconds in all", "took 13 seconds in all"), ("done 2026.11.28 10.53.07", "done 2026.11.28 10.54.09"),
    ("Memory usage: 12.3%", "Memory usage: 12.9%"), ("RAM used: 3.2 GiB", "RAM used: 3.3 GiB"), ("MEM 45.6%", "MEM 45.7%"),
    ("allocated 123.4 MiB", "allocated 125 MiB"), ("1.2k steps/s", "1.3k steps/s"), ("SPS: 1234", "SPS: 1300"),
    ("uptime 12.3", "uptime 13.3"), ("elapsed_ms 123 loss 0.5", "elapsed_ms 125 loss 0.5"), ("iter_time 0.3", "iter_time 0.4"),
    ("log dir runs/Nov28_12-00-01_host", "log dir runs/Nov28_12-05-01_host"),
    ("outputs/2026-11-28/12-00-01/x", "outputs/2026-11-28/12-04-01/x"), ("2026_11_28_12_00_01", "2026_11_28_12_03_01"),
    ("Loss: 0.5 (0.5)  Time: 0.2s,  320.1/s  (0.2s,  320.1/s)  LR: 1e-3  Data: 0.1 (0.1)",
     "Loss: 0.5 (0.5)  Time: 0.3s,  340.1/s  (0.3s,  340.1/s)  LR: 1e-3  Data: 0.2 (0.2)"),
    ("{'r': 50.0, 'l': 50, 't': 0.393751}", "{'r': 50.0, 'l': 50, 't': 0.279182}"),
    ("{'r': np.float64(50.0), 'l': 50, 't': np.float64(0.39)}", "{'r': np.float64(50.0), 'l': 50, 't': np.float64(0.27)}"),
    ("|    fps             | 1234       |", "|    fps             | 987        |"),
    ("|    time_elapsed    | 1          |", "|    time_elapsed    | 2          |"),
    ("saved outputs/28-11-2026_12-00-01/m.pt", "saved outputs/28-11-2026_12-00-31/m.pt"),
    ("run 28_11_2026_12_00_01", "run 28_11_2026_12_00_31"), ("[00:12] loss 0.5", "[00:13] loss 0.5"), ("ETA: 0.1h", "ETA: 0.2h"),
    ("Current usage: 12.3MB; Peak: 13.3MB", "Current usage: 12.9MB; Peak: 13.9MB"),
    ("mean time 12.3 ms, std 0.2 ms", "mean time 12.5 ms, std 0.1 ms"),
    ("\tMaximum resident set size (kbytes): 12345", "\tMaximum resident set size (kbytes): 12399"),
    ("Elapsed (wall clock) time (h:mm:ss or m:ss): 0:12.34", "Elapsed (wall clock) time (h:mm:ss or m:ss): 1:02:14"),
    ("Minor (reclaiming a frame) page faults: 12", "Minor (reclaiming a frame) page faults: 13"),
    ("1.20user 0.31system 0:01.52elapsed 99%CPU (0avgtext+0avgdata 1234maxresident)k",
     "1.25user 0.33system 0:01.55elapsed 98%CPU (0avgtext+0avgdata 1334maxresident)k"),
    ("0inputs+8outputs (0major+123minor)pagefaults 0swaps", "8inputs+8outputs (1major+125minor)pagefaults 0swaps"),
    ("sweep c2b51358a9894472b2959d59c44d5804 done", "sweep a0771a3d784d4bc185f9eff8a87f7a68 done"),
    ("run 123e4567-e89b-12d3-a456-426614174000", "run 00000000-e89b-12d3-a456-426614174000"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), SAME_ONCE_MASKED)
def test_lines_that_differ_in_times_rates_dates_paths_addresses_and_ids_are_equal_once_masked(a, b):
    assert masked(a) == masked(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("accuracy 0.9912", "accuracy 0.9913"),
        ("Test set: Average loss: 0.0262, Accuracy: 9912/10000 (99%)",
         "Test set: Average loss: 0.0262, Accuracy: 9913/10000 (99%)"),
        ("epoch 3, loss: 1e-3", "epoch 3, loss: 2e-3"),
        ("weights 9f3c21ab77aa", "weights 9f3c21ab77ab"),
        ("best step: 400", "best step: 500"),
        ("weights crc32: 0x1a2b3c4d", "weights crc32: 0x1a2b3c4e"),
        ("checksum of the weights = 0x1a2b3c4d", "checksum of the weights = 0x1a2b3c4e"),
        ("2026-11-28 12:00:01,269,91 acc", "2026-11-28 12:00:01,269,92 acc"),
        ("predicted date: 2026-01-01", "predicted date: 2026-02-01"),
        ("Forecast for a = 01/02/2026", "Forecast for a = 01/03/2026"),
        ("0x1a2b3c4d", "0x1a2b3c4e"), ("state 0x1a2b3c4d", "state 0x1a2b3c4e"), ("w=0x3f1a2b3c", "w=0x3f1a2b3d"),
        ("model 5d41402abc4b4a76a9719d911017c592", "model 5d41402abc4b4a76a9719d911017c593"),
        ("5d41402abc4b4a76a9719d911017c592  model.pt", "5d41402abc4b4a76a9719d911017c593  model.pt"),
        ("run 3 md5 5d41402abc4b4a76a9719d911017c592", "run 3 md5 5d41402abc4b4a76a9719d911017c593"),
        ("saved to /tmp/model-0.8123.txt", "saved to /tmp/model-0.8124.txt"), ("/tmp/x/acc=91/a", "/tmp/x/acc=92/a"),
        ("md5 c2b51358a9894472b2959d59c44d5804", "md5 a0771a3d784d4bc185f9eff8a87f7a68"),
        ("weights c2b51358a98954720b2959d59c44d580", "weights a0771a3d784d5bc105f9eff8a87f7a68"),
        ("[1.5, 2.5]", "[1.5, 2.6]"),
        ("time step: 5", "time step: 6"),
        ("reward after 100 steps -3.2", "reward after 100 steps -3.3"),
        ("min 3 max 5", "min 4 max 5"),
        ("in 0.25", "in 0.26"),
        ("worker 1: loss 0.5", "worker 2: loss 0.5"),
        ("2026-11-26 16:20:11 100 examples right", "2026-11-26 16:20:11 101 examples right"),
        ("wandb: Run summary: acc 0.91", "wandb: Run summary: acc 0.92"),
        ("2026-11-28 12:00:01 PASS", "2026-11-28 12:00:01 FAIL"),
        ("2026-11-28 0.41", "2026-11-28 0.42"), ("layers 6 Decoder 2018 params", "layers 6 Decoder 2028 params"),
        ("fold 3 augmented 1214", "fold 3 augmented 1224"), ("theta: 1:20", "theta: 1:30"),
        ("took 12 nodes", "took 13 nodes"), ("took 3 guesses in all", "took 4 guesses in all"),
    ],
)  # fmt: skip
def test_lines_that_differ_in_what_a_training_computes_stay_different(a, b):
    assert masked(a) != masked(b)


DURATIONS = [
    "done in {}", "Training finished in {} with loss 0.5", "Epoch 3 done in {}: loss 0.5", "finished after {}", "took {} s, loss 0.5",
    "time taken {}", "Time taken for epoch 3: {}", "Time per step {}", "epoch time: {} (avg {})", "build time ..... {}",
    "fit_time {} score_time {}", "epoch 3 finished, {} elapsed", "{} sec elapsed", "2 hours 3 minutes {} seconds",
    "| 200/2983 batches | lr 20.00 | ms/batch  {} | loss  7.63", "epoch 1 loss 0.5 samples/s {}", "loss 0.43 seconds {}",
    "Epoch: [0][ 0/50]\tTime  {} ( {})\tData  {} ( {})\tLoss 7.0e+00 (7.0e+00)", "epoch=1 secs={} loss=0.5",
    "train: {}s val: {}s", "test error computed in {} s", "Val accuracy: 0.93 ({}s)", "eta_seconds: {}", "loss 0.4 in {} s",
    "iter 10: loss 3.2, time {}ms, mfu {}%", "loss=3.2, wps={}, ups={}", "took {}s, {} effective words/s", "throughput {}",
]  # fmt: skip


@given(st.sampled_from(DURATIONS), NUMBERS, NUMBERS)
def test_lines_of_everyday_logs_that_differ_in_durations_only_are_equal_once_masked(line, a, b):
    assert masked(line.replace("{}", a)) == masked(line.replace("{}", b))


RESULTS = [
    "mean {} min 0.1001 max 0.9", "mean: {} min: 0.1", "mean={} min=0.1", "loss {} seconds 12.5", "acc {} ms 12.3", "acc {} it/s 3.1",
    "epoch 1 loss {} samples/s 100.5", "loss {} s 12.3", "took 5 seconds {}", "took 5 seconds: {}", "1234.5 samples/s {}", "3.2s {}",
    "Training finished: {}", "updated: {}", "bandwidth: {}", "time of best accuracy: {}", "time to beat: loss {}", "port {}",
    "memory {}", "load {}", "load {}, {}", "MainThread {}", "done in 3.25 {}", "done in 3 epochs: {}", "done, loss {}", "best in {}", "the first time {}", "elapsed 3.2 {}",
    "Time 3.1 (3.1) Loss {} ({})", "Data {} (0.5)", "epoch time: 3.2 (acc {})", "loss {} ms/batch 5.67", "converged in {}",
    "RMSE {} s", "Mean absolute error: {} minutes", "MAE = {} ms", "RMSE (test) {} s", "predicted trip duration: {} s",
    "took {} episodes to solve", "taken {} steps", "median survival time {} months", "remaining useful life {} hours",
    "time to failure: {} h", "onset {} s", "membrane time constant {} ms", "error of {} minutes on the test set", "trip duration: {}", "predicted time {}", "duration_rmse={}", "val loss {} s",
    "MS-SSIM: {}", "ms_ssim={}", "wall_hits: {}", "tic_tac_toe_wins: {}", "codebook_utilization: {}", "duration_kl: {}",
    "time to goal: {}", "hitting_time {}", "mean first passage time: {}", "coef[duration] = {}", "w['time']: {}",
    "|    ep_len_mean     | {}       |", "| loss | {} |", "RMSE 3.2 s, std {} s", "[score] {}", "h 12:{}",
    "{'r': {}, 'l': 50, 't': 0.39}", "mAP {} FPS 30.1", "PSNR {} FPS 30", "PSNR: {} FPS: 30", "SSIM={} FPS=30", "RSS: {}", "residual sum of squares (RSS) = {}",
    "importance duration: {}", "codebook utilization: {}", "mean expert utilization = {}", "median time to event: {}", "slope of time: {}", "half-life {} min", "FLOPs: {} G", "utilization of codebook: {}", "{} seconds predicted", "signal frequency {} ms",
]  # fmt: skip


@given(st.sampled_from(RESULTS), NUMBERS, NUMBERS)
def test_a_unit_or_a_time_beside_a_result_never_masks_it(line, a, b):
    assert (masked(line.replace("{}", a)) == masked(line.replace("{}", b))) == (a == b)


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [("updated", 820, 614), ("stopped_at", "layer 3", "layer 4"), ("rss", 12.5, 13.5), ("bandwidth", 0.5, 0.6), ("branch", 56, 89), ("eta", 0.5, 0.6), ("dt", 0.1, 0.2), ("user", "u13", "u41"),
     ("filename", "img_62.png", "img_28.png"), ("time_to_event", 0.5, 1.5), ("finished", 0.5, 0.6),
     ("duration_rmse", 3.2, 3.3), ("predicted_time", 540.0, 541.0), ("submission.csv > row 7.trip_duration", 540.0, 541.0),
     ("best_run_id", 3, 5), ("winner_run_name", "a", "b"), ("saved_path", "out/acc=0.81.pt", "out/acc=0.82.pt"), ("weights_crc", "0x1a2b3c4d", "0x1a2b3c4e"),
     ("time_to_converge_epochs", 12, 13), ("n_times_improved", 3, 4), ("times_seen", 3, 4), ("audio_seconds", 3.2, 3.3), ("wall_distance", 0.1, 0.2),
     ("simulated_seconds", 3.2, 3.3), ("sim_time", 3.2, 3.3), ("loss_per_second", 0.1, 0.2), ("err_per_sec", 0.1, 0.2), ("time_horizon", 8, 9),
     ("reaction_time", 0.3, 0.4), ("real_time_factor", 0.3, 0.4), ("lap_time", 80.1, 80.2), ("age_seconds", 1.0, 2.0),
     ("ms_ssim", 0.9, 0.91), ("expert_utilization", 0.4, 0.5), ("duration_l1", 0.1, 0.2), ("reward_per_second", 0.1, 0.2),
     ("coef.w_time", 0.1, 0.2), ("coef.duration", 0.1, 0.2), ("feature_importances.hours", 0.1, 0.2), ("pid", 0.5, 0.75), ("predicted_date", "2026-01-02", "2026-01-03"), ("snr", "11.2 s", "12.2 s")],
)  # fmt: skip
def test_a_result_whose_name_resembles_that_of_a_time_a_path_or_a_run_is_unknown(name, a, b):
    assert classify(name, a, b).effect == "unknown"


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [("updated", BEGAN, BEGAN + 9.0), ("created_at", BEGAN, BEGAN + 9.0), ("created_at", "2026-11-28 12:00:01", "2026-11-28 12:00:05"),
     ("saved_at", "12:00:01", "12:00:05"), ("rss", 4096, 8192), ("branch", "main", "fix"), ("score_time", 0.5, 0.6), ("step_time", 0.1, 0.2),
     ("filename", "/data/a.png", "/data/b.png"), ("recall_time", 0.1, 0.2), ("time_per_step", 0.1, 0.2), ("fit.ms_per_token", 0.1, 0.2), ("gpu_utilization", 41, 42), ("utilization", 41, 42)],
)  # fmt: skip
def test_a_time_a_path_or_the_state_of_the_code_is_understood_by_its_name(name, a, b):
    assert classify(name, a, b).effect == "understood"


@given(st.floats(0, 100), st.sampled_from((1, 10**3, 10**9)))
def test_a_number_in_a_file_that_is_a_moment_of_the_run_is_a_time_by_any_name(after, unit):
    moment = (BEGAN + after) * unit
    assert masked(f"exp_{moment:.0f}/m.pt", [(BEGAN - 1, BEGAN + 101)]) == "exp_<time>/m.pt"
    found = parts({"start": moment, "all": [0.5, moment], "loss": 0.5}, span=(BEGAN, BEGAN + 100))
    assert found.tensors == parts({"start": BEGAN * unit, "all": [0.5, BEGAN * unit], "loss": 0.5}).tensors


@pytest.mark.parametrize(
    ("a", "b", "effect"),
    [("time: 3.2 acc: 0.91", "time: 3.2 acc: 0.92", "unknown"), ("time: <duration>, loss: 0.5", "time: <duration>, loss: 0.6", "unknown"),
     ("host: a | auc=0.5", "host: a | auc=0.6", "unknown"), ("duration: 3.2; 0.91 right", "duration: 3.2; 0.92 right", "unknown"),
     ("host: node-1", "host: node-2", "understood"), ("times: [0.1, 0.2]", "times: [0.1, 0.3]", "understood"),
     ("output_dir: /data/my runs/a", "output_dir: /data/my runs/b", "understood"), ("run_id: abc", "run_id: abd", "understood")],
)  # fmt: skip
def test_a_line_is_understood_by_its_first_name_only_if_it_says_nothing_more(a, b, effect):
    assert classify_lines(a, b).effect == effect


def test_a_number_in_a_file_that_is_no_moment_of_the_run_is_a_number():
    for value in (BEGAN - 1.0, BEGAN + 200.0, 0.5, float("inf"), 10**400, True):
        assert parts({"start": value}).masked == {}


@given(NUMBERS, NUMBERS)
def test_no_mask_hides_a_metric(a, b):
    for name in ("accuracy", "loss", "val_auc", "F1", "perplexity", "score"):
        assert (masked(f"epoch 3 {name}: {a} time: 3.5s") == masked(f"epoch 3 {name}: {b} time: 9.5s")) == (a == b)


@given(st.text(max_size=200))
def test_no_text_makes_the_masks_fail(text):
    assert isinstance(masked(masked(text)) + visible(text), str)


@given(st.text(max_size=200) | st.sampled_from(("SEC", "time", "run/pid", "loss", "created_at")), VALUES, VALUES)
def test_each_difference_has_one_class_and_a_reason_unless_it_is_unknown(name, a, b):
    found = classify(name, a, b)
    assert found.effect in ("understood", "unknown")  # only parts of a model count
    assert bool(found.reason) == (found.effect == "understood")
    assert found == classify(name, b, a)


@given(st.text("abcdefghijklmnopqrstuvwxyz. ", max_size=20))
def test_a_word_is_no_duration_whatever_its_name_says(word):
    assert classify("sec", word, word).effect == "unknown"


def test_a_moment_of_the_run_is_a_time_and_a_number_of_ten_digits_is_none():
    spans = [(1_790_000_000, 1_790_000_100)]
    assert masked("at 1790000050.25", spans) == "at <time>"
    assert masked("seed 1690000050", spans) == "seed 1690000050"


def test_the_prefix_of_a_log_line_is_masked_though_its_time_is_a_moment_of_the_run():
    spans = [(1_790_000_000, 1_790_000_100)]
    lines = [f"I0000 00:00:17900000{n}.123456   {n}491 port.cc:153] oneDNN is on" for n in (11, 22)]
    assert masked(lines[0], spans) == masked(lines[1], spans)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-28 12:00:01,123 - train - INFO - {} - loss 0.5", "2026-11-28 12:00:01 [{}] loss 0.5", "INFO:{}:train:loss 0.5",
        "2026-11-28 12:00:01,123 INFO [{}] train.py:12 loss 0.5", "12:00:01 INFO ({}) loss 0.5", "{} loss 0.5",
        "2026-11-28 12:00:01,123 Process-1:{} INFO loss 0.5", "Nov 28 12:00:01 host train[{}]: loss 0.5",
        "2026-11-28 12:00:01 INFO {:>7} train loss 0.5",
    ],
)  # fmt: skip
def test_a_process_id_of_the_trial_is_masked_in_any_field_of_a_log(line):
    one, two = (lines_of(line.format(pid), Run(pids=(pid,))) for pid in (471, 24711))
    assert one.ordered == two.ordered
    assert one.raw != two.raw
    assert lines_of(line.format(471), Run(pids=(472,))).ordered != one.ordered


def test_a_number_that_only_happens_to_be_the_process_id_is_compared():
    text = "\n".join(f"step {number} loss 0.5" for number in range(4700, 4720))
    assert lines_of(text, Run(pids=(4711,))).ordered == lines_of(text, Run(pids=(4712,))).ordered
    for other in ("471.1", "4711.5", "4711/9000", "x4711", "17", "seed: 4711", "best step 4711"):
        assert "<pid>" not in lines_of(other, Run(pids=(471, 4711, 17))).kept[0]


def test_a_line_is_searched_once_for_any_number_of_process_ids():
    pids = tuple(range(2 * 10**6, 2 * 10**6 + 20_000))
    lines = [" ".join(str(number) for number in range(begin, begin + 40)) for begin in range(10**6, 10**6 + 500)]
    assert Run(pids=pids).without_pids(lines) == lines
    assert Run(pids=pids).without_pids([f"{pid} loss" for pid in pids[-2:]]) == ["<pid> loss"] * 2


CPROFILE = """       7 function calls in {0} seconds

   Ordered by: standard name

   ncalls  tottime  percall  cumtime  percall filename:lineno(function)
        {1}    0.0{0}    0.000    0.0{0}    0.052 train.py:8(step)
        1    0.000    0.000    0.052    0.052 train.py:5(fit)


loss {2}"""
PYTORCH = """---------------  ------------  ------------
            Name    Self CPU %      Self CPU
---------------  ------------  ------------
        aten::mm        96.1{0}%     328.530ms
      aten::copy{1}         2.42%       8.273ms
---------------  ------------  ------------
Self CPU time total: 341.70{0}ms

loss {2}"""
LIGHTNING = """FIT Profiler Report

-----------------------------
|  Action\t|  Mean duration (s)\t|  Num calls\t|
-----------------------------
|  Total\t|  -\t|  153\t|
-----------------------------
|  step\t|  0.{0}\t|  {1}\t|
-----------------------------

loss {2}"""


HEAD = "----  ------------  ------------  ------------\n   Name    Self CPU %      Self CPU    # of Calls  \n----  ------------  ------------  ------------\n"
FOOT = "----  ------------  ------------  ------------\nSelf CPU time total: {0}us\n"


def operators(*rows):
    """Return a table of PyTorch's profiler. A row: (name, share of time, number of calls)."""
    said = (f"  {name}        {share:.2f}%       {share}us             {calls}  \n" for name, share, calls in rows)
    return HEAD + "".join(said) + FOOT.format(len(rows))


MM, ADD, COPY = ("aten::mm", 60.0, 3), ("aten::add", 39.99, 7), ("aten::copy_", 0.01, 1)
RUNTIME = ("cudaEventQuery", 0.0, 5)


@pytest.mark.parametrize(
    ("one", "two", "effects"),
    [
        ((MM, ADD), (("aten::add", 55.0, 7), ("aten::mm", 45.0, 3)), set()),
        ((MM, ADD), (MM, ("aten::add", 40.0, 8)), {"unknown"}),
        ((MM, ADD), (MM, ADD, COPY), {"unknown"}),
        ((MM, ADD, RUNTIME), (MM, ADD, (*RUNTIME[:2], 9)), set()),
        ((MM, ("aten::add", 20.0, 7)), (MM, ("aten::sub", 21.0, 2)), set()),
        ((MM, ("aten::add", 20.0, 7)), (MM, ("aten::add", 21.0, 8)), {"unknown"}),
        ((MM, ("aten::add", 20.0, 7)), (("aten::add", 70.0, 7), ("aten::mm", 5.0, 4)), {"unknown"}),
    ],
    ids=["times", "calls", "operators", "calls of a driver", "other rows of a part", "calls in a part", "in any order"],
)
@pytest.mark.parametrize("printed", [True, False])
def test_the_numbers_of_calls_in_a_table_of_pytorch_s_profiler_are_compared(one, two, effects, printed):
    trials = []
    for rows in (one, two):
        lines = lines_of(operators(*rows), Run(), is_printed=printed)
        file = SavedFile(path="stdout" if printed else "p.txt", named=False, format="text", tensors={"": lines.ordered},
                         values=[""], lines=lines)  # fmt: skip
        files = FilesFile(printed=[file]) if printed else FilesFile(files=[file])
        trials.append(TrialTrace(TrialFile(id=len(trials) + 1, status="complete", started="", seconds=1.0), files, []))
    assert {one.effect for one in file_differences(*trials)} - {"understood"} == effects


@pytest.mark.parametrize("place", ["signals.py:68(run)", "/tmp/record/probe/samebits_probe/pause.py:24(wait)"])
def test_calls_are_no_result_if_the_profiler_has_counted_those_of_the_probe(place):
    def lines(total, calls, loss, place=place):
        table = CPROFILE.replace("train.py:5(fit)", place).format(1, calls, loss)
        return lines_of(table.replace("7 function", f"{total} function"), Run(), is_printed=True).ordered

    assert lines(7, 2, 0.5) == lines(8, 3, 0.5)
    assert lines(7, 2, 0.5) != lines(7, 2, 0.6)
    assert lines(7, 2, 0.5, "own/signals.py:68(run)") != lines(8, 2, 0.5, "own/signals.py:68(run)")


@pytest.mark.parametrize("table", [CPROFILE, PYTORCH, LIGHTNING])
def test_the_tables_of_profilers_are_no_result_and_what_follows_them_is(table):
    def lines(*values):
        return lines_of(table.format(*values), Run(), is_printed=True).ordered

    assert lines(1, 2, 0.5) == lines(3, 2, 0.5)
    assert lines(1, 2, 0.5) != lines(1, 2, 0.6)
    # a table of PyTorch holds the slowest operators only
    assert (lines(1, 2, 0.5) == lines(1, 4, 0.5)) == (table is PYTORCH)


def test_the_rows_of_a_profile_are_compared_in_any_order_unless_only_the_slowest_are_shown():
    head, rows = (
        CPROFILE[: CPROFILE.index("        {1}")],
        ["1 0.1 0.1 0.1 0.1 a.py:1(f)", "2 0.2 0.1 0.2 0.1 a.py:2(g)"],
    )

    def lines(rows, note=""):
        text = "\n".join([head.replace("\n\n   ncalls", f"\n{note}\n   ncalls") + rows[0], *rows[1:]])
        return lines_of(text + "\n\n", Run(), is_printed=True).ordered

    reduced = "   List reduced from 9 to 2 due to restriction <2>\n"
    assert lines(rows) == lines(rows[::-1])
    assert lines(rows) != lines([rows[0], rows[0]])
    assert lines(rows, reduced) == lines([rows[0], rows[0]], reduced)


def test_the_times_that_a_shell_measures_are_no_result_and_the_score_of_real_data_is_one():
    def lines(text):
        return lines_of(text, Run(), is_printed=True).ordered

    assert lines("loss 0.5\nreal 1.23\nuser 1.00\nsys 0.10\n") == lines("loss 0.5\nreal 2.34\nuser 1.50\nsys 0.20\n")
    assert lines("real 0.53\nfake 0.47") != lines("real 0.54\nfake 0.47")


def test_a_progress_bar_is_what_it_shows_when_it_is_finished():
    line = "\r 10%|#   | 1/10 [00:00<00:01, 8.2it/s, loss=0.9]\r100%|####| 10/10 [00:01<00:00, 9.8it/s, loss=0.5]"
    assert masked(visible(line)) == "100%|####| 10/10 [<time>, <rate>, loss=0.5]"


@pytest.mark.parametrize("rate", ["2.65cell/s", "1.24s/cell", "9.8it/s", "1.2kcell/s", "3.1 img/s", "2.0/s"])
def test_the_rate_of_a_progress_bar_is_masked_whatever_it_counts(rate):
    line = f"Executing: 100%|####| 4/4 [00:02<00:00, {rate}, score=0.5]"
    assert masked(visible(line)) == "Executing: 100%|####| 4/4 [<time>, <rate>, score=0.5]"
    assert masked("[00:02<00:00, 0.53]") == "[<time>, 0.53]"


def test_what_a_kernel_says_when_it_is_interrupted_while_it_leaves_is_not_compared():
    bar = "\rExecuting: 100%|##########| 3/3 [00:01<00:00,  2.1cell/s]"
    assert visible(f"{bar}[IPKernelApp] ERROR | KeyboardInterrupt caught in kernel.") == visible(bar) != ""
    assert visible("[IPKernelApp] ERROR | KeyboardInterrupt caught in kernel.") == ""
    assert visible("[IPKernelApp] ERROR | Exception in message handler:") != ""


def test_what_follows_an_unfinished_bar_is_kept_without_it():
    assert visible("\r 50%|##  | 5/10 [00:00<00:00, 9it/s]a warning: 0.5") == "a warning: 0.5"


def test_the_prefix_of_a_line_of_tensorflow_belongs_to_one_run_whether_or_not_its_time_is_within_the_trial():
    line = "I0000 00:00:1795709845.392120   %d port.cc:153] oneDNN custom operations are on."
    for run in (Run(), Run(span=(1795709840.0, 1795709850.0))):
        assert run.masked(line % 18623) == run.masked(line % 9)


HOSTILE = ["1" * 20_000, "a." * 10_000, "a " * 10_000, "1:" * 10_000, "1," * 10_000, "a/" * 10_000, "-" * 20_000, "[" * 20_000, "1 s " * 6_000,
           "1 s: 1 " * 4_000, "done in " * 3_000, "time per step " * 2_000, "time 1 (1) " * 2_000,
           "a=" * 10_000, "1%|" * 5_000, "2026-01-" * 2_500, "1 1" * 7_000, "\x1b[" * 10_000]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_takes_long_to_mask(text):
    began = time.process_time()
    masked(visible(text), [(1e9, 2e9)])
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "name",
    ["date_f1", "times_correct", "times_won", "time_penalty", "seconds_survived", "ms_coco_ap", "ips_estimate", "sec_structure_q3",
     "first_hit_time", "settling_time", "correlation_time", "time_lag", "time_above_threshold", "clock_skew", "timestamps_matched"],
)  # fmt: skip
@pytest.mark.parametrize("values", [(0.41, 0.42), (12, 13)])
def test_a_measurement_whose_name_has_a_word_for_a_time_is_not_understood(name, values):
    assert classify(name, *values).effect == "unknown"


@pytest.mark.parametrize(
    "name", ["score_time", "mean_fit_time", "step_time", "time_per_epoch", "created_at", "correct_seconds"]
)
def test_the_time_that_a_measurement_took_is_understood(name):
    assert classify(name, 1.8e9, 1.8e9 + 1).effect == "understood"


@pytest.mark.parametrize(
    ("line", "one", "two"),
    [("chose /tmp/xyz/ckpt-{}", 300, 400), ("predicted speed {} steps/s", 12, 13), ("best run id: {}", 3, 4),
     ("simulated time {}", 1.5, 2.5), ("best time {}", 1.5, 2.5), ("error {} it/s", 3.5, 4.5)],
)  # fmt: skip
def test_a_result_in_a_printed_line_is_not_masked(line, one, two):
    assert masked(line.format(one)) != masked(line.format(two))


@pytest.mark.parametrize(
    "line", ["speed {} steps/s", "run id: {}", "epoch time {}", "saved /tmp/run_{}/a.pt", "mean speed: {} it/s"]
)
def test_a_rate_a_time_and_an_id_of_a_run_are_still_masked(line):
    assert masked(line.format(12)) == masked(line.format(13))


@pytest.mark.parametrize("measure", ["time", "duration", "latency", "runtime", "throughput", "memory_usage"])
@pytest.mark.parametrize(
    "metric", ["r2", "pearson", "spearmanr", "nll", "crps", "pinball", "cindex", "medae", "proba", "ndcg", "kappa"]
)
def test_a_metric_of_predicted_times_is_a_result_whatever_it_is_called(measure, metric):
    assert classify(f"metrics.json > {measure}_{metric}", 0.8123, 0.8151).effect == "unknown"
    assert masked(f"{measure}_{metric}=0.8123") != masked(f"{measure}_{metric}=0.8151")


@pytest.mark.parametrize(
    "name",
    ["time_total_s", "latency_p99_ms", "timestamp_utc", "datetime_start", "time_since_restore", "duration_fit_model",
     "throughput_img_s", "gpu_memory_allocated", "memory_used_gb", "time_first_step_ms", "elapsed_train_time"],
)  # fmt: skip
def test_a_word_that_says_what_was_timed_or_how_leaves_a_time_a_time(name):
    assert classify(f"metrics.json > {name}", 3.25, 4.5).effect == "understood"


@pytest.mark.parametrize("words", ["codebook utilization: ", "mean expert utilization = ", "median time to event: "])
def test_a_utilization_of_a_part_of_a_model_and_a_time_to_an_event_are_results(words):
    assert masked(words + "0.8123") != masked(words + "0.8151")
    assert masked("GPU utilization: 81") == masked("GPU utilization: 92")
