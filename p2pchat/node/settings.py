"""What a node has to be told. Where the values come from (options, environment, file) is the front end's business."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one node."""

    name: str
    """What others see us as."""
    server: str
    """The signaling server: `ws://`, `wss://`, `http://` or `https://`. Empty: the local network alone."""
    home: Path
    """The folder of all state."""
    downloads: Path
    """Where received files go unless `accept` says otherwise."""
    ice: tuple[str, ...] = ()
    """STUN and TURN servers as URLs. Empty: host candidates only, and no third party is contacted."""
    token: str = ""
    """What the signaling server wants from its users, when it is not open to everybody."""
    lan: bool = False
    """Whether rooms are on the local network as well: this node is announced there, and finds others. It is not when
    it is `ephemeral`, nor when it is `relay_only`: an announcement tells our addresses."""
    relay_only: bool = False
    """Use relayed candidates only, so that peers do not learn our addresses."""
    ephemeral: bool = False
    """Write nothing but received files."""
    patience: float = 600.0
    """Seconds for a peer to come back to a transfer whose link was lost: it may have to start its machine again."""
    auto_accept: bool = True
    """Whether what `NodeApi.auto_accept` says holds; without it every offer waits for an answer."""
    languages: tuple[str, ...] = ()
    """Languages that the user writes and reads, as BCP 47 tags, the preferred one first; at most `limits.LANGUAGES`.
    One list for both, so that there is one question: somebody who reads a language and does not write it is rare."""
    sdp_t140: bool = False
    """Negotiate the `t140` channel in the session description, for gateways. It costs nothing with a p2pchat that does
    not look there: then the channel is opened with DCEP, as without this. See `p2pchat.rtc.described_text`."""
