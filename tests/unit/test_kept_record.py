"""What is known of a record that was made earlier."""

from types import SimpleNamespace

import pytest

from samebits.documents import Location
from samebits.kept_record import location_of
from samebits.model import Divergence, ProcessKey


@pytest.fixture
def record(tmp_path):
    """A record in which locate has looked at the gradient of `w` in step 3."""
    found = Location(found=True, sentence="They diverge.", step=3, kind="gradient", name="w")
    (tmp_path / "locate.json").write_text(found.model_dump_json())
    return SimpleNamespace(folder=tmp_path)


@pytest.mark.parametrize(
    ("step", "kind", "is_known"), [(3, "gradient", True), (2, "gradient", False), (3, "batch", False)]
)
def test_a_location_is_shown_for_the_divergence_that_was_looked_at_alone(record, step, kind, is_known):
    """Trials that were added can diverge earlier."""
    where = Divergence(step=step, kind=kind, name="w", trials=[2], process=ProcessKey(order=0, argv=[]))
    found = location_of(record, SimpleNamespace(divergence=where))
    assert (found is not None) is is_known


def test_without_a_divergence_there_is_no_location(record):
    assert location_of(record, SimpleNamespace(divergence=None)) is None


def test_a_location_that_cannot_be_read_is_none(record):
    (record.folder / "locate.json").write_text("{")
    where = Divergence(step=3, kind="gradient", name="w", trials=[2], process=ProcessKey(order=0, argv=[]))
    assert location_of(record, SimpleNamespace(divergence=where)) is None
