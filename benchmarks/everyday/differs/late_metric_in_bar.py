"""`psnr`: in the postfix of a bar of tqdm; the noise of the evaluation has no seed."""
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

torch.manual_seed(10)
torch.set_num_threads(1)
clean = torch.rand(300, 32)
model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))
opt = torch.optim.Adam(model.parameters(), lr=0.01)


@torch.no_grad()
def denoised(rng):
    noisy = clean + torch.tensor(rng.normal(0, 0.1, (300, 32)), dtype=torch.float32)
    return -10 * torch.log10(nn.functional.mse_loss(model(noisy), clean)).item()


noise = np.random.default_rng()
bar = tqdm(range(40), desc="denoise")
for step in bar:
    loss = nn.functional.mse_loss(model(clean + 0.1 * torch.randn(300, 32)), clean)
    opt.zero_grad()
    loss.backward()
    opt.step()
    psnr = denoised(noise)
    bar.set_postfix(psnr=f"{psnr:.4f}")
