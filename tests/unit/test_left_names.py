"""The tables in which the probe looks up the names that earlier trials left."""

from hypothesis import given
from hypothesis import strategies as st

from samebits_probe import names

PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.sets(PATHS, max_size=40), st.sets(PATHS, max_size=40))
def test_a_table_holds_what_it_was_made_of_and_nothing_else(held, others):
    table = names.table(held)
    assert all(names.holds(table, path) for path in held)
    assert not any(names.holds(table, path) for path in others - held)


def test_a_table_is_as_long_whatever_it_holds():
    many = [f"/tmp/{number}" for number in range(names.MOST)]
    full = names.table(many)
    assert len(names.table([])) == len(names.table(["/tmp/one"])) == len(full) == len(names.NONE)
    assert all(names.holds(full, path) for path in many)
    assert not names.holds(full, "/tmp/none")
    assert len(names.table([*many, "/tmp/one more"])) == len(full)


def test_a_name_that_is_not_utf_8_is_held():
    assert names.holds(names.table(["/tmp/\udcff"]), "/tmp/\udcff")
