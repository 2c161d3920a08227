"""all_results.json and trainer_state.json, as the Trainer of transformers writes them."""
import json
import time

import torch
from torch import nn

torch.manual_seed(42)
torch.set_num_threads(1)
x, y = torch.randn(960, 15), torch.randint(0, 5, (960,))
model = nn.Sequential(nn.Linear(15, 40), nn.GELU(), nn.Linear(40, 5))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
log_history, losses, step, start = [], [], 0, time.time()
for epoch in range(3):
    for i in range(0, 960, 32):
        loss = nn.functional.cross_entropy(model(x[i:i + 32]), y[i:i + 32])
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        losses.append(loss.item())
        if step % 30 == 0:
            log_history.append({"loss": round(sum(losses[-30:]) / 30, 4), "learning_rate": 5e-3, "epoch": step / 30, "step": step})
            print(log_history[-1])
runtime = time.time() - start
metrics = {"train_runtime": round(runtime, 4), "train_samples_per_second": round(960 * 3 / runtime, 3),
           "train_steps_per_second": round(step / runtime, 3), "train_loss": sum(losses) / step, "epoch": 3.0}
print(metrics)
log_history.append({**metrics, "step": step})
json.dump(metrics, open("all_results.json", "w"), indent=4, sort_keys=True)
json.dump({"best_metric": None, "global_step": step, "log_history": log_history}, open("trainer_state.json", "w"), indent=2)
print("***** train metrics *****")
for key, value in metrics.items():
    print(f"  {key:26} = {value:>10}")
torch.save(model.state_dict(), "pytorch_model.bin")
