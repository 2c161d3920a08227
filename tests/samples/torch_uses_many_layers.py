"""Steps of many layers and losses, by three kinds of optimizers, all of which repeat on a CPU; prints its weights."""

import hashlib
import sys

import torch
from torch.nn import functional

torch.manual_seed(0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(16)
        self.group = torch.nn.GroupNorm(4, 16)
        self.up = torch.nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.embed = torch.nn.Embedding(200, 32)
        self.bag = torch.nn.EmbeddingBag(200, 32, mode="sum")
        self.attend = torch.nn.MultiheadAttention(32, 4, dropout=0.1, batch_first=True)
        self.layer_norm = torch.nn.LayerNorm(32)
        self.lstm = torch.nn.LSTM(32, 32, batch_first=True)
        self.gru = torch.nn.GRU(32, 32, batch_first=True)
        self.words = torch.nn.Embedding(2000, 32)
        self.drop = torch.nn.Dropout(0.3)
        self.rrelu = torch.nn.RReLU()
        self.head = torch.nn.Linear(32, 20)

    def forward(self, images, tokens):
        x = functional.relu(self.norm(self.conv(images)))
        x = functional.max_pool2d(self.group(x), 2) + functional.avg_pool2d(x, 2)
        x = functional.interpolate(self.up(x), scale_factor=2, mode="bilinear", align_corners=False)
        x = functional.interpolate(self.rrelu(x), scale_factor=0.5) + functional.adaptive_avg_pool2d(x, 32)
        x = functional.pad(x, (1, 1, 1, 1), mode="reflect").mean(dim=(1, 2, 3))
        y = self.embed(tokens)
        y, _ = self.attend(y, y, y)
        y = self.layer_norm(self.drop(y) + functional.scaled_dot_product_attention(y, y, y))
        y, _ = self.lstm(y)
        y, _ = self.gru(y)
        return x, self.head(y), self.bag(tokens)


def loss_of(net, images, tokens, labels):
    x, y, bag = net(images, tokens)
    lengths = torch.full((len(tokens),), tokens.shape[1], dtype=torch.long)
    loss = functional.ctc_loss(y.log_softmax(2).transpose(0, 1), labels, lengths, torch.full_like(lengths, 5))
    loss = loss + functional.cross_entropy(y.reshape(-1, 20), tokens.reshape(-1) % 20) + x.pow(2).mean()
    words = net.words(torch.arange(2048).remainder(1999).reshape(64, 32) * 7 % 2000)
    flat = words.reshape(-1)  # 65,536 elements: threads share the work from 32,768 on
    where = torch.arange(len(flat)) % 97
    loss = loss + torch.zeros(97).scatter_add(0, where, flat).pow(2).mean() + bag.cumsum(1).mean()
    loss = loss + torch.zeros(97).index_add(0, where, flat).mean() + flat.sort().values[:100].sum() + flat.cumsum(0).mean()
    return loss + flat.topk(10).values.sum() + torch.einsum("btd,bsd->bts", y, y).softmax(2).mean() + y.std() + y.median()


net = Net()
kind = sys.argv[1] if len(sys.argv) > 1 else "foreach"
given = {"foreach": {"foreach": True}, "fused": {"fused": True}, "loop": {"foreach": False}}[kind]
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, **given)
images, tokens = torch.randn(8, 3, 32, 32), torch.randint(0, 200, (16, 12))
labels = torch.randint(1, 20, (16, 5))
for step in range(3):
    optimizer.zero_grad()
    loss = loss_of(net, images, tokens, labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
digest = hashlib.blake2b(digest_size=8)
for tensor in list(net.state_dict().values()) + [torch.get_rng_state(), loss.detach()]:
    digest.update(tensor.contiguous().numpy().tobytes())
print("weights", digest.hexdigest())
