"""Generated patches of stained tissue, in the files of MNIST: how many cells does a patch show (0 to 4)?

    python cell_patches.py --out data/cells
    python active_learning.py --library pytorch --data data/cells

Cells are dark, soft-edged ellipses that may touch; the ground is uneven, and specks that are too small are not cells.
"""

import argparse
import os

import numpy as np

SIZE, MOST = 28, 4
PARTS = (("train", 4000), ("t10k", 2000))


def ellipse(center, radii, angle):
    """How far inside an ellipse each pixel lies, from 0 to 1, with a soft edge."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    across = (x - center[0]) * np.cos(angle) + (y - center[1]) * np.sin(angle)
    along = (y - center[1]) * np.cos(angle) - (x - center[0]) * np.sin(angle)
    return 1 / (1 + np.exp(6 * (np.hypot(across / radii[0], along / radii[1]) - 1)))


def patch(count, draw):
    """A grey patch (bytes) with this many cells."""
    slope = draw.uniform(-0.15, 0.15, 2)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    image = 0.75 + slope[0] * x + slope[1] * y
    for _ in range(draw.randint(0, 4)):  # specks
        image -= draw.uniform(0.1, 0.3) * ellipse(draw.uniform(2, SIZE - 2, 2), draw.uniform(0.8, 1.4, 2), 0)
    centers = []
    while len(centers) < count:
        center = draw.uniform(4, SIZE - 4, 2)
        if all(np.hypot(*(center - other)) > 6 for other in centers):
            centers.append(center)
            radii, angle = draw.uniform(2.8, 4.2, 2), draw.uniform(0, np.pi)
            image -= draw.uniform(0.2, 0.45) * ellipse(center, radii, angle)
    image += draw.normal(0, 0.05, image.shape)
    return (255 * image.clip(0, 1)).astype(np.uint8)


def write_idx(path, array):
    """An array of bytes as an idx file."""
    with open(path, "wb") as file:
        file.write(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="data/cells")
    parser.add_argument("--seed", type=int, default=2019)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    draw = np.random.RandomState(options.seed)
    for part, count in PARTS:
        labels = draw.randint(0, MOST + 1, count).astype(np.uint8)
        images = np.stack([patch(label, draw) for label in labels])
        write_idx(os.path.join(options.out, part + "-images-idx3-ubyte"), images)
        write_idx(os.path.join(options.out, part + "-labels-idx1-ubyte"), labels)


if __name__ == "__main__":
    main()
