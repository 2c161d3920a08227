"""The data set draws its noise where it is loaded: in workers it is other noise than in the main process."""
import torch

torch.manual_seed(1)


class Noise(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.randn(3)


net = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for batch in torch.utils.data.DataLoader(Noise(), batch_size=4):
    optimizer.zero_grad()
    net(batch).pow(2).mean().backward()
    optimizer.step()
