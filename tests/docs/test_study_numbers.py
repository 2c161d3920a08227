"""Each number that a person typed, or that masks gave, on a published page of a study is found in its study.json.

All else on these pages is made of study.json, which `test_study_results.py` compares. What is kept of the page itself is
the note at its top, and the captions of figures of masks. A number there that no rule below knows fails, too.
"""

import re
from pathlib import Path

import pytest

from samebits_study import catalog
from samebits_study.results import StudyResult

STUDIES = Path(__file__).parents[2] / "docs" / "study"
NAMES = sorted(path.parent.name for path in STUDIES.glob("*/study.json"))
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ANY = re.compile(rf"\d[\d,.]*|\b(?:{'|'.join(WORDS[1:])})\b", re.IGNORECASE)
REFERENCES = re.compile(
    r"`[^`]*`|\]\([^)]*\)|(?:Tables?|Figures?|Code|since) \d[\d-]*(?: and \d+)?|[Oo]ne field|one trial only|this one|two processors|CC0"
)


def number(text):
    return WORDS.index(text.lower()) if text.lower() in WORDS else int(text.replace(",", ""))


def features(arguments):
    return int(arguments[arguments.index("--features") + 1])


def paper(result):
    return catalog.study_named(result.study).scales["paper"]


def true_cells_of_one_only(result, setup, first, second):
    """Field -> (the true cells that only the first trial counts, those that only the second does)."""
    models = {model.trial: model.cells for one in result.setups if one.id == setup for model in one.models}
    missed = [set(models[trial].missed) for trial in (first, second)]
    some = [[cell.rpartition(",")[0] for cell in cells] for cells in (missed[1] - missed[0], missed[0] - missed[1])]
    return {field: (some[0].count(field), some[1].count(field)) for field in {*some[0], *some[1]}}


def counted(result, setup, first, second, of_first, of_second, *more):
    """Masks are not in study.json: of cells that one trial counts alone, the true ones are."""
    assert {int(first), int(second)} <= {
        model.trial for one in result.setups if one.id == setup for model in one.models
    }
    if more[0] is None:
        return True
    true = int(more[0]), int(more[1])
    found = true_cells_of_one_only(result, setup, int(first), int(second)).values()
    return true in found and true[0] <= int(of_first) and true[1] <= int(of_second)


# what a sentence says -> whether its numbers are those of the document
RULES = {
    r"fields of (\d+) x (\d+) pixels instead of (\d+) x (\d+)": lambda result, a, b, c, d: (
        int(a) == int(b) == result.data["size"] and int(c) == int(d) == paper(result).data["size"]
    ),
    r"(\d+) features at the top instead of (\d+)": lambda result, a, b: (
        (int(a), int(b)) == (features(result.arguments), features(paper(result).arguments))
    ),
    r"of (\w+) generated mice": lambda result, many: f"{many} generated mice" in result.data["about"],
    r"had (\w+) epochs of ([\d,]+) digits": lambda result, a, b: (
        (number(a), number(b)) == (result.epochs, result.data["train"])
    ),
    r"([\w.-]+), trials (\d+) and (\d+)\. (?s:.*) (\d+) by trial \2 \(blue\), (\d+) by trial \3 \(orange\)"
    r"(?:\. True cells counted by one trial only: (\d+) by trial \2, (\d+) by trial \3)?": counted,
}


def kept(name, result):
    """The texts of a page that are not made of study.json."""
    page = (STUDIES / f"{name}.md").read_text()
    found = re.findall(r"^!!! note\n    (.*)$", page, re.MULTILINE)
    if result.data.get("study") == "cells":
        captions = re.findall(rf"\]\({name}/figure-(?:1|4)\.svg\)\n\n(.*)$", page, re.MULTILINE)
        assert len(captions) + page.count("This figure is left out: it shows fields of the data") == 2
        found += [re.sub(r"\\(.)", r"\1", text) for text in captions]
    return found


def wrong(text, result):
    """What a text says that study.json does not, and its numbers that no rule knows."""
    found = []
    for pattern, holds in RULES.items():
        for match in re.finditer(pattern, text):
            found += [] if holds(result, *match.groups()) else [match[0]]
        text = re.sub(pattern, "", text)
    return found + ANY.findall(REFERENCES.sub("", text))


@pytest.fixture(params=NAMES)
def published(request):
    """(name, its document)."""
    name = request.param
    return name, StudyResult.model_validate_json((STUDIES / name / "study.json").read_bytes())


def test_each_number_of_a_note_or_a_caption_is_that_of_the_document(published):
    name, result = published
    for text in kept(name, result):
        assert wrong(text, result) == [], text


def test_a_wrong_number_is_seen(published):
    """Each number that a rule knows is made one larger, one at a time."""
    name, result = published
    for text in kept(name, result):
        for match in (one for pattern in RULES for one in re.finditer(pattern, text)):
            for place in range(1, len(match.groups()) + 1):
                of_one_trial = "orange" in match[0] and place <= 5  # study.json has only the true ones of these cells
                if of_one_trial or match[place] is None or not ANY.fullmatch(match[place]):
                    continue
                start, end = match.span(place)
                changed = text[:start] + str(number(match[place]) + 1) + text[end:]
                assert wrong(changed, result), changed
