"""Copies the arguments that an operator writes to, so that each replay starts from the same values as the operator.

A copy has the strides of the original, and starts at the same offset within a cache line, because kernels choose their
code by both. Arguments that share memory with a written argument share the memory of its copy.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from ..tensors import Fingerprints

if TYPE_CHECKING:
    from ....fingerprint import Hasher, Tensor

TorchTensor = Any  # a torch.Tensor: nothing here imports torch
Arguments = Tuple[Any, ...]
Keywords = Dict[str, Any]
Results = Dict[str, TorchTensor]  # the results of a call, by name
_LINE = 64  # bytes: the alignment of CPU memory of tensors


class Copies:
    """The arguments of one call, some of them replaced by copies. Call `restore()` before each replay."""

    def __init__(self, torch: Any, args: Arguments, kwargs: Keywords, chosen: Iterable[TorchTensor]) -> None:
        """Copy the tensors `chosen`, which are objects in `args` and `kwargs`, or in lists there."""
        self._torch = torch
        self._pieces: List[Tuple[TorchTensor, TorchTensor]] = []  # (the original values, the replay's copy)
        self._by_id: Dict[int, TorchTensor] = {}
        self._make(list({id(tensor): tensor for tensor in chosen}.values()), tensors_in((args, kwargs)))
        self.args: Arguments = self._with_copies(args)
        self.kwargs: Keywords = {key: self._with_copies(value) for key, value in kwargs.items()}

    def restore(self) -> None:
        """Give the copies the values that the arguments had before the call."""
        with self._torch._C._AutoDispatchBelowAutograd():
            for held, work in self._pieces:
                work.copy_(held)

    def of(self, tensor: TorchTensor) -> TorchTensor:
        """Return the copy of a tensor, or the tensor itself if it has none."""
        return self._by_id.get(id(tensor), tensor)

    def _make(self, chosen: List[TorchTensor], everything: List[TorchTensor]) -> None:
        """Copy the parts of storages that the tensors reach, and make views like those of the arguments."""
        storages = {id(tensor): _storage_of(tensor) for tensor in everything}
        with self._torch._C._AutoDispatchBelowAutograd():
            for tensor in [one for one in chosen if storages[id(one)] is None]:
                self._copy(tensor)
            for storage in {storages[id(tensor)] for tensor in chosen} - {None}:
                self._copy_storage([tensor for tensor in everything if storages[id(tensor)] == storage])

    def _copy(self, tensor: TorchTensor) -> None:
        work = self._by_id[id(tensor)] = tensor.detach().clone()
        if tensor.numel():
            self._pieces.append((tensor.detach().clone(), work))

    def _copy_storage(self, tensors: List[TorchTensor]) -> None:
        torch, first = self._torch, tensors[0]
        source = first.untyped_storage()
        spans = [_span(tensor) for tensor in tensors]
        low, high = min(span[0] for span in spans), max(span[1] for span in spans)
        real = torch.empty(0, dtype=torch.uint8, device=first.device).set_(source, low, (high - low,), (1,))
        lead = (source.data_ptr() + low) % _LINE
        work = torch.empty(lead + high - low, dtype=torch.uint8, device=first.device)
        self._pieces.append((real.clone(), work[lead:]))
        work[lead:].copy_(real)
        for tensor, (start, _) in zip(tensors, spans):
            copy = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            offset = (lead + start - low) // tensor.element_size()
            copy.set_(work.untyped_storage(), offset, tensor.size(), tensor.stride())
            if tensor.is_conj():
                copy = copy.conj()
            self._by_id[id(tensor)] = torch._neg_view(copy) if tensor.is_neg() else copy

    def _with_copies(self, value: Any) -> Any:
        if isinstance(value, self._torch.Tensor):
            return self._by_id.get(id(value), value)
        if isinstance(value, (list, tuple)):
            return type(value)([self._with_copies(item) for item in value])
        return value


def tensors_in(values: Iterable[Any]) -> List[TorchTensor]:
    """Return the tensors in arguments or results, also those in lists and dictionaries there, in order."""
    found: List[TorchTensor] = []
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, (list, tuple, dict)):
            found += tensors_in(value)
        elif hasattr(value, "untyped_storage"):
            found.append(value)
    return found


def _storage_of(tensor: TorchTensor) -> Optional[int]:
    """Return a key of the tensor's memory; None if its memory cannot be copied as bytes."""
    try:
        if not tensor.numel() or str(tensor.layout) != "torch.strided" or tensor.is_quantized:
            return None
        return tensor.untyped_storage().data_ptr() or None
    except (RuntimeError, NotImplementedError):
        return None


def _span(tensor: TorchTensor) -> Tuple[int, int]:
    """Return (the first byte, the byte after the last) of a strided tensor within its storage."""
    size: int = tensor.element_size()
    start: int = tensor.storage_offset() * size
    reach = sum((length - 1) * stride for length, stride in zip(tensor.size(), tensor.stride()))
    return start, start + (reach + 1) * size


class Bits:
    """Compares tensors bit for bit: NaN equals NaN with the same payload, and -0.0 differs from 0.0."""

    def __init__(self, torch: Any, hasher: "Hasher", say: Callable[[str, str], None]) -> None:
        self._torch = torch
        self._plain = (torch.Tensor, torch.nn.Parameter)
        self._prints = Fingerprints(torch, hasher, say)

    def same(self, a: TorchTensor, b: TorchTensor) -> bool:
        """Return whether dtype, shape and all bits are the same."""
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return bool(self._prints.of(a) == self._prints.of(b))

    def content(self, tensor: TorchTensor) -> "Tensor":
        """Return (dtype, shape, bytes in logical order). Raises an error if the tensor has no values."""
        content: Tensor = self._prints.content(tensor)
        return content

    def unwritten(self, outcomes: Sequence[TorchTensor], patterns: Sequence[int]) -> Optional[TorchTensor]:
        """Return a mask of the elements that hold the fill pattern of new memory in every outcome; None if there are
        none.

        `outcomes`: the same result in several replays with different patterns.
        """
        if len(set(patterns)) < 2 or not all(tensor.is_cpu and self._is_dense(tensor) for tensor in outcomes):
            return None
        mask = None
        for tensor, pattern in zip(outcomes, patterns):
            here = (self._elements(tensor) == pattern).all(dim=1)
            mask = here if mask is None else mask & here
        return mask if mask is not None and bool(mask.any()) else None

    def without(self, mask: TorchTensor, own: TorchTensor, again: TorchTensor) -> TorchTensor:
        """Return `again` with the masked elements of `own`."""
        kept = self._torch.where(mask.unsqueeze(1), self._elements(own), self._elements(again)).reshape(-1)
        return kept.view(again.dtype).reshape(again.shape)

    def _is_dense(self, tensor: TorchTensor) -> bool:
        return type(tensor) in self._plain and str(tensor.layout) == "torch.strided" and not tensor.is_quantized

    def _elements(self, tensor: TorchTensor) -> TorchTensor:
        """Return the bytes of each element as uint8 [elements, bytes of an element]."""
        flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
        return flat.view(self._torch.uint8).reshape(flat.numel(), tensor.element_size())
