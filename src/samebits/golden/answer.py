"""Puts the answer about a golden file into the result of a check. Pure."""

from __future__ import annotations

from typing import Any

import samebits
from samebits import words
from samebits.errors import SamebitsError
from samebits.golden.blocks import GoldenBlock
from samebits.golden.differences import first_difference
from samebits.golden.golden_file import GoldenFile
from samebits.golden_answer import GoldenAnswer
from samebits.model import Result

__all__ = ["compared", "no_block", "not_compared", "written"]


def not_compared(file: GoldenFile, was: Result) -> Result:
    """Return the result of trials that do not repeat, or give no answer."""
    why = "the trials do not agree with each other" if was.verdict == "diverged" else "the check has no answer"
    sentence = f"The golden file was neither compared nor written, because {why}."
    return _with(was, _answer(file, "refused", sentence))


def no_block(file: GoldenFile, was: Result, why: SamebitsError) -> Result:
    """Return the result of trials that no golden file can hold."""
    return _inconclusive(was, _answer(file, "refused", why.message), why.advice)


def written(file: GoldenFile, was: Result, new: GoldenBlock, old: GoldenBlock | None) -> Result:
    """Return the result of trials whose block was written, in the place of an old one if there was one."""
    sentence = f"The block {new.name} was written: {words.count(new.trials, 'trial')} agreed."
    if old is not None:
        difference = first_difference(old, new)
        sentence += f" Its bits changed: {difference.where} differs." if difference else " Its bits are as before."
    return _with(was, _answer(file, "written", sentence, new, steps=new.steps))


def compared(file: GoldenFile, was: Result, new: GoldenBlock) -> Result:
    """Return the result of trials that are compared with the block of their environment."""
    old, near = file.block_for(new), file.same_machine(new)
    if old is None:
        text = _versions(near[0], new) if near else _machine(file, new)
        return _unanswered(file, was, new, "changed" if near else "unknown", text)
    difference, extent = first_difference(old, new), _extent(old, new)
    if difference is None:
        text = f"The trials have the same bits as {file.path}."
        return _with(was, _answer(file, "equal", text, old, **extent))
    writer = old.made["samebits"]
    if writer != samebits.__version__:
        text = f"samebits {writer} wrote the block, and {samebits.__version__} may not observe the same values"
        return _unanswered(file, was, new, "changed", f"{difference.where} differs. But {text}.")
    trials = words.count(new.trials, "trial")
    text = f"The {trials} agree with each other, but not with {file.path}: {difference.where} differs."
    answer = _answer(
        file, "differs", text, old, **extent, where=difference.where, size=difference.size,
        step=min(difference.step, new.steps), kind=difference.kind, detail=difference.detail,
        paste=new.text(file.header), command=new.made["command"],
    )  # fmt: skip
    return _with(was, answer, verdict="diverged", sentence=text)


def _extent(old: GoldenBlock, new: GoldenBlock) -> dict[str, Any]:
    is_whole = old.stopped_after is None and new.stopped_after is None
    return {"steps": min(old.steps, new.steps), "scope": "whole" if is_whole else "prefix"}


def _machine(file: GoldenFile, new: GoldenBlock) -> str:
    others = [block.environment.machine_differences(new.environment) for block in file.blocks.values()]
    nearest = "; ".join(sorted(others, key=len)[0]) if others else ""
    return f"the golden file has no block for this machine{f' ({nearest})' if nearest else ''}."


def _versions(old: GoldenBlock, new: GoldenBlock) -> str:
    changes = words.first_few(old.environment.version_differences(new.environment), 5)
    difference = first_difference(old, new)
    bits = f"{difference.where} differs" if difference else "all bits are the same"
    return f"the golden file has no block for these versions: {changes}. Compared with the old block, {bits}."


def _unanswered(file: GoldenFile, was: Result, new: GoldenBlock, state: str, sentence: str) -> Result:
    again = f"samebits check --golden {file.path} --update -- {new.made['command']}"
    advice = f"to add a block, run this with the code for which the golden file was made: {again}"
    return _inconclusive(was, _answer(file, state, sentence, paste=new.text(file.header)), advice)


def _inconclusive(was: Result, answer: GoldenAnswer, advice: str) -> Result:
    texts = {"sentence": answer.sentence, "reason": answer.sentence, "reason_code": "golden", "advice": advice}
    return _with(was, answer, verdict="inconclusive", **texts)


def _with(was: Result, answer: GoldenAnswer, **changes: Any) -> Result:
    return was.model_copy(update={"golden": answer, **changes})


def _answer(file: GoldenFile, state: Any, sentence: str, block: GoldenBlock | None = None, **more: Any) -> GoldenAnswer:
    """Return the answer. `block`: the block that it is about."""
    of_block: dict[str, Any] = {}
    if block is not None:
        origin = f"{block.made['date']}, commit {block.made['commit']}"
        of_block = {"block": block.name, "trials": block.trials, "made": origin}
    return GoldenAnswer(file=str(file.path), state=state, sentence=sentence, **of_block, **more)
