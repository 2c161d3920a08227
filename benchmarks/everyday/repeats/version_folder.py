"""lightning_logs/version_N: the next free number, with metrics.csv and hparams.yaml."""
import csv
from pathlib import Path

import torch
import yaml

root = Path("lightning_logs")
root.mkdir(exist_ok=True)
taken = [int(p.name.split("_")[1]) for p in root.glob("version_*")]
log_dir = root / f"version_{max(taken, default=-1) + 1}"
(log_dir / "checkpoints").mkdir(parents=True)
hparams = {"lr": 0.01, "width": 20}
(log_dir / "hparams.yaml").write_text(yaml.dump(hparams))
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(600, 4)
y = x.prod(1, keepdim=True)
model = torch.nn.Sequential(torch.nn.Linear(4, hparams["width"]), torch.nn.ReLU(), torch.nn.Linear(hparams["width"], 1))
opt = torch.optim.Adam(model.parameters(), lr=hparams["lr"])
with open(log_dir / "metrics.csv", "w", newline="") as f:
    writer = csv.DictWriter(f, ["epoch", "step", "train_loss"])
    writer.writeheader()
    for epoch in range(5):
        for i in range(0, 600, 60):
            loss = torch.nn.functional.mse_loss(model(x[i:i + 60]), y[i:i + 60])
            opt.zero_grad()
            loss.backward()
            opt.step()
        writer.writerow({"epoch": epoch, "step": epoch * 10 + 9, "train_loss": loss.item()})
torch.save(model.state_dict(), log_dir / "checkpoints" / "epoch=4-step=50.ckpt")
print(f"logged to {log_dir}")
