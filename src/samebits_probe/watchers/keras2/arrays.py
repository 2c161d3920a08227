"""Fingerprints of numpy arrays where they lie, and how a watcher records them."""


class GraphArrays:
    """Records arrays under a kind and a name. Points and headers are interned once, whatever the number of steps."""

    def __init__(self, probe):
        self._probe = probe
        self._headers = {}  # (dtype, shape) -> what the hasher mixes in
        self._known = {}  # (kind, name) -> (process, point)

    def fingerprint(self, array):
        """16 bytes over dtype, shape and the elements in logical order. `array`: numpy, of any layout."""
        key = (array.dtype, array.shape)
        header = self._headers.get(key)
        if header is None:
            header = self._headers[key] = self._probe.hasher.header(str(array.dtype), array.shape)
        if array.dtype.hasobject:
            return self._probe.hasher.data(repr(array.tolist()).encode("utf-8", "surrogatepass"), header)
        if array.flags.c_contiguous:
            return self._probe.hasher.pointer(array.__array_interface__["data"][0], array.nbytes, header)
        return self._probe.hasher.data(array.tobytes(), header)

    def point(self, kind, name, array):
        """The id of the point, interned in this process (a forked child has a table of its own)."""
        known = self._known.get((kind, name))
        if known is None or known[0] != self._probe.pid:
            point = self._probe.point(kind, name, array.dtype, array.shape)
            known = self._known[kind, name] = (self._probe.pid, point)
        return known[1]

    def add(self, kind, name, array, start=False):
        """Record an array at the current step (or as initial). Returns its fingerprint."""
        point = self.point(kind, name, array)
        fingerprint = self.fingerprint(array)
        if start:
            self._probe.add_start(point, fingerprint)
        else:
            occurrence = self._probe.add(point, fingerprint)
            if kind == "forward" and array.size == 1 and array.dtype.kind in "fiu":
                self._probe.scalar(point, array.item(), occurrence)
        if self._probe.wants(kind):
            self._probe.captured(kind, name, array.dtype, array.shape, array.tobytes())
        return fingerprint
