#!/usr/bin/env python3
"""Makes the pages of twelve findings, and looks at each in Chromium: narrow, wide, light, dark and printed.

    python benchmarks/pages_of_findings.py --out DIR [--lightning PYTHON] [--only NAME ...] [--keep]

DIR gets NAME.html, and NAME-WIDTH-SCHEME.png of each look. For each page the script prints its size, the lowest
contrast of a text with what is behind it, and what went wrong: text or figures wider than the window, requests,
messages of the browser. --keep looks at the pages that are in DIR already. PYTHON has Lightning; without it that page
is left out.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
FINDINGS = HERE / "findings"
SAMEBITS = [sys.executable, "-m", "samebits"]
# `python` in the commands is the Python of this script
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
LOOKS = ((400, "light"), (400, "dark"), (1400, "light"), (1400, "dark"), (1400, "print"))
LEAST_CONTRAST = 4.5
MOST_BYTES = 300_000
WITHOUT_A_DIFFERENCE = ("fix", "noise", "parity", "study")  # findings whose last command need not say `diverged`
PAGE = "PAGE"  # stands for the file of the page

# name -> the commands, one after the other
COMMANDS = {
    "pytorch": [["check", "-n", 2, "--out", "r", "--html", PAGE, FINDINGS / "pytorch_shuffles.py"]],
    "lightning": [
        ["check", "-n", 2, "--out", "r", "--python", "LIGHTNING", "--html", PAGE, FINDINGS / "lightning_unseeded.py"]
    ],
    "keras": [
        ["check", "-n", 2, "--out", "r", "--html", PAGE, TESTS / "known" / "keras_shuffles_without_a_seed.py"],
    ],
    "jax": [["check", "-n", 2, "--out", "r", "--html", PAGE, FINDINGS / "jax_unseeded.py"]],
    "race": [
        ["check", "-n", 2, "--full", "--out", "r", FINDINGS / "races_on_rows.py"],
        ["locate", "--heat", "--html", PAGE, "r"],
    ],
    "files": [["explain", "--out", "r", "--html", PAGE, FINDINGS / "reads_shards.py"]],
    "clock": [["explain", "--out", "r", "--html", PAGE, FINDINGS / "seeds_by_the_clock.py"]],
    "fix": [["explain", "--out", "r", "seeds_by_the_clock.py"], ["fix", "--html", PAGE, "r"]],
    "records": [
        ["record", "--out", "a", FINDINGS / "seeds_by_the_clock.py"],
        ["record", "--out", "b", FINDINGS / "seeds_by_the_clock.py"],
        ["compare", "a", "b", "--html", PAGE],
    ],
    "noise": [
        ["noise", "-n", 3, "--metric", r"norm=norm (\S+)", "--out", "r", "--html", PAGE,
         FINDINGS / "seeds_by_the_clock.py"],
    ],
    "study": [],
    "parity": [["parity", "init", "--libraries", "pytorch", "--html", PAGE]],
}  # fmt: skip


def make(name, page, lightning):
    """Run the commands of a finding in a folder of its own; what went wrong, or "" """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(FINDINGS / "seeds_by_the_clock.py", folder)
        if name == "study":
            from samebits_study import output
            from samebits_study.results import StudyResult

            text = (HERE.parent / "docs" / "study" / "lenet5-small" / "study.json").read_bytes()
            shutil.copy(output.write(StudyResult.model_validate_json(text), Path(folder))[-1], page)
            return ""
        for words in COMMANDS[name]:
            known = {PAGE: page, "LIGHTNING": lightning}
            command = [*SAMEBITS, *(str(known.get(word, word)) for word in words)]
            done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1):
                return done.stderr.strip()[-500:] or done.stdout.strip()[-500:]
        if name not in WITHOUT_A_DIFFERENCE and done.returncode != 1:
            return "the trials agreed, so the page shows no finding: run it again"
    return ""


def look(browser, page, out):
    """(the lowest contrast, what went wrong) of all looks at a page."""
    lowest, wrong = 99.0, []
    for width, scheme in LOOKS:
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}
        )
        opened = context.new_page()
        said = []
        opened.on("console", lambda message, said=said: said.append(message.text))
        opened.on("request", lambda request, said=said: said.append(request.url))
        opened.goto(page.as_uri())
        if scheme == "print":
            opened.emulate_media(media="print")
            opened.pdf(path=str(out / f"{page.stem}.pdf"))
        wrong += [one for one in said if not one.startswith(("file:", "data:"))]
        wide = opened.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{wide} pixels wide in a window of {width}"] if wide > width else []
        texts = opened.evaluate((TESTS / "reports" / "contrasts.js").read_text())
        lowest = min([lowest, *(contrast for contrast, _ in texts)])
        wrong += [f"contrast {contrast:.2f}: {text}" for contrast, text in texts if contrast < LEAST_CONTRAST][:3]
        opened.screenshot(path=str(out / f"{page.stem}-{width}-{scheme}.png"), full_page=True)
        context.close()
    return lowest, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lightning", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    out, bad = options.out.resolve(), 0
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in options.only or COMMANDS:
            page = out / f"{name}.html"
            if name == "lightning" and options.lightning is None:
                print(f"{name:<10} left out: --lightning names no Python")
                continue
            failed = "" if options.keep and page.is_file() else make(name, page, options.lightning)
            if failed or not page.is_file():
                print(f"{name:<10} NO PAGE: {failed}")
                bad += 1
                continue
            lowest, wrong = look(browser, page, out)
            size = page.stat().st_size
            wrong += [f"larger than {MOST_BYTES:,} bytes"] if size > MOST_BYTES and name != "study" else []
            bad += bool(wrong)
            print(f"{name:<10} {size:>9,} bytes   contrast {lowest:5.2f}   {'; '.join(dict.fromkeys(wrong)) or 'well'}",
                  flush=True)  # fmt: skip
        browser.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
