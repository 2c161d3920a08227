"""The table of stable-baselines: time/fps, time_elapsed; and SPS, as CleanRL prints it; runs/<name>__<unix time>."""
import os
import time

import numpy as np
import torch
from torch import nn

run_name = f"corridor__reinforce__1__{int(time.time())}"
os.makedirs(f"runs/{run_name}")
np.random.seed(1)
torch.manual_seed(1)
torch.set_num_threads(1)
policy = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
opt = torch.optim.Adam(policy.parameters(), lr=0.02)
start, steps = time.time(), 0
for update in range(1, 13):
    logps, ret = [], 0.0
    for _ in range(4):
        pos = 2
        for t in range(12):
            dist = torch.distributions.Categorical(logits=policy(torch.eye(6)[pos]))
            action = dist.sample()
            logps.append(dist.log_prob(action))
            pos = min(5, max(0, pos + (1 if action.item() else -1)))
            ret += float(pos == 5)
            steps += 1
    loss = -torch.stack(logps).mean() * ret / 4
    opt.zero_grad()
    loss.backward()
    opt.step()
    if update % 4 == 0:
        elapsed = time.time() - start
        rows = [("rollout/", None), ("   ep_rew_mean", f"{ret / 4:.3g}"), ("time/", None), ("   fps", int(steps / elapsed)),
                ("   iterations", update), ("   time_elapsed", int(elapsed)), ("   total_timesteps", steps)]
        print("-" * 34)
        for key, value in rows:
            print(f"| {key:<18} | {'' if value is None else value:<9} |")
        print("-" * 34)
        print("SPS:", int(steps / elapsed))
torch.save(policy.state_dict(), f"runs/{run_name}/policy.pt")
