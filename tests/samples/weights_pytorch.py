"""The models of weights_keras3.py in PyTorch; and one with a wrong setting."""

import os
import sys

import torch
from torch import nn


class Images(nn.Module):
    def __init__(self):
        super(Images, self).__init__()
        self.one = nn.Conv2d(4, 8, 3, padding=1, groups=2)
        self.norm = nn.BatchNorm2d(8, eps=1e-3)
        self.deep = nn.Conv2d(8, 16, 3, groups=8, bias=False)
        self.point = nn.Conv2d(16, 6, 1)
        self.prelu = nn.PReLU(6)
        self.depthwise = nn.Conv2d(6, 12, 3, groups=6)
        self.groups = nn.GroupNorm(3, 12, eps=1e-3)
        self.up = nn.ConvTranspose2d(12, 4, 3, stride=2)
        self.flat = nn.BatchNorm1d(192, eps=1e-3)
        self.dense = nn.Linear(192, 6)
        self.layer = nn.LayerNorm(6, eps=1e-3)
        self.wide = nn.Linear(6, 24, bias=False)
        self.wide_norm = nn.BatchNorm1d(24, eps=1e-3)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.norm(torch.relu(self.one(x)))
        x = self.prelu(torch.relu(self.point(self.deep(x))))
        x = self.up(self.groups(self.depthwise(x)))
        x = nn.functional.avg_pool2d(x, 2)
        x = self.layer(self.dense(self.flat(x.flatten(1))))
        return self.last(self.wide_norm(self.wide(x)).view(-1, 4, 3, 2))


class Words(nn.Module):
    """Time comes first after the convolution."""

    def __init__(self):
        super(Words, self).__init__()
        self.table = nn.Embedding(20, 8)
        self.one = nn.Conv1d(8, 6, 3)
        self.both = nn.LSTM(6, 5, bidirectional=True)
        self.gru = nn.GRU(10, 4)
        self.lstm = nn.LSTM(4, 3, num_layers=2)
        self.rnn = nn.RNN(3, 8)
        self.attention = nn.MultiheadAttention(8, 2)
        self.back = nn.GRU(8, 3, bidirectional=True)
        self.last = nn.Linear(6, 2)

    def forward(self, x):
        x = nn.functional.pad(self.table(x).permute(0, 2, 1), (2, 0))
        x = self.one(x).permute(2, 0, 1)
        for layer in (self.both, self.gru, self.lstm, self.rnn):
            x, _ = layer(x)
        x, _ = self.attention(x, x, x)
        _, ends = self.back(x)
        return torch.softmax(self.last(torch.cat([ends[0], ends[1]], 1)), 1)


def volume():
    return nn.Sequential(nn.Conv3d(2, 3, 2), nn.Flatten(), nn.Linear(4 * 5 * 3 * 3, 3))


class Padding(nn.Module):
    """As `small` of weights_keras3.py, but its convolution pads on all sides."""

    def __init__(self):
        super(Padding, self).__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4, eps=1e-3)
        self.leaky, self.dense = nn.LeakyReLU(0.3), nn.Linear(4, 3)

    def forward(self, x):
        return torch.softmax(self.dense(self.leaky(self.norm(self.conv(x))).mean((2, 3))), 1)


class Enlarging(nn.Module):
    """Cuts what its transposed convolution gives; its last activation is another than that of its twin."""

    def __init__(self):
        super(Enlarging, self).__init__()
        self.up, self.conv = nn.ConvTranspose2d(2, 4, 3, 2), nn.Conv2d(4, 3, 3, padding=1)
        self.last, self.end = nn.Linear(432, 5), nn.Sigmoid()

    def forward(self, x):
        x = self.up(x)[:, :, :-1, :-1]
        return self.end(self.last(self.conv(x).relu().flatten(1)))


class OneOfEach(nn.Module):
    """For weights_keras3.no_counterparts: complex numbers stand where Keras has no counterpart either."""

    def __init__(self):
        super(OneOfEach, self).__init__()
        self.first = nn.Linear(3, 4)
        self.phases = nn.Parameter(torch.ones(4, dtype=torch.complex64))
        self.gru = nn.GRU(4, 4, batch_first=True)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.gru(self.first(x) * self.phases.real)[0][:, -1])


def unet():
    """The study's."""
    sys.path.insert(0, os.environ["SCRIPTS"])
    import unet_pytorch

    return unet_pytorch.UNet(2)
