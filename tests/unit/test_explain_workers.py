"""What explain advises if worker processes draw: a random_state where the estimator is made, with the line."""

from samebits.causes.workers import WorkerDraw, fixes, notes

TEXT = """\
import sklearn.ensemble as s
one = s.RandomForestClassifier(3)
two = s.RandomForestClassifier(random_state=1), s.ExtraTreesClassifier()
three = cross_val_score(s.RandomForestClassifier(
    3), X, y, n_jobs=2)
"""


def draw(path, *unseeded):
    return WorkerDraw("numpy-seed", str(path), 4, unseeded)


def test_each_line_that_makes_an_estimator_without_a_random_state_is_named(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(TEXT)
    (fix,) = fixes([draw(path, "RandomForestClassifier"), draw(path, "RandomForestClassifier", "SVC")], 7)
    assert (fix.control, fix.where) == ("numpy-seed", "in the code")
    assert fix.lines == [
        "RandomForestClassifier(..., random_state=7)  # train.py:2; it draws in worker processes",
        "RandomForestClassifier(..., random_state=7)  # train.py:4; it draws in worker processes",
        "SVC(..., random_state=7)  # for train.py:4; it draws in worker processes",
    ]


def test_a_file_that_is_gone_leaves_the_line_that_gave_the_tasks(tmp_path):
    (fix,) = fixes([draw(tmp_path / "gone.py", "SVC")], 7)
    assert fix.lines == ["SVC(..., random_state=7)  # for gone.py:4; it draws in worker processes"]


def test_a_function_that_draws_in_workers_needs_a_seed_of_its_own(tmp_path):
    assert fixes([draw(tmp_path / "train.py")], 7) == []
    assert notes([draw(tmp_path / "train.py"), draw(tmp_path / "train.py", "SVC")]) == [
        "worker processes draw random numbers for train.py:4 (numpy-seed): set a seed in their function"
    ]
    assert notes([draw(tmp_path / "train.py", "SVC")]) == []
