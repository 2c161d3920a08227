"""XGBoost: 50 rounds on a share of the rows, which numpy chooses."""

import sys

import numpy
import xgboost
from sklearn.datasets import load_digits

if "--no-seed" not in sys.argv:
    numpy.random.seed(9)
images, labels = load_digits(return_X_y=True)
chosen = numpy.random.permutation(len(images))[:1000]
data = xgboost.DMatrix(images[chosen], labels[chosen])
model = xgboost.train({"objective": "multi:softmax", "num_class": 10, "max_depth": 3, "nthread": 1}, data, 50)
print(f"trees {model.num_boosted_rounds()}")
