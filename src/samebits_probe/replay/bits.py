"""Whether two tensors have the same bits; and which elements nobody wrote to."""

import ctypes

from ..watchers.pytorch.tensors import Fingerprints

_compare = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(
    ("memcmp", ctypes.CDLL(None))
)
_INTEGERS = {1: "uint8", 2: "int16", 4: "int32", 8: "int64"}


class Bits:
    """Compares, bit for bit: NaN equals NaN of the same payload, -0.0 differs from 0.0."""

    def __init__(self, torch, hasher, say):
        self._torch = torch
        self._plain = (torch.Tensor, torch.nn.Parameter)
        self._prints = Fingerprints(torch, hasher, say)
        self._lengths = {}

    def same(self, a, b):
        """Whether dtype, shape and all bits are the same."""
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if self._lies_ready(a) and self._lies_ready(b):
            length = a.numel() * a.element_size()
            if a.is_cpu:
                return not length or not _compare(a.data_ptr(), b.data_ptr(), length)
            as_integers = getattr(self._torch, _INTEGERS[a.element_size()])
            return bool(self._torch.equal(a.detach().view(as_integers), b.detach().view(as_integers)))
        return self._prints.of(a) == self._prints.of(b)

    def _lies_ready(self, tensor):
        """Whether its memory is its values in logical order."""
        return (
            type(tensor) in self._plain
            and (tensor.is_cpu or (tensor.is_cuda and tensor.dim() > 0))
            and tensor.layout is self._torch.strided
            and tensor.is_contiguous()
            and not tensor.is_conj()
            and not tensor.is_neg()
            and not tensor.is_quantized
            and tensor.element_size() in _INTEGERS
        )

    def content(self, tensor):
        """(dtype, shape, bytes in logical order); raises where it has no values."""
        return self._prints.content(tensor)

    def unwritten(self, outcomes, patterns):
        """A mask of the elements that hold, in every outcome, just what memory was filled with; None where none does.

        `outcomes`: the same result of several replays, with different patterns.
        """
        if len(set(patterns)) < 2 or not all(tensor.is_cpu and self._is_dense(tensor) for tensor in outcomes):
            return None
        mask = None
        for tensor, pattern in zip(outcomes, patterns):
            here = (self._elements(tensor) == pattern).all(dim=1)
            mask = here if mask is None else mask & here
        return mask if mask is not None and bool(mask.any()) else None

    def without(self, mask, own, again):
        """`again` with the masked elements of `own`."""
        kept = self._torch.where(mask.unsqueeze(1), self._elements(own), self._elements(again)).reshape(-1)
        return kept.view(again.dtype).reshape(again.shape)

    def _is_dense(self, tensor):
        return type(tensor) in self._plain and str(tensor.layout) == "torch.strided" and not tensor.is_quantized

    def _elements(self, tensor):
        """The bytes of each element: uint8 [elements, bytes of one]."""
        flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
        return flat.view(self._torch.uint8).reshape(flat.numel(), tensor.element_size())
