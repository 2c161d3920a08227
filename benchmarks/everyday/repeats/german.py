"""German words: Dauer, Zeit, Uhr; decimal commas."""
import time

import torch
from torch import nn


def komma(zahl, stellen=4):
    return f"{zahl:.{stellen}f}".replace(".", ",")


torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(900, 8)
y = (x.sum(1) > 0).long()
netz = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
opt = torch.optim.Adam(netz.parameters(), lr=0.002)
beginn = time.time()
print(f"Training gestartet um {time.strftime('%H:%M')} Uhr")
for epoche in range(1, 5):
    t = time.time()
    for i in range(0, 900, 30):
        verlust = nn.functional.cross_entropy(netz(x[i:i + 30]), y[i:i + 30])
        opt.zero_grad()
        verlust.backward()
        opt.step()
    print(f"Epoche {epoche}/4 – Verlust {komma(verlust.item())} – Dauer {komma(time.time() - t, 3)} s")
print(f"Fertig. Gesamtzeit: {komma(time.time() - beginn, 2)} Sekunden, {komma((time.time() - beginn) / 4, 3)} je Epoche")
