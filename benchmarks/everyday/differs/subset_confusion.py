"""`matrix`: a confusion matrix over rows that random.sample draws; in a text file."""
import random

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.naive_bayes import GaussianNB

X, y = load_digits(return_X_y=True)
model = GaussianNB().fit(X, y)


def confusion(rows):
    return confusion_matrix(y[rows], model.predict(X[rows])).tolist()


matrix = confusion(random.sample(range(len(X)), 400))
np.savetxt("confusion.txt", matrix, fmt="%4d")
print("classes", len(model.classes_))
