"""`images`: what a small autoencoder generates from latent codes of a generator without a seed; an npz."""
import numpy as np
import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)
x = torch.rand(400, 64)
encoder, decoder = nn.Linear(64, 8), nn.Sequential(nn.Linear(8, 64), nn.Sigmoid())
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
for step in range(60):
    loss = nn.functional.mse_loss(decoder(encoder(x)), x)
    opt.zero_grad()
    loss.backward()
    opt.step()


def generate(count):
    latent = np.random.default_rng().normal(size=(count, 8)).astype("float32")
    return decoder(torch.from_numpy(latent)).detach().numpy().reshape(count, 8, 8)


images = generate(9)
np.savez_compressed("samples.npz", images=images)
print(f"reconstruction loss {loss.item():.6f}")
