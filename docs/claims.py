"""Makes docs/study/claims.md from docs/study/claims.template.txt and the results beside it.

    python docs/claims.py

The template has the sentences. Its numbers come from each study.json and from active-learning/rounds.json, and the
counts at its top from the status words of its rows. In the template, a number is a name in braces: `{f1[pytorch-1.3]}`.
"""

import json
import re
import statistics
import textwrap
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from scipy.stats import spearmanr

HERE = Path(__file__).resolve().parent
STUDY = HERE / "study"
STATUS = ("supported", "does not hold", "undecided", "not tried")
ROW = re.compile(rf"^- \*\*({'|'.join(STATUS)})\*\* .*(?:\n  .*)*", re.MULTILINE)


def setups_of(name):
    """Setup -> what study.json says about it, for the setups that gave a model."""
    return {setup["id"]: setup for setup in document_of(name)["setups"] if setup["models"]}


def document_of(name):
    """The study.json of a published study."""
    return json.loads((STUDY / name / "study.json").read_text())


def spread(values, digits, of_spread):
    """A mean and sample standard deviation; of values that are all equal only the value."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(set(values)) == 1 else f"{mean} ± {statistics.stdev(values):.{of_spread}f}"


def bound(trials):
    """The largest share of trials, in percent, that could differ although so many are equal (95 %)."""
    return f"{100 * (1 - 0.05 ** (1 / trials)):.0f}"


def numbers():
    """Name -> a number, or setup -> a number."""
    unet, paper, small = map(setups_of, ("unet-counting", "lenet5-paper", "lenet5-small"))
    cells = {name: [model["cells"] for model in setup["models"]] for name, setup in unet.items()}
    found = {
        name: {setup: spread([one[name] for one in many], *digits) for setup, many in cells.items()}
        for name, digits in {"f1": (3, 4), "dice": (3, 4), "error_rate": (2, 3)}.items()
    }
    recall = {setup: [100 * one["recall"] for one in many] for setup, many in cells.items()}
    found["recall_moves"] = {setup: f"{statistics.stdev(many):.2f}" for setup, many in recall.items()}
    found["rate_moves"] = {
        s: f"{statistics.stdev([one['error_rate'] for one in many]):.3f}" for s, many in cells.items()
    }
    counted = {setup: sorted(one["counted"] for one in many) for setup, many in cells.items()}
    found["fewest"], found["most"] = ({s: many[place] for s, many in counted.items()} for place in (0, -1))
    found["missed"] = {setup: len(many[0]["missed"]) for setup, many in cells.items()}
    found["false"] = {s: many[0]["counted"] - many[0]["cells"] + len(many[0]["missed"]) for s, many in cells.items()}
    found["last_loss"] = {setup: f"{one['models'][0]['loss'][-1]:.2f}" for setup, one in unet.items()}
    found |= {"unet": shape(unet), "paper": shape(paper), "small": shape(small)}
    found |= {name: shape(setups_of(f"{name}-small")) for name in ("detection", "regression")}
    (found["true_cells"],) = {one["cells"] for many in cells.values() for one in many}
    found |= (
        of_methods(unet) | of_digits(paper) | of_times(small) | of_ranks(unet) | of_retests() | of_active_learning()
    )
    seeds = [json.loads(path.read_text()) for path in sorted((STUDY / "lenet5-small-seeds").glob("*/study.json"))]
    models = [one["models"][0] for study in seeds for one in study["setups"] if one["id"] == "pytorch"]
    found["seed_accuracies"] = ", ".join(f"{100 * model['digits']['accuracy']:.2f}" for model in models)
    return found | of_detectors() | of_unet_seeds() | of_nuclei() | {"bound": {7: bound(7), 28: bound(28)}}


def shape(setups):
    """Setup -> how many models, the sizes of their groups, and the step at which trials diverge; how many repeat."""
    return {"repeat": sum(len(one["groups"]) == 1 for one in setups.values())} | {
        f"{name}{'' if what == 'models' else ' ' + what}": value
        for name, one in setups.items()
        for what, value in {
            "models": len(one["groups"]),
            "groups": ", ".join(str(len(group)) for group in one["groups"]),
            "step": (one["divergence"] or {}).get("step"),
        }.items()
    }


def of_unet_seeds():
    """How many seeds of the U-Net give a setup more than a different one, and what seeds and trials gave."""
    values, counted = {}, {}
    for file in sorted((STUDY / "unet-counting-seeds").glob("seed-*/study.json")):
        for setup in json.loads(file.read_text())["setups"]:
            cells = [model["cells"] for model in setup["models"]]
            for measure in ("f1", "dice", "error_rate"):
                of_seeds = values.setdefault((setup["id"], measure), [])
                of_seeds.append(statistics.fmean(one[measure] for one in cells))
            counted.setdefault(setup["id"], {})[file.parent.name.removeprefix("seed-")] = cells
    found = {"seed_mean": {f"{setup} {measure}": f"{statistics.fmean(v):.{2 if measure == 'error_rate' else 3}f}"
                           for (setup, measure), v in values.items()}}  # fmt: skip
    found["above"] = {
        f"{a} {b} {measure}": sum(x > y for x, y in zip(values[a, measure], values[b, measure], strict=True))
        for a in counted
        for b in counted
        for measure in ("f1", "dice", "error_rate")
    }
    found["seed_2019"] = {setup: f"{seeds['2019'][0]['f1']:.3f}" for setup, seeds in counted.items()}
    found["seed_least"] = {setup: f"{min(values[setup, 'f1']):.3f}" for setup in counted}
    found["seed_fewest"] = {
        setup: min(cells[0]["counted"] for cells in seeds.values()) for setup, seeds in counted.items()
    }
    found["none_counted"] = {
        setup: sum(all(not one["counted"] for one in cells) for cells in seeds.values())
        for setup, seeds in counted.items()
    }
    found["two_trials"] = {int(seed): " and ".join(str(one["counted"]) for one in cells)
                           for seed, cells in counted["keras-tf2.1"].items()}  # fmt: skip
    return found


def of_nuclei():
    """What the setups gave on real nuclei, and how many different U-Nets have a lower F1 than a method without one."""
    setups = setups_of("unet-nuclei")
    cells = {name: [model["cells"] for model in one["models"]] for name, one in setups.items()}
    found = {
        f"nuclei_{measure}": {name: lowest_and_highest((one[measure] for one in many), digits)
                              for name, many in cells.items()}
        for measure, digits in {"f1": 3, "error_rate": 2, "counted": 0}.items()
    }  # fmt: skip
    f1 = f1_of_models(setups)
    found["nuclei_f1"] |= {"all": lowest_and_highest(f1, 3)}
    methods = {one["name"]: one["cells"] for one in document_of("unet-nuclei")["baselines"]}
    return found | {"nuclei": {**shape(setups), "all": len(f1)}, "nuclei_below": below(setups, methods)}


def lowest_and_highest(values, digits):
    """The lowest and the highest of values; of values that are equal only one."""
    low, *high = dict.fromkeys(f"{value:.{digits}f}" for value in sorted(values))
    return f"{low} to {high[-1]}" if high else low


def of_methods(setups):
    """The measures of methods without a network, and how many different U-Nets have a lower F1 than each."""
    methods = {one["name"]: one["cells"] for one in document_of("unet-counting")["baselines"]}
    found = {
        f"method_{name}": {method: f"{one[name]:.{digits}f}" for method, one in methods.items()}
        for name, digits in {"f1": 3, "dice": 3, "error_rate": 2}.items()
    }
    return found | {"below": below(setups, methods)}


def below(setups, methods):
    """Method without a network -> how many different U-Nets have a lower F1."""
    return {name: sum(f1 < one["f1"] for f1 in f1_of_models(setups)) for name, one in methods.items()}


def f1_of_models(setups):
    """The F1 of each different U-Net."""
    return {model["weights"]: model["cells"]["f1"] for one in setups.values() for model in one["models"]}.values()


def of_digits(setups):
    """The wrong digits and the accuracies of LeNet-5, and the class whose right digits vary most."""
    digits = {name: [model["digits"] for model in one["models"]] for name, one in setups.items()}
    found = {"wrong_low": {}, "wrong_high": {}, "accuracy_moves": {}, "class_low": {}, "class_high": {}}
    for name, many in digits.items():
        wrong = [one["wrong"] for one in many]
        right = list(zip(*([row[place] for place, row in enumerate(one["confusion"])] for one in many), strict=True))
        widest = max(right, key=lambda values: max(values) - min(values))
        found["wrong_low"][name], found["wrong_high"][name] = min(wrong), max(wrong)
        found["accuracy_moves"][name] = f"{statistics.pstdev(wrong) * (len(wrong) / (len(wrong) - 1)) ** 0.5 / 100:.3f}"
        found["class_low"][name], found["class_high"][name] = (f"{edge(widest):,}" for edge in (min, max))
    return found


def of_times(setups):
    """Seconds of training and testing, and of the training that samebits did not watch."""
    mean = {key: {n: f"{statistics.fmean(m[key] for m in one['models']):.2f}" for n, one in setups.items()}
            for key in ("train_seconds", "test_seconds")}  # fmt: skip
    plain = {name: f"{one['plain']['train_seconds']:.2f}" for name, one in setups.items() if one["plain"]}
    return {"train": mean["train_seconds"], "test": mean["test_seconds"], "unwatched": plain}


def of_ranks(setups):
    """How many different models there are, and the rank correlation of their measures."""
    models = {model["weights"]: model["cells"] for one in setups.values() for model in one["models"]}
    f1, dice, rate = ([one[name] for one in models.values()] for name in ("f1", "dice", "error_rate"))
    best = min(models.values(), key=lambda one: one["error_rate"])
    pairs = {"f1_rate": (f1, rate), "dice_rate": (dice, rate), "f1_dice": (f1, dice)}
    return {
        "different": len(models),
        "rank": {name: f"{spearmanr(*pair).statistic:.2f}" for name, pair in pairs.items()},
        "chance": {name: f"{spearmanr(*pair).pvalue:.2f}" for name, pair in pairs.items()},
        "best_rate": {name: f"{best[name]:.{digits}f}" for name, digits in {"error_rate": 2, "f1": 3}.items()},
        "lowest_rate": f"{min(rate):.2f}",
        "highest_rate": f"{max(rate):.2f}",
    }


def of_retests():
    """How many retests there are, how many had the same bits, and how many chose the same, if there was a choice."""
    names = sorted(path.parent.name for path in STUDY.glob("*/study.json"))
    retests = [one for name in names for setup in setups_of(name).values() for one in setup["retests"]]
    chosen = [one["same_decisions"] for one in retests if one["same_decisions"] is not None]
    return {"retests": len(retests), "retested": len(names), "same_bits": sum(bool(one["same"]) for one in retests),
            "choices": len(chosen), "same_choices": sum(chosen)}  # fmt: skip


def of_detectors():
    """The lowest and the highest recall and average precision of the detectors, in percent."""
    scores = [model["scores"] for setup in setups_of("detection-small").values() for model in setup["models"]]
    return {
        f"{name}_{end}": f"{edge(one[key] for one in scores):.2f}"
        for name, key in {"recall": "recall", "precision": "average_precision"}.items()
        for end, edge in {"low": min, "high": max}.items()
    }


def of_active_learning():
    """Setup -> how many chosen images differ after round 5, the number by chance, all images, the accuracies."""
    spec = spec_from_file_location("active_learning", HERE / "active_learning.py")
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    rows = {name: script.row(name, setup) for name, setup in json.loads(script.ROUNDS.read_text()).items()}
    places = {"apart": 8, "by_chance": 9, "images": 10, "accuracies": 12}
    return {key: {name: row[place].split(" (")[0] for name, row in rows.items()} for key, place in places.items()}


def page(template):
    """The page: the template with its numbers, its counts and its contents."""
    sections = re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", template, re.MULTILINE)
    contents = "\n".join(f"- [{title}](#{anchor(title)}){of_rows(text, ': ')}" for title, text in sections)
    counts = of_rows(template, f"{len(ROW.findall(template))} claims: ")
    return ROW.sub(wrapped, template.format(counts=counts, contents=contents, **numbers()))


def wrapped(row):
    """A row in lines of at most 120 characters."""
    words = " ".join(row[0].split())
    return textwrap.fill(words, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def of_rows(text, before):
    """How many claims of a text have each status; nothing if it has no claim."""
    counts = Counter(ROW.findall(text))
    said = [f"{counts[one]} {one if counts[one] == 1 else one.replace('does', 'do')}" for one in STATUS if counts[one]]
    return before + ", ".join(said) if said else ""


def anchor(title):
    """The anchor that MkDocs gives a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())


if __name__ == "__main__":
    (STUDY / "claims.md").write_text(page((STUDY / "claims.template.txt").read_text()))
