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
generator torch | "torch": torch.get_rng_state(), | torch.set_rng_state(saved["torch"])  # last, after iter(loader)
generator python | "python": random.getstate(), | random.setstate(saved["python"])
generator numpy | "numpy": numpy.random.get_state(), | numpy.random.set_state(saved["numpy"])
generator | "own": generator.get_state(),  # of each of your own | generator.set_state(saved["own"])
sampler, number of steps | "epoch": epoch, "batch": number, | sampler.set_epoch(saved["epoch"])  # skip "batch" batches
workers | # seed the workers of an epoch with its number, | # and each sample with its index
gradients | "gradients": [weight.grad for weight in weights], | weight.grad = gradient  # for each weight
numbers, tensors | "best": best,  # each variable that the report names | best = saved["best"]
"""
_TRAINERS = (
    (
        "Lightning",
        ("lightning", "pytorch_lightning"),
        "Give ckpt_path to trainer.fit. Lightning saves no random generator and no position in the epoch:\n"
        "save generators in on_save_checkpoint, restore them in on_train_batch_start of the first step, and use\n"
        "a stateful loader (torchdata.stateful_dataloader), or resume at the ends of epochs.",
    ),
    (
        "Hugging Face Trainer",
        ("transformers",),
        "trainer.train(resume_from_checkpoint=True) restores generators (rng_state.pth), the optimizer, the schedule\n"
        "and the position. Leave save_only_model and ignore_data_skip at False. A TrainerCallback with state\n"
        "must derive from ExportableState.",
    ),
    (
        "accelerate",
        ("accelerate",),
        "accelerator.save_state(folder) and load_state(folder) carry generators, optimizer, scaler, loaders.\n"
        "Call accelerator.register_for_checkpointing(schedule, ...) for everything else, and\n"
        "accelerator.skip_first_batches(loader, n) in the first epoch; call loader.set_epoch(epoch) before it.",
    ),
    (
        "Keras",
        ("keras", "tf_keras"),
        "BackupAndRestore(folder, save_freq='epoch') restores weights, the optimizer and the epoch, but no generator.\n"
        "Seed the order and the augmentation of each epoch from its number. ModelCheckpoint: save the whole model,\n"
        "not save_weights_only=True, and give initial_epoch to fit.",
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
    trainers = [(name, text) for name, libraries, text in _TRAINERS if set(libraries) & set(packages)]
    return [*trainers, *([("a plain PyTorch loop", plain)] if "torch" in packages or not trainers else [])]


def _row_of(part: str, rows: list[list[str]]) -> tuple[str, ...] | None:
    return next((tuple(row) for row in rows if part.startswith(tuple(row[0].split(", ")))), None)
