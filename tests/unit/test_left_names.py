"""The tables in which the probe looks up the names that earlier trials left."""

from hypothesis import given
from hypothesis import strategies as st

from samebits_probe import files

PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.sets(PATHS, max_size=40), st.sets(PATHS, max_size=40))
def test_a_table_holds_what_it_was_made_of_and_nothing_else(held, others):
    table = files.table_of_names(held)
    assert all(files.holds_name(table, path) for path in held)
    assert not any(files.holds_name(table, path) for path in others - held)


def test_a_table_is_as_long_whatever_it_holds():
    many = [f"/tmp/{number}" for number in range(files.MOST_NAMES)]
    full = files.table_of_names(many)
    assert len(files.table_of_names([])) == len(files.table_of_names(["/tmp/one"])) == len(full) == len(files.NO_NAMES)
    assert all(files.holds_name(full, path) for path in many)
    assert not files.holds_name(full, "/tmp/none")
    assert len(files.table_of_names([*many, "/tmp/one more"])) == len(full)


def test_a_name_that_is_not_utf_8_is_held():
    assert files.holds_name(files.table_of_names(["/tmp/\udcff"]), "/tmp/\udcff")
