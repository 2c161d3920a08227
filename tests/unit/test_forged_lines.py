"""A name from outside is one word of a report: it cannot begin a line, move the cursor or turn the direction of reading."""

import json
import re

import pytest

from samebits.cli import main

FORGED = "samebits: all is well"
ENDS_OF_LINES = "\n", "\r", "\u2028", "\x85", "\x1b[2J\x1b[H"
NAMES = {
    "every mark": "fc\0\x1b]0;owned\x07\u202e\u2066gnp.exe" + "".join(end + FORGED for end in ENDS_OF_LINES),
    # a search that tries every beginning of these again takes many minutes
    "a long name": "n" * 300_000,
    "a long number": "1" * 300_000,
    "many spaces": "n" + " " * 200_000 + "n",
    "many dashes": "n" + "-" * 200_000 + "1",
    "many words": "a-" * 100_000,
    "many numbers": "0.1-" * 75_000,
    "many folders": "v1/" * 100_000,
}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def shown(tmp_path, capsys):
    """Function(record) -> all that its reports say, by form."""

    def show(record):
        files = {form: tmp_path / form for form in ("md", "html", "junit")}
        main(["report", *(word for form, path in files.items() for word in (f"--{form}", str(path))), str(record)])
        said = capsys.readouterr()
        return {"terminal": said.out + said.err, **{form: path.read_text() for form, path in files.items()}}

    return show


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("place", ["a point", "the command", "a file", "a note"])
def test_a_name_forges_no_line(writing, tmp_path, shown, name, place):
    noted = {"notes": [name]} if place == "a note" else {}
    first, second = writing.training(), writing.training(changes={(1, "gradient", "fc.bias"): 7}, trial=noted)
    fields = {"command": ["python", name]} if place == "the command" else {}
    record = writing.record(tmp_path / "record", [first, second], **fields)
    if place == "a point":
        for points in record.glob("trials/*/processes/*/points.jsonl"):
            points.write_text(points.read_text().replace('"fc.bias"', json.dumps(name)))
    if place == "a file":
        _name_files(record, name)
    for seal in record.rglob("checksums.json"):
        seal.unlink()
    for form, text in shown(record).items():
        assert not CONTROL.search(text), (form, CONTROL.search(text))
        assert not any(line.strip().startswith(FORGED) for line in text.splitlines()), form


def _name_files(record, name):
    from samebits.model import FilesFile, SavedFile

    for number, folder in enumerate(sorted((record / "trials").iterdir())):
        file = SavedFile(path=name, named=True, format="npz", tensors={name: f"{number:032x}"})
        (folder / "files.json").write_text(FilesFile(files=[file]).model_dump_json())
