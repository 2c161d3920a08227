"""A PyTorch model (1.3 and later). describe_model.py describes the answer."""

import copy

import numpy as np
from layers_pytorch import class_of, kind_of, own_names, refusal, roles_of, settings_of, units_of
from model_parts import RECURRENT, first_line, first_tensor, given_arrays, save


class ForwardPass:
    """One forward pass: the layers in the order in which they were called, and their outputs."""

    def __init__(self, torch, model):
        self.torch, self.model = torch, model
        self.units = dict((module, name) for name, module in units_of(model))
        self.calls, self.shapes, self.outputs, self.error = [], {}, {}, None

    def hook(self, module, inputs, output):
        if module in self.shapes:
            return  # if a layer is used again, its first use is compared
        first = next((value for value in inputs if hasattr(value, "shape")), None)
        self.calls.append(module)
        self.shapes[module] = None if first is None else list(first.shape)[1:]
        self.outputs[module] = plain(module, output)

    def go(self, inputs):
        """Return the model's output. Raises what the model raises."""
        handles = [module.register_forward_hook(self.hook) for module in self.units]
        try:
            with self.torch.no_grad():
                return plain(None, self.model(*inputs))
        finally:
            for handle in handles:
                handle.remove()


def plain(module, output):
    """Return the tensor of an output as an array, batch first: {"": array}.

    Recurrent layers have {"last": array}, too.
    """
    kind = kind_of(module) if module is not None else "other"
    whole = first_tensor(output)
    if not hasattr(whole, "detach"):
        return {}
    array = whole.detach().cpu().numpy().copy()
    if kind in RECURRENT + ("attention",):
        first = getattr(module, "batch_first", False)
        array = array if first or array.ndim != 3 else array.swapaxes(0, 1)
    if kind not in RECURRENT:
        return {"": array}
    state = output[1][0] if isinstance(output[1], tuple) else output[1]
    ends = state.detach().cpu().numpy()[-2 if module.bidirectional else -1 :]
    return {"": array, "last": np.concatenate(list(ends), axis=-1)}


def tensors(torch, arrays, layout, *, double=False):
    made = []
    for array, axes in zip(arrays, layout):
        tensor = torch.from_numpy(np.ascontiguousarray(array.transpose(axes)))
        made.append(tensor.double() if double and tensor.is_floating_point() else tensor)
    return made


def first_run(torch, model, arrays, layouts):
    """Return (the run, its output, the layout), for the first order of axes with which the model runs."""
    why, second = None, None
    for layout in preferred(model, layouts):
        run = ForwardPass(torch, model)
        try:
            done = run, run.go(tensors(torch, arrays, layout)), layout
        except Exception as error:
            why = why or first_line(error)
            continue
        if keeps_batch(done[1], len(arrays[0]), layout):
            return done
        second = second or done
    run = ForwardPass(torch, model)
    run.error = why
    return second or (run, {}, None)


def preferred(model, layouts):
    """Return the orders of axes to try. If a recurrent layer wants time before batch, that order comes first."""
    if any(kind_of(module) in RECURRENT and not module.batch_first for module in model.modules()):
        return sorted(layouts, key=lambda layout: layout[0][0] != 1)
    return layouts


def keeps_batch(output, batch, layout):
    """Return whether the output has the batch at the right axis. A model may also run with a wrong order of axes."""
    shape = output[""].shape if "" in output else ()
    return bool(shape) and batch in (shape[0], shape[1] if len(shape) > 2 and layout[0][0] == 1 else None)


def exact_run(torch, model, arrays, layout):
    """Return the outputs in float64: {number of a call: array}; empty if the model cannot."""
    run = ForwardPass(torch, copy.deepcopy(model).double())
    try:
        output = run.go(tensors(torch, arrays, layout, double=True))
    except Exception:
        return {}
    names = {run.units[module]: found for module, found in run.outputs.items()}
    return dict(names, **{"<model>": output})


def entries(run, numbers):
    """Yield the layers in the order of the run, then layers with weights that were not called."""
    unused = [module for module in run.units if module not in run.shapes and own_names(module)]
    for call in run.calls + unused:
        name, kind = run.units[call], kind_of(call)
        parts = roles_of(call, kind)
        for place, (end, roles) in enumerate(parts):
            known = {role: numbers[name + "." + own if name else own] for role, own in roles.items()}
            found = run.outputs.get(call, {}) if place == len(parts) - 1 else {}
            array = found.get("")
            yield (name if found else None), {
                "name": name + end, "kind": kind, "class": type(call).__name__, "type": class_of(call), "roles": known,
                "settings": settings_of(call), "input_shape": run.shapes.get(call),
                "output_shape": None if array is None else list(array.shape)[1:],
                "refused": refusal(call, kind, list(call.state_dict())) if known else "",
            }  # fmt: skip


def kept(found, key, end=""):
    return {(key + "." + part if part else key) + end: array for part, array in found.items()}


def set_weights(torch, model, path, names):
    with np.load(path) as given:
        state = {names[int(key[1:])]: torch.from_numpy(given[key]) for key in given.files}
    model.load_state_dict(state, strict=False)


def without_shortcuts(torch):
    """Turn off shortcuts: in evaluation mode, attention may skip the modules that are watched."""
    backend = getattr(torch.backends, "mha", None)
    if hasattr(backend, "set_fastpath_enabled"):
        backend.set_fastpath_enabled(value=False)


def describe(model, request):
    import torch

    without_shortcuts(torch)
    model = model.cpu().eval()
    arrays = given_arrays(request)
    if any("Uninitialized" in type(value).__name__ for value in model.parameters()):
        first_run(torch, model, arrays, request["layouts"] or [])  # lazy layers take their shapes from a first input
    names = list(model.state_dict())
    if request["load"]:
        set_weights(torch, model, request["load"], names)
    return answer(torch, model, request, arrays)


def answer(torch, model, request, arrays):
    run, output, layout = first_run(torch, model, arrays, request["layouts"] or [])
    exact = exact_run(torch, model, arrays, layout) if request["exact"] and layout else {}
    state = model.state_dict()
    outputs, layers = kept(output, "model"), []
    outputs.update(kept(exact.get("<model>", {}), "model", ".exact"))
    of_name = {run.units[module]: found for module, found in run.outputs.items()}
    for number, (name, found) in enumerate(entries(run, {name: place for place, name in enumerate(state)})):
        layers.append(found)
        if name is not None:
            outputs.update(kept(of_name[name], str(number)))
            outputs.update(kept(exact.get(name, {}), str(number), ".exact"))
    values = [value.detach().cpu() for value in state.values()]
    dtypes = [str(value.dtype).split(".")[-1] for value in values]
    # numpy has no type for some weights: they are written as float32, and their own type is named
    save(request, outputs, [(value.float() if dtype == "bfloat16" else value).numpy()
                            for value, dtype in zip(values, dtypes)])  # fmt: skip
    weights = [{"name": name, "shape": list(value.shape), "dtype": dtype}
               for name, value, dtype in zip(state, values, dtypes)]  # fmt: skip
    return {"library": "pytorch", "version": "PyTorch %s" % torch.__version__, "inputs": [], "weights": weights,
            "layers": layers, "ran": run.error, "layout": layout}  # fmt: skip
