"""The body of the GitHub action (`action.yml`): checks a training, and gives the answer to GitHub.

It takes its inputs from variables, and ends with the exit status of `samebits check`. GitHub's files for outputs and
the job summary, and the commands for annotations, are those of
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_SUMMARY = 900_000  # bytes: GitHub takes 1 MiB
MOST_ANNOTATIONS = 10  # of a kind in a step
SEARCH = 600  # seconds for the cause
NO_GPU = "GPU kernels were not tested: this runner has no GPU."
LEVELS = {"repeated": "notice", "diverged": "error", "inconclusive": "warning"}


def main() -> int:
    """Check, explain a divergence, write summary, annotations and page, and return the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="samebits-", dir=os.environ["RUNNER_TEMP"]))
    record, page = folder / "record", folder / "samebits.html"
    try:
        words = _words()
    except ValueError as why:
        annotate("error", f"samebits could not check: {why}")
        return 2
    status = _check(record, words)
    if not (record / "result.json").is_file():
        annotate("error", "samebits could not check: the log of this step says why.")
        return status
    files = {"--json": folder / "result.json", "--html": page, "--md": folder / "samebits.md"}
    options = [word for flag, path in files.items() for word in (flag, str(path))]
    _samebits("report", *options, str(record), stdout=subprocess.DEVNULL)
    result = json.loads(files["--json"].read_bytes())
    notes = [] if result["setup"]["machine"].get("gpus") else [NO_GPU]
    summary = files["--md"].read_bytes()[:MOST_SUMMARY].decode(errors="ignore")
    _append("GITHUB_STEP_SUMMARY", "\n\n".join([summary, *notes]))
    _say(result, _places(record), notes)
    job = os.environ.get("GITHUB_JOB", "job")
    outputs = {"verdict": result["verdict"], "sentence": result["sentence"], "page": page}
    outputs["artifact"] = f"samebits-{job}-{secrets.token_hex(4)}"  # names of artifacts are unique in a run
    _append("GITHUB_OUTPUT", "".join(f"{name}={one_line(value)}\n" for name, value in outputs.items()))
    return status


def _words() -> list[str]:
    """Return the options and the command of the check. Raises ValueError for an input that nobody can read."""
    names = ("run", "trials", "steps", "golden", "strict", "comment")
    given = {name: os.environ.pop(f"SAMEBITS_{name.upper()}", "") for name in names}  # trials do not get them
    options = [word for name in names[1:4] if given[name] for word in (f"--{name}", given[name])]
    for name in names[4:]:
        if given[name] not in ("", "true", "false"):
            raise ValueError(f"the input {name} is {given[name]!r}; write true or false.")
    options += ["--strict"] if given["strict"] == "true" else []
    try:
        return [*options, "--", *shlex.split(given["run"])]
    except ValueError:
        raise ValueError(f"a quotation mark is not closed in the input run: {given['run']}") from None


def _check(record: Path, words: list[str]) -> int:
    """Run the check, and the search for the cause if the trials diverge. Return the exit status of the check."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)  # what a program prints is no command for GitHub
    try:
        status = _samebits("check", "--out", str(record), *words)
        if status == 1 and len(json.loads((record / "result.json").read_bytes())["groups"]) > 1:
            _samebits("why", str(record))
    finally:
        print(f"::{token}::", flush=True)
    return status


def _samebits(*words: str, stdout: int | None = None) -> int:
    """Run a command of samebits, and return its exit status. The search for a cause is stopped after some time."""
    process = subprocess.Popen([sys.executable, "-m", "samebits", *words], stdin=subprocess.DEVNULL, stdout=stdout)
    try:
        return process.wait(SEARCH if words[0] == "why" else None)
    except subprocess.TimeoutExpired:
        process.terminate()
        return process.wait()


def _places(record: Path) -> list[dict[str, object]]:
    """Return the lines of the program that `samebits why` found: those to change, else those that drew."""
    try:
        found = json.loads((record / "fix.json").read_bytes())
    except (OSError, ValueError):
        return []
    root, folder = os.environ["GITHUB_WORKSPACE"], Path(found["directory"])
    places = (found["changes"] or found["draws"])[:MOST_ANNOTATIONS]
    return [{"file": os.path.relpath(folder / place["file"], root), "line": place["line"]} for place in places]


def _say(result: dict[str, object], places: list[dict[str, object]], notes: list[str]) -> None:
    """Make an annotation at each place; without a place, one for the whole job."""
    said = " ".join([str(result["sentence"]), *notes])
    for place in places or [{}]:
        annotate(LEVELS[str(result["verdict"])], said, **place)


def annotate(level: str, said: str, **place: object) -> None:
    """Make an annotation of the job: "notice", "warning" or "error"."""
    properties = {**place, "title": "samebits"}
    told = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    print(f"::{level} {told}::{_escaped(said)}", flush=True)


def _escaped(value: object, more: str = "") -> str:
    """Return a value as GitHub's commands hold it."""
    return "".join(f"%{ord(one):02X}" if one in f"%\r\n{more}" else one for one in str(value))


def one_line(value: object) -> str:
    """Return a text without line breaks."""
    return " ".join(str(value).split())


def _append(variable: str, text: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
