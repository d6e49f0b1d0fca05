"""What ends an exchange of files without success, and is not said by an error of the node itself."""

from __future__ import annotations

from p2pchat.cli import wording
from p2pchat.errors import IdentityError, NoConnection, P2PChatError, PeerUnreachable, ServerRefused, ServerUnreachable
from p2pchat.node.events import CODE_SPENT, PeerInfo, PeerState, Problem


class WrongCode(IdentityError):
    """The words of the code were not those of the other side."""

    code = "wrong-code"


class ChangedKey(IdentityError):
    """Somebody has the name of a contact and another key, or is blocked."""

    code = "changed-key"


class Declined(P2PChatError):
    """The user of this machine did not want the files."""

    code = "declined"


def ending(problem: Problem) -> P2PChatError | None:
    """Returns the error with which a problem ends an exchange of files; None when it does not."""
    match problem.code:
        case "wrong-code":
            return WrongCode(problem.message, problem.hint)
        case "changed-key" | "blocked":
            return ChangedKey(problem.message, problem.hint)
        case code if code in CODE_SPENT:
            return NoConnection(problem.message, problem.hint)
        case ServerUnreachable.code:
            return ServerUnreachable(problem.message, problem.hint)
        case ServerRefused.code:
            return ServerRefused(problem.code, problem.message, problem.hint)
    return None


def gone(info: PeerInfo, hint: str = "try again together") -> PeerUnreachable:
    """Returns the error for another side that could not be connected, or went away."""
    if info.state is PeerState.FAILED:
        return PeerUnreachable(f"no connection to {wording.tagged(info)}: {info.reason or 'no reason is known'}", hint)
    return PeerUnreachable(f"{wording.tagged(info)} is gone: {info.reason or info.state.value}", hint)
