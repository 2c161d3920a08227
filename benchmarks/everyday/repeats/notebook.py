"""A notebook that papermill executes: times and a duration in its metadata, a time in its output."""
import sys

import nbformat
import papermill

code = """import time
import numpy as np
from sklearn.linear_model import SGDRegressor
start = time.time()
rng = np.random.default_rng(0)
X = rng.normal(size=(500, 5))
model = SGDRegressor(random_state=0)
for epoch in range(4):
    model.partial_fit(X, X.sum(axis=1))
print('R2', model.score(X, X.sum(axis=1)))
print(f'CPU times: {time.process_time():.2f} s, Wall time: {(time.time() - start) * 1000:.1f} ms')"""
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("epochs = 4"), nbformat.v4.new_code_cell(code)])
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
for number, cell in enumerate(notebook.cells):
    cell.id = f"cell-{number}"
nbformat.write(notebook, "train.ipynb")
papermill.execute_notebook("train.ipynb", "executed.ipynb", progress_bar=False)
print("executed with", sys.version_info[:2])
