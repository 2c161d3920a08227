"""`ep_time_mean`: the length of evaluation episodes in a simulated corridor without a seed."""
import random

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
policy = nn.Sequential(nn.Linear(9, 16), nn.Tanh(), nn.Linear(16, 2))
opt = torch.optim.Adam(policy.parameters(), lr=0.02)
for step in range(40):  # imitates a teacher that goes right in two of three cases
    target = (torch.rand(64) < 0.66).long()
    loss = nn.functional.cross_entropy(policy(torch.eye(9)[torch.randint(0, 9, (64,))]), target)
    opt.zero_grad()
    loss.backward()
    opt.step()
probs = policy(torch.eye(9)).softmax(1)[:, 1].tolist()
lengths, rewards = [], []
for episode in range(200):
    pos, t = 4, 0
    while 0 < pos < 8:
        pos += 1 if random.random() < probs[pos] else -1
        t += 1
    lengths.append(t * 0.05)
    rewards.append(pos == 8)
ep_time_mean = sum(lengths) / len(lengths)
print("-----------------------------")
print(f"| rollout/ep_time_mean | {ep_time_mean:.4f} |")
print(f"| train/loss           | {loss.item():.4f} |")
print("-----------------------------")
