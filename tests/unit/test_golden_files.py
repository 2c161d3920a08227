"""Golden files: what is written reads back, one changed value is found where it is, and no other block is touched."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from samebits.errors import UsageError
from samebits.golden.blocks import BlockError, GoldenBlock, parse_block
from samebits.golden.differences import first_difference
from samebits.golden.environment import Environment
from samebits.golden.golden_file import header_of, read_golden
from samebits.golden.steps import COLUMNS, ProcessTable, StepLine

HEADER = header_of("xxh3", "none")
MADE = {"date": "2026-12-01", "commit": "none", "trials": "3", "samebits": "0.1.0", "command": "python a.py: b"}
PRINTS = some.one_of(some.just("-"), some.text("0123456789abcdef", min_size=8, max_size=8))
NUMBERS = some.none() | some.floats(allow_nan=False)
LINES = some.lists(some.tuples(some.tuples(*[PRINTS] * len(COLUMNS)), NUMBERS), max_size=6)
TABLES = some.lists(LINES, max_size=3)


def table(lines):
    found = [StepLine(step - 1, prints, loss) for step, (prints, loss) in enumerate(lines)]
    return ProcessTable(found, "0" * 32, "1" * 32)


def block(tables=(), processor="a processor", torch="2.9", **more):
    machine = {"architecture": "x86_64", "processor": processor}
    return GoldenBlock(Environment(machine, {"torch": torch}), MADE, [table(lines) for lines in tables], **more)


ONE = [[(("-", "-", "-", "-", "0000000a"), 0.5), (("-", "-", "-", "-", "0000000b"), 0.25)]]


def write(path, *blocks, header=HEADER):
    path.write_text("\n".join([header, *(one.text(header) for one in blocks)]))
    return path


@given(TABLES, some.none() | some.integers(0, 9), some.dictionaries(some.sampled_from(["m.pt", "a.b"]), PRINTS))
def test_a_block_reads_back_as_it_was_written(tables, stopped, files):
    laws = {"stdout > took @: x > number 1": "duration", "log.csv > b": "rate"}
    made = block(tables, stopped_after=stopped, files=files, metrics={"accuracy": "0.5: so"}, laws=laws)
    read = parse_block(made.text(HEADER), HEADER)
    assert read == made
    assert first_difference(made, read) is None


@given(TABLES, some.data())
def test_one_changed_value_is_found_where_it_is(tables, data):
    made = block(tables)
    places = [(place, at) for place, one in enumerate(made.processes) for at in range(len(one.lines))]
    if not places:
        return
    place, at = data.draw(some.sampled_from(places))
    column = data.draw(some.integers(0, len(COLUMNS) - 1))
    line = made.processes[place].lines[at]
    new = line._replace(prints=(*line.prints[:column], "changed.", *line.prints[column + 1 :]))
    lines = [*made.processes[place].lines[:at], new, *made.processes[place].lines[at + 1 :]]
    processes = [*made.processes[:place], made.processes[place]._replace(lines=lines), *made.processes[place + 1 :]]
    found = first_difference(made, replace(made, processes=processes))
    assert (found.process, found.step, found.kind) == (place, line.step, COLUMNS[column])


@given(some.data())
def test_a_block_that_was_edited_by_hand_is_refused(data):
    text = block(ONE).text(HEADER)
    at = data.draw(some.integers(0, len(text) - 2))
    edited = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
    with pytest.raises(BlockError):
        parse_block(edited, HEADER)


def test_the_size_of_a_difference_is_that_of_the_loss():
    other = [[ONE[0][0], (("-", "-", "-", "-", "0000000c"), 0.25 + 2**-25)]]
    found = first_difference(block(ONE), block(other))
    assert (found.where, found.kind) == ("step 0 > update", "update")
    assert found.size == "loss 0.25 then, 0.25000002980232239 now at step 0 (1 ULP, 1.2e-07 of the value)".replace(
        "0.25000002980232239", repr(0.25 + 2**-25)
    )


def test_a_shorter_training_and_a_missing_model_differ_but_not_beyond_the_steps_that_were_asked_for():
    assert first_difference(block(ONE), block([ONE[0][:1]])).kind == "structure"
    assert first_difference(block(ONE), block([ONE[0][:1]], stopped_after=0)) is None
    assert first_difference(block(ONE, stopped_after=1), block([ONE[0][:1]])).kind == "structure"
    assert first_difference(block(ONE), block([])).kind == "structure"
    assert first_difference(block(ONE, files={"m": "1"}), block(ONE)).detail == "file m: it is missing now"
    assert first_difference(block(ONE, metrics={"m": "1"}), block(ONE, metrics={"m": "2"})).kind == "end"


@given(
    some.lists(some.sampled_from("abcdef"), unique=True), some.sampled_from("abcdef"), some.sampled_from(["2.9", "3"])
)
def test_a_written_block_leaves_the_others_byte_for_byte(tmp_path_factory, others, own, torch):
    path = write(tmp_path_factory.mktemp("golden") / "g", *(block(ONE, name) for name in others))
    before = read_golden(path)
    new = block([ONE[0][:1]], own, torch)
    path.write_text(before.text_with(new, HEADER))
    after = read_golden(path)
    assert after.blocks[new.name] == new
    kept = {name: text for name, text in before.texts.items() if name != new.name}
    assert {name: text for name, text in after.texts.items() if name != new.name} == kept
    assert all(text in path.read_text() for text in kept.values())
    assert path.read_text() == after.text_with(new, HEADER)


def test_a_block_is_found_by_its_machine_and_its_versions(tmp_path):
    file = read_golden(write(tmp_path / "g", block(ONE), block(ONE, torch="2.10"), block(ONE, "a different one")))
    assert file.block_for(block()).environment.versions == {"torch": "2.9"}
    assert file.block_for(block(torch="2.11")) is None
    assert len(file.same_machine(block(torch="2.11"))) == 2
    assert file.same_machine(block(processor="new")) == []


def test_a_library_that_only_one_of_two_programs_imports_makes_no_new_environment():
    old, new = Environment({"threads": "2"}, {"torch": "2.9"}), Environment({"isa-numpy": "AVX2"}, {"tqdm": "4"})
    assert (old.machine_differences(new), old.version_differences(new)) == ([], [])


def test_a_block_may_be_pasted_with_the_indent_of_a_report(tmp_path):
    text = "".join(f"   {line}\n" for line in block(ONE).text(HEADER).splitlines())
    (tmp_path / "g").write_text(f"{HEADER}\n{text}   \n\n{block(ONE, 'b').text(HEADER)}")
    assert len(read_golden(tmp_path / "g").blocks) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("0000000a", "0000000d"), "was edited by hand"),
        (lambda text: text.replace("controls: none", "controls: threads"), "was edited by hand"),
        (lambda text: text[: len(text) // 2], "was edited by hand, or is not whole"),
        (lambda text: text + text.partition("\n\n")[2], "occurs twice"),
        (lambda text: text.replace("[", "<<<<<<< HEAD\n[", 1), "marks of a merge conflict"),
        (lambda text: text + "=======\n", "marks of a merge conflict"),
        (lambda text: text.replace("golden 1", "golden 2"), "newer samebits"),
        (lambda text: "loss = 1\n" + text, "is not a golden file"),
        (lambda text: "", "is not a golden file"),
        (lambda text: "\udcff" + text, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_reason_and_advice(tmp_path, change, said):
    path = write(tmp_path / "g", block(ONE))
    path.write_bytes(change(path.read_text()).encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=said) as why:
        read_golden(path)
    assert why.value.advice


def test_windows_line_endings_do_not_matter(tmp_path):
    path = write(tmp_path / "g", block(ONE))
    before = read_golden(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_golden(path) == before


def test_a_folder_is_no_golden_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_golden(tmp_path)


def test_a_file_that_was_made_with_other_controls_is_refused(tmp_path):
    file = read_golden(write(tmp_path / "g", block(ONE)))
    file.refuse_other_controls("none")
    with pytest.raises(UsageError, match=r"made with different controls: none\. Now they are: threads"):
        file.refuse_other_controls("threads")
