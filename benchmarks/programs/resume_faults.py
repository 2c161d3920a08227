"""A plain PyTorch loop that saves and resumes everything, and a switch for each thing that real programs forget.

    python resume_faults.py --out FOLDER [--forget NAME] [--no-save]

It resumes if it finds last.pt in its folder. The uninterrupted and the resumed run have the same command line: a switch
changes only what is saved or restored. `average-at-save` is the exception: there, saving changes the training.
"""

import argparse
import copy
import random
from pathlib import Path

import numpy
import torch

EPOCHS, SAMPLES, BATCH, EVERY = 3, 32, 4, 4
PER_EPOCH = SAMPLES // BATCH


class Images(torch.utils.data.Dataset):
    """Random images, with augmentation."""

    def __init__(self, forget):
        self.images = torch.randn(SAMPLES, 6, generator=torch.Generator().manual_seed(1))
        self.by_worker = forget == "workers"

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        noise = torch.rand(()).item() if self.by_worker else random.random() + numpy.random.rand()
        return self.images[index] * (1 + noise / 10), self.images[index].sum().sign()


class Sampler(torch.utils.data.Sampler):
    """A new order for each epoch, from a position on."""

    def __init__(self):
        self.epoch = self.position = 0

    def __iter__(self):
        order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(self.epoch)).tolist()
        return iter(order[self.position * BATCH :])

    def __len__(self):
        return SAMPLES - self.position * BATCH


class Loss:
    """A loss that holds the model, for its penalty."""

    def __init__(self, model):
        self.model = model

    def __call__(self, found, labels):
        penalty = sum(weight.float().pow(2).sum() for weight in self.model.parameters())
        return (found.float().squeeze(1) - labels).pow(2).mean() + 0.01 * penalty


class Training:
    """Everything that takes part."""

    def __init__(self, forget):
        torch.manual_seed(0)
        random.seed(0)
        numpy.random.seed(0)
        self.forget = forget
        layers = torch.nn.Linear(6, 6), torch.nn.Dropout(0.2), torch.nn.Linear(6, 6), torch.nn.Linear(6, 1)
        self.model = torch.nn.Sequential(*layers)
        self.weights = list(self.model.parameters())
        if forget == "master-weights":  # the model has few bits, the optimizer's copy has all
            self.weights = [torch.nn.Parameter(weight.detach().clone()) for weight in self.weights]
            self.model.bfloat16()
        self.optimizer = torch.optim.Adam(self.weights, 0.01)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, 5, 0.7)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=4)
        self.average = copy.deepcopy(self.model)
        self.noise = torch.Generator().manual_seed(5)
        self.sampler, self.loss = Sampler(), Loss(self.model)
        self.buffer = [torch.zeros(BATCH, 6)]
        self.epoch = self.batch = self.done = self.waited = 0
        self.best = 9.0
        self.restores = self.is_resumed = False

    def state(self):
        """Return the content of a checkpoint."""
        return {
            "model": self.model.state_dict(),
            "weights": self.weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.state_dict(),
            "noise": self.noise.get_state(),
            "generators": (torch.get_rng_state(), random.getstate(), numpy.random.get_state()),
            "gradients": [weight.grad for weight in self.weights] if self.batch % 2 else None,
            "buffer": self.buffer,
            "numbers": (self.epoch, self.batch, self.done, self.waited, self.best),
        }

    def restore(self, saved, older):  # noqa: C901
        """Restore everything but what is forgotten."""
        if self.forget == "nothing":
            return
        if self.forget == "old-model-in-loss":
            self.loss = Loss(copy.deepcopy(self.model))
        self.model.load_state_dict(saved["model"])
        sources = self.model.parameters() if self.forget == "master-weights" else saved["weights"]
        for weight, source in zip(self.weights, sources, strict=True):
            weight.data.copy_(source.data)
        self.epoch, self.batch, self.done, *rest = saved["numbers"]
        self.waited, self.best = (self.waited, self.best) if self.forget == "patience" else rest
        self.is_resumed = True
        if self.forget == "all-but-weights":
            return
        self.restore_optimizer(saved)
        if self.forget != "scaler":
            self.scaler.load_state_dict(saved["scaler"])
        if self.forget != "average":
            self.average.load_state_dict(saved["model" if self.forget == "average-is-raw" else "average"])
        if self.forget != "own-generator":
            self.noise.set_state(saved["noise"])
        if self.forget != "replay-buffer":
            self.buffer = saved["buffer"]
        if self.forget != "gradients" and saved["gradients"] is not None:
            for weight, gradient in zip(self.weights, saved["gradients"], strict=True):
                weight.grad = gradient
        self.batch = {"position": 0, "prefetch": self.batch + 1}.get(self.forget, self.batch)
        self.restores = (older if self.forget == "two-moments" else saved)["generators"]

    def restore_optimizer(self, saved):
        """Restore the optimizer and the schedule."""
        if self.forget != "moments":
            self.optimizer.load_state_dict(saved["optimizer"])
        if self.forget != "schedule":
            self.schedule.load_state_dict(saved["schedule"])
        self.optimizer.param_groups[0]["lr"] = self.schedule.get_last_lr()[0]
        if self.forget == "schedule-length":
            self.schedule.step_size = 4
        states = list(self.optimizer.state.values())
        for state in states:
            if self.forget == "moments-dtype":
                state.update({name: state[name].bfloat16() for name in ("exp_avg", "exp_avg_sq")})
            if self.forget == "step-counter":
                state["step"] = torch.zeros(())
        if self.forget == "moments-of-neighbour":
            first, other = (self.optimizer.state[self.weights[place]] for place in (0, 2))
            for name in ("exp_avg", "exp_avg_sq"):
                first[name], other[name] = other[name], first[name]

    def restore_generators(self):
        """Restore the generators of the process, once."""
        if self.restores:
            if self.forget != "torch-generator":
                torch.set_rng_state(self.restores[0])
            if self.forget != "python-generator":
                random.setstate(self.restores[1])
            if self.forget != "numpy-generator":
                numpy.random.set_state(self.restores[2])
            if self.forget == "seeded-again":
                torch.manual_seed(0)
        self.restores = False

    def begin_epoch(self):
        """Return the batches that are left of this epoch."""
        if self.batch >= PER_EPOCH:
            self.epoch, self.batch = self.epoch + 1, 0
            self.epoch += self.is_resumed and self.forget == "epoch-off-by-one"
        self.sampler.epoch, self.sampler.position = self.epoch, self.batch
        if self.is_resumed and self.forget == "sampler-epoch":
            self.sampler.epoch = 0
        is_early = self.batch == 0 or self.forget == "restored-too-early"
        if is_early:
            self.restore_generators()
        options = {"num_workers": 1} if self.forget == "workers" else {}
        options.update(generator=torch.Generator().manual_seed(self.epoch)) if options else None
        batches = iter(torch.utils.data.DataLoader(Images(self.forget), BATCH, sampler=self.sampler, **options))
        self.restore_generators()  # after the loader has drawn its own seed
        self.is_resumed = False
        return batches

    def step(self, images, labels):
        """Take one batch, and make a step unless gradients are accumulated."""
        images = images + 0.01 * torch.randn(images.shape, generator=self.noise) + 0.01 * self.buffer[0]
        self.buffer = [*self.buffer, images][-3:]
        found = self.model(images.to(self.model[0].weight.dtype))
        self.scaler.scale(self.loss(found, labels)).backward()
        self.batch += 1
        if self.forget.startswith("gradients") and self.batch % 2:
            return
        if self.forget == "master-weights":
            for weight, own in zip(self.weights, self.model.parameters(), strict=True):
                weight.grad, own.grad = own.grad.float(), None
        for state in self.optimizer.state.values():
            state.update({name: value.float() for name, value in state.items()})
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.schedule.step()
        if self.forget == "master-weights":
            for weight, own in zip(self.weights, self.model.parameters(), strict=True):
                own.data.copy_(weight.data)
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.mul_(0.9).add_(weight, alpha=0.1)
        self.done += 1
        value = 1 / (1 + min(self.done, 6))  # a metric that gets better for six steps
        self.waited, self.best = (0, value) if value < self.best else (self.waited + 1, self.best)

    def save(self, folder):
        """Save a checkpoint; the one before it becomes old.pt."""
        last = folder / "last.pt"
        if last.exists():
            last.replace(folder / "old.pt")
        if self.forget == "average-at-save":
            self.model.load_state_dict(self.average.state_dict())
        torch.save(self.state(), last)


def main():
    """Train, from the checkpoint if there is one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    parser.add_argument("--forget", default="")
    parser.add_argument("--no-save", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    training, folder = Training(arguments.forget), arguments.out
    folder.mkdir(exist_ok=True, parents=True)
    if (folder / "last.pt").exists():
        saved, older = (torch.load(folder / name, weights_only=False) for name in ("last.pt", "old.pt"))
        training.restore(saved, older)
    every = 3 if arguments.forget.startswith("gradients") else EVERY
    patience = 14 if arguments.forget.startswith("patience") else 99
    while training.epoch < EPOCHS and training.waited < patience:
        for images, labels in training.begin_epoch():
            training.step(images, labels)
            if training.batch % every == 0 and not arguments.no_save:
                training.save(folder)
            if training.waited >= patience:
                break
        training.epoch += training.batch >= PER_EPOCH and training.epoch == EPOCHS - 1
    torch.save(training.average.state_dict(), folder / "final.pt")


if __name__ == "__main__":
    main()
