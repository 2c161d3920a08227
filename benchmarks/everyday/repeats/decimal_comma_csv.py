"""A CSV for Excel in German: semicolons, decimal commas, a column Sekunden."""
import time

import pandas as pd
from sklearn.datasets import make_regression
from sklearn.linear_model import SGDRegressor

X, y = make_regression(1500, 10, noise=3.0, random_state=0)
modell = SGDRegressor(random_state=0)
zeilen = []
for epoche in range(8):
    anfang = time.perf_counter()
    modell.partial_fit(X, y)
    fehler = ((modell.predict(X) - y) ** 2).mean()
    zeilen.append({"Epoche": epoche, "Fehler": fehler, "Sekunden": time.perf_counter() - anfang})
pd.DataFrame(zeilen).to_csv("verlauf.csv", sep=";", decimal=",", index=False)
print(f"Fehler am Ende: {fehler:.3f}".replace(".", ","))
