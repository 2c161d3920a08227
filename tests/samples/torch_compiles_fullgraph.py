"""Compiles its model (and a whole function) with `fullgraph=True`, counts the graphs, and trains. PyTorch 2 and later."""

import hashlib
import warnings

import torch
import torch.nn as nn

warnings.simplefilter("error")
torch.manual_seed(3)
torch.set_num_threads(1)
graphs = []


def backend(module, inputs):
    graphs.append(len(module.graph.nodes))
    return module.forward


net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))
model = torch.compile(net, backend=backend, fullgraph=True)
optimizer = torch.optim.Adam(net.parameters())


@torch.compile(backend=backend, fullgraph=True)
def loss_of(x):
    return nn.functional.mse_loss(net(x), x[:, :1])


for _ in range(3):
    optimizer.zero_grad()
    (model(torch.randn(8, 4)).pow(2).mean() + loss_of(torch.randn(8, 4))).backward()
    optimizer.step()
digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()
print("graphs", graphs, torch._dynamo.utils.counters["graph_break"], digest)
