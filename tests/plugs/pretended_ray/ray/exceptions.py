"""The exceptions of Ray that the bridge knows."""


class RayError(Exception):
    pass


NAMES = (
    "WorkerCrashedError", "NodeDiedError", "LocalRayletDiedError", "OutOfMemoryError", "ObjectLostError", "TaskCancelledError",
    "TaskUnschedulableError", "GetTimeoutError",
)  # fmt: skip
globals().update({name: type(name, (RayError,), {}) for name in NAMES})
