"""Lightning itself: its bar, its CSV logger, its checkpoint, the Timer callback."""
import lightning as L
import torch
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
L.seed_everything(0)


class Regressor(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.net(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


x = torch.randn(320, 6)
loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=32, shuffle=True)
timer, model = Timer(), Regressor()
trainer = L.Trainer(max_epochs=2, accelerator="cpu", callbacks=[timer], logger=CSVLogger("logs"), log_every_n_steps=5)
trainer.fit(model, loader)
print(f"train time {timer.time_elapsed('train'):.2f} s")
