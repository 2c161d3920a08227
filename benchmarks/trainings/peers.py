"""What other tools do around one training step, as their documentation says to use them."""

import contextlib
import tempfile


def none(model):
    """Nothing: the plain step, or samebits' probe, which needs no edit."""
    return contextlib.nullcontext


def debugmode(model):
    """PyTorch's DebugMode with a hash of every operator's outputs (`hash_tensor`)."""
    from torch.utils._debug_mode import DebugMode

    @contextlib.contextmanager
    def around():
        with DebugMode() as mode, mode.log_tensor_hashes(hash_fn="hash_tensor", hash_inputs=False):
            yield

    return around


def msprobe(model):
    """mindstudio-probe: statistics with md5 of every module and parameter gradient, each step."""
    import json
    from pathlib import Path

    from msprobe.pytorch import PrecisionDebugger

    folder = Path(tempfile.mkdtemp())
    config = {"task": "statistics", "dump_path": str(folder / "dump"), "rank": [], "step": [], "level": "mix",
              "statistics": {"scope": [], "list": [], "data_mode": ["all"], "summary_mode": "md5"}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    debugger = PrecisionDebugger(config_path=str(folder / "config.json"))

    @contextlib.contextmanager
    def around():
        debugger.start(model=model)
        try:
            yield
        finally:
            debugger.stop()
            debugger.step()

    return around


PEERS = {"none": none, "debugmode": debugmode, "msprobe": msprobe}
