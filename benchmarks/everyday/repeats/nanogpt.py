"""The lines of nanoGPT: iter, loss, time in ms, mfu."""
import time

import torch
import torch.nn as nn
from torch.nn import functional as F

torch.manual_seed(1337)
torch.set_num_threads(1)
text = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 20
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])
block_size, n_embd = 16, 32


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(len(chars), n_embd)
        self.rnn = nn.GRU(n_embd, n_embd, batch_first=True)
        self.lm_head = nn.Linear(n_embd, len(chars))

    def forward(self, idx, targets):
        logits = self.lm_head(self.rnn(self.wte(idx))[0])
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


model = Tiny()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
flops_per_iter = 6 * sum(p.numel() for p in model.parameters()) * block_size * 8
t0, running_mfu = time.time(), -1.0
for iter_num in range(31):
    ix = torch.randint(len(data) - block_size - 1, (8,))
    x = torch.stack([data[i:i + block_size] for i in ix])
    y = torch.stack([data[i + 1:i + 1 + block_size] for i in ix])
    loss = model(x, y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    t1 = time.time()
    dt = t1 - t0
    t0 = t1
    if iter_num % 5 == 0:
        if iter_num >= 5:
            mfu = flops_per_iter / dt / 1e10
            running_mfu = mfu if running_mfu == -1.0 else 0.9 * running_mfu + 0.1 * mfu
        print(f"iter {iter_num}: loss {loss.item():.4f}, time {dt*1000:.2f}ms, mfu {running_mfu*100:.2f}%")
torch.save({"model": model.state_dict(), "iter_num": iter_num}, "ckpt.pt")
