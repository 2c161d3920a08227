"""A table in Markdown, CSV and LaTeX: the same cells, and no text that could break a document."""

import csv
import io
import re
from decimal import Decimal

import pytest

from samebits.reports.presenters import markdown
from samebits.reports.table import Column, MissingValue, Number, Spread, Table, numbers
from samebits_study import output

HOSTILE = "a|b & 50% of $x_1$ \\ {y} #2 ~ ^ [z] *w* <script> --out `c`\x1b[2J"


@pytest.fixture
def table():
    return Table(
        id="9",
        title="A title with a % in it.",
        columns=(Column("Setup"), *numbers("Rate (%)", of="paper"), *numbers("Rate (%)", of="ours"), Column("Why")),
        rows=(
            ("one", Number(Decimal("98.90")), Spread(98.5, 0.25, (2, 3)), ""),
            ("two", "", MissingValue("undefined", "no cell"), HOSTILE),
            ("three", Spread(Decimal("4"), Decimal("0.18")), Number(0.0000125, None), ""),
        ),
        notes=(f"A note: {HOSTILE}",),
    )


def test_a_row_has_as_many_cells_as_there_are_columns():
    with pytest.raises(ValueError, match="table 9"):
        Table(id="9", title="", columns=(Column("one"),), rows=(("one", "two"),))


def test_markdown_has_the_title_the_rows_and_the_notes(table):
    text = markdown.table(table)
    lines = text.splitlines()
    assert lines[0] == "**Table 9.** A title with a % in it."
    assert lines[3] == "| --- | ---: | ---: | --- |"
    assert lines[4] == "| one | 98.90 | 98.50 ± 0.250 |  |"
    assert "| two |  | undefined: no cell |" in text
    assert text.endswith("\n")


def test_no_text_breaks_a_markdown_table(table):
    text = markdown.table(table)
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5
    assert "<script>" not in text
    assert "\x1b" not in text


def test_a_markdown_table_without_rows_says_so(table):
    empty = Table(id="9", title="Empty.", columns=table.columns, rows=())
    assert markdown.table(empty) == "**Table 9.** Empty.\n\nNo rows.\n"


def test_csv_reads_back_with_mean_and_deviation_in_columns_of_their_own(table):
    head, *rows = csv.reader(io.StringIO(output.as_csv(table)))
    assert head == [
        "Setup", "Rate (%), paper", "Rate (%), paper, standard deviation", "Rate (%), ours",
        "Rate (%), ours, standard deviation", "Why",
    ]  # fmt: skip
    assert rows[0] == ["one", "98.90", "", "98.50", "0.250", ""]
    assert rows[1] == ["two", "", "", "undefined: no cell", "", HOSTILE]
    assert rows[2] == ["three", "4", "0.18", "1.25e-05", "", ""]


def test_latex_escapes_every_character_that_means_something():
    assert output.escaped("50% & $x_1$ #2 {y}") == r"50\% \& \$x\_1\$ \#2 \{y\}"
    assert output.escaped("a\\b~c^d<e>|") == (
        r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d\textless{}e\textgreater{}\textbar{}"
    )
    assert output.escaped("--out [x]") == "-{}-out {[}x{]}"
    assert output.escaped("one\ntwo") == "one two"
    assert "\x1b" not in output.escaped(HOSTILE)


def test_latex_puts_numbers_in_mathematics_and_words_outside(table):
    text = output.as_latex(table)
    assert r"one & $98.90$ & $98.50 \pm 0.250$ &  \\" in text
    assert r"two &  & undefined: no cell & " in text
    assert r"$1.25 \times 10^{-5}$" in text
    assert r"\caption{A title with a \% in it.}" in text


def test_latex_is_balanced_and_has_as_many_cells_in_each_row(table):
    text = output.as_latex(table)
    bare = re.sub(r"\\[\\{}$&#%_]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.sub(r"%.*", "", bare).count("$") % 2 == 0
    assert set(re.findall(r"\\begin\{(\w+)\}", text)) == set(re.findall(r"\\end\{(\w+)\}", text)) == {"longtable"}
    body = text.split("\\endhead\n")[1].split("\\bottomrule")[0]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in body.splitlines()] == [3, 3, 3]


@pytest.mark.parametrize("render", [markdown.table, output.as_csv, output.as_latex])
@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_every_table_of_a_study_is_rendered_and_none_says_nan(documents, render, name):
    for table in output.every_table(getattr(documents, name)()):
        text = render(table)
        assert text.endswith("\n")
        assert not re.search(r"\bnan\b|None|Decimal\(", text, re.IGNORECASE)
