"""Which rank this process is of a distributed training; asked at the first observation, when its library knows."""

import os
import sys

# (rank, rank on its machine, ranks in all); the first pair of rank and number that is there is taken
_VARIABLES = (
    ("RANK", "LOCAL_RANK", "WORLD_SIZE"),  # torchrun, accelerate, Lightning, Ray Train
    ("HOROVOD_RANK", "HOROVOD_LOCAL_RANK", "HOROVOD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS"),  # set by srun; a batch script alone has SLURM_NTASKS
)


def ranks():
    """{"rank", "local_rank", "world_size"}: numbers, null outside a distributed run."""
    found = _of_torch() or _of_jax()
    local = next((number for number in (_number(names[1]) for names in _VARIABLES) if number is not None), None)
    if found is None:
        rank, local, size = next(filter(_is_whole, map(_numbers, _VARIABLES)), _numbers(_VARIABLES[0]))
    else:
        rank, size = found
    return {"rank": rank, "local_rank": local, "world_size": size}


def _numbers(names):
    return tuple(map(_number, names))


def _is_whole(numbers):
    return numbers[0] is not None and numbers[2] is not None


def _number(variable):
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else None


def _of_torch():
    """(rank, number) of the default process group, if there is one."""
    module = sys.modules.get("torch.distributed")
    try:
        if module is not None and module.is_available() and module.is_initialized():
            return module.get_rank(), module.get_world_size()
    except Exception:  # a build without it: the environment tells
        return None
    return None


def _of_jax():
    """(rank, number) that `jax.distributed.initialize` was given; asking JAX itself would start its backends."""
    state = getattr(sys.modules.get("jax._src.distributed"), "global_state", None)
    rank, size = getattr(state, "process_id", None), getattr(state, "num_processes", None)
    return (rank, size) if isinstance(rank, int) and isinstance(size, int) and size > 1 else None
