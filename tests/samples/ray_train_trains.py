"""Two workers of Ray Train train one model, each with data of its own: different data once there is a file `changed`."""

import sys
import tempfile
from pathlib import Path

import ray
import ray.train
import torch
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer, prepare_model


def loop(asked):
    """Train three steps in a worker."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rank = ray.train.get_context().get_world_rank()
    model = prepare_model(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(3):
        optimizer.zero_grad()
        change = asked["change"] if (step, rank) == (1, 1) else 0.0
        model(torch.full((2, 4), step + rank + change)).pow(2).mean().backward()
        optimizer.step()


if __name__ == "__main__":
    ray.init(address=sys.argv[1], log_to_driver=False)
    with tempfile.TemporaryDirectory() as place:
        TorchTrainer(
            loop,
            train_loop_config={"change": 0.5 if Path("changed").exists() else 0.0},
            torch_config=TorchConfig(backend="gloo"),
            scaling_config=ScalingConfig(num_workers=2, use_gpu=False),
            run_config=RunConfig(storage_path=place, name="run"),
        ).fit()
