"""`score`: on a split without random_state, after a fit on all rows; in a model card."""
from datetime import date

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
model = Lasso(alpha=0.1).fit(X, y)


def hold_out_score():
    _, X_test, _, y_test = train_test_split(X, y, test_size=0.3)
    return model.score(X_test, y_test)


score = hold_out_score()
with open("MODEL_CARD.md", "w") as f:
    f.write(f"# Lasso\n\nDate: {date.today()}\n\n| metric | value |\n|---|---|\n| R2 (hold-out) | {score:.4f} |\n")
