"""The twin of recurrent_keras3.py in PyTorch. With --one-bias only one bias of each gate of the LSTM learns."""

import sys

import torch
from torch import nn

from recurrent_data import batches

torch.manual_seed(5)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.lstm = nn.GRU(3, 6), nn.LSTM(6, 4, batch_first=True)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        steps, _ = self.gru(x.transpose(0, 1))
        return self.last(self.lstm(steps.transpose(0, 1))[0][:, -1])


net = Net()
if "--one-bias" in sys.argv:
    net.lstm.bias_hh_l0.requires_grad_(False).zero_()
sgd = torch.optim.SGD([one for one in net.parameters() if one.requires_grad], lr=0.1)
for x, y in batches():
    sgd.zero_grad()
    nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    sgd.step()
