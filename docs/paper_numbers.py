"""Makes docs/study/paper: the numbers of the paper's Tables 3, 4, 5 and 7, a line for each of its models.

python docs/paper_numbers.py

`samebits versus` reads these files. The numbers are those of `samebits_study.reports.paper`, as printed in the paper.
"""

from pathlib import Path

from samebits_study.reports import paper

FOLDER = Path(__file__).resolve().parent / "study" / "paper"
STUDIES = {"unet": paper.UNET, "lenet5": paper.LENET5}


def tables():
    """File name -> text."""
    return {
        f"{study}-{column}.csv": table(quotation.rows)
        for study, columns in STUDIES.items()
        for column, quotation in columns.items()
    }


def table(rows):
    """A line for each model, with the digits that were printed."""
    names = list(rows[0])
    lines = [",".join([str(number), *(str(row[name]) for name in names)]) for number, row in enumerate(rows, 1)]
    return "\n".join([",".join(["trial", *names]), *lines]) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in tables().items():
        (FOLDER / name).write_text(text)
