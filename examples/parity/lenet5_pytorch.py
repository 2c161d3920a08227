"""LeNet-5 in PyTorch that does what lenet5_keras3.py does; `--leave NAME` leaves one of PyTorch's defaults as it is.

python make_data.py lenet5 lenet5.npz
samebits parity train "python lenet5_keras3.py lenet5.npz" "python lenet5_pytorch.py lenet5.npz --leave adam"
"""

import argparse

import numpy as np
import torch
from torch import nn

LEAVE = {
    "adam": "epsilon: 1e-8, added to the corrected root",
    "bias": "biases begin at random",
    "dense": "dense layers begin at random",
    "padding": "the first convolution pads with copies of the edge",
    "pooling": "pooling takes the mean",
    "scaling": "pixels go from -1 to 1",
    "order": "samples are shuffled",
    "smoothing": "labels are smoothed",
    "reduction": "the loss is a sum",
    "decay": "AdamW decays weights",
    "clipping": "gradients are clipped",
}


def lenet5(leave):
    padding = {"padding_mode": "replicate"} if leave == "padding" else {}
    pool = nn.AvgPool2d if leave == "pooling" else nn.MaxPool2d
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, **padding),
        nn.ReLU(),
        pool(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        pool(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def start(model, data, leave):
    """Keras' weights: kernels in PyTorch's order of axes; the first dense layer follows a flattening of (5, 5, 16)."""
    layers = [layer for layer in model if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for number, layer in enumerate(layers):
        kernel = data["kernel_%02d" % number]
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        elif len(kernel) == 400:
            kernel = kernel.reshape(5, 5, 16, 120).transpose(3, 2, 0, 1).reshape(120, 400)
        else:
            kernel = kernel.T
        with torch.no_grad():
            if leave != "dense" or isinstance(layer, nn.Conv2d):
                layer.weight.copy_(torch.from_numpy(kernel.copy()))
            if leave != "bias":
                layer.bias.zero_()


def optimizer_of(model, leave):
    if leave == "decay":
        return torch.optim.AdamW(model.parameters())
    return torch.optim.Adam(model.parameters())


def match_epsilon(optimizer, step, epsilon=1e-7, beta2=0.999):
    """Keras adds epsilon to the square root before the bias correction, PyTorch after it: the same number differs."""
    for group in optimizer.param_groups:
        group["eps"] = epsilon / (1 - beta2**step) ** 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--leave", choices=sorted(LEAVE), help="a default that is not matched")
    options = parser.parse_args()
    leave = options.leave
    torch.manual_seed(2019)
    data = np.load(options.data)
    model = lenet5(leave)
    start(model, data, leave)
    optimizer = optimizer_of(model, leave)
    loss_of = nn.CrossEntropyLoss(
        reduction="sum" if leave == "reduction" else "mean",
        **({"label_smoothing": 0.1} if leave == "smoothing" else {}),
    )
    images = torch.from_numpy(data["images"][:, None].astype("float32") / 255)
    if leave == "scaling":
        images = images * 2 - 1
    labels, batch = torch.from_numpy(data["labels"].astype("int64")), int(data["batch"])
    for step, rows in enumerate(torch.arange(len(images)).split(batch), 1):
        if leave == "order":
            rows = rows[torch.randperm(len(rows))]
        if leave != "adam":
            match_epsilon(optimizer, step)
        optimizer.zero_grad()
        loss_of(model(images[rows]), labels[rows]).backward()
        if leave == "clipping":
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


if __name__ == "__main__":
    main()
