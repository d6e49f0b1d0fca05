"""Which peer a word means, and what a peer is called."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

from p2pchat.errors import PeerUnreachable
from p2pchat.node.peer import Peer


def one_of(peers: Sequence[Peer], wanted: str) -> Peer:
    """Returns the one of some peers with this tag, unique name, or unique beginning of a tag.

    A whole tag wins over a name: what a peer calls itself must not make it another one.

    Raises:
        PeerUnreachable: nobody, or more than one, is meant.
    """
    found = [peer for peer in peers if peer.info.peer == wanted]
    found = found or [peer for peer in peers if peer.info.name == wanted]
    found = found or [peer for peer in peers if wanted and peer.info.peer.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise PeerUnreachable("several peers are meant", "name one by its key tag")
    raise PeerUnreachable("no such peer is connected", "see who is there, and name one by name or key tag")


def free_tag(tag: str, present: str, taken: Collection[str]) -> str:
    """Returns what a peer with a key tag is called: `TAG`, or `TAG-2` and so on for further terminals with one key.

    Args:
        tag: of its key.
        present: what it is called now; it stays so if that is a name for this key.
        taken: what others are called.
    """
    if present.partition("-")[0] == tag:
        return present
    names = (tag if number == 1 else f"{tag}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)
