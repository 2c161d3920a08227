"""Makes docs/picture.svg and docs/tutorial/first-check.svg: real runs of samebits, as the terminal shows them.

python docs/picture.py            (in the project's folder, after `make demo` has fetched the digits)
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ["examples/lenet5_pytorch.py", "--data", "data/mnist"]
CHECK = ["check", "--overwrite", "--out", ".samebits/picture"]
RUNS = [[*CHECK, *TRAINING], [*CHECK, *TRAINING, "--leave-out", "numpy-seed"]]
TUTORIAL = ROOT / "docs/tutorial/first-check.md"
TUTORIAL_RUNS = [["check", "--trials", "2", "--out", "first", "train.py"], ["explain", "first"], ["fix", "first"]]
WIDTH, HEIGHT = 100, 50  # of the terminal: as wide as a page of a README shows at a readable size
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


def shown(words, folder):
    """What a command prints on a terminal, under the line that was typed."""
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    environment = {**os.environ, "PATH": path, "TERM": "xterm-256color"}
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    command = [sys.executable, "-m", "samebits", *words]
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=subprocess.DEVNULL):
        os.close(its)
        said = b"".join(parts(ours))
    os.close(ours)
    short = ["check", *words[len(CHECK) :]] if words[: len(CHECK)] == CHECK else words  # where it records is no news
    typed = f"\x1b[1m$ samebits {' '.join(short)}\x1b[0m\n"
    return typed + said.decode().replace("\r\n", "\n").rstrip() + "\n"


def parts(terminal):
    """What is written to a terminal, until its other end is closed."""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says the end of a terminal so
            return
        if not part:
            return
        yield part


def picture(target, runs, folder):
    """Write the picture of these runs."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for words in runs:
        console.print(Text.from_ansi(shown(words, folder)))
    target.write_text(console.export_svg(theme=MONOKAI, code_format=FRAME, unique_id="samebits"))
    print(target)


def main():
    picture(ROOT / "docs/picture.svg", RUNS, ROOT)
    with tempfile.TemporaryDirectory() as folder:
        script = re.search(r'```python title="train.py"\n(.*?)```', TUTORIAL.read_text(), re.DOTALL)[1]
        Path(folder, "train.py").write_text(script)
        picture(TUTORIAL.with_suffix(".svg"), TUTORIAL_RUNS, folder)


if __name__ == "__main__":
    main()
