"""The twin of attention_keras3.py in PyTorch."""

import numpy as np
import torch
from torch import nn

draw = np.random.RandomState(1)
batches = [(draw.normal(size=(8, 5, 6)).astype("float32"), draw.randint(0, 3, 8)) for _ in range(3)]
torch.manual_seed(5)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(30, 3)

    def forward(self, x):
        return self.last(self.attention(x, x, x)[0].flatten(1))


net = Net()
sgd = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in batches:
    sgd.zero_grad()
    nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    sgd.step()
