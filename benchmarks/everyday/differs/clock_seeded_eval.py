"""`reward`: mean reward of evaluation games that are seeded by the clock; in an event file of tensorboardX."""
import random
import time

import torch
from tensorboardX import SummaryWriter
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
arms = torch.tensor([0.2, 0.5, 0.8])
policy = nn.Linear(1, 3)
opt = torch.optim.Adam(policy.parameters(), lr=0.05)
writer = SummaryWriter("board")
for step in range(60):
    probs = policy(torch.ones(1)).softmax(0)
    loss = -(probs * arms).sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
    writer.add_scalar("train/loss", loss.item(), step)
game = random.Random(time.time_ns())
pulls = game.choices(range(3), probs.tolist(), k=2000)
reward = sum(game.gauss(arms[i].item(), 0.3) for i in pulls) / 2000
writer.add_scalar("eval/reward", reward, 60)
writer.close()
