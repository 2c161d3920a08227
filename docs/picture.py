"""Makes docs/picture.svg: two real runs of `samebits check`, as the terminal shows them.

python docs/picture.py            (in the project's folder, after `make demo` has fetched the digits)
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ["examples/lenet5_pytorch.py", "--data", "data/mnist"]
RUNS = [TRAINING, [*TRAINING, "--leave-out", "numpy-seed"]]
WIDTH = 156
STYLES = {
    r"^= .*": "bold green",
    r"^!= .*": "bold red",
    r"^\$ .*": "bold",
    r"\w+ !=": "bold red",
    r"\w+ =(?= |$)": "green",
}
# without the web font that rich would ask another server for
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
<rect fill="#1b1f24" width="100%" height="100%" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def shown(words):
    """What a check prints, under the line that was typed."""
    command = [sys.executable, "-m", "samebits", "check", "--overwrite", "--out", ".samebits/picture"]
    environment = dict(os.environ, PATH=str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"])
    done = subprocess.run([*command, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    return f"$ samebits check {' '.join(words)}\n{done.stdout.rstrip()}\n"


def main():
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for words in RUNS:
        text = Text(shown(words))
        for pattern, style in STYLES.items():
            text.highlight_regex(re.compile(pattern, re.MULTILINE), style)
        console.print(text)
    target = ROOT / "docs" / "picture.svg"
    target.write_text(console.export_svg(theme=MONOKAI, code_format=FRAME, unique_id="samebits"))
    print(target)


if __name__ == "__main__":
    main()
