"""Take the result of a study into the documentation: `python docs/publish_study.py FOLDER [--note TEXT] [--busy]`.
`python docs/publish_study.py --again docs/study/NAME [--data FOLDER]` writes the page again from what lies in that
folder, also for a study of several seeds. With `--data`, it measures the methods without a network again, on the
study's data in FOLDER.

Copies what `samebits study` wrote in FOLDER: its report as a page, its figures (SVG), and its study.json without the
folders of the machine that ran it. Nothing is typed by hand; `--note` says what a reader must know of the run.
`--busy` leaves out all times, because the machine did other work. `--no-fields` leaves out the figures that show fields
of the data, if these are not part of this project. FOLDER may hold a study of several seeds.
"""

import argparse
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from samebits.reports.presenters import markdown
from samebits_study import collection, output, scores, seeds, seeds_output
from samebits_study.catalog import STUDIES
from samebits_study.reports import DrawnFigure, plots, report
from samebits_study.reports import seeds as several
from samebits_study.results import StudyResult

HERE = Path(__file__).parent / "study"
FIGURES_OF_FIELDS = ("figure-1.svg", "figure-4.svg")
LEFT_OUT = "This figure is left out: it shows fields of the data, which are not part of this project."
FOLDERS = re.compile(r"(?<![\w{}:.])/(?:[\w.+@-]+/)+")


def without_folders(value):
    """The same document; of an absolute path its last part."""
    if isinstance(value, dict):
        return {name: without_folders(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    return FOLDERS.sub("", value) if isinstance(value, str) else value


def publish(folder, note, *, busy=False, fields=True):
    """Write docs/study/<name>.md, and its files in docs/study/<name>/."""
    document = without_folders(json.loads((folder / "study.json").read_text()))
    if busy:
        document["busy"] = True
    result = StudyResult.model_validate(document)
    name = f"{result.study}-{result.scale}"
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "study.json").write_text(json.dumps(document, indent=1) + "\n")
    for figure in sorted((folder / "figures").glob("*.svg")):
        shutil.copy(figure, target)
    text = (folder / "report.md").read_text().replace("](figures/", f"]({name}/")
    for figure in () if fields else FIGURES_OF_FIELDS:
        (target / figure).unlink()
        text = re.sub(rf"!\[.*\]\({name}/{figure}\)", LEFT_OUT, text)
    write(name, result, made_again(result, target, text) if busy else text, note)


def publish_seeds(folder, note):
    """Write docs/study/<name>-seeds.md, and its files beside it, without the digits and the cells that were missed."""
    study, results = seeds.kept(folder)
    name = f"{study.study}-{study.scale}-seeds"
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    for one, result in zip(study.folders, results, strict=True):
        document = without_folders(result.model_dump(mode="json"))
        models = [model for setup in document["setups"] for model in setup["models"]]
        for counts in (one.get(kind) for one in (*models, *document["baselines"]) for kind in ("digits", "cells")):
            if counts:
                counts["missed"] = None
        (target / one).mkdir(parents=True)
        (target / one / "study.json").write_text(json.dumps({**document, "busy": True}) + "\n")
    shutil.copy(folder / seeds.SEEDS, target)
    for figure in sorted((folder / "figures").glob("*.svg")):
        shutil.copy(figure, target)
    write(name, results[-1], (folder / "report.md").read_text().replace("](figures/", f"]({name}/"), note)


def write(name, result, text, note):
    """The report as a page: below its title what a reader must know of the run, and where its command is."""
    title, rest = text.split("\n", 1)
    about = f"Made by samebits {result.samebits} on {result.created[:10]} with [this command](#how-this-was-made)."
    page = "\n\n".join([title, *([f"!!! note\n    {note}"] if note else []), about]) + "\n" + rest
    (HERE / f"{name}.md").write_text(page)


def measure_again(file, data):
    """Measure the methods without a network. The data must be that of the study."""
    document = json.loads(file.read_text())
    result = StudyResult.model_validate(document)
    if json.loads((data / "data.json").read_text())["digest"] != result.data["digest"]:
        raise SystemExit(f"{data} is not the data of {file}.")
    judge = collection.judge_of(STUDIES[result.study], data, watershed=bool(result.watershed))
    found = scores.cell_baselines("cells", data, judge)
    document["baselines"] = [one.model_dump(mode="json") for one in found]
    file.write_text(json.dumps(document, indent=1) + "\n")


def publish_again(folder, *, busy=False, data=None):
    """Write the page of docs/study/<name>/ again, and its figures, from the study.json there. It keeps its note."""
    page = (HERE / f"{folder.name}.md").read_text()
    note = re.search(r"^!!! note\n    (.*)$", page, re.MULTILINE)
    if (folder / seeds.SEEDS).is_file():
        study, results = seeds.kept(folder)
        drawn = [drawn_before(several.figure(results), folder, page)]
        text = markdown.render(seeds_output.report(study, results, folder, drawn), heading="#")
        write(folder.name, results[-1], text, note[1] if note else "")
        return
    file = folder / "study.json"
    if data:
        measure_again(file, data)
    if busy:
        file.write_text(json.dumps({**json.loads(file.read_text()), "busy": True}, indent=1) + "\n")
    result = StudyResult.model_validate_json(file.read_text())
    for figure in output.every_figure(result, folder):
        for path in plots.draw(figure, folder):
            if path.suffix == ".png":
                path.unlink()
    write(folder.name, result, made_again(result, folder, page), note[1] if note else "")


def made_again(result, folder, page):
    """The report of a study.json and the figures beside it.

    What study.json does not hold is kept from an earlier page: what is said of figures that are made of masks.
    """
    drawn = [drawn_before(figure, folder, page) for figure in output.every_figure(result, folder)]
    return markdown.render(report(result, output.every_table(result), drawn), heading="#")


def drawn_before(figure, folder, page):
    """A figure and the file that was drawn of it, if there is one."""
    file = folder / f"figure-{figure.id}.svg"
    if not file.is_file():
        why = re.search(rf"^#+ {figure.name}\. .*\n\n(?:</summary>\n\n)?(.*)$", page, re.MULTILINE)
        return DrawnFigure(replace(figure, why=plain(why[1])) if why else figure, [])
    caption = re.search(rf"\]\({folder.name}/{file.name}\)\n\n(.*)$", page, re.MULTILINE)
    if figure.why and caption:
        figure = replace(figure, why="", caption=plain(caption[1]), notes=())
    return DrawnFigure(figure, [file], f"{folder.name}/{file.name}")


def plain(markdown_text):
    """The words of a paragraph without Markdown's escapes."""
    return re.sub(r"\\(.)", r"\1", markdown_text).replace("&amp;", "&")


if __name__ == "__main__":
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("folder", type=Path)
    parse.add_argument("--note", default="")
    parse.add_argument("--busy", action="store_true", help="the machine did other work: no time is shown")
    parse.add_argument("--no-fields", action="store_true", help="without the figures that show fields of the data")
    parse.add_argument("--again", action="store_true", help="FOLDER is one of docs/study")
    parse.add_argument("--data", type=Path)
    args = parse.parse_args()
    if args.again:
        publish_again(args.folder, busy=args.busy, data=args.data)
    elif (args.folder / seeds.SEEDS).is_file():
        publish_seeds(args.folder, args.note)
    else:
        publish(args.folder, args.note, busy=args.busy, fields=not args.no_fields)
