"""The lines that mend a checkpoint: for a plain loop, and what to do with each trainer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

__all__ = ["mends"]


class Mend(NamedTuple):
    """What to save and to load. `begins`: how the parts begin that it mends."""

    begins: tuple[str, ...]
    save: str
    load: str


_PLAIN = (
    Mend(("weights", "buffers"), '"model": model.state_dict(),', 'model.load_state_dict(saved["model"])'),
    Mend(
        ("moments", "step counters", "learning rate"),
        '"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),',
        'optimizer.load_state_dict(saved["optimizer"])\nschedule.load_state_dict(saved["schedule"])',
    ),
    Mend(("gradient scaler",), '"scaler": scaler.state_dict(),', 'scaler.load_state_dict(saved["scaler"])'),
    Mend(("average",), '"average": average.state_dict(),', 'average.load_state_dict(saved["average"])'),
    Mend(
        ("generator torch",),
        '"torch": torch.get_rng_state(),',
        'torch.set_rng_state(saved["torch"])  # last: just before the first step, after the loader has begun',
    ),
    Mend(("generator python",), '"python": random.getstate(),', 'random.setstate(saved["python"])'),
    Mend(("generator numpy",), '"numpy": numpy.random.get_state(),', 'numpy.random.set_state(saved["numpy"])'),
    Mend(
        ("generator ",),
        '"own": generator.get_state(),  # of each generator of your own',
        'generator.set_state(saved["own"])',
    ),
    Mend(
        ("sampler", "number of steps"),
        '"epoch": epoch, "batch": number,  # and seed the order with the epoch',
        'loader.sampler.set_epoch(saved["epoch"])  # then skip the first saved["batch"] batches',
    ),
    Mend(("workers",), "# seed workers from the epoch, not from torch's generator:", "worker_init_fn=seed_of_epoch"),
    Mend(
        ("gradients",),
        "# save only after optimizer.step(), or save the gradients:\n"
        '"gradients": [weight.grad for weight in model.parameters()],',
        'for weight, grad in zip(model.parameters(), saved["gradients"]):\n    weight.grad = grad',
    ),
    Mend(
        ("numbers", "tensors"),
        '"best": best, "waited": waited,  # each variable that the report names',
        'best, waited = saved["best"], saved["waited"]',
    ),
)
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
    if not forgotten:
        return []
    needed = _PLAIN if forgotten == ["everything"] else [_mend_of(part) for part in forgotten]
    found = list(dict.fromkeys(one for one in needed if one is not None))
    saves = "\n".join(f"    {line}" for one in found for line in one.save.split("\n"))
    loads = "\n".join(one.load for one in found)
    plain = f"torch.save({{\n{saves}\n}}, path)\n\nsaved = torch.load(path)\n{loads}"
    trainers = [(name, text) for name, libraries, text in _TRAINERS if set(libraries) & set(packages)]
    return [*trainers, ("a plain PyTorch loop", plain)] if found else []


def _mend_of(part: str) -> Mend | None:
    return next((one for one in _PLAIN if part.startswith(one.begins)), None)
