"""Makes docs/explanation/noise-layers.svg: one metric, drawn again in each of the three layers of noise.

python docs/noise_layers.py

The numbers are drawn: 5 seeds with 5 trainings each, and 12 test cases. `samebits noise` finds the deviations again.
"""

from pathlib import Path

import numpy as np

from samebits.noise.result import TrainingRun, metric_noise

PICTURE = Path(__file__).resolve().parent / "explanation" / "noise-layers.svg"
LEVEL, SEEDS, FLOOR, CASES = 0.86, 0.010, 0.004, 0.05  # the mean, and the deviation of each layer
LOW, HIGH, WIDTH, LEFT, LANE, PANEL = 0.82, 0.90, 760, 150, 13, 112
COLOURS = ("#1565c0", "#2e7d32", "#c62828", "#6a1b9a", "#ef6c00")


def trainings():
    """5 seeds, 5 trainings each, 12 test cases."""
    random = np.random.default_rng(7)
    cases = random.normal(0, CASES, 12)
    cases -= cases.mean()
    made = []
    for seed in range(1, 6):
        level = LEVEL + random.normal(0, SEEDS)
        for trial in range(1, 6):
            value = level + random.normal(0, FLOOR)
            table = {str(number): float(value + moved) for number, moved in enumerate(cases)}
            made.append(TrainingRun(seed=seed, trial=trial, metrics={"dice": float(value)}, cases={"dice": table}))
    return made


def figure():
    """The picture as SVG text."""
    made = trainings()
    found = metric_noise(made, "dice")
    panels = (
        (("same seed", "the noise floor:", f"{found.same_seed:.4f}"), first_seed(made)),
        (("other seeds", "what seeds add:", f"{found.other_seeds:.4f}"), of_seeds(made)),
        (("other test cases", "the standard error:", f"{found.other_cases:.4f}"), drawn_cases(made)),
    )
    body = [line for place, panel in enumerate(panels) for line in drawn(place, *panel)]
    height = PANEL * len(panels) + 34
    box = f'viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="13">'
    middle = f'y="{height - 10}" text-anchor="middle"'
    ends = [f'<text x="{across(end):.1f}" {middle}>dice {end}</text>' for end in (0.83, 0.86, 0.89)]
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *body, *ends, "</svg>"]) + "\n"


def first_seed(made):
    """The trainings of seed 1, a lane each."""
    values = [one.metrics["dice"] for one in made if one.seed == 1]
    return [dot(value, lane, COLOURS[0]) for lane, value in enumerate(values)]


def of_seeds(made):
    """The mean of each seed's trainings, a lane each."""
    means = [np.mean([one.metrics["dice"] for one in made if one.seed == seed]) for seed in range(1, 6)]
    return [dot(value, lane, COLOURS[lane]) for lane, value in enumerate(means)]


def drawn_cases(made):
    """The mean over test cases of one training, for five test sets that are drawn from its cases."""
    random = np.random.default_rng(8)
    values = list(made[0].cases["dice"].values())
    return [dot(np.mean(random.choice(values, len(values))), lane, "#546e7a") for lane in range(5)]


def drawn(place, lines, dots):
    """One panel: what is drawn again, its deviation, five dots."""
    top = PANEL * place + 10
    frame = f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 12}" height="{PANEL - 16}" fill="#f5f7f8"/>'
    words = [f'<text x="10" y="{top + 22 + 19 * number}">{line}</text>' for number, line in enumerate(lines)]
    return [frame, *words, f'<g transform="translate(0 {top + 20})">', *dots, "</g>"]


def dot(value, lane, colour):
    """A dot at a value."""
    return f'<circle cx="{across(value):.1f}" cy="{lane * LANE}" r="5" fill="{colour}"/>'


def across(value):
    """Where a value lies."""
    return LEFT + (value - LOW) / (HIGH - LOW) * (WIDTH - LEFT - 12)


if __name__ == "__main__":
    PICTURE.write_text(figure())
