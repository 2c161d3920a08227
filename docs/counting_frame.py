"""Makes docs/explanation/counting-frame.svg: cells, a frame, and which of them `counted` counts.

python docs/counting_frame.py
"""

import itertools
from pathlib import Path

import numpy as np

from samebits_study.stereology.count import CountingFrame, counted

PICTURE = Path(__file__).resolve().parent / "explanation" / "counting-frame.svg"
ROWS, COLUMNS, SCALE = 40, 58, 11
FRAME = CountingFrame(16, 11, 40, 27)
# radius, then the points of the line that the cell is drawn along: x, y
CELLS = {
    "A": (2.5, [(25, 19), (27, 20)]),
    "B": (2.0, [(31, 8), (32, 13)]),
    "C": (2.0, [(37, 16), (43, 18)]),
    "D": (2.0, [(13, 20), (19, 21)]),
    "E": (2.0, [(22, 25), (24, 31)]),
    "F": (2.0, [(49, 8), (51, 10)]),
    "G": (1.5, [(37, 23), (44, 23), (46, 29), (43, 33), (36, 33)]),
    "H": (1.5, [(12, 5), (18, 4), (21, 9), (20, 14)]),
}
COUNTED, LEFT_OUT = "#2f6fb3", "#b9bec4"


def figure():
    """The picture as SVG text. The colour of a cell is what the counting rule says of it."""
    numbers = counted(plane(), FRAME)
    body = [cell(name, *CELLS[name], fill=COUNTED if n in numbers else LEFT_OUT) for n, name in enumerate(CELLS, 1)]
    body += [*lines(), *key()]
    width, height = COLUMNS * SCALE, (ROWS + 3) * SCALE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    back = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, back, *body, "</svg>"]) + "\n"


def plane():
    """The cells as a label image, in the order of CELLS."""
    labels = np.zeros((ROWS, COLUMNS), int)
    for number, (radius, points) in enumerate(CELLS.values(), 1):
        for start, end in itertools.pairwise(points):
            labels[near(np.array(start), np.array(end), radius)] = number
    return labels


def near(start, end, radius):
    """The pixels whose centres lie within `radius` of the way from start to end."""
    y, x = np.indices((ROWS, COLUMNS)) + 0.5
    along = ((x - start[0]) * (end - start)[0] + (y - start[1]) * (end - start)[1]) / ((end - start) ** 2).sum()
    along = along.clip(0, 1)
    return np.hypot(x - start[0] - along * (end - start)[0], y - start[1] - along * (end - start)[1]) <= radius


def path(points):
    return " ".join(f"{x * SCALE:g},{y * SCALE:g}" for x, y in points)


def cell(name, radius, points, fill):
    """A cell as a thick line with its letter at the first point."""
    x, y = points[0]
    stroke = f'stroke="{fill}" stroke-width="{2 * radius * SCALE:g}" stroke-linecap="round" stroke-linejoin="round"'
    letter = f'<text x="{x * SCALE:g}" y="{y * SCALE + 5:g}" text-anchor="middle" font-size="15">{name}</text>'
    return f'<polyline points="{path(points)}" fill="none" {stroke}/>{letter}'


def lines():
    """Inclusion lines dashed, the exclusion line solid, so that they are told apart without their colours."""
    f = FRAME
    inclusion = path([(f.x0, f.y0), (f.x1, f.y0), (f.x1, f.y1)])
    exclusion = path([(f.x0, 0), (f.x0, f.y1), (f.x1, f.y1), (f.x1, ROWS)])
    yield f'<polyline points="{inclusion}" fill="none" stroke="#00a000" stroke-width="3" stroke-dasharray="9 5"/>'
    yield f'<polyline points="{exclusion}" fill="none" stroke="#d00000" stroke-width="3"/>'


def key():
    """What the colours say, under the plane."""
    y = (ROWS + 1.7) * SCALE
    for x, colour, text in ((1, COUNTED, "counted"), (12, LEFT_OUT, "not counted")):
        yield f'<circle cx="{x * SCALE}" cy="{y - 5:g}" r="6" fill="{colour}"/>'
        yield f'<text x="{(x + 1) * SCALE}" y="{y:g}" font-size="14">{text}</text>'
    for x, style, text in (
        (25, 'stroke="#00a000" stroke-dasharray="9 5"', "inclusion"),
        (38, 'stroke="#d00000"', "exclusion, without end"),
    ):
        yield f'<line x1="{x * SCALE}" x2="{(x + 3) * SCALE}" y1="{y - 5:g}" y2="{y - 5:g}" stroke-width="3" {style}/>'
        yield f'<text x="{(x + 3.5) * SCALE:g}" y="{y:g}" font-size="14">{text}</text>'


if __name__ == "__main__":
    PICTURE.write_text(figure())
