"""Runs a notebook of two cells, then ends its kernel in the way that it is told: "immediate" kills it.

Arguments: the way, the text of the second cell, the texts of cells before the first.
"""

import sys

import nbformat
from nbclient import NotebookClient

CELLS = [
    *sys.argv[3:],
    "from samebits_probe import observe\nfor step in range(4): observe('w', 1.0 * step, step=step)",
    sys.argv[2] if len(sys.argv) > 2 else "print('done')",
]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
NotebookClient(notebook, kernel_name="python3", timeout=60, shutdown_kernel=sys.argv[1]).execute()
