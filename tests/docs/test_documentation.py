"""The documentation is built strictly, and the commands that it shows do what it says."""

import os
import re
import runpy
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

import samebits

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"(?:<!-- status: (\d+) -->\n)?```console\n(.*?)```", re.DOTALL)
FILE = re.compile(r'```\w+ title="([^"]+)"\n(.*?)```', re.DOTALL)
slurm_site = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "slurm_site.py")))
NEEDS = re.compile(r"<!-- needs: ([\w ]+) -->")


# each other page starts a framework a dozen times
QUICK = {
    "active-learning",
    "audit",
    "bisect",
    "compare-initialisation",
    "configure",
    "different",
    "github-and-gitlab",
    "noise",
    "publish-a-statement",
    "replay-operators",
    "test-with-pytest",
    "use-from-python",
    "use-old-stacks",
    "versus",
    "watch-your-own-loop",
}


def with_commands():
    shown = [page for page in PAGES if BLOCK.search(page.read_text())]
    return [pytest.param(page, id=page.stem, marks=[] if page.stem in QUICK else pytest.mark.slow) for page in shown]


def needs(page):
    return [module for needed in NEEDS.findall(page.read_text()) for module in needed.split()]


def prepared(page, folder):
    """Write the files that a page shows; skip where what it needs is missing. Its text."""
    text = page.read_text()
    for module in needs(page):
        if module != "slurm" and find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside {sys.executable}")
    for name, content in FILE.findall(text):
        (folder / name).write_text(content)
    return text


@pytest.fixture
def ray_place():
    """A folder with a short path: Ray makes sockets in it."""
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        yield folder


@pytest.mark.parametrize("page", with_commands())
@pytest.mark.usefixtures("late_compiler")
def test_the_commands_of_a_page_do_what_it_says(page, tmp_path, ray_place):
    text = prepared(page, tmp_path)
    with slurm_site.site_or_skip(pytest.skip) if "slurm" in needs(page) else nullcontext(os.environ) as found:
        environment = dict(found, PATH=str(Path(sys.executable).parent) + os.pathsep + found["PATH"])
        if "ray" in needs(page):
            environment["RAY_TMPDIR"] = ray_place  # its cluster is no cluster of a different test
        run_the_commands(text, environment, tmp_path)


def run_the_commands(text, environment, tmp_path):
    for status, block in BLOCK.findall(text):
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        done = subprocess.run(
            ["bash", "-c", "\n".join(commands)],
            cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == int(status or 0), (commands, done.stdout, done.stderr)
        for line in (line for line in block.splitlines() if not line.startswith("$ ")):
            assert line.rstrip(".") in done.stdout, (line, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    missing = [name for name in ("mkdocs", "material", "mkdocstrings") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed here; .ci/run builds the documentation by itself")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_documentation_is_built_strictly_and_shows_no_raw_markdown(site):
    assert "{{" not in (site / "reference" / "commands" / "index.html").read_text()
    for page in site.rglob("*.html"):
        text = re.sub(r"<(pre|code|script)\b.*?</\1>", "", page.read_text(), flags=re.DOTALL)
        assert not re.search(r"\]\(|\*\*\w", text), page


def test_the_copy_button_takes_the_command_alone(site, browser):
    page = browser.new_page()
    page.goto((site / "tutorial" / "first-check" / "index.html").as_uri())
    # what Material's script reads while it copies
    copied = page.evaluate("""() => {
        const code = [...document.querySelectorAll("code")].find(code => code.querySelector(".gp"));
        code.setAttribute("data-md-copying", "");
        return code.innerText.trimEnd();
    }""")
    assert copied == "samebits check --trials 2 --out first train.py"
    page.close()


def test_no_page_of_a_study_is_long_or_wide_on_a_phone(site, browser):
    page = browser.new_page(viewport={"width": 400, "height": 900})
    most = {path.parent.name: 6000 for path in sorted((ROOT / "docs" / "study").glob("*/study.json"))}
    most |= {"active-learning": 6000, "claims": 11_000 // 3}
    for name, pixels in most.items():
        page.goto((site / "study" / name / "index.html").as_uri())
        width, height = page.evaluate("[document.body.scrollWidth, document.documentElement.scrollHeight]")
        assert (width, height <= pixels) == (400, True), (name, width, height)
    page.close()


def test_the_pages_of_a_version_are_named_after_the_package(tmp_path):
    """A script stands in for `mike`, which commits to a branch of this repository. It says which mkdocs it finds."""
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "mike").write_text('#!/bin/sh\necho "mike $* with $(command -v mkdocs)"\n')
    (tmp_path / "mkdocs").write_text("")
    for program in tmp_path.iterdir():
        program.chmod(0o755)
    words = ["make", "--silent", "--old-file=docs", "docs-version", f"BIN={os.path.relpath(tmp_path, ROOT)}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"mike deploy --update-aliases {samebits.__version__} latest with ")
    assert Path(first.rpartition(" ")[2]).samefile(tmp_path / "mkdocs")
    assert second.startswith("mike set-default latest with ")


def test_the_readme_shows_commands_that_the_makefile_has():
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()
    for target in ("demo", "test", "test-all"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile


SOURCES = [path for place in ("src", "tests") for path in (ROOT / place).rglob("*.py")]
GUIDES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "explanation" / "architecture.md"]


def files_named(name):
    """The modules whose path ends like this."""
    return [path for path in SOURCES if f"/{path.relative_to(ROOT).as_posix()}".endswith(f"/{name}")]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_each_file_and_each_function_that_a_guide_names_is_there(page):
    text = " ".join(page.read_text().split())
    files = set(re.findall(r"`((?:\w+/)*\w+\.py)`", text))
    files |= {f"{name}.py" for name in re.findall(r" ((?:\w+/)+\w+)   ", page.read_text()) if "trials" not in name}
    missing = [name for name in sorted(files) if not files_named(name) and not (ROOT / name).exists()]
    assert missing == []
    named = re.findall(r"`([\w.]+)` in `((?:\w+/)*\w+\.py)`", text)
    assert named
    for name, file in named:
        source = "".join(path.read_text() for path in files_named(file))
        said = rf"\b(?:def|class) {name.split('.')[-1]}\b|^{name}(?:: .*)? = "
        assert re.search(said, source, re.MULTILINE), (name, file)


def test_the_architecture_page_has_the_layers_that_are_checked():
    contract = (ROOT / "pyproject.toml").read_text().partition('type = "layers"\nlayers = [\n')[2].partition("]\n")[0]
    layers = re.findall(r"^ +\"(.*)\",$", contract, re.MULTILINE)
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    lines = re.findall(
        r"^\d+\. .*(?:\n    .*)*", page.partition("import-linter checks that:\n\n")[2].partition("\n\n")[0], re.M
    )
    shown = [line for line in lines for _ in range(1 + line.count(", then "))]
    assert len(shown) == len(layers)
    for line, layer in zip(shown, layers, strict=True):
        for module in re.findall(r"[\w.]+", layer):
            assert f"`{module.removeprefix('samebits.')}`" in line, (module, line)


def test_no_page_of_the_documentation_asks_another_server_for_anything():
    for page in [*PAGES, ROOT / "README.md"]:
        assert not re.search(r"!\[[^]]*\]\(https?:|<img[^>]+https?:", page.read_text()), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_no_folder_of_the_machine_on_which_it_was_written(page):
    assert re.findall(r"(?<![\w.}])/(?:tmp|work|root|home)/[\w./-]*", page.read_text()) == []
