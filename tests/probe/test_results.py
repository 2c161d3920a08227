"""What leaves a run beside its steps: files of many kinds and printed lines, which count, are understood, or neither.

Every program here makes the same steps in every trial (see tests/samples/leaves_results.py).
"""

import pytest

from samebits.checks import run

REPEATED = {
    "arrays of equal losses, and seconds": (
        "import numpy; numpy.savez('history.npz', loss=[0.5, 0.25], seconds=[seconds(), seconds()])", ""),
    "an array of times, named by its file": (
        "import numpy; numpy.save('times.npy', [seconds(), seconds()])", ""),
    "JSON with a duration": (
        "json.dump({'acc': 0.5, 'train_runtime': seconds(), 'at': time.ctime()}, open('m.json', 'w'))", ""),
    "JSON that holds the trial's own folder": (
        "json.dump({'dir': out, 'cfg': ['--out=' + out]}, open(out + '/cfg.json', 'w'))", ""),
    "JSON lines with time stamps": (
        "[print(json.dumps({'step': n, 'ts': time.time(), 'loss': 0.5}), file=open('l.jsonl', 'a')) for n in range(3)]", ""),
    "a table with a column of times": (
        "open('log.csv', 'w').write('epoch,loss,time\\n' + ''.join(f'{n},0.5,{seconds()}\\n' for n in range(3)))", ""),
    "a pickle with a duration": (
        "import pickle; pickle.dump({'w': [1.0], 'elapsed': seconds()}, open('m.pkl', 'wb'))", ""),
    "a log that every trial adds to": (
        "print(time.strftime('%Y-%m-%d %H:%M:%S'), 'loss 0.5', file=open('log.txt', 'a'))", ""),
    "a log without times that every trial adds to": ("print('done, loss 0.5', file=open('log.txt', 'a'))", ""),
    "a table that the first trial begins and every trial adds to": (
        "new = not os.path.exists('r.csv'); f = open('r.csv', 'a'); new and f.write('loss,acc\\n'); f.write('0.5,0.25\\n')", ""),
    "a log with the process id in each line": (
        "import logging; logging.basicConfig(filename='t.log', level=20, format='%(asctime)s %(name)s %(levelname)s %(process)d %(message)s'); "
        "[logging.info('loss 0.5') for _ in range(3)]", "t.log"),
    "folders that count up": (
        "n = len(os.listdir('logs')) if os.path.isdir('logs') else 0; d = f'logs/version_{n}'; os.makedirs(d); "
        "json.dump({'log_dir': d, 'loss': 0.5}, open(d + '/h.json', 'w')); print('saved to', d, 'v_num=%d' % n)", ""),
    "a folder named by the date and the host": (
        "import socket; d = time.strftime('runs/%b%d_%H-%M-%S_') + socket.gethostname(); os.makedirs(d); "
        "open(d + '/note.txt', 'w').write('loss 0.5 in ' + d)", ""),
    "a file of a random name": ("open(f'm-{os.urandom(4).hex()}.txt', 'w').write('loss 0.5')", ""),
    "settings with a date and an id": (
        "import uuid; open('c.yaml', 'w').write(f'lr: 0.1\\nrun_id: {uuid.uuid4()}\\ndate: {time.ctime()}\\n')", "c.yaml"),
    "a database with times": (
        "import sqlite3; d = sqlite3.connect('r.db'); d.execute('drop table if exists m'); "
        "d.execute('create table m (loss real, start_time real)'); "
        "d.execute('insert into m values (0.5, ?)', [time.time()]); d.commit(); d.close()", "r.db"),
    "an archive of equal files": (
        "import zipfile; open('a.txt', 'w').write('x'); zipfile.ZipFile('a.zip', 'w').write('a.txt')", ""),
    "a gzip file": ("import gzip; gzip.open('a.txt.gz', 'w').write(b'x')", ""),
    "a drawing with a date and drawn names": (
        "open('f.svg', 'w').write(f'<dc:date>{time.strftime(\"%Y-%m-%dT%H:%M:%S\")}.{trial}</dc:date><a id=\"p{os.urandom(5).hex()}\"/>')", ""),
    "a notebook with times of execution": (
        "json.dump({'cells': [{'outputs': [{'text': ['loss 0.5\\n']}], 'metadata': {'papermill': "
        "{'duration': seconds(), 'start_time': time.time()}}}]}, open('n.ipynb', 'w'))", ""),
    "locks with the process id": ("[open(n, 'w').write(str(os.getpid())) for n in ('a.lock', 'server.pid')]", ""),
    "a cache that each trial fills": (
        "os.path.exists('cache.txt') or (print('filling the cache: 3.0'), open('cache.txt', 'w').write('x')); open('cache.txt')",
        ""),
    "a model of LightGBM whose metrics are a set": (
        "open('l.txt', 'w').write('tree\\nversion=v4\\nleaf=0.5\\n[metric: %s]\\n' % ('l1,l2' if trial == 1 else 'l2,l1'))", ""),
    "printed times, ids and addresses": (
        "print('took', seconds(), 'pid', os.getpid(), object(), time.ctime(), f'({seconds():.2f}s/it, {1 / seconds():.1f} it/s)')", ""),
    "printed lines in a different order": (
        "import random; lines = [f'worker {n} done: {n}.5' for n in range(20)]; "
        "random.SystemRandom().shuffle(lines); print('\\n'.join(lines))", ""),
    "a progress bar with any number of refreshes": (
        "import sys, random; n = random.SystemRandom().randrange(2, 9); "
        "[sys.stderr.write(f'\\r {k}%|# | {k}/100 [00:0{k}<00:09, {k}.5it/s, loss={k}.5]') for k in range(n)]; "
        "sys.stderr.write('\\r100%|##| 100/100 [00:09<00:00, 9.1it/s, loss=0.5]\\n')", ""),
}  # fmt: skip
NO_ANSWER = {
    "JSON with an accuracy": (
        "json.dump({'run': {'acc': 0.99 + trial / 1e4}, 'time': 1}, open('m.json', 'w'))",
        "m.json > run.acc differs between trials: 0.9901 in trial 1, 0.9902 in trial 2"),
    "a printed accuracy": (
        "print('start'); print('accuracy', 0.99 + trial / 1e4)",
        "stdout > line 2 differs between trials: accuracy 0.9901 in trial 1, accuracy 0.9902 in trial 2"),
    "a number on standard error": ("import sys; sys.stderr.write(f'val_loss={trial}.5\\n')", "stderr > line 1"),
    "a word on standard error": (
        "import sys; sys.stderr.write(f'best model: {\"ab\"[trial - 1]}\\n')",
        "stderr > line 1 differs between trials: best model: a in trial 1, best model: b in trial 2"),
    "a cell of a table": (
        "open('p.csv', 'w').write(f'id,score\\n1,0.5\\n2,0.{trial}\\n')", "p.csv > row 2.score differs between trials: 0.001 in trial 1, 0.002 in trial 2"),
    "bytes that nobody knows": ("open('x.dat', 'wb').write(b'\\0' + os.urandom(9))", "x.dat"),
    "a line of a text": ("open('r.txt', 'w').write(f'all\\nF1 = 0.{trial}')", "r.txt > line 2 differs between trials: F1 = 0.001"),
    "the order of a vocabulary": (
        "open('vocab.txt', 'w').write('a\\nb\\n' if trial == 1 else 'b\\na\\n')", "vocab.txt differs between trials: its lines come in a different order"),
    "the best checkpoint": (
        "json.dump({'best_model_path': f'epoch={trial}.ckpt'}, open('s.json', 'w'))", "s.json > best_model_path"),
    "a seed among the settings": ("open('c.yaml', 'w').write(f'seed: {trial}\\n')", "c.yaml > line 1"),
    "a file in one trial only": ("trial == 2 and open(out + '/best.txt', 'w').write('x')", "best.txt"),
    "a picture with a drawn text": (
        "import struct, zlib; c = lambda k, d: struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d)); "
        "open('f.png', 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + c(b'IHDR', b'x' * 13) + "
        "c(b'tEXt', b'date\\0' + str(chance()).encode()) + c(b'IEND', b''))",
        "f.png differs between trials: the bytes of the file differ; samebits has no reader for .png"),
    "a row of a database": (
        "import sqlite3; d = sqlite3.connect(out + '/r.db'); d.execute('create table m (loss real)'); "
        "d.execute('insert into m values (?)', [trial]); d.commit(); d.close()", "r.db > m.loss.1"),
    "a key of JSON": ("json.dump({f'k{trial}': 1}, open('m.json', 'w'))", "m.json > k001"),
    "a hash that was printed": (
        "import hashlib; print('model', hashlib.sha256(str(chance()).encode()).hexdigest())", "stdout > line 1"),
    "a digest in a log with times": (
        "[print(time.strftime('%Y-%m-%d %H:%M:%S'), f'loss {trial}.5', file=open('l.log', 'a'))]", "l.log > line 1"),
    "a pickle of lists that are called weights": (
        "import pickle; pickle.dump({'fc.weight': [[chance()] * 2] * 2}, open('ema.pkl', 'wb'))", "ema.pkl > fc.weight"),
    "a list of numbers that is called weights": ("json.dump({'weights': [chance()] * 3}, open('m.json', 'w'))", "weights"),
}  # fmt: skip
DIVERGED = {
    "arrays of weights": ("import numpy; numpy.savez('w.npz', w=[chance()], seconds=[1.0])", "w.npz > w"),
    "a pickle of arrays": (
        "import pickle, numpy; pickle.dump({'ema': numpy.array([chance()])}, open('ema.pkl', 'wb'))", "ema.pkl > ema"),
    "bytes of a policy": ("open('policy.bin', 'wb').write(os.urandom(32))", "policy.bin"),
    "a model in a format that is not read": ("open('m.onnx', 'wb').write(os.urandom(32))", "m.onnx"),
    "a model of XGBoost": ("json.dump({'learner': {'t': chance()}, 'version': [2]}, open('x.json', 'w'))", "x.json"),
    "a model of LightGBM": ("open('l.txt', 'w').write(f'tree\\nversion=v4\\nleaf={chance()}\\n')", "l.txt"),
    "a model of LightGBM with a metric more": (
        "open('l.txt', 'w').write('tree\\nversion=v4\\n[metric: %s]\\n' % ('l1' if trial == 1 else 'l1,l2'))", "l.txt"),
}  # fmt: skip


def checked(ask, code, **options):
    return run(ask("leaves_results.py", code, "{out}", "{trial}", trials=2, full=True, **options)).result


@pytest.mark.parametrize("what", REPEATED)
def test_a_run_repeats_that_leaves(ask, what):
    code, named = REPEATED[what]
    result = checked(ask, code)
    assert result.verdict == "repeated", (result.sentence, result.warnings)
    assert not named or any(named in warning for warning in result.warnings), result.warnings


@pytest.mark.parametrize("what", NO_ANSWER)
def test_there_is_no_answer_if_trials_differ_in(ask, what):
    code, said = NO_ANSWER[what]
    result = checked(ask, code)
    assert result.verdict == "inconclusive", result.sentence
    assert said in result.reason, result.reason
    assert "--artifact" in result.advice
    assert "--ignore" in result.advice


@pytest.mark.parametrize("what", DIVERGED)
def test_a_run_diverges_that_leaves_different(ask, what):
    code, named = DIVERGED[what]
    result = checked(ask, code)
    assert (result.verdict, result.divergence and result.divergence.kind) == ("diverged", "end"), result.sentence
    assert named in result.divergence.name


def test_every_difference_that_no_clock_explains_counts_in_a_file_that_artifact_names(ask):
    code = NO_ANSWER["JSON with an accuracy"][0]
    assert checked(ask, code, artifacts=["*.json"], out="accuracy").verdict == "diverged"
    assert checked(ask, REPEATED["JSON with a duration"][0], artifacts=["*.json"], out="duration").verdict == "repeated"


def test_what_is_printed_can_be_named_and_ignored_like_a_file(ask):
    code = NO_ANSWER["a printed accuracy"][0]
    assert checked(ask, code, artifacts=["stdout"], out="named").verdict == "diverged"
    assert checked(ask, code, ignores=["stdout"], out="ignored").verdict == "repeated"


def test_a_file_that_ignore_names_does_not_count(ask):
    assert checked(ask, DIVERGED["bytes of a policy"][0], ignores=["*.bin"]).verdict == "repeated"


ELSEWHERE = "import pathlib; there = pathlib.Path({!r}); there.parent.mkdir(parents=True, exist_ok=True); "
WRITES = "there.write_text(json.dumps({'accuracy': chance()}))"


def test_a_result_outside_of_the_working_folder_that_differs_is_no_answer(ask, tmp_path):
    there = tmp_path / "runs" / "metrics.json"
    result = checked(ask, ELSEWHERE.format(str(there)) + WRITES)
    assert result.verdict == "inconclusive", result.sentence
    assert f"{there} > accuracy differs between trials" in result.reason
    assert "--ignore" in result.advice


def test_a_pickled_model_outside_of_the_working_folder_counts(ask, tmp_path):
    code = "import numpy, pickle; there.write_bytes(pickle.dumps({'w': numpy.array([chance()])}))"
    result = checked(ask, ELSEWHERE.format(str(tmp_path / "runs" / "best.pkl")) + code)
    assert result.verdict == "diverged", result.sentence
    assert result.divergence.name.endswith("best.pkl > w")


def test_a_result_outside_of_the_working_folder_may_hold_times_and_may_be_ignored(ask, tmp_path):
    there = tmp_path / "runs" / "metrics.json"
    times = "there.write_text(json.dumps({'accuracy': 0.5, 'seconds': seconds()}))"
    result = checked(ask, ELSEWHERE.format(str(there)) + times, out="times")
    assert result.verdict == "repeated", result.sentence
    assert checked(ask, ELSEWHERE.format(str(there)) + WRITES, ignores=[str(there)]).verdict == "repeated"


@pytest.mark.parametrize(
    "code",
    [
        "there.exists() or there.write_text(json.dumps(chance()))",  # a file that only a first run writes
        "pathlib.Path.home().joinpath('.config').mkdir(exist_ok=True); "
        "pathlib.Path.home().joinpath('.config', 'tool.json').write_text(str(chance()))",
        "import tempfile; open(tempfile.mkdtemp() + '/m.json', 'w').write(str(chance()))",
    ],
)
def test_what_tools_keep_outside_of_the_working_folder_is_no_result(ask, tmp_path, monkeypatch, code):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "passing"))
    for name in ("home", "passing"):
        (tmp_path / name).mkdir()
    result = checked(ask, ELSEWHERE.format(str(tmp_path / "runs" / "cache.json")) + code)
    assert result.verdict == "repeated", (result.sentence, result.reason)


def test_a_pattern_of_ignore_that_matches_nothing_is_a_note(ask):
    result = checked(ask, "print(1)", ignores=["none/*"])
    assert result.verdict == "repeated"
    assert result.warnings == ["the pattern none/* of --ignore matches no file that the trials wrote"]


def test_a_pattern_of_artifact_that_matches_nothing_is_told_after_the_first_trial(ask):
    code = "os.makedirs(out + '/last/vocab'); open(out + '/last/vocab/strings.bin', 'w').write('x')"
    result = checked(ask, code, artifacts=["{out}/*.bin"])
    assert result.verdict == "inconclusive"
    assert len(result.trials) == 1
    assert result.reason == "the artifact pattern {out}/*.bin matched nothing in trial 1."
    assert "--artifact '{out}/last/vocab/strings.bin'" in result.advice


def test_more_files_than_are_compared_are_said_with_their_number(ask, monkeypatch):
    monkeypatch.setattr("samebits.launch.trial.artifacts.MOST_COMPARED", 5)
    result = checked(ask, "[open(f'{out}/{n}.txt', 'w').write('x') for n in range(20)]")
    assert result.verdict == "repeated"
    assert result.scope.files_compared == 5
    assert "only 5 of 20 files that trial 1 wrote were compared" in result.warnings
    assert (
        checked(ask, "[open(f'{out}/{n}.txt', 'w').write('x') for n in range(20)]", strict=True, out="strict").verdict
        == "inconclusive"
    )
