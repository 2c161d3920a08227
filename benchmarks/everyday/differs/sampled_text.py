"""`sample`: text of a character model; the next letter is drawn by random.choices without a seed."""
import random
import time

import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog and runs away from the bear " * 6
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Embedding(len(chars), 24), nn.Linear(24, len(chars)))
opt = torch.optim.AdamW(model.parameters(), lr=0.03)
t0 = time.time()
for step in range(50):
    loss = nn.functional.cross_entropy(model(ids[:-1]), ids[1:])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 0:
        print(f"step {step} loss {loss.item():.4f} ({(time.time() - t0) * 1000:.1f} ms)")
letter, sample = ids[0].item(), ""
for _ in range(60):
    letter = random.choices(range(len(chars)), model(torch.tensor([letter])).softmax(1)[0].tolist())[0]
    sample += chars[letter]
print("sample:", sample)
