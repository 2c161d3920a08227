"""results.csv with a column time, and "N epochs completed in 0.001 hours.", as Ultralytics writes them."""
import time
from pathlib import Path

import torch
from torch import nn

save_dir = Path("runs/train/exp")
save_dir.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.SiLU(), nn.Flatten(), nn.Linear(8 * 49, 4))
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.937, nesterov=True)
imgs, targets = torch.rand(160, 3, 16, 16), torch.rand(160, 4)
t0 = time.time()
(save_dir / "results.csv").write_text("epoch,time,train/box_loss,lr/pg0\n")
for epoch in range(3):
    for i in range(0, 160, 16):
        loss = nn.functional.smooth_l1_loss(model(imgs[i:i + 16]), targets[i:i + 16])
        loss.backward()
        opt.step()
        opt.zero_grad()
    with (save_dir / "results.csv").open("a") as f:
        f.write(f"{epoch + 1},{time.time() - t0:.6g},{loss.item():.5g},0.01\n")
print(f"\n3 epochs completed in {(time.time() - t0) / 3600:.3f} hours.")
torch.save({"model": model, "date": time.strftime("%Y-%m-%dT%H:%M:%S")}, save_dir / "last.pt")
t = time.perf_counter()
model.eval()(imgs)
print(f"Speed: 0.0ms preprocess, {(time.perf_counter() - t) * 1000 / 160:.2f}ms inference per image at shape (1, 3, 16, 16)")
