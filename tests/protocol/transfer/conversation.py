"""Both ends of a transfer in memory, with everything between them that may happen in any order left to the test."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeAlias

from p2pchat.protocol.frames import Entry, TransferFrame
from p2pchat.protocol.transfer.bulk import unpack
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import (
    Confirmed,
    FinishFile,
    Output,
    ReadBlock,
    SendFrame,
    StateChanged,
    StoreBlock,
    Transfer,
    TransferState,
)
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer

BLOCK = 64
CHUNK = 16

Job: TypeAlias = ReadBlock | StoreBlock | FinishFile


def drain(transfer: Transfer) -> list[Output]:
    """Returns everything that a machine has to say."""
    outputs: list[Output] = []
    while (output := transfer.poll()) is not None:
        outputs.append(output)
    return outputs


def frames_of(outputs: list[Output]) -> list[TransferFrame]:
    """Returns the frames among some outputs."""
    return [output.frame for output in outputs if isinstance(output, SendFrame)]


class Conversation:
    """A sender and a receiver, the network between them and a disk at each.

    `ctl` keeps its order in each direction. Bulk messages, disk jobs and the channels among each other happen in an
    order that `dice` decides; without dice, in the order in which they came up.

    Args:
        files: path to content; None for a folder.
        dice: decides the order.
        credit: what the receiver lets be under way beyond one block.
        damage: called with each bulk message; returns what arrives.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | None],
        dice: random.Random | None = None,
        credit: int = 4 * BLOCK,
        damage: Callable[[bytes], bytes] = lambda message: message,
    ) -> None:
        self.contents = [content or b"" for content in files.values()]
        entries = [Entry(path, len(content or b""), content is None) for path, content in files.items()]
        self.dice = dice
        self.damage = damage
        self.sender = OutgoingTransfer(7, Manifest.of(entries, BLOCK, CHUNK))
        drain(self.sender)  # the offer
        self.receiver = IncomingTransfer(7, self.sender.manifest, credit=credit)
        self.to_receiver: deque[TransferFrame] = deque()
        self.to_sender: deque[TransferFrame] = deque()
        self.bulk: list[bytes] = []
        self.jobs: list[Job] = []
        self.disk: dict[int, bytearray] = {}
        self.stored: dict[int, bytes] = {}
        """The hash of each block that was written."""
        self.finished: dict[int, bytes] = {}
        self.read: list[int] = []
        """Blocks that the sender read."""
        self.log: list[TransferFrame] = []
        """Every frame that was sent, by either side."""
        self.told: dict[Transfer, list[StateChanged]] = {self.sender: [], self.receiver: []}
        self._dry = False
        """Whether the sender had nothing to send when it was last asked, and nothing has happened since."""

    def run(self, steps: int = 100_000) -> int:
        """Lets things happen until nothing is left to happen, or for so many steps; returns how many were taken."""
        self.collect()
        taken = 0
        while taken < steps and (choices := self._choices()):
            choice = choices[0] if self.dice is None else self.dice.choice(choices)
            self._dry = False
            choice()
            self.collect()
            taken += 1
        return taken

    def collect(self) -> None:
        """Takes the outputs of both machines to where they belong."""
        for transfer, line in ((self.sender, self.to_receiver), (self.receiver, self.to_sender)):
            for output in drain(transfer):
                match output:
                    case SendFrame(frame):
                        line.append(frame)
                        self.log.append(frame)
                    case StateChanged():
                        self.told[transfer].append(output)
                    case ReadBlock() | StoreBlock() | FinishFile():
                        self.jobs.append(output)
                    case Confirmed(stored):
                        assert stored == transfer.stored

    def states(self) -> tuple[TransferState, TransferState]:
        """Returns the sender's state and the receiver's."""
        return self.sender.state, self.receiver.state

    def sent(self, kind: type[TransferFrame]) -> list[TransferFrame]:
        """Returns the frames of one kind that were sent, in order."""
        return [frame for frame in self.log if isinstance(frame, kind)]

    def _choices(self) -> list[Callable[[], None]]:
        choices: list[Callable[[], None]] = []
        if self.to_receiver:
            choices.append(lambda: self.receiver.receive(self.to_receiver.popleft(), 1.0))
        if self.to_sender:
            choices.append(lambda: self.sender.receive(self.to_sender.popleft(), 1.0))
        if self.jobs:
            choices.append(self._do_job)
        if self.bulk:
            choices.append(self._deliver)
        if not self._dry:
            choices.append(self._send)
        return choices

    def _send(self) -> None:
        message = self.sender.next_chunk()
        self._dry = message is None
        if message is not None:
            self.bulk.append(message)

    def _deliver(self) -> None:
        message = self.bulk.pop(self._pick(len(self.bulk)))
        self.receiver.chunk(unpack(self.damage(message)), 1.0)

    def _do_job(self) -> None:
        job = self.jobs.pop(self._pick(len(self.jobs)))
        match job:
            case ReadBlock(number=number):
                self.read.append(number)
                file, offset, length = self.sender.manifest.place(number)
                data = self.contents[file][offset : offset + length]
                self.sender.block_read(number, data, sha256(data).digest())
            case StoreBlock(number=number, data=data, digest=digest):
                if sha256(data).digest() != digest:
                    self.receiver.block_bad(number)
                    return
                file, offset, _ = self.sender.manifest.place(number)
                content = self.disk.setdefault(file, bytearray(len(self.contents[file])))
                content[offset : offset + len(data)] = data
                self.stored[number] = digest
                self.receiver.block_stored(number)
            case FinishFile(file=file):
                self.finished[file] = bytes(self.disk.pop(file, b""))
                self.receiver.file_finished(file)

    def _pick(self, count: int) -> int:
        return 0 if self.dice is None else self.dice.randrange(count)
