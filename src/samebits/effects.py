"""What a control did in the trials, as a value and as a sentence."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import computed_field, model_validator

from samebits.document import Document

Effect = Literal["held", "idle", "overruled", "undone", "unreadable"]
TOOK_EFFECT: dict[Effect, bool | None] = {
    "held": True, "idle": True, "overruled": True, "undone": False, "unreadable": None,
}  # fmt: skip
_OLD_EFFECTS = {
    "nothing reads it": "idle",
    "its seed wins": "overruled",
    "the program chose PYTHONHASHSEED": "overruled",
}
_OLD_FIRST_READING = "no step has run yet"  # older documents kept it beside a later reading, which could be made


class HeldControl(Document):
    """A control that was held. `effect`: what it does (see `samebits_probe.wire`); `why`: a sentence for people.

    `took_effect`: null when no trial could read it back. `detail`: `why`, as older readers call it.
    """

    id: str
    effect: Effect
    why: str = ""

    # mypy has no word for it: https://docs.pydantic.dev/latest/api/fields/#pydantic.fields.computed_field

    @computed_field  # type: ignore[prop-decorator]
    @property
    def took_effect(self) -> bool | None:
        """Whether it took effect, as far as a yes or no can say it."""
        return TOOK_EFFECT[self.effect]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def detail(self) -> str:
        """The sentence."""
        return self.why

    @model_validator(mode="before")
    @classmethod
    def _with_effect(cls, content: Any) -> Any:
        return with_effect(content) if isinstance(content, dict) else content


def with_effect(control: dict[str, Any]) -> dict[str, Any]:
    """What a record says of a control, with its effect: one of before 2026-12 said it in `detail` alone.

    This is the only place that reads that sentence.
    """
    if "effect" in control or not {"took_effect", "detail"} & set(control):
        return control
    took_effect, detail = control.get("took_effect"), str(control.get("detail") or "")
    if took_effect is not True:
        return {**control, "effect": "undone" if took_effect is False else "unreadable", "why": detail}
    found = next((effect for words, effect in _OLD_EFFECTS.items() if words in detail), "held")
    return {**control, "effect": found, "why": "" if detail == _OLD_FIRST_READING else detail}
