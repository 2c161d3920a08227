"""What `--env` and `--python` can name on this machine, as text."""

from __future__ import annotations

from samebits.environments import interpreters
from samebits.environments.builder import is_current
from samebits.environments.catalog import RECIPES, Recipe
from samebits.environments.lookup import MARKER, environment_folder
from samebits.places import home


def listing() -> str:
    """The environments (built or not) and the interpreters found."""
    lines = [f"environments (in {home() / 'envs'})"]
    lines += [f"   {recipe.name:<18} {state(recipe):<12} {recipe.about}" for recipe in RECIPES.values()]
    lines += ["interpreters"]
    lines += [f"   {answer.release:<18} {answer.path}" for answer in _by_release()]
    return "\n".join(lines) + "\n"


def state(recipe: Recipe) -> str:
    """ "built", "out of date" (its lock files are others now) or "not built"."""
    folder = environment_folder(recipe.name)
    if is_current(folder, recipe):
        return "built"
    return "out of date" if (folder / MARKER).is_file() else "not built"


def _by_release() -> list[interpreters.Answer]:
    return sorted(interpreters.found(), key=lambda answer: answer.version)
