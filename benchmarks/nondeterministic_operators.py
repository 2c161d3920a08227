"""What PyTorch documents as nondeterministic against what operator replay sees on this machine's CPU.

    python benchmarks/nondeterministic_operators.py [--write docs/reference/nondeterministic-operators.md]

The list comes from the docstring of `torch.use_deterministic_algorithms` of the installed PyTorch. Each operation runs
in `trainings/documented_operations.py`, which is replayed twice: as it is, and under that setting. The page is written
from these two runs alone.
"""

import argparse
import ast
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from samebits.ops import read

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "trainings" / "documented_operations.py"
sys.path.insert(0, str(PROGRAM.parent))
from documented_operations import DOCUMENTED, OTHERS  # noqa: E402

ENTRY = re.compile(r"^        \* (.*?)(?=^        \* |\Z)", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r":\w+:`([^`]+)`")
THROWS = "throw a"


def entries(text):
    """(name, entry, what is said to happen) of each operation in the docstring's two lists."""
    for part in re.split(r"(?=The following normally-nondeterministic operations will)", text)[1:]:
        said = "raises an error" if THROWS in part.split(":")[0] + part[:200] else "becomes deterministic"
        listed = part.split("In addition,")[0]
        for found in ENTRY.findall(listed):
            yield ROLE.search(found)[1], " ".join(ROLE.sub(r"`\1`", found).split()).replace("``", "`"), said


def replay(*arguments):
    """(what replay found, what the program wrote): one run of all operations."""
    with tempfile.TemporaryDirectory() as folder:
        results, record = Path(folder, "results.json"), Path(folder, "record")
        command = [
            "ops",
            "--step",
            "1",
            "--repeats",
            "8",
            "--out",
            str(record),
            "--",
            "python",
            str(PROGRAM),
            str(results),
            *arguments,
        ]
        done = subprocess.run([sys.executable, "-m", "samebits", *command], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout + done.stderr)
        return read(record), json.loads(results.read_text())


def by_function(replayed):
    """Name of a function -> the operators that differed on its lines."""
    found = {}
    for node in ast.walk(ast.parse(PROGRAM.read_text())):
        if isinstance(node, ast.FunctionDef):
            lines = range(node.lineno, node.end_lineno + 1)
            places = [p for p in replayed.differed if p.file.endswith(PROGRAM.name) and p.line in lines]
            found[node.name] = places
    return found


def seen(places):
    """What replay saw: the operators, how often they differed, and the largest difference."""
    if not places:
        return "same bits"
    parts = []
    for place in places:
        far = f", at most {place.size.max_ulp:,} ULP" if place.size and place.size.max_ulp is not None else ""
        why = ", reads unwritten memory" if place.memory else ""
        parts.append(f"`{place.operator}`: {place.replays_differed} of {place.replays} replays{far}{why}")
    return "; ".join(parts)


def under_the_setting(name, before, after, results):
    """What the setting does to the operation on this machine."""
    plain, strict = results
    if "error" in strict[name]:
        return "error"
    if after[name]:
        return "still differs"
    if before[name]:
        return "same bits in every replay"
    return "nothing" if plain[name] == strict[name] else "other bits, the same in every replay"


def is_for_cpu(entry):
    """Whether an entry speaks of CPU tensors, or of no device at all."""
    return "CPU" in entry or "CUDA" not in entry


def agreement(entry, said, differs, setting):
    """Whether documentation and replay agree."""
    if not is_for_cpu(entry):
        return "**differs on the CPU too**" if differs else "documented for CUDA only, not tried there"
    if said == "raises an error" and setting != "error":
        return "**documented as an error: none on the CPU**"
    return "yes" if differs else "**documented, not seen here**"


def documented_rows(before, after, results):
    """One row for each entry of the docstring."""
    for name, entry, said in entries(torch.use_deterministic_algorithms.__doc__):
        function = next((f for title, words, f in DOCUMENTED if title == name and words in entry), None)
        if function is None:
            tried = "no program here" if is_for_cpu(entry) else "documented for CUDA only, not tried there"
            yield [entry, said, "not tried", "not tried", tried]
            continue
        places = before[function.__name__]
        setting = under_the_setting(function.__name__, before, after, results)
        yield [entry, said, seen(places), setting, agreement(entry, said, places, setting)]


def not_listed(places):
    """What is said of an operation that differs and is in no entry: it may use an operator that is in one."""
    listed = {
        name.rpartition(".")[2].strip("_"): name for name, *_ in entries(torch.use_deterministic_algorithms.__doc__)
    }
    known = [listed[name] for place in places if (name := place.operator.rpartition("::")[2]) in listed]
    return f"**differs, documented as `{known[0]}` only**" if known else "**differs, not documented**"


def other_rows(before, after, results):
    """One row for each operation that is not in the docstring."""
    for what, function in OTHERS:
        places = before[function.__name__]
        verdict = not_listed(places) if places else "yes"
        yield [what, seen(places), under_the_setting(function.__name__, before, after, results), verdict]


def table(heads, rows):
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def processor():
    """The first processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def page(documented, others, replayed):
    """The page."""
    counts = Counter(row[-1].strip("*") for row in documented)
    said = "\n".join(f"- {verdict or 'no program here'}: {count}" for verdict, count in counts.most_common())
    unset = ", ".join(f"`{one.operator}` ({one.result})" for one in replayed.unwritten) or "none"
    where = (
        f"{time.strftime('%Y-%m-%d')}, PyTorch {torch.__version__}, {torch.get_num_threads()} threads on {processor()}"
    )
    failed = "; ".join(f"`{one.operator}` ({one.why})" for one in replayed.failed) or "none"
    return f"""# Nondeterministic operators

<!-- Written by benchmarks/nondeterministic_operators.py: do not edit. -->

This page compares three things: what the documentation of `torch.use_deterministic_algorithms` lists, what
[operator replay](../how-to/replay-operators.md) saw on the CPU of one machine, and what the setting changes there.
"Same bits" means that no replay differed on this machine, with these sizes and threads. "Nothing" means that results
and gradients have the same bits with and without the setting. No GPU was tried.

{where}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, Python {platform.python_version()}. Written by

    python benchmarks/nondeterministic_operators.py --write docs/reference/nondeterministic-operators.md

## Documented

Do documentation and replay agree?

{said}

{table(["documented", "documented under the setting", "replay saw", "under the setting", "do they agree?"], documented)}

## Not documented

{table(["operation", "replay saw", "under the setting", "do they agree?"], others)}

Results with elements that their operator never wrote (these elements are not compared): {unset}.
Operators whose replay raised an error: {failed}.
"""


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--write", type=Path, metavar="FILE")
    target = parse.parse_args().write
    plain, results = replay()
    strict, strict_results = replay("--deterministic")
    before, after = by_function(plain), by_function(strict)
    both = before, after, (results, strict_results)
    text = page(list(documented_rows(*both)), list(other_rows(*both)), plain)
    if target is None:
        print(text)
    else:
        target.write_text(text)


if __name__ == "__main__":
    main()
