"""Memory that outlives the tensor that was watched: `model.state_dict()` of a model that is gone shares its weights'
memory, and a program may go on to change it."""


class StoragePlaces:
    """Where a dense tensor lies, by a weak reference to its storage: nothing lives longer for it."""

    def __init__(self, torch, tensor):
        storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()
        self._empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
        self._place = tensor.storage_offset(), tuple(tensor.size()), tuple(tensor.stride())
        self._kind, self._weak = type(storage), storage._weak_ref()

    def tensor(self):
        """A tensor of what lies there now, or None where the memory is gone."""
        storage = self._kind._new_with_weak_ptr(self._weak)
        return None if storage is None else self._empty.new_empty(0).set_(storage, *self._place)

    def __del__(self):
        weak = self.__dict__.pop("_weak", None)
        if weak is not None:
            self._kind._free_weak_ref(weak)


def memory_of(torch, tensor):
    """The Memory of a tensor, or None for one that is no plain dense tensor."""
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.layout is not torch.strided:
        return None
    try:
        return StoragePlaces(torch, tensor)
    except (AttributeError, RuntimeError, NotImplementedError):  # a tensor without storage, or an own kind of storage
        return None
