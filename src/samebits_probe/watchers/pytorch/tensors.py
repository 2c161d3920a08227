"""Fingerprints of tensors: the exact bits in logical order, whatever their layout, device and type.

A dense tensor on the CPU is hashed at once, without a copy. A tensor that needs more than its memory (strides, sparse
and quantised layouts, subclasses, lazily conjugated views) is first taken apart into dense tensors. Tensors on a GPU
are hashed there (`device`). A tensor without values (meta and fake tensors) gives None, and the reason is reported
once. Between calls, only facts of dtypes and shapes are kept.
"""

import contextlib
import ctypes
import sys
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Dict, FrozenSet, Iterator, List, Optional, Tuple

from ...trace import Rows
from ..objects import Function, Library, Tensor
from .device import DeviceHash
from .rows import PlanComparison, PlanPart, parts_of

if TYPE_CHECKING:
    from ...fingerprint import Hasher, Header
    from ...fingerprint import Tensor as TensorContent

TensorPlan = Tuple["Header", int]  # and number of bytes

# A null storage (freed by a sharding library, say) with an offset gives a small address that must not be read.
_SURELY_MEMORY = 1 << 32
_NO_VALUES = ("FakeTensor", "FunctionalTensor", "UninitializedParameter", "UninitializedBuffer")
_NEVER_AS_IT_LIES = -1


class Unseen(Exception):
    """The tensor has no values that could be read; the message says why."""


class Fingerprints:
    """`of(tensor)`: 16 bytes or None. `say(point, why)` is called for each None."""

    def __init__(self, torch: Library, hasher: "Hasher", say: Callable[[str, str], Any]) -> None:
        self._torch, self._hasher, self._say = torch, hasher, say
        self._pointer = hasher.pointer
        self._plans: Dict[Tuple[Any, Any], TensorPlan] = {}  # (dtype, shape) -> (header, number of bytes)
        self._plain = frozenset((torch.Tensor, torch.nn.Parameter))
        self._lies_ready = _readiness(torch)
        self._comparison = PlanComparison(torch, self._plain, self._lies_ready)
        self._address = torch.Tensor.data_ptr
        self._numbers = {torch.float32: ctypes.c_float, torch.float64: ctypes.c_double}
        self._device = DeviceHash(torch)
        self._parts = _Parts(torch, self._plain)

    def of(self, tensor: Tensor) -> Optional[bytes]:
        """Fingerprint of a tensor: 16 bytes, or None if it has no values."""
        if type(tensor) not in self._plain:
            return self._of_any(tensor)
        try:
            plan = self._plans.get((tensor.dtype, tensor.shape)) or self._plan(tensor)
            if plan[1] != _NEVER_AS_IT_LIES and self._lies_ready(tensor):
                address = tensor.data_ptr()
                if address > _SURELY_MEMORY or _has_memory(tensor, plan[1]):
                    return self._pointer(address, plan[1], plan[0])
        except (RuntimeError, NotImplementedError):  # no storage, no sizes: taken apart below
            pass
        return self._of_any(tensor)

    def _plan(self, tensor: Tensor) -> TensorPlan:
        dtype, shape = tensor.dtype, tensor.shape
        count = tensor.element_size()
        for length in shape:
            count *= length
        plan = (self._hasher.header(dtype_name(dtype), shape), count if _says_all(dtype) else _NEVER_AS_IT_LIES)
        self._plans[dtype, shape] = plan
        return plan

    def plan_of(self, tensors: List[Tensor], fronts: List[bytes]) -> Optional[List[PlanPart]]:
        """Return what `of_all` needs for tensors like these, or None if any of them needs more than its memory.

        `fronts`: the bytes before each fingerprint in its record.
        """
        if not self._plain.issuperset(map(type, tensors)):
            return None
        plans = [self._plans.get((tensor.dtype, tensor.shape)) or self._plan(tensor) for tensor in tensors]
        lengths = [length for _, length in plans]
        if min(lengths) <= 0 or not all(map(self._lies_ready, tensors)):
            return None
        return parts_of(tensors, plans, fronts, self._hasher, self._comparison)

    def of_all(
        self, tensors: List[Tensor], plan: List[PlanPart], read: Optional[Callable[[Tensor], Tensor]] = None
    ) -> Optional[List[Rows]]:
        """Return the records of tensors, or None if they are not as `plan_of` found them.

        `read`: a function that returns the tensors to record (the gradients of `tensors`).
        """
        found: List[Rows] = []
        try:
            for part in plan:
                some = tensors[part.where] if read is None else list(map(read, tensors[part.where]))
                if not part.fits(some):
                    return None
                addresses = list(map(self._address, some))
                if min(addresses) <= _SURELY_MEMORY:
                    return None
                found.append(Rows(part.rows(addresses), part.count))
        except (RuntimeError, NotImplementedError, AttributeError):  # a different kind of tensor now
            return None
        return found

    def _of_any(self, tensor: Tensor) -> Optional[bytes]:
        try:
            with _quiet(self._torch):
                tag, parts = self._parts.of(tensor)
                return self._join(tag, [self._of_dense(part) for part in parts])
        except (Unseen, RuntimeError, NotImplementedError, AttributeError, TypeError) as why:
            self._say("values of a " + type(tensor).__name__, str(why).split("\n")[0][:120])
            return None

    def _join(self, tag: str, prints: List[bytes]) -> bytes:
        if not tag and len(prints) == 1:
            return prints[0]
        return self._hasher.data(b"".join(prints), self._hasher.header(tag, (len(prints),)))

    def _of_dense(self, tensor: Tensor) -> bytes:
        header = self._hasher.header(dtype_name(tensor.dtype), tensor.shape)
        if tensor.device.type != "cpu":
            return self._hasher.data(self._device.digest(tensor), header)
        return self._pointer(tensor.data_ptr(), bytes_of(tensor), header)

    def number(self, tensor: Tensor) -> Optional[float]:
        """Return the value of a tensor of one floating-point element, or None."""
        form = self._numbers.get(tensor.dtype)
        if form is not None and type(tensor) in self._plain and self._lies_ready(tensor):
            try:
                return form.from_address(tensor.data_ptr()).value
            except RuntimeError:  # no storage: like any other
                pass
        return self._number_of_any(tensor)

    def _number_of_any(self, tensor: Tensor) -> Optional[float]:
        if not getattr(tensor.dtype, "is_floating_point", False):
            return None
        with _quiet(self._torch):
            part = self._parts.of(tensor)[1][0]
            return float(part) if part.numel() == 1 else None  # one element for each sample, within torch.func.vmap

    def quiet(self) -> ContextManager[None]:
        """Return a context in which nothing of the program sees what the probe computes."""
        return _quiet(self._torch)

    def content(self, tensor: Tensor) -> "TensorContent":
        """Return (dtype, shape, bytes in logical order). Raises Unseen or RuntimeError if there are no values."""
        with _quiet(self._torch):
            tag, parts = self._parts.of(tensor)
            parts = [part.cpu() for part in parts]
            data = b"".join(ctypes.string_at(part.data_ptr(), bytes_of(part)) for part in parts if bytes_of(part))
            return tag or dtype_name(parts[0].dtype), shape_of(tensor), data


def _readiness(torch: Library) -> Callable[[Tensor], bool]:
    """Return function(tensor) -> whether its memory holds its values in logical order, here and now."""
    strided = torch.strided
    if not hasattr(torch.Tensor, "is_neg"):
        return lambda tensor: tensor.device.type == "cpu" and tensor.layout is strided and tensor.is_contiguous()

    def ready(tensor: Tensor) -> bool:
        return tensor.is_cpu and tensor.layout is strided and tensor.is_contiguous() and not tensor.is_neg()

    return ready


def _says_all(dtype: Any) -> bool:
    """Return whether the memory alone gives the values.

    Lazily conjugated numbers, and those with a scale, need more.
    """
    return not (getattr(dtype, "is_complex", False) or dtype_name(dtype).startswith(("quint", "qint")))


def _has_memory(tensor: Tensor, length: int) -> bool:
    """Return whether there is a storage behind the address. A living tensor's storage can be resized to nothing."""
    if not length:
        return True
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()
    size = storage.nbytes() if hasattr(storage, "nbytes") else len(storage) * tensor.element_size()
    found: bool = size >= tensor.storage_offset() * tensor.element_size() + length
    return found


@contextlib.contextmanager
def _quiet(torch: Library) -> Iterator[None]:
    """Hide what the probe computes from autograd, from modes of the program and from profiles of its operators."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        if hasattr(torch._C, "DisableTorchFunction"):
            stack.enter_context(torch._C.DisableTorchFunction())
        if getattr(torch._C, "_len_torch_dispatch_stack", int)():
            from torch.utils import _python_dispatch  # it is imported already, because a mode is on its stack

            stack.enter_context(_python_dispatch._disable_current_modes())
        clear = getattr(sys.modules.get("torch._functorch.pyfunctorch"), "temporarily_clear_interpreter_stack", None)
        if clear is not None and torch._C._functorch.peek_interpreter_stack() is not None:
            stack.enter_context(clear())
        yield


class _Parts:
    """Takes a tensor apart: `of(tensor)` -> (tag, dense contiguous tensors). The tag is "" for a plain tensor."""

    def __init__(self, torch: Library, plain: FrozenSet[type]) -> None:
        self._torch, self._plain = torch, plain
        functorch = getattr(torch._C, "_functorch", None)
        self._is_wrapped: Optional[Function] = getattr(functorch, "is_functorch_wrapped_tensor", None)
        self._unwrapped: Any = getattr(functorch, "get_unwrapped", None)  # a function

    def of(self, tensor: Tensor) -> Tuple[str, List[Tensor]]:
        if type(tensor) not in self._plain:
            return self._of_subclass(tensor)
        while self._is_wrapped and self._is_wrapped(tensor):  # torch.func: the tensor below, all of a batch at once
            tensor = self._unwrapped(tensor)
        tensor = tensor.detach()
        if tensor.device.type == "meta":
            raise Unseen("it lies on the meta device")
        if getattr(tensor, "is_nested", False):
            return self._tagged("nested", tensor.unbind())
        if getattr(tensor, "is_quantized", False):
            return self._of_quantized(tensor)
        if tensor.layout is not self._torch.strided:
            return self._of_layout(tensor)
        return "", [self._dense(tensor)]

    def _of_subclass(self, tensor: Tensor) -> Tuple[str, List[Tensor]]:
        name = type(tensor).__name__
        if name in _NO_VALUES:
            raise Unseen("a %s has no values" % name)
        if hasattr(tensor, "__tensor_flatten__"):
            inner, context = tensor.__tensor_flatten__()
            tag = "%s:%r" % (name, plain(context)) if context is not None else name
            return self._tagged(tag, [getattr(tensor, attribute) for attribute in inner])
        return self.of(tensor.detach().as_subclass(self._torch.Tensor))

    def _of_quantized(self, tensor: Tensor) -> Tuple[str, List[Tensor]]:
        if "per_tensor" in str(tensor.qscheme()):
            tag = "%s:%r:%r" % (dtype_name(tensor.dtype), tensor.q_scale(), tensor.q_zero_point())
            return self._tagged(tag, [tensor.int_repr()])
        values = [tensor.int_repr(), tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]
        return self._tagged(dtype_name(tensor.dtype), values)

    def _of_layout(self, tensor: Tensor) -> Tuple[str, List[Tensor]]:
        layout = str(tensor.layout)
        if layout == "torch.sparse_coo":
            tag = "sparse:%s:%d" % (tuple(tensor.shape), tensor.is_coalesced())
            return self._tagged(tag, [tensor._indices(), tensor._values()])
        if layout.startswith("torch.sparse"):
            by_row = layout in ("torch.sparse_csr", "torch.sparse_bsr")
            names = ("crow_indices", "col_indices") if by_row else ("ccol_indices", "row_indices")
            indices = [getattr(tensor, name)() for name in names]
            return self._tagged("%s:%s" % (layout, tuple(tensor.shape)), indices + [tensor.values()])
        return "", [tensor.to_dense().contiguous()]

    def _tagged(self, tag: str, tensors: List[Tensor]) -> Tuple[str, List[Tensor]]:
        parts = []
        for tensor in tensors:
            inner, found = self.of(tensor)
            tag = "%s|%s" % (tag, inner) if inner else tag
            parts.extend(found)
        return tag, parts

    def _dense(self, tensor: Tensor) -> Tensor:
        recent = hasattr(tensor, "resolve_conj")  # from 1.10 on, words of a different size can also be viewed
        if recent:
            tensor = tensor.resolve_conj().resolve_neg()
        if tensor.device.type != "cpu" and not (recent and tensor.device.type == "cuda"):
            tensor = tensor.cpu()
        tensor = tensor.contiguous()
        if tensor.device.type == "cpu" and not _has_memory(tensor, bytes_of(tensor)):
            raise Unseen("its storage has been freed")
        return tensor


def bytes_of(tensor: Tensor) -> int:
    """Return the number of bytes of a dense tensor's values."""
    found: int = tensor.numel() * tensor.element_size()
    return found


def dtype_name(dtype: Any) -> str:
    """Return the name without its module: `float32`."""
    return str(dtype).replace("torch.", "", 1)


def plain(value: Any) -> Any:
    """Return a value whose `repr` is the same in every process.

    Anything that is not a number or text becomes its type's name.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return plain(value.tolist()) if hasattr(value, "tolist") else type(value).__name__


def shape_of(tensor: Tensor) -> Tuple[int, ...]:
    """Return the shape as a tuple of ints; () for a tensor that has none."""
    try:
        return tuple(int(length) for length in tensor.shape)
    except (RuntimeError, TypeError):
        return ()
