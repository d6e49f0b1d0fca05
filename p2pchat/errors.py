"""Everything that can go wrong in a way that a person should hear about.

    P2PChatError                 exit 1   code: stable word · message: what happened · hint: what to do
    ├── UsageError               exit 2   wrong command, option or argument
    │   ├── ConfigurationError            a setting that cannot be used
    │   └── NotSendable                   a path that is missing, unreadable or no file
    ├── NoConnection             exit 3   a server or a peer that cannot be reached, or went away
    │   ├── ServerUnreachable
    │   ├── ServerRefused                 the server answered, and said no
    │   └── PeerUnreachable
    ├── TimedOut                 exit 4   it took longer than it may
    ├── IdentityError            exit 5   wrong code, changed key, failed verification
    ├── TurnedDown               exit 6   declined or cancelled by the other side
    ├── ProtocolError            exit 1   the peer or the server sent what the protocol does not allow
    └── TransferFailed           exit 1   a transfer that could not be completed
        ├── UnsafeName                    an offered name that must not become a file
        └── StorageFailed                 the disk said no: read-only, permission denied
            └── DiskFull                  it would take the files if there were room

Each class's docstring says what happened; an instance's `message` says it of this case and `hint` what the user can do.
Only `p2pchat.cli.outcome` turns an error into an exit code.
"""

from __future__ import annotations

from typing import ClassVar


class P2PChatError(Exception):
    """Something failed.

    Args:
        message: what happened, as one sentence for the user, without a trailing full stop.
        hint: what the user can do about it; empty when there is nothing to do.
    """

    code: ClassVar[str] = "failed"
    """A stable word for scripts."""

    exit_code: ClassVar[int] = 1
    """The exit status of a command that ends with this error."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(P2PChatError):
    """The command, an option or an argument is wrong."""

    code = "usage"
    exit_code = 2


class ConfigurationError(UsageError):
    """A setting cannot be used."""

    code = "configuration"


class NotSendable(UsageError):
    """A path cannot be offered: it is missing, unreadable, or neither a file nor a folder."""

    code = "not-sendable"


class NoConnection(P2PChatError):
    """The server or the peer could not be reached, or went away."""

    code = "no-connection"
    exit_code = 3


class ServerUnreachable(NoConnection):
    """Nothing that speaks our protocol answered at the server's address."""

    code = "server-unreachable"


class ServerRefused(NoConnection):
    """The signaling server answered with an error.

    Args:
        reason: the server's stable error code, such as `room-full`.
        message: what happened.
        hint: what to do.
        retry_after: seconds after which trying again may help; None when it will not.
    """

    code = "server-refused"

    def __init__(self, reason: str, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason
        self.retry_after = retry_after


class PeerUnreachable(NoConnection):
    """No connection to a peer came about, or the peer went away."""

    code = "peer-unreachable"


class TimedOut(P2PChatError):
    """It took longer than it may."""

    code = "timed-out"
    exit_code = 4


class IdentityError(P2PChatError):
    """The other side is not who it should be."""

    code = "identity"
    exit_code = 5


class TurnedDown(P2PChatError):
    """The other side declined or cancelled."""

    code = "turned-down"
    exit_code = 6


class ProtocolError(P2PChatError):
    """The peer or the server sent something that the protocol does not allow."""

    code = "protocol"


class TransferFailed(P2PChatError):
    """A transfer could not be completed.

    Args:
        message: what happened; it may be told to the other side, so it names files as the offer does.
        hint: what the user of this machine can do.
        reason: the stable word for the other side, as a `cancel` frame has it: `disk`, `permission`,
            `source-changed` or, when none of them fits, `transfer-failed`.
    """

    code = "transfer-failed"

    def __init__(self, message: str, hint: str = "", reason: str = "transfer-failed") -> None:
        super().__init__(message, hint)
        self.reason = reason


class UnsafeName(TransferFailed):
    """An offered name must not become a file on this machine."""

    code = "unsafe-name"


class StorageFailed(TransferFailed):
    """The disk refused: it is full, read-only or not ours to write."""

    code = "storage"


class DiskFull(StorageFailed):
    """There is not enough space. Once there is, the transfer can go on."""

    code = "disk-full"
