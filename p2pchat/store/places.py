"""Where the files of an offer go: the folders of the offer, and what they are called here.

A folder is made under its own name, or as a whole as `folder (1)`: what is received is not mixed with what was there,
unless the user wants just that (`merge`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from p2pchat.errors import StorageFailed
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store.directory import Directory
from p2pchat.store.names import free_names, local_name


class Places:
    """The folders of an offer. Methods raise OSError.

    Args:
        root: the folder that everything goes into, held open.
        manifest: what was offered.
        merge: whether a folder that was there is used as it is.
        left_out: for each entry, 1 when it is not wanted; empty when all are. For these no folder is made.
    """

    def __init__(self, root: Directory, manifest: Manifest, merge: bool, left_out: bytes = b"") -> None:
        self._root = root
        self._manifest = manifest
        self._merge = merge
        self._left_out = left_out
        self._places: dict[tuple[str, ...], tuple[str, ...]] = {(): ()}
        """For each folder of the offer: what it is called here, from the root down."""
        self._made: dict[tuple[str, ...], None] = {}
        """The folders made by `make`, in order."""

    @property
    def renamed(self) -> dict[str, str]:
        """The folders that are not called as the offer calls them, and what their last component is here."""
        return {
            "/".join(folder): place[-1] for folder, place in self._places.items() if folder and folder[-1] != place[-1]
        }

    def make(self, renamed: Mapping[str, str] | None) -> None:
        """Makes the folders.

        Args:
            renamed: what `renamed` said when they were made before; None when they are new.

        Raises:
            StorageFailed: there is no name left for one.
        """
        for index, entry in enumerate(self._manifest.entries):
            if self._left_out and self._left_out[index]:
                continue
            depth = len(entry.components) + entry.folder
            if entry.components[: depth - 1] in self._places:
                continue
            for folder in (entry.components[:length] for length in range(1, depth)):
                if folder not in self._places:
                    self._make(folder, renamed)

        for above in dict.fromkeys(place[:-1] for place in self._made):
            with self._open(above) as directory:
                directory.sync()

    def _make(self, folder: tuple[str, ...], renamed: Mapping[str, str] | None) -> None:
        above = self._places[folder[:-1]]
        name = local_name(folder[-1])
        names = [renamed.get("/".join(folder), name)] if renamed is not None else free_names(name, folder=True)
        with self._open(above) as directory:
            for free in names:
                try:
                    directory.make(free)
                    self._made[*above, free] = None
                except FileExistsError:
                    if not (self._merge or renamed is not None) or not _is_folder(directory, free):
                        continue
                self._places[folder] = (*above, free)
                return
        raise StorageFailed(f"every name for {shown(folder[-1])} is taken", "choose another folder", reason="disk")

    def of(self, file: int) -> tuple[str, ...]:
        """Returns the folder that a file goes into, from the root down."""
        return self._places[self._manifest.entries[file].components[:-1]]

    def is_new(self, file: int) -> bool:
        """Whether the folder that a file goes into was made by `make`."""
        return self.of(file) in self._made

    @contextmanager
    def directory(self, file: int) -> Iterator[Directory]:
        """Opens the folder that a file goes into."""
        with self._open(self.of(file)) as directory:
            yield directory

    def path(self, file: int, name: str) -> Path:
        """Returns where a file is that is called `name`."""
        return self._root.path.joinpath(*self.of(file), name)

    def remove_empty(self) -> None:
        """Removes the folders made by `make` that have nothing in them."""
        for place in sorted(self._made, key=len, reverse=True):
            with suppress(OSError), self._open(place[:-1]) as directory:
                directory.remove_empty(place[-1])

    @contextmanager
    def _open(self, place: tuple[str, ...]) -> Iterator[Directory]:
        """Opens a folder, step by step from the one that is held open, so that no link leads elsewhere."""
        with ExitStack() as stack:
            directory = self._root
            for name in place:
                directory = stack.enter_context(directory.child(name))
            yield directory


def _is_folder(directory: Directory, name: str) -> bool:
    """Whether there is a folder of that name, and not a link to one."""
    try:
        directory.child(name).close()
    except OSError:
        return False
    return True
