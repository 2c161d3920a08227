"""Rounds of boosting libraries.

Each is a step, which stays open until the next one begins, because losses come after the update.
"""

import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from ...prints import ArrayPrint, keep, kept_number
from ...wrappers import after, guarded, wrap
from ..identities import Identities, ObjectLabels
from ..objects import Booster, Dataset, Function
from .content import Content, is_joblib_worker

if TYPE_CHECKING:
    from ...probe import Probe

Given = List[Tuple[str, ArrayPrint]]  # the values from which a data set was made


class Rounds:
    """Records the rounds of one library.

    `read_round(booster)`: what its latest round added, as bytes; `read_model(booster)`: the whole model, as bytes;
    `read_attributes(booster)`: the texts that the program gave it, by name.
    """

    def __init__(
        self,
        probe: "Probe",
        library: str,
        read_round: Callable[[Booster], bytes],
        read_model: Callable[[Booster], bytes],
        read_attributes: "Callable[[Booster], Dict[str, str]]" = lambda booster: {},
    ) -> None:
        self._probe, self._library = probe, library
        self._read_round, self._read_model, self._read_attributes = read_round, read_model, read_attributes
        self._content = Content(probe.hasher)
        self._data, self._boosters = Identities(), ObjectLabels()  # of data sets: Given
        self._last: Dict[str, ArrayPrint] = {}  # label -> content of the model, as far as its rounds show it
        self._open_at: Optional[int] = None
        probe.at_end(self._end)
        probe.open_rounds.append(self.close)

    def watch(self, owner: Any, name: str, data_of: Callable[..., Dataset]) -> None:
        """Wrap the method that makes a round. `data_of(booster, ...)`: the data set of a call with these arguments."""
        guard, what = self._probe.guard, "round of " + self._library

        def make(original: Function) -> Function:
            def update(booster: Booster, *args: Any, **kwargs: Any) -> Any:
                is_step = guard(what, self.begin)
                result = original(booster, *args, **kwargs)
                if is_step:
                    guard(what, lambda: self.updated(booster, data_of(booster, *args, **kwargs)))
                return result

            return update

        wrap(owner, name, make)

    def watch_data(self, kind: Any) -> None:
        """Keep the tables and arrays from which data sets of a class are made: it may not hold them later."""
        names = list(inspect.signature(kind.__init__).parameters)[1:]

        def made(_: None, dataset: Dataset, *args: Any, **kwargs: Any) -> None:
            named = [*zip(names, args), *sorted(kwargs.items())]
            self._keep_data(dataset, [pair for pair in named if isinstance(pair[1], list) or hasattr(pair[1], "shape")])

        after(kind, "__init__", guarded(self._probe, "data of " + self._library, made))

    def _keep_data(self, dataset: Dataset, named: Iterable[Tuple[str, Any]]) -> None:
        found = [(name, self._content.of(value)) for name, value in named]
        self._data.put(dataset, [(name, one) for name, one in found if one is not None])

    def keep_part(self, part: Dataset, whole: Dataset, rows: Any) -> None:
        """Keep the values from which a part of a data set is made: those of the whole, and which rows are taken."""
        self._keep_data(part, [("rows", sys.modules["numpy"].asarray(rows))])
        self._data.put(part, self._given(whole) + self._given(part))

    def _given(self, dataset: Dataset) -> Given:
        found: Given = self._data.get(dataset) or []
        return found

    def begin(self) -> bool:
        """Begin a round, and end the one before. Returns False if the round is part of a fit of a different library."""
        self.close()
        is_asked_for = self._probe.stepping is None and self._probe.fitted in (None, self._library)
        return is_asked_for and not is_joblib_worker()

    def updated(self, booster: Booster, dataset: Dataset) -> None:
        """Record the inputs of a round that has been made, and what it added."""
        probe = self._probe
        probe.once("observed-by", how="round")
        probe.begin()
        label = self._label(booster)
        for name, content in self._given(dataset):
            self._add("batch", "%s/%s" % (label, name), content)
        added = self._read_round(booster)
        content = self._content.of_plain(added)
        self._add("update", label + ".round", content)
        last = self._last[label].fingerprint if label in self._last else b""
        self._last[label] = self._content.of_plain(last + content.fingerprint)
        self._open_at = probe.step

    def made(self, booster: Booster) -> None:
        """Keep the content of a model that no round made, so that it is recorded at the end."""
        self._last[self._label(booster)] = self._content.of_plain(self._read_model(booster))

    def metric(self, booster: Booster, name: str, value: float) -> None:
        """Record a loss or a metric of the open round."""
        if self._open_at == self._probe.step:
            point = self._probe.point("forward", "%s.%s" % (self._label(booster), name), "float64")
            self._probe.scalar(point, value, self._probe.add(point, self._content.of_plain(value).fingerprint))

    def _label(self, booster: Booster) -> str:
        return self._boosters.of(booster, "Booster")

    def close(self) -> None:
        """Close the open round, if there is one."""
        if self._open_at is not None and self._open_at == self._probe.step:
            self._open_at = None
            self._probe.end_step()

    def _add(self, kind: str, name: str, content: ArrayPrint) -> None:
        self._probe.add(self._probe.point(kind, name, content.dtype, content.shape), content.fingerprint)

    def _end(self) -> None:
        """Close the last round, because no later one does.

        Then record the models: as they are now, if they are alive.
        """
        if self._open_at is not None and self._open_at == self._probe.step:
            self._probe.step += 1
        living = {label: booster for booster, label in self._boosters.living()}
        for label, content in self._last.items():
            booster = living.get(label)
            now = content if booster is None else self._content.of_plain(self._read_model(booster))
            self._add("end", label + ".model", now)
            for name, text in sorted(self._read_attributes(booster).items() if booster is not None else ()):
                self._add_attribute("%s.attributes.%s" % (label, name), text)

    def _add_attribute(self, name: str, text: str) -> None:
        """Record an attribute, and keep its number or its text. Different texts may be the same number."""
        self._add("end", name, self._content.of_plain(text.encode("utf-8", "surrogatepass")))
        number = _number(text)
        keep(self._probe, name, self._probe.point("end", name), kept_number(text if number is None else number))


def _number(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None
