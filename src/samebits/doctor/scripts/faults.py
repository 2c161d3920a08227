"""A small training into which a fault can be planted: faults.py FRAMEWORK FAULT TRIAL. Only trial 2 has the fault.

It is a plain script, which also old interpreters run.
"""

import os
import signal
import sys

import numpy

STEPS, AT = 5, 2  # how many steps there are, and the one with the fault
BIT = 1 << 12  # in the middle of the mantissa: rounding can remove a flip of the last bit, so that nothing differs


def with_python():
    from samebits_probe import observe

    weights, step = numpy.ones(4, "float32"), [0]

    def train(x, y):
        error = x @ weights - y
        observe("batch", x, step=step[0])
        observe("loss", float((error**2).sum()), step=step[0])
        weights[:] = weights - 0.1 * x.T @ error
        observe("weights", weights, step=step[0])
        step[0] += 1

    def flip():
        weights.view("int32")[0] ^= BIT

    return train, flip


def with_torch():
    import torch

    torch.manual_seed(1)
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def train(x, y):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(torch.from_numpy(x))[:, 0], torch.from_numpy(y)).backward()
        optimizer.step()

    def flip():
        net.weight.detach().numpy().view("int32")[0, 0] ^= BIT

    return train, flip


def with_keras():
    import keras

    keras.utils.set_random_seed(1)
    net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    net.compile(optimizer="sgd", loss="mse")

    def flip():
        kernel, bias = net.get_weights()
        kernel.view("int32")[0, 0] ^= BIT
        net.set_weights([kernel, bias])

    return net.train_on_batch, flip


def with_jax():
    import jax

    state = [jax.numpy.ones(4)]
    loss = jax.grad(lambda weights, x, y: ((x @ weights - y) ** 2).sum())
    update = jax.jit(lambda weights, x, y: weights - 0.1 * loss(weights, x, y))

    def train(x, y):
        state[0] = update(state[0], x, y)

    def flip():
        weights = numpy.array(state[0])
        weights.view("int32")[0] ^= BIT
        state[0] = jax.numpy.asarray(weights)

    return train, flip


def main():
    framework, fault, trial = sys.argv[1:]
    train, flip = {"python": with_python, "torch": with_torch, "keras": with_keras, "jax": with_jax}[framework]()
    generator = numpy.random.RandomState(1)
    x, y = (generator.normal(size=size).astype("float32") for size in ((STEPS, 2, 4), (STEPS, 2)))
    for step in range(0 if fault == "no-step" else STEPS):
        is_here = step == AT and int(trial) == 2
        if is_here and fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if is_here and fault == "flipped":
            flip()
        train(x[step][::-1].copy() if is_here and fault == "swapped" else x[step], y[step])


if __name__ == "__main__":
    main()
