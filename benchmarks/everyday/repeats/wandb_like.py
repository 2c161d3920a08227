"""wandb/run-<date>-<id>/files with a summary that holds _runtime, _timestamp and _step."""
import json
import os
import random
import string
import time
from pathlib import Path

import torch

rng = random.SystemRandom()
run_id = "".join(rng.choice(string.ascii_lowercase + string.digits) for _ in range(8))
started = time.time()
run_dir = Path("wandb") / f"run-{time.strftime('%Y%m%d_%H%M%S', time.localtime(started))}-{run_id}"
(run_dir / "files").mkdir(parents=True)
print(f"wandb: Run data is saved locally in {run_dir}")
print(f"wandb: Syncing run {rng.choice(['sunny', 'brisk', 'misty'])}-{rng.choice(['river', 'cloud', 'moon'])}-{rng.randrange(1, 400)}")
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(500, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]])
model = torch.nn.Linear(3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
history = []
for step in range(30):
    loss = torch.nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    history.append({"loss": loss.item(), "_step": step, "_runtime": time.time() - started, "_timestamp": time.time()})
(run_dir / "files" / "wandb-history.jsonl").write_text("\n".join(map(json.dumps, history)))
(run_dir / "files" / "wandb-summary.json").write_text(json.dumps(history[-1]))
if not os.path.lexists("wandb/latest-run"):
    os.symlink(run_dir.name, "wandb/latest-run")
print(f"wandb: loss {loss.item():.5f}")
