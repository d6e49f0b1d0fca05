"""What a hub was told of the rooms that lie in Redis.

A change of one's own comes back as a reply, one of another server over a channel, and the two do not wait for each
other. Here they are put in order: the hub hears of each state at most once, and never of one that is older.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from signaling_server.gate import Refusal
from signaling_server.redis_rooms import ABSENT, RedisRooms, Stored
from signaling_server.requests import Answer, Changed
from signaling_server.seats import Outcome, Room


class Views:
    """The rooms of members here, as the hub was told of them last.

    Args:
        instance: the name of this server.
        rooms: where they lie.
        tell: the hub's.
    """

    def __init__(self, instance: str, rooms: RedisRooms, tell: Callable[[Answer], None]) -> None:
        self._instance = instance
        self._rooms = rooms
        self._tell = tell
        self._known: dict[str, Stored] = {}
        self._in_work: Counter[str] = Counter()
        """Rooms that are being changed: their states count although nobody here may have a seat in them yet."""

    def __getitem__(self, name: str) -> Stored:
        return self._known.get(name, ABSENT)

    def __iter__(self) -> Iterator[tuple[str, Room]]:
        """The names of all rooms, with the rooms."""
        return iter([(name, stored.room) for name, stored in self._known.items()])

    async def change(
        self, name: str, rule: Callable[[Room], Outcome], most_rooms: int = 0
    ) -> tuple[Stored, Stored | Refusal]:
        """Changes a room in Redis as `RedisRooms.change` does, and tells the hub."""
        self._in_work[name] += 1
        try:
            before, outcome = await self._rooms.change(name, rule, most_rooms)
            if isinstance(outcome, Stored):
                self._show(name, outcome)
            return before, outcome
        finally:
            self._in_work -= Counter([name])
            self._forget_unattended(name)

    def heard(self, name: str, version: int, room: Room) -> None:
        """Another server has changed a room."""
        if name in self._known or name in self._in_work:
            self._show(name, Stored(version, room))

    def pretend(self, name: str, room: Room) -> None:
        """Redis is away: for the members here a room is like this, until something newer is heard."""
        self._known[name] = Stored(self[name].version, room)
        self._tell(Changed(name, room))
        self._forget_unattended(name)

    def _show(self, name: str, stored: Stored) -> None:
        if stored.version > self[name].version:
            self._known[name] = stored
            self._tell(Changed(name, stored.room))
        self._forget_unattended(name)

    def _forget_unattended(self, name: str) -> None:
        if name not in self._in_work and not self[name].room.held_at(self._instance):
            self._known.pop(name, None)
