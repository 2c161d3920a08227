"""A table in LaTeX, with booktabs; long ones go on over the page (longtable)."""

from __future__ import annotations

from samebits.reports.table import Cell, Column, Number, Spread, Table, shown
from samebits.words import printable

PREAMBLE = "% \\usepackage{booktabs,longtable,array}"
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # these mean something behind the end of a row
}  # fmt: skip
WIDE = "p{0.3\\linewidth}"


def render(table: Table) -> str:
    """A longtable with a caption and a label; the notes come after it."""
    heads = " & ".join(f"\\multicolumn{{1}}{{{_side(column)}}}{{{escaped(column.head)}}}" for column in table.columns)
    lines = [
        PREAMBLE,
        "\\begingroup\\footnotesize",
        f"\\begin{{longtable}}{{{''.join(map(_kind, table.columns))}}}",
        f"\\caption{{{escaped(table.title)}}}\\label{{tab:samebits-{table.id}}}\\\\",
        "\\toprule",
        f"{heads} \\\\",
        "\\midrule",
        "\\endhead",
        *(" & ".join(map(_cell, row)) + " \\\\" for row in table.rows),
        "\\bottomrule",
        "\\end{longtable}",
        *(f"\\noindent {escaped(note)}\\par" for note in table.notes),
        "\\endgroup",
    ]
    return "\n".join(lines) + "\n"


def _side(column: Column) -> str:
    return "r" if column.number else "l"


def _kind(column: Column) -> str:
    return WIDE if column.wide else _side(column)


def _cell(cell: Cell) -> str:
    """Numbers in mathematics, words outside."""
    if not isinstance(cell, Number | Spread):
        return escaped(shown(cell))
    return "$" + shown(cell, between=" \\pm ", write=_number) + "$"


def _number(text: str) -> str:
    """4.93e-03 as a power of ten."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if e else text


def escaped(text: str) -> str:
    """The text as it is, on one line. Two hyphens stay two: --out is no dash."""
    line = " ".join(printable(text).split())
    return "".join(SPECIAL.get(character, character) for character in line).replace("--", "-{}-")
