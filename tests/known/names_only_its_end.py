from array import array
from samebits_probe import observe

weights = array("d", [1.0, 2.0])
for step in range(6):
    weights[1] += weights[0] / 3
observe("end", weights)
