"""Documents have the values and the JSON that pydantic gives them, whether or not pydantic is asked."""

import copy
import json
import pickle
import subprocess
import sys
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import samebits.documents
import samebits.model
from samebits.document import Document, models, plain
from samebits.documents import HeldControl, Size
from samebits.model import Options, RecordFile, Round, SavedFile, TrialFile

MODULES = (samebits.model, samebits.documents)
KINDS = sorted(
    {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Document) and kind is not Document
    },
    key=lambda kind: kind.__name__,
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=5)  # names of files may hold lone surrogates
SIMPLE = {
    str: TEXTS,
    int: st.integers(),
    float: st.floats() | st.integers(),
    bool: st.booleans(),
    type(None): st.none(),
}
ANYTHING = st.recursive(
    st.one_of(*SIMPLE.values()), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2)
)


def right(hint):
    """Values that fit an annotation, and some that do not."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin is list:
        return st.lists(values(inner[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(
            values(inner[0]).filter(lambda name: isinstance(name, str)), values(inner[1]), max_size=2
        )
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, inner))
    if origin is typing.Annotated:
        return values(inner[0])
    return content(hint) if isinstance(hint, type) and issubclass(hint, Document) else SIMPLE.get(hint, ANYTHING)


def values(hint):
    return st.integers(0, 200).flatmap(lambda number: ANYTHING if number == 200 else right(hint))


@st.composite
def content(draw, kind):
    """The content of a document, which lacks some fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    left_out = draw(st.sets(st.sampled_from([name for name in kind.model_fields if hasattr(kind, name)] or ["-"])))
    return {name: draw(values(hints[name])) for name in kind.model_fields if name not in left_out}


def outcome(act):
    """What a function returns, with the type of each value; or its error."""
    try:
        return repr(act())
    except (ValidationError, ValueError) as why:
        return f"refused: {why}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_document_is_what_pydantic_makes_of_it(kind, data):
    given_now, strict = data.draw(content(kind)), data.draw(st.sampled_from([None, True]))
    made = outcome(lambda: sorted(vars(kind.model_validate(given_now, strict=strict)).items()))
    assert made == outcome(lambda: sorted(vars(models.model_of(kind).model_validate(given_now, strict=strict)).items()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_document_is_written_as_pydantic_writes_it(kind, data):
    try:
        document = kind.model_validate(data.draw(content(kind)))
    except ValidationError:
        return
    for choice in ({}, {"indent": 1}, {"exclude_defaults": True}):
        own = outcome(lambda choice=choice: document.model_dump_json(**choice))
        assert own == outcome(lambda choice=choice: models.as_model(document).model_dump_json(**choice))
    for choice in ({}, {"include": set(list(kind.model_fields)[::2])}):
        own = outcome(lambda choice=choice: sorted(document.model_dump(**choice).items()))
        assert own == outcome(lambda choice=choice: sorted(models.as_model(document).model_dump(**choice).items()))


RECORD = {"samebits": "0.1.0", "created": "", "command": ["python"], "directory": "/", "hash": "xxh3"}


def test_what_is_plainly_right_needs_no_pydantic():
    code = "import sys; from samebits.model import RecordFile, TrialFile\n"
    code += f"file = RecordFile.model_validate({RECORD!r}, strict=True).model_copy(update={{'seed': 3}})\n"
    code += "file.model_dump_json(), file.model_dump(), TrialFile(id=1, status='killed', started='', seconds=0.5)\n"
    code += "print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_fields_of_a_newer_version_are_ignored():
    assert RecordFile.model_validate({**RECORD, "newer": 1}) == RecordFile(**RECORD)


@pytest.mark.parametrize(
    ("fields", "where"),
    [({"hash": "md5"}, "hash"), ({"seed": "three"}, "seed"), ({"options": {"trials": None}}, "options.trials")],
)
def test_an_error_names_the_field(fields, where):
    with pytest.raises(ValidationError) as why:
        RecordFile(**{**RECORD, **fields})
    assert ".".join(why.value.errors()[0]["loc"]) == where
    assert why.value.title == "RecordFile"


def test_a_value_that_fits_after_a_conversion_is_converted():
    assert Options(trials="7", metrics={}).trials == 7
    assert repr(Options(timeout=3).timeout) == "3.0"


def test_a_copy_whose_value_does_not_fit_is_written_as_pydantic_writes_it():
    kept = Round(steps=None, trials=[1], seconds=0.5).model_copy(update={"seconds": 3})
    assert json.loads(kept.model_dump_json()) == {"steps": None, "trials": [1], "seconds": 3.0, "at_a_time": 1}
    assert '"seconds":3.0' in kept.model_dump_json()


def test_documents_share_no_default():
    one, other = RecordFile(**RECORD), RecordFile(**RECORD)
    assert one.notes is not other.notes
    assert one.options.ignores is not other.options.ignores


def test_a_document_cannot_change():
    with pytest.raises(AttributeError, match="frozen"):
        Options().trials = 3
    with pytest.raises(AttributeError, match="frozen"):
        del Options().trials


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_copy_is_equal(same):
    found = TrialFile(id=1, status="complete", started="", seconds=1.0, machine={"cores": 2})
    assert same(found) == found != found.model_copy(update={"id": 2})
    assert repr(same(found)) == repr(found)


def test_equal_documents_have_one_hash():
    sizes = {Size(elements=4, different=1), Size(elements=4, different=1), Size(elements=4, different=2)}
    assert len(sizes) == 2
    assert Size(elements=4, different=1) != Options()


def test_older_content_is_read_as_that_of_today_within_other_documents():
    setup = samebits.model.Setup.model_validate(
        {"command": [], "python": None, "controls": [{"id": "x", "took_effect": False, "detail": "off"}]}
    )
    assert setup.controls == [HeldControl(id="x", effect="undone", why="off")]
    assert setup.model_dump()["controls"] == [
        {"id": "x", "effect": "undone", "why": "off", "took_effect": False, "detail": "off"}
    ]


def test_a_class_inside_a_function_is_a_document_too():
    class Local(Document):
        number: int
        files: list[SavedFile] = []

    assert json.loads(Local(number=3).model_dump_json()) == {"number": 3, "files": []}
    with pytest.raises(ValidationError):
        Local(number="x")


def test_values_of_json_only_are_plain():
    with pytest.raises(plain.UnsureError):
        plain.written(TrialFile(id=1, status="complete", started="", seconds=float("inf")))
