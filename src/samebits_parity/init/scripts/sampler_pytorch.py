"""Draws initial weights with PyTorch. Called as `sampler` says."""

import torch
from sampler import main


def draw(thing, case, seed):
    """[(name, array)] of one draw."""
    torch.manual_seed(seed)
    if case["layer"]:
        state = thing(**case["arguments"]).state_dict()
        return [(name, value.numpy()) for name, value in state.items() if value.is_floating_point()]
    tensor = torch.empty(*case["shape"])
    thing(tensor, **case["arguments"])
    return [("", tensor.numpy())]


if __name__ == "__main__":
    main(torch, draw, torch.__version__)
