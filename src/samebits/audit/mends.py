"""The lines that mend a checkpoint: for a plain loop, and what to do with each trainer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["mends"]

# how the names of parts begin; what to save; what to load
_PLAIN = """
weights, buffers | "model": model.state_dict(), | model.load_state_dict(saved["model"])
moments, step counters | "optimizer": optimizer.state_dict(), | optimizer.load_state_dict(saved["optimizer"])
learning rate | "schedule": schedule.state_dict(), | schedule.load_state_dict(saved["schedule"])
gradient scaler | "scaler": scaler.state_dict(), | scaler.load_state_dict(saved["scaler"])
average | "average": average.state_dict(), | average.load_state_dict(saved["average"])
generator torch | "torch": torch.get_rng_state(), | torch.set_rng_state(saved["torch"])  # in an epoch: after iter()
generator python | "python": random.getstate(), | random.setstate(saved["python"])
generator numpy | "numpy": numpy.random.get_state(), | numpy.random.set_state(saved["numpy"])
generator | "own": generator.get_state(),  # each generator of your own | generator.set_state(saved["own"])
sampler, number of steps | "epoch": epoch, "batch": number, | sampler.set_epoch(saved["epoch"])  # skip "batch" batches
workers | # workers: nothing to save | # workers: seed them with the epoch, and each sample with its index
gradients | "gradients": [weight.grad for weight in weights], | weight.grad = gradient  # for each weight
numbers, tensors | "best": best,  # each variable that the report names | best = saved["best"]
"""
# title; what the program imports; lines
_TRAINERS = (
    (
        "Lightning",
        ("lightning", "pytorch_lightning"),
        """
class Generators(lightning.Callback):  # Lightning saves no generator: Trainer(callbacks=[Generators()])
    def on_save_checkpoint(self, trainer, module, checkpoint):
        checkpoint["generators"] = torch.get_rng_state(), random.getstate(), numpy.random.get_state()

    def on_load_checkpoint(self, trainer, module, checkpoint):
        self.saved = checkpoint["generators"]

    def on_train_batch_start(self, trainer, module, batch, number):  # after the loader has drawn
        if getattr(self, "saved", None):
            torch.set_rng_state(self.saved[0])
            random.setstate(self.saved[1])
            numpy.random.set_state(self.saved[2])
            self.saved = None

trainer.fit(model, loader, ckpt_path="last.ckpt", weights_only=False)
loader = DataLoader(data, generator=torch.Generator())  # else each epoch draws from the generator of the process
# The order of an epoch: a sampler with set_epoch(epoch), which Lightning calls. The position in it:
# torchdata.stateful_dataloader.StatefulDataLoader, or save only at the ends of epochs.
""",
    ),
    (
        "Hugging Face Trainer",
        ("transformers",),
        """
arguments = TrainingArguments(..., save_only_model=False, ignore_data_skip=False)
trainer.train(resume_from_checkpoint=True)  # generators, optimizer, schedule and position
# A TrainerCallback with values of its own must derive from transformers.trainer_callback.ExportableState.
""",
    ),
    (
        "accelerate",
        ("accelerate",),
        """
accelerator.register_for_checkpointing(schedule)  # and each object with state_dict that prepare did not get
accelerator.save_state(folder)

accelerator.load_state(folder)
loader.set_epoch(epoch)  # before the batches are skipped
first = accelerator.skip_first_batches(loader, batches)  # in the first epoch only
""",
    ),
    (
        "Keras",
        ("keras", "tf_keras"),
        """
class Reseed(keras.callbacks.Callback):  # no file of Keras holds the generators of its layers
    def on_epoch_begin(self, epoch, logs=None):
        for number, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign([number, epoch])

backup = keras.callbacks.BackupAndRestore(folder)
model.fit(..., callbacks=[backup, Reseed()])

keeps = keras.callbacks.ModelCheckpoint("last.keras")  # the optimizer too: not save_weights_only=True
model = keras.models.load_model("last.keras")
model.fit(..., initial_epoch=epoch, callbacks=[keeps, Reseed()])
# The order of the samples: use shuffle=False, and make an order from the number of the epoch.
""",
    ),
)


def mends(forgotten: Sequence[str], packages: Collection[str]) -> list[tuple[str, str]]:
    """Return [(title, lines)] that mend these parts: with the trainers that the program imports, or in a plain loop."""
    rows = [[cell.strip() for cell in line.split(" | ")] for line in _PLAIN.strip().splitlines()]
    every = forgotten == ["everything"]
    found = rows if every else list(filter(None, dict.fromkeys(_row_of(part, rows) for part in forgotten)))
    if not found:
        return []
    saves, loads = (
        "\n".join(column) for column in zip(*(("    " + save, load) for _, save, load in found), strict=True)
    )
    plain = f"torch.save({{\n{saves}\n}}, path)\n\nsaved = torch.load(path)\n{loads}"
    trainers = [(name, text.strip()) for name, libraries, text in _TRAINERS if set(libraries) & set(packages)]
    return [*trainers, *([("a plain PyTorch loop", plain)] if "torch" in packages or not trainers else [])]


def _row_of(part: str, rows: list[list[str]]) -> tuple[str, ...] | None:
    return next((tuple(row) for row in rows if part.startswith(tuple(row[0].split(", ")))), None)
