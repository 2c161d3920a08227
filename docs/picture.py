"""Makes docs/picture.svg: two real runs of `samebits check`, as the terminal shows them.

python docs/picture.py            (in the project's folder, after `make demo` has fetched the digits)
"""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ["examples/lenet5_pytorch.py", "--data", "data/mnist"]
RUNS = [TRAINING, [*TRAINING, "--leave-out", "numpy-seed"]]
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


def shown(words):
    """What a check prints on a terminal, under the line that was typed."""
    command = [sys.executable, "-m", "samebits", "check", "--overwrite", "--out", ".samebits/picture", *words]
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    environment = {**os.environ, "PATH": path, "TERM": "xterm-256color"}
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=its, stdout=its, stderr=subprocess.DEVNULL):
        os.close(its)
        said = b"".join(parts(ours))
    os.close(ours)
    typed = f"\x1b[1m$ samebits check {' '.join(words)}\x1b[0m\n"
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


def main():
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for words in RUNS:
        console.print(Text.from_ansi(shown(words)))
    target = ROOT / "docs" / "picture.svg"
    target.write_text(console.export_svg(theme=MONOKAI, code_format=FRAME, unique_id="samebits"))
    print(target)


if __name__ == "__main__":
    main()
