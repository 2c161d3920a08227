"""Takes two steps with every optimizer of `torch.optim`, in every form that it has, and prints which.

The last word of each line: the digest of the weights. Runs on PyTorch 1.3 and later.
"""

import hashlib
import inspect

import torch
import torch.nn as nn

torch.set_num_threads(1)


def kinds():
    for name in sorted(vars(torch.optim)):
        kind = getattr(torch.optim, name)
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer:
            yield kind


def forms(kind):
    known = inspect.signature(kind.__init__).parameters
    return [{}] + [{form: True} for form in ("foreach", "fused") if form in known and kind.__name__ != "SparseAdam"]


def model(kind):
    if kind.__name__ == "SparseAdam":
        return nn.Embedding(5, 3, sparse=True)
    return nn.Linear(4, 3, bias=kind.__name__ != "Muon")


def train(kind, form):
    torch.manual_seed(3)
    net = model(kind)
    parameters = net.parameters()
    optimizer = kind(parameters, lr=0.01, **form) if kind.__name__ != "LBFGS" else kind(parameters, max_iter=3)
    data = torch.randint(0, 5, (6,)) if isinstance(net, nn.Embedding) else torch.randn(6, 4)

    def closure():
        optimizer.zero_grad()
        loss = net(data).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(2):
        if kind.__name__ == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()


for kind in kinds():
    for form in forms(kind):
        try:
            print(kind.__name__, "+".join(form) or "plain", train(kind, form))
        except RuntimeError as why:
            if "fused" not in form:
                raise
            print("#", kind.__name__, "has no fused form here:", str(why)[:60])
