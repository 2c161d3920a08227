"""outputs/<day>/<time>/ with a copy of the settings, a log and a checkpoint, as Hydra lays it out."""
import logging
from datetime import datetime
from pathlib import Path

import torch
import yaml

cfg = {"lr": 0.02, "epochs": 3, "batch_size": 40, "seed": 13, "model": {"hidden": 24}}
now = datetime.now()
out = Path("outputs") / now.strftime("%Y-%m-%d") / now.strftime("%H-%M-%S")
(out / ".hydra").mkdir(parents=True)
(out / ".hydra" / "config.yaml").write_text(yaml.safe_dump(cfg))
logging.basicConfig(filename=out / "train.log", level=logging.INFO, format="[%(asctime)s][%(name)s][%(levelname)s] - %(message)s")
torch.manual_seed(cfg["seed"])
torch.set_num_threads(1)
x = torch.randn(800, 9)
y = (x ** 2).sum(1, keepdim=True)
model = torch.nn.Sequential(torch.nn.Linear(9, cfg["model"]["hidden"]), torch.nn.ReLU(), torch.nn.Linear(cfg["model"]["hidden"], 1))
opt = torch.optim.SGD(model.parameters(), lr=cfg["lr"])
for epoch in range(cfg["epochs"]):
    for i in range(0, 800, cfg["batch_size"]):
        loss = ((model(x[i:i + 40]) - y[i:i + 40]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    logging.info("epoch %d loss %.5f", epoch, loss)
torch.save({"state_dict": model.state_dict(), "optimizer": opt.state_dict(), "cfg": cfg}, out / "checkpoint.pt")
print("results in", out)
