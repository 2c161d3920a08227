"""The results of a study: the document from which tables, figures and the page are made.

It is frozen, and reads back as it was written.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from samebits.documents import AnyNumber
from samebits.model import Divergence, Document, HeldControl, Verdict

STUDY_FORMAT = 1
RESULT = "study.json"  # in the folder of a study


class Digits(Document):
    """LeNet-5 on the test digits. `confusion`: rows are the true digits, columns the predicted ones.

    `undecided`: how many predictions are NaN. These are wrong, and not in `confusion`. `missed`: the places of the
    wrong digits in the test data, from 0; null in older documents.
    """

    accuracy: float
    wrong: int  # FN + FP of the paper's Table 7: every wrong digit is one of each; the paper counts it once
    confusion: list[list[int]]
    undecided: int = 0
    missed: list[int] | None = None


class Cells(Document):
    """U-Net on the test animal.

    An undefined measure is null, and `undefined` says why (name -> reason). `dice`: the mean over the fields, without
    the fields named in `without_dice`, in which neither mask has a cell. `missed`: the true cells in the frame, of
    `cells` in all, that match no counted cell; null in older documents. A cell is named by its field and its number in
    the field's true mask.
    """

    error_rate: float | None
    dice: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    counted: int
    true_count: int
    fields: int | None = None  # of the test animal; null in older documents
    without_dice: list[str] = []
    dice_of_all_pixels: float | None = None
    undefined: dict[str, str] = {}
    cells: int | None = None
    missed: list[str] | None = None


def _as_tuple(value: Any) -> Any:
    """Return a list as a tuple: JSON has no tuples, and documents are read as strictly as JSON allows."""
    return tuple(value) if isinstance(value, list) else value


class ScoredMeasure(Document):
    """A measure that a study's own script computes: its name there, its heading in tables, its digits after the point.

    `digits`: of a value, and of a deviation. `lower`: whether a lower number is better.
    """

    name: str
    head: str
    digits: Annotated[tuple[int, int], BeforeValidator(_as_tuple)]
    lower: bool = False


class Baseline(Document):
    """Predictions that no training made, judged as the trials' predictions are. `about`: how they were made."""

    name: str
    about: str
    cells: Cells | None = None
    scores: dict[str, AnyNumber | None] | None = None


class TrainedModel(Document):
    """One trained model. `weights`, `predictions`: fingerprints of the last weights, and of the test predictions.

    `scores`: the measures of the predictions by the study's own script; null if a measure is undefined.
    """

    trial: int
    weights: str
    predictions: str
    train_seconds: float
    test_seconds: float
    machine: str
    loss: list[AnyNumber] = []
    validation_loss: list[AnyNumber] = []
    digits: Digits | None = None
    cells: Cells | None = None
    scores: dict[str, AnyNumber | None] | None = None


class WeightDistance(Document):
    """How far a trial's weights are from the reference trial's: |w - w_ref| / |w_ref| after each kept epoch."""

    trial: int
    epochs: list[int]
    relative: list[AnyNumber]


class Retest(Document):
    """Saved weights tested again in a fresh process. `same`: null if it could not be run, and `detail` says why.

    `same_decisions`: the same digits, or the same pixels above one half, whatever the bits of the probabilities.
    """

    factor: str
    trial: int
    same: bool | None
    same_decisions: bool | None = None  # also null if the study's predictions decide nothing
    largest: AnyNumber | None = None  # largest difference between two predictions
    detail: str = ""


class Plain(Document):
    """One training that was not watched. `same`: whether its weights are those of some trial."""

    train_seconds: float
    test_seconds: float
    same: bool
    machine: str


class Initial(Document):
    """One kernel before training: its largest absolute value, the limits of the paper's Equations 1 and 2, and from
    which of the two it was drawn (null: neither, or not known).
    """

    name: str
    shape: list[int]
    largest: AnyNumber
    equation_1: float
    equation_2: float
    equation: int | None


class SetupResult(Document):
    """One setup. `status`: done, partial (fewer trials than asked for) or skipped; `reason` says why not done."""

    id: str
    about: str
    status: str
    reason: str = ""
    trials: int | None = None  # requested trials; null in older documents: as many as the study's
    library: str = ""
    command: list[str] = []
    controls: list[HeldControl] = []
    verdict: Verdict | None = None
    sentence: str = ""
    groups: list[list[int]] = []  # of trials with equal weights
    divergence: Divergence | None = None
    judged: dict[str, str] = {}  # kind -> its mark, as in result.json; empty in older documents
    models: list[TrainedModel] = []
    distances: list[WeightDistance] = []
    retests: list[Retest] = []
    plain: Plain | None = None
    initial: list[Initial] = []  # of the first trial


class StudyResult(Document):
    """A study, as far as it has been run."""

    format: int = STUDY_FORMAT
    samebits: str
    study: str
    scale: str
    created: str
    data: dict[str, Any]
    trials: int
    epochs: int
    arguments: list[str]
    seed: int | None = None  # of each training; null: the paper's
    # whether touching cells were split; null: no cells, or an older document, for which they were split
    watershed: bool | None = None
    measures: list[ScoredMeasure] = []  # of `scores`, the main one first
    baselines: list[Baseline] = []  # none: the study has none, or an older document
    # the machine did other work meanwhile, so no table has a time; whoever publishes the study says so
    busy: bool = False
    setups: list[SetupResult]
