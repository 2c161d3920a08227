"""Take the result of a study into the documentation: `python docs/publish_study.py FOLDER [--note TEXT]`.

Copies what `samebits study` wrote in FOLDER: its report as a page, its figures (SVG), and its study.json without the
folders of the machine that ran it. Nothing is typed by hand; `--note` says what a reader must know of the run.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from samebits_study.reports import phrases
from samebits_study.results import StudyResult

HERE = Path(__file__).parent / "study"
FOLDERS = re.compile(r"(?<![\w{}:.])/(?:[\w.+@-]+/)+")


def without_folders(value):
    """The same document; of an absolute path its last part."""
    if isinstance(value, dict):
        return {name: without_folders(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    return FOLDERS.sub("", value) if isinstance(value, str) else value


def publish(folder, note):
    """Write docs/study/<name>.md, and its files in docs/study/<name>/."""
    result = json.loads((folder / "study.json").read_text())
    name = f"{result['study']}-{result['scale']}"
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "study.json").write_text(json.dumps(without_folders(result), indent=1) + "\n")
    for figure in sorted((folder / "figures").glob("*.svg")):
        shutil.copy(figure, target)
    title, rest = (folder / "report.md").read_text().split("\n", 1)
    command = phrases.again(StudyResult.model_validate(result))
    about = f"Made by `{command}`, {result['created'][:10]}, samebits {result['samebits']}."
    text = "\n\n".join([title, *([f"!!! note\n    {note}"] if note else []), about]) + "\n" + rest
    (HERE / f"{name}.md").write_text(text.replace("](figures/", f"]({name}/"))


if __name__ == "__main__":
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("folder", type=Path)
    parse.add_argument("--note", default="")
    args = parse.parse_args()
    publish(args.folder, args.note)
