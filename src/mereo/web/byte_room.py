"""ByteRoom: what all requests hold together of one thing; who finds no room is told when to come again."""

from collections.abc import Iterator
from contextlib import contextmanager

from mereo.web.problems import too_many


class ByteRoom:
    """For the event loop alone. `what` are the bytes, in the words of a refusal."""

    def __init__(self, most: int, *, what: str) -> None:
        self.most, self.what, self.held_bytes = most, what, 0

    @contextmanager
    def part(self, num_bytes: int) -> Iterator["RoomPart"]:
        part = RoomPart(self)
        try:
            part.grow_to(num_bytes)
            yield part
        finally:
            self.held_bytes -= part.num_bytes


class RoomPart:
    """What one request holds of the room."""

    def __init__(self, room: ByteRoom) -> None:
        self.room, self.num_bytes = room, 0

    def grow_to(self, num_bytes: int) -> None:
        more = max(0, num_bytes - self.num_bytes)
        if self.room.held_bytes + more > self.room.most:
            raise too_many(self.room.what, self.room.most, seconds=2)
        self.room.held_bytes += more
        self.num_bytes += more
