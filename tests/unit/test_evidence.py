"""The order of evidence: facts of the trial by value, forms, laws of the clock, names as a caveat, else unknown."""

import datetime as dt
import json
import math
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.comparison.evidence.facts import TrialFacts
from samebits.comparison.evidence.forms import DATES, FORMS, MOST_OF_A_NAME, NAMES, without_forms
from samebits.comparison.evidence.judge import Judge
from samebits.comparison.evidence.laws import Sample, changed_as_a_time, law_of
from samebits.comparison.evidence.quantities import Quantity, shape_of, stored
from samebits.comparison.files.written_files import file_differences
from samebits.model import FilesFile, Part, SavedFile, TrialFile
from samebits.store.text_files import lines_of
from samebits.store.trace import TrialTrace

BEGIN = dt.datetime(2026, 12, 1, 10, 20, 30, tzinfo=dt.timezone.utc).timestamp()
FACTS = TrialFacts(own=(("/data/run-001", "{out}"),), span=(BEGIN, BEGIN + 60), pids=frozenset((4711,)),
                   ports=frozenset((29500,)), handed=frozenset(("k3fz9a1b", "5f2d8c1b9a7e4d3f")))  # fmt: skip


# -- facts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d", "%Y%m%d-%H%M%S", "%Y%m%d", "%Y-%m-%d_%H-%M-%S", "%d/%m/%Y %H:%M",
     "%m/%d/%Y", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S GMT", "%b%d_%H-%M-%S", "%d.%m.%Y", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S,123"],
)  # fmt: skip
def test_a_date_belongs_to_the_trial_only_if_the_trial_ran_then(form):
    inside = dt.datetime.fromtimestamp(BEGIN + 30, dt.timezone.utc)
    assert re.fullmatch(r"at <date>\S*", FACTS.plain(f"at {inside.strftime(form)}"))
    outside = inside + dt.timedelta(days=40, minutes=7)
    assert FACTS.plain(f"at {outside.strftime(form)}") == f"at {outside.strftime(form)}"


def number(text):
    (quantity,) = shape_of(text).quantities
    return quantity


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9])
def test_a_number_is_a_moment_only_within_the_span_of_the_trial(unit):
    assert FACTS.holds(number(str(int((BEGIN + 5) * unit))))
    assert not FACTS.holds(number(str(int((BEGIN + 5000) * unit))))


@pytest.mark.parametrize(
    ("text", "holds"),
    [("329793536", True), ("314.5", True), ("330 MB", True), ("0.3072 GiB", True), ("322064", True), ("314.2", False), ("0.31", False),
     ("31", False)],
)  # fmt: skip
def test_an_amount_of_memory_is_known_in_any_unit_by_at_least_three_digits(text, holds):
    assert replace(FACTS, amounts=(329793536,)).holds(number(text)) == holds


@pytest.mark.parametrize(
    ("text", "plain"),
    [("worker 4711 (parent 4711)", "worker <pid> (parent <pid>)"), ("events.out.vm.4711.1.v2", "events.out.vm.<pid>.1.v2"),
     ("loss 0.4711", "loss 0.4711"), ("14711", "14711"), ("v1.4711", "v1.4711")],
)  # fmt: skip
def test_a_process_id_is_known_in_a_text(text, plain):
    assert FACTS.plain(text) == plain


def test_a_time_of_day_belongs_to_the_trial_only_if_the_trial_ran_then():
    assert FACTS.is_time_of_day("10:20:35")
    assert FACTS.is_time_of_day("10:21")
    assert not FACTS.is_time_of_day("15:37:15")
    assert not FACTS.is_time_of_day("10:25")
    assert not TrialFacts().is_time_of_day("10:20:35")


def test_a_trial_without_a_span_has_no_moments():
    assert TrialFacts().plain("at 2026-12-01 10:20:31, 1796120431.5") == "at 2026-12-01 10:20:31, 1796120431.5"


@pytest.mark.parametrize(
    ("text", "plain"),
    [("saved to /data/run-001/model.pt", "saved to {out}/model.pt"), ("offline-run-k3fz9a1b", "offline-run-<id>"),
     ("run m-5f2d8c1b9a7e4d3f.yaml", "run m-<id>.yaml"), ("8c1b9a7e4d", "<id>"), ("sgd-5f2d", "sgd-<id>"), ("sgd-5f2e", "sgd-5f2e"), ("cat-2031", "cat-2031"), ("accuracy 0.9312", "accuracy 0.9312"),
     ("best model", "best model")],
)  # fmt: skip
def test_folders_and_ids_that_were_handed_out_are_known_by_value(text, plain):
    assert FACTS.plain(text) == plain


def test_a_name_of_tempfile_has_a_prefix_and_a_date_may_hold_a_day_that_was_handed_out():
    facts = replace(FACTS, handed=frozenset(("km_ddj_b", "20261201_102040")))
    assert facts.plain("/tmp/tmpkm_ddj_b/port.txt in run-20261201_102045-x") == "/tmp/tmp<id>/port.txt in run-<date>-x"


def test_a_date_and_a_time_may_be_folders():
    """Hydra: https://hydra.cc/docs/configure_hydra/workdir/"""
    assert FACTS.plain("dir: outputs/2026-12-01/10-20-35/m.pt") == "dir: outputs/<date>/m.pt"


# -- forms --------------------------------------------------------------------------------------------------------------

OF_FORMS = [
    ("run 3f2a1b4c-1d2e-4f3a-8b4c-5d6e7f8a9b0c", "run <id>"),
    ("<Net object at 0x7f3a1c2b4d50>", "<Net object at <address>>"),
    ("ptr 0x55d0c8a3e2f0", "ptr <address>"),
    ("id 139637976727552", "id <address>"),
    ("train: 100%|#####| 20/20 [00:01<00:00, 15.2it/s, loss=0.5]", "train: 100%|#####| 20/20 [<bar>, loss=0.5]"),
    ("0:\tlearn: 0.61\ttest: 0.62\tbest: 0.62 (0)\ttotal: 1.2ms\tremaining: 11ms", "0: learn: 0.61 test: 0.62 best: 0.62 (0) total: <time>"),
    ("[LightGBM] [Info] Auto-choosing row-wise multi-threading, the overhead of testing was 0.000120 seconds.", "[LightGBM] [Info] Auto-choosing * multi-threading"),
    ("I0000 00:00:1796092871.049829    2644 port.cc:153] oneDNN", "<log> port.cc:153] oneDNN"),
    ("         1234 function calls (1200 primitive calls) in 0.123 seconds", "<calls>"),
    ("     1    0.000    0.000    0.123    0.123 train.py:12(step)", "<calls>"),
    ("Self CPU time total: 12.345ms", "Self CPU time total: <time>"),
    ("-----  ------------  ---", "<rule>"),
    ("real\t0m1.234s", "real <time>"),
    ("CPU times: user 24 μs, sys: 5 μs, total: 29 μs", "<time>"),
    ("Epoch 1/1 ━━━━━━━━━━━━ 10/10", "Epoch 1/1 <bar> 10/10"),
    ("________features - 0.3s, 0.0min", "<fill>features - 0.3s, 0.0min"),
    ("[CV] END ....C=1; total time=   0.1s", "[CV] END <fill>C=1; total time= 0.1s"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "plain"), OF_FORMS)
def test_a_form_is_replaced(text, plain):
    assert without_forms(text) == plain


@pytest.mark.parametrize(
    "text",
    ["crc32 0x1a2b3c4d", "loss 0.5 acc 0.91", "predicted latency p95: 4.622 ms", "predicted date: 2026-03-01", "total 12.5 s",
     "score ==== 5", "| *****", "     1    0.512    0.498    0.812    0.790 cat", "conv  91.0%  82.5%  77.1%  60.2%  31",
        "weights '3fa9c2d1e4'", "real 0.53", "md5 9a0364b9e99bb480dd25e1f0284c8555", "RMSE 3.2 s", "score: 139637976727552.5", "real 0.53 fake 0.47", "epoch 3 [loss=0.5]"],
)  # fmt: skip
def test_a_result_has_no_form(text):
    assert without_forms(text) == " ".join(text.split())


def test_there_are_at_most_25_forms_and_40_names():
    assert len(FORMS) + len(DATES) <= 25
    assert len(NAMES) <= MOST_OF_A_NAME == 40


# -- quantities ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "values"),
    [("dt: 0.97ms", "dt:@", [0.00097]), ("took 1m 30s", "took @", [90]), ("Time  0.309 ( 0.309)", "Time # (#)", [0.309, 0.309]), ("1h 2min 3.5 s", "@", [3723.5]), ("ETA 2:05", "ETA @", [125]),
     ("1 day, 2:00:00", "@", [93600]), ("12.5 it/s", "@/it", [0.08]), ("0.08 s/it", "@/it", [0.08]), ("acc 0,91", "acc #", [0.91]),
     ("1,234 samples/s", "@/samples", [1 / 1234]), ("1.5k tok/sec", "@/tok", [1 / 1500]), ("loss -1.5e-03", "loss #", [-0.0015]),
     ("model_2.31.pt", "model_#.pt", [2.31]), ("step 5/20", "step #/#", [5, 20]), ("5 samples", "# samples", [5]),
     ("log-5478", "log-#", [5478]), ("from -3 to -2", "from # to #", [-3, -2]), ("vm.17.pt", "vm.#pt", [17]), ("x .5", "x #", [0.5])],
)  # fmt: skip
def test_a_text_has_words_and_numbers_with_units(text, words, values):
    shape = shape_of(text)
    assert shape.words == words
    assert [quantity.value for quantity in shape.quantities] == pytest.approx(values)


# -- laws ---------------------------------------------------------------------------------------------------------------

RATES = (1.0, 1.0, 1000.0, 30.0)


def samples(*values):
    return [Sample(rate, [Quantity(repr(v), v, 0.01) for v in some]) for rate, some in zip(RATES, values, strict=True)]


seconds, noise = st.floats(0.05, 1000), st.floats(0.5, 2)


@given(seconds, st.lists(noise, min_size=4, max_size=4))
def test_a_duration_follows_the_clock_also_if_it_is_noisy(true, noises):
    values = [true * factor * rate for factor, rate in zip(noises, RATES, strict=True)]
    assert law_of(samples(*([value] for value in values))).law == "duration"
    if true <= 2:  # a slower rate has too few digits
        assert law_of(samples(*([1 / value] for value in values))).law == "rate"


@given(seconds, st.floats(2, 1000), st.integers(0, 2))
def test_a_duration_follows_the_clock_also_if_the_machine_delayed_one_plain_trial(true, longer, place):
    values = [true * rate * (longer if n == place else 1) for n, rate in enumerate((1.0, *RATES))]
    many = [Sample(rate, [Quantity(repr(v), v, 1e-9)]) for rate, v in zip((1.0, *RATES), values, strict=True)]
    assert law_of(many).law == "duration"


@given(st.lists(st.floats(max_value=-1e-300), min_size=4, max_size=4), st.integers(0, 3))
def test_a_negative_number_is_no_time(numbers, place):
    values = [abs(value) if n != place else value for n, value in enumerate(numbers)]
    assert law_of(samples(*([value] for value in values))) is None
    assert not changed_as_a_time(samples(*([value] for value in values)))


@given(st.floats(0.001, 1e6), st.lists(st.floats(0.2, 5), min_size=4, max_size=4))
def test_a_result_does_not_follow_the_clock_however_noisy(true, noises):
    assert law_of(samples(*([true * factor] for factor in noises))) is None


@given(seconds, st.floats(0.1, 1), st.floats(0.1, 1))
def test_a_loss_among_times_of_one_name_keeps_all_of_them_unknown(true, loss, other):
    values = [
        [true * rate, true * rate, number] for rate, number in zip(RATES, (loss, other, loss, other), strict=True)
    ]
    if loss != other:
        assert law_of(samples(*values)) is None


@pytest.mark.parametrize("losses", [(0.51, 0.51, 0.51, 0.52), (0.51, 0.51, 0.53, 0.51), (0.51, 0.52, 0.51, 0.51)])
def test_a_loss_that_differs_in_one_trial_keeps_the_times_beside_it_unknown(losses):
    assert law_of(samples(*([2.0 * rate, loss] for rate, loss in zip(RATES, losses, strict=True)))) is None


def test_the_numbers_of_a_list_follow_the_clock_together():
    times = [[0.049, 0.0045, 0.0019], [0.0106, 0.0024, 0.0018], [16.4, 6.88, 1.856], [0.63, 0.081, 0.314]]
    lists = [trial(n, rate, parts={"times": Part(digest=str(n), shown=json.dumps(some))})
             for n, (rate, some) in enumerate(zip(RATES, times, strict=True), 1)]  # fmt: skip
    judge = Judge(lists)
    one, two = (judge.left[n].of_part("times", json.dumps(times[n - 1])) for n in (1, 2))
    assert judge.entries("r.json", (1, one), (2, two)).effect == "understood"


@pytest.mark.parametrize(
    ("values", "may"),
    [((0.0, 0.0, 0.1, 0.0), True), ((0.0, 0.0, 0.0, 0.2), False), ((0.5, 0.6, 0.7, 0.5), False), ((0.5, 0.6, 20.0, 0.5), True)],
)  # fmt: skip
def test_a_value_that_is_zero_to_its_digits_may_be_a_time(values, may):
    """Ultralytics prints `0.0ms loss`, and `1.0ms loss` with a clock that is 1,000 times as fast."""
    assert changed_as_a_time(samples(*([value] for value in values))) is may
    assert law_of(samples(*([value] for value in values))) is None


@pytest.mark.parametrize(
    ("unit", "values", "law"),
    [(" s", (0.02, 0.001, 4.0, 0.02), "duration"), (" s", (0.02, 0.001, 0.2, 0.02), None),
     ("", (0.02, 0.002, 4.0, 0.02), None),  # a random search without a seed over several decades
     ("", (0.02, 0.015, 4.0, 0.1), "duration")],
)  # fmt: skip
def test_a_noisy_deviation_is_known_by_nearly_the_whole_growth_and_by_its_unit(unit, values, law):
    texts = [shape_of(f"{value}{unit}").quantities[0] for value in values]
    found = law_of([Sample(rate, [text]) for rate, text in zip(RATES, texts, strict=True)])
    assert (found and found.law) == law


def test_a_time_that_is_too_small_to_show_is_known_by_its_unit_once_it_shows():
    def printed(text):
        return [shape_of(text).quantities[0]]

    for unit, law in ((" s", "duration"), ("", None)):
        texts = (f"0.0{unit}", f"0.0{unit}", f"0.9{unit}", f"0.0{unit}")
        found = law_of([Sample(rate, printed(text)) for rate, text in zip(RATES, texts, strict=True)])
        assert (found and found.law) == law


def test_a_number_that_is_drawn_in_each_trial_hardly_ever_follows_the_clock():
    """A quarter of a per cent of such numbers did; and 16 % had no answer, because they changed as the slower rate."""
    draws = random.Random(0)
    drawn = [samples(*([draws.random()] for _ in RATES)) for _ in range(20_000)]
    assert 0 < sum(law_of(values) is not None for values in drawn) < 14
    assert 0 < sum(map(changed_as_a_time, drawn)) < 1000


def test_values_that_all_trials_agree_on_do_not_hide_a_law():
    assert law_of(samples([-100.0, 1.79], [-100.0, 4.69], [-100.0, 0.003], [-100.0, 0.09])).law == "rate"


@pytest.mark.parametrize("some", [slice(3), slice(2, None)])
def test_one_faster_trial_alone_shows_nothing(some):
    assert law_of(samples([1.0], [1.1], [1000.0], [30.0])[some]) is None


def test_a_trial_that_waited_between_rounds_does_not_hide_that_the_others_follow_the_clock():
    """Its clock went on while it waited, so its own duration is far longer."""
    waited, rested, *fast = samples([61.0], [1.0], [1000.0], [30.0])
    assert law_of([waited, rested, *fast]) is None
    assert law_of([waited._replace(has_waited=True), rested, *fast]).ratio == [1000.0, 30.0]


def test_a_duration_that_is_printed_as_zero_is_known_by_its_growth():
    assert law_of(samples([0.0], [0.01], [9.3], [0.28])).law == "duration"
    assert law_of(samples([0.0], [0.0], [0.0], [0.0])) is None
    clock = [[number(text)] for text in ("0:00:00", "0:00:00", "0:01:00", "0:00:01")]
    assert law_of([Sample(rate, values) for rate, values in zip(RATES, clock, strict=True)]).law == "duration"


@pytest.mark.parametrize(
    ("values", "law"),
    [((116.0, 39.0, 0.0, 1.0), "rate"),  # steps per second as a whole number, which TensorBoard stores as 116.0
     ((116, 39, 0, 1), "rate"), ((116.0, 39.123456789, 0.0, 1.0), None),
     ((5, 4, 0, 0), None), ((1, 1, 0, 0), None), ((116, 39, 101, 0), None)],  # a small rate may be zero as well
)  # fmt: skip
def test_a_rate_that_is_stored_as_a_whole_number_may_be_zero(values, law):
    found = law_of([Sample(rate, [stored(value)]) for rate, value in zip(RATES, values, strict=True)])
    assert (found and found.law) == law


# -- the judge ----------------------------------------------------------------------------------------------------------


def trial(number, rate=1.0, printed="", parts=None, **facts):
    lines = lines_of(printed, is_printed=True)
    out = SavedFile(path="stdout", named=False, format="printed", parts={"": Part(digest=lines.raw)}, lines=lines)
    files = FilesFile(printed=[out], files=[SavedFile(path="r.json", named=False, format="json", parts=parts or {})],
                      span=[BEGIN, BEGIN + 10], **facts)  # fmt: skip
    file = TrialFile(id=number, status="complete", started="2026-12-01", seconds=10, clock_rate=rate)
    return TrialTrace(file, files, [])


def judged(one, two, *others):
    """What the first line of two trials means, beside others."""
    judge = Judge([one, two, *others])
    left = [judge.left[t.id] for t in (one, two)]
    entries = [(t.id, own.of_line(t.files.printed[0].lines.kept[0])) for t, own in zip((one, two), left, strict=True)]
    return judge, judge.entries("stdout", *entries)


def test_a_column_that_rich_wraps_elsewhere_is_compared_as_one_line():
    """As in the progress bar of Lightning: the digits of the rate decide where the metrics are wrapped."""
    printed = {
        1: f"Epoch 2/2 100.16it/s v_num: 0.000\n{' ' * 60}loss: 0.342\n",
        1000: f"Epoch 2/2 0.11it/s v_num: 0.000 loss:\n{' ' * 60}0.342\n",
        30: f"Epoch 2/2 3.32it/s v_num: 0.000 loss:\n{' ' * 60}0.342\n",
    }
    trials = [trial(number, rate, printed[rate]) for number, rate in enumerate((1, 1000, 30), 1)]
    again = trial(4, 1, printed[1].replace("100.16", "95.01"))
    assert judged(trials[0], again, *trials[1:])[1].effect == "understood"
    other = trial(4, 1, printed[1].replace("342", "343"))
    assert judged(trials[0], other, *trials[1:])[1].effect == "unknown"


def test_without_an_experiment_a_number_is_unknown_and_a_whole_name_is_a_caveat():
    assert judged(trial(1, printed="done in 3.2"), trial(2, printed="done in 3.3"))[1].effect == "unknown"
    judgement = judged(trial(1, printed="elapsed: 3.2"), trial(2, printed="elapsed: 3.3"))[1]
    assert (judgement.effect, judgement.by_name) == ("understood", True)
    assert judged(trial(1, printed="elapsed_r2: 0.2"), trial(2, printed="elapsed_r2: 0.3"))[1].effect == "unknown"


@pytest.mark.parametrize(
    ("texts", "law"),
    [(("done in 3.2", "done in 3.3", "done in 3211.0", "done in 97"), "duration"), (("15.2 it/s", "14.9 it/s", "66.0 s/it", "1.9s/it"), "duration"),
     (("fps=152", "fps=149", "fps=0.15", "fps=5.1"), "rate"), (("took 3 s", "took 4 s", "took 58m 20s", "took 1m 45s"), "duration")],
)  # fmt: skip
def test_the_experiment_finds_the_law_of_a_printed_number(texts, law):
    judge, judgement = judged(
        *(trial(n, rate, text) for n, (rate, text) in enumerate(zip(RATES, texts, strict=True), 1))
    )
    assert judgement.effect == "understood"
    assert [finding.law for finding in judge.settled.values()] == [law]


@pytest.mark.parametrize("name", ["time_to_event", "elapsed", "duration", "latency_loss"])
def test_a_result_under_the_name_of_a_time_is_unknown_after_the_experiment(name):
    texts = (f"{name}: 3.21", f"{name}: 3.34", f"{name}: 3.27", f"{name}: 3.19")
    judgement = judged(*(trial(n, rate, text) for n, (rate, text) in enumerate(zip(RATES, texts, strict=True), 1)))[1]
    assert (judgement.effect, judgement.reason) == ("unknown", "it does not follow the clock")


def test_a_loss_that_differs_beside_a_duration_is_unknown():
    texts = ("loss 0.51 in 3.2s", "loss 0.52 in 3.3s", "loss 0.51 in 3300s", "loss 0.51 in 96s")
    assert (
        judged(*(trial(n, rate, text) for n, (rate, text) in enumerate(zip(RATES, texts, strict=True), 1)))[1].effect
        == "unknown"
    )


def test_a_law_of_an_earlier_record_is_used_without_a_new_experiment():
    texts = ("done in 3.2", "done in 3.3", "done in 3211.0", "done in 97")
    known = judged(*(trial(n, rate, text) for n, (rate, text) in enumerate(zip(RATES, texts, strict=True), 1)))[
        0
    ].settled
    judge = Judge([trial(1, printed="done in 4.2"), trial(2, printed="done in 4.4")], known)
    entries = [(n, judge.left[n].of_line(text)) for n, text in ((1, "done in 4.2"), (2, "done in 4.4"))]
    assert judge.entries("stdout", *entries).effect == "understood"


def test_a_text_that_the_clock_handed_out_is_known_by_origin():
    texts = ("run 01Dec_0241", "run 01Dec_0242", "run 04Dec_1103", "run 01Dec_0259")
    handed = ([], [], ["04Dec_1103"], ["01Dec_0259"])
    trials = [trial(n, rate, text) for n, (rate, text) in enumerate(zip(RATES, texts, strict=True), 1)]
    given = [
        TrialTrace(t.file.model_copy(update={"handed": some}), t.files, [])
        for t, some in zip(trials, handed, strict=True)
    ]
    assert judged(*given)[1].reason == "the program got it from the clock"


@given(st.floats(0, 1e4, allow_nan=False), st.floats(0, 1e4, allow_nan=False))
def test_numbers_that_agree_need_no_law(value, other):
    text = f"loss {value!r} acc {other!r}"
    assert judged(trial(1, printed=text), trial(2, printed=text))[1].effect == "understood"
    assert math.isfinite(value)


@pytest.mark.parametrize(
    ("values", "effect"),
    [((0.9, 0.1, 20.0, 1.2), "unknown"), ((0.9, 0.1, 0.3, 9.0), "counts"), ((0.9, 0.7, 0.8, 0.6), "counts")],
)
def test_a_number_of_a_model_that_varies_as_a_time_would_does_not_count_but_stays_open(values, effect):
    parts = [{"best_": Part(digest=str(n), shown=str(value), model=True)} for n, value in enumerate(values)]
    trials = [trial(n, rate, parts=each) for n, (rate, each) in enumerate(zip(RATES, parts, strict=True), 1)]
    assert [each.effect for each in file_differences(*trials[:2], Judge(trials))] == [effect]
