"""States of PyTorch's random number generators, read and never touched."""

import ctypes


def samplers(torch):
    """name -> function that gives the state as bytes, or None where the generator is not in use."""
    return {"torch": lambda: _bytes_of(torch.get_rng_state()), "torch-cuda": lambda: _cuda(torch)}


def _bytes_of(state):
    return ctypes.string_at(state.data_ptr(), state.numel())


def _cuda(torch):
    """All devices' generators, once the program has initialised CUDA (asking for a state before would do it)."""
    cuda = torch.cuda
    if not getattr(cuda, "is_initialized", lambda: getattr(cuda, "_initialized", False))():
        return None
    if getattr(cuda, "is_current_stream_capturing", bool)():  # the state is not to be read while a graph is captured
        return None
    return b"".join(_bytes_of(cuda.get_rng_state(device)) for device in range(cuda.device_count()))
