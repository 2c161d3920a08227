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


def debugmodules(model):
    """PyTorch's DebugMode as above, with the calls of modules."""
    from torch.utils._debug_mode import DebugMode

    @contextlib.contextmanager
    def around():
        with DebugMode(record_nn_module=True) as mode, mode.log_tensor_hashes(hash_fn="hash_tensor", hash_inputs=False):
            yield

    return around


def msprobe(model, level="mix"):
    """mindstudio-probe: statistics with md5 of every module and parameter gradient, each step. L0: modules alone."""
    import json
    from pathlib import Path

    from msprobe.pytorch import PrecisionDebugger

    folder = Path(tempfile.mkdtemp())
    config = {"task": "statistics", "dump_path": str(folder / "dump"), "rank": [], "step": [], "level": level,
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


def msprobemodules(model):
    """mindstudio-probe on modules alone."""
    return msprobe(model, "L0")


PEERS = {"none": none, "debugmode": debugmode, "debugmodules": debugmodules, "msprobe": msprobe,
         "msprobemodules": msprobemodules}  # fmt: skip
