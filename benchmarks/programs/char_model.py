"""A small transformer that predicts characters of its own source code, as nanoGPT does; 100 steps."""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

WIDTH, CONTEXT = 64, 64


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, 4, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.1))
        self.register_buffer("mask", torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1))

    def forward(self, x):
        y = self.first(x)
        x = x + self.attention(y, y, y, attn_mask=self.mask, need_weights=False)[0]
        return x + self.mlp(self.second(x))


class CharacterModel(nn.Module):
    def __init__(self, characters):
        super().__init__()
        self.embedding, self.position = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(WIDTH, characters)

    def forward(self, text):
        return self.head(self.blocks(self.embedding(text) + self.position(torch.arange(CONTEXT))))


if "--no-seed" not in sys.argv:
    torch.manual_seed(1337)
source = Path(__file__).read_text()
characters = sorted(set(source))
text = torch.tensor([characters.index(character) for character in source])
model = CharacterModel(len(characters))
optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
for step in range(100):
    starts = torch.randint(len(text) - CONTEXT - 1, (16,))
    batch = torch.stack([text[start : start + CONTEXT + 1] for start in starts])
    loss = functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step} loss {loss.item():.4f}")
