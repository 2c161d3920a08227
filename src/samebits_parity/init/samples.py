"""Drawing the cases of a library under its interpreter, by a script that knows the library and nothing of samebits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits_parity.init import cases
from samebits_parity.init.cases import Case
from samebits_parity.sides import Side, run_script

SCRIPTS = Path(__file__).parent / "scripts"
SEED = 2019  # the paper's


class DrawnWeight(NamedTuple):
    """A weight as it was drawn. `name`: in its layer, empty for an initializer's tensor; `doc`: the docstring of the
    initializer or layer; `defaults`: its signature's; `draws`: (draws, *shape), float32."""

    case: Case
    name: str
    doc: str
    defaults: dict[str, Any]
    draws: NDArray[Any]

    @property
    def called(self) -> str:
        """Dense.kernel; glorot_uniform"""
        return f"{self.case.name}.{self.name}" if self.name else self.case.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one draw."""
        return self.draws.shape[1:]


class Draws(NamedTuple):
    """What a library drew. `absent`: cases that it does not have; `failed`: (case, why)."""

    side: Side
    version: str
    weights: list[DrawnWeight]
    absent: list[str]
    failed: list[tuple[str, str]]


def draw(side: Side, folder: Path) -> Draws:
    """Draw every case. `folder`: for the arrays. Raises NotFound, LibraryFailure."""
    asked = cases.of(side)
    request = {"cases": [case._asdict() for case in asked], "seed": SEED}
    answer = run_script(side, SCRIPTS / cases.SCRIPTS[side.family], request, folder)
    pairs = list(zip(asked, answer["cases"], strict=True))
    return Draws(
        side=side,
        version=answer["version"],
        weights=[weight for case, given in pairs for weight in _weights(case, given)],
        absent=sorted({case.name for case, given in pairs if given.get("absent")}),
        failed=[(case.name, given["error"]) for case, given in pairs if "error" in given],
    )


def _weights(case: Case, given: dict[str, Any]) -> Iterator[DrawnWeight]:
    for weight in given.get("weights", ()):
        yield DrawnWeight(case, weight["name"], given["doc"], given["defaults"], np.load(weight["file"], mmap_mode="r"))
