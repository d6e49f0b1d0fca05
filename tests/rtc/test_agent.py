"""What p2pchat leans on inside aioice and aiortc is there, and does what the agent needs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aioice import Candidate, Connection, stun
from aioice.ice import CandidatePair, StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection

from p2pchat.rtc import agent
from tests.node.player import on_guarded_loop
from tests.rtc.end import TricklingEnd, closed, connected


def connection() -> RTCPeerConnection:
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    made.createDataChannel("x")
    return made


async def test_every_private_name_is_there() -> None:
    made = connection()
    assert agent.missing(Connection(ice_controlling=True)) == []
    assert asyncio.iscoroutinefunction(getattr(made, agent.MANGLED))
    await made.close()


@pytest.mark.parametrize("name", ["build_request", "check_incoming", "check_start", "sort_check_list"])
def test_every_method_that_is_overridden_or_called_is_there(name: str) -> None:
    assert callable(getattr(Connection, name))


async def test_an_agent_of_another_version_is_refused() -> None:
    made = connection()
    assert made.sctp is not None
    del made.sctp.transport.transport._connection._nominated
    with pytest.raises(RuntimeError, match="version of aiortc"):
        agent.adopt(made)


class Recording(StunProtocol):
    """A socket that answers each check, and remembers it."""

    def __init__(self, receiver: Connection) -> None:
        super().__init__(receiver)
        self.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "host")
        self.checks: list[stun.Message] = []
        self.checked = asyncio.Event()
        self.silent = False

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        if message.message_class is stun.Class.REQUEST:
            self.checks.append(message)
            self.checked.set()
            if not self.silent:
                response = stun.Message(message.message_method, stun.Class.RESPONSE, message.transaction_id)
                response.add_message_integrity(b"password-of-the-peer--")
                self.transactions[message.transaction_id].response_received(response, addr)


def checking(controlling: bool = True) -> tuple[agent.Agent, Recording, CandidatePair]:
    made = connection()
    ours = agent.adopt(made)
    ours.ice_controlling = controlling
    ours.remote_username, ours.remote_password = "peer", "password-of-the-peer--"
    protocol = Recording(ours)
    pair = CandidatePair(protocol, Candidate("2", 1, "udp", 1, "127.0.0.1", 2, "host"))
    ours._protocols.append(protocol)
    ours._check_list.append(pair)
    ours._remote_candidates.append(pair.remote_candidate)
    return ours, protocol, pair


async def test_a_pair_is_nominated_only_after_it_has_succeeded() -> None:
    ours, protocol, pair = checking()
    await ours.check_start(pair)
    assert ["USE-CANDIDATE" in check.attributes for check in protocol.checks] == [False, True]
    assert ours.selected is pair


async def test_a_check_of_the_peer_repeats_our_own_at_once_and_not_without_end() -> None:
    ours, protocol, pair = checking()
    protocol.silent = True
    ours.check_start_task(pair)
    await asyncio.wait_for(protocol.checked.wait(), 20)
    incoming = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1})
    for _ in range(2 * agent.EARLY_REPEATS):
        ours.check_incoming(incoming, ("127.0.0.1", 2), protocol)
    assert len(protocol.checks) == 1 + agent.EARLY_REPEATS
    assert {check.transaction_id for check in protocol.checks} == {protocol.checks[0].transaction_id}
    assert pair.task is not None
    pair.task.cancel()


async def test_a_peer_that_checks_from_any_number_of_ports_is_learned_of_only_so_often() -> None:
    ours, protocol, pair = checking(controlling=False)
    incoming = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1})
    for port in range(3, 3 + 2 * agent.LEARNED_MOST):
        ours.check_incoming(incoming, ("127.0.0.1", port), protocol)
    assert len(ours._check_list) == 1 + agent.LEARNED_MOST
    ours.check_incoming(incoming, pair.remote_addr, protocol)
    assert pair.task is not None
    for each in ours._check_list:
        if each.task is not None:
            each.task.cancel()


async def test_what_comes_before_there_is_a_pair_is_kept_within_bounds_and_nothing_empty_ever() -> None:
    ours, _, pair = checking()
    for _ in range(2 * agent.EARLY_DATAGRAMS):
        ours.data_received(b"x", 1)
    assert ours._queue.qsize() == agent.EARLY_DATAGRAMS
    ours._nominated[1] = pair
    ours.data_received(b"", 1)
    assert ours._queue.qsize() == agent.EARLY_DATAGRAMS
    ours.data_received(b"y", 1)
    assert ours._queue.qsize() == agent.EARLY_DATAGRAMS + 1


async def test_a_connection_closed_in_the_moment_in_which_a_pair_is_found_asks_for_no_consent() -> None:
    ours, _, _ = checking()
    ours._protocols.clear()
    await ours.close()
    await asyncio.wait_for(ours.query_consent(), 20)


async def test_checks_from_a_relay_that_is_held_back_wait_for_its_release() -> None:
    ours, protocol, _ = checking(controlling=False)
    ours.held.add(("127.0.0.1", 3))
    incoming = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1})
    for _ in range(2 * agent.HELD_CHECKS):
        ours.check_incoming(incoming, ("127.0.0.1", 3), protocol)
    assert len(ours._check_list) == 1
    assert len(ours.held_checks) == agent.HELD_CHECKS
    await ours.release([Candidate("3", 1, "udp", 1, "127.0.0.1", 3, "relay")])
    assert ours.held_checks == []
    assert {pair.remote_candidate.type for pair in ours._check_list} == {"host", "relay"}
    for pair in ours._check_list:
        if pair.task is not None:
            pair.task.cancel()


@on_guarded_loop
async def test_the_peer_says_how_we_look_to_it() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    await connected(ana, ben)
    ours = ana.link._gathering._agent
    assert ours is not None
    assert ours.selected is not None
    assert await ours.seen_by_peer(ours.selected) == ours.selected.local_addr
    info = ana.link.path_info
    assert info is not None
    assert (info.local, info.remote, info.relayed) == ("host", "host", False)
    await closed(ana, ben)


async def test_an_answer_of_somebody_else_is_not_the_stun_servers() -> None:
    ours, _, _ = checking()

    async def answered(request: stun.Message, server: tuple[str, int]) -> tuple[stun.Message, tuple[str, int]]:
        return stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, attributes={"XOR-MAPPED-ADDRESS": server}), (
            "192.0.2.66",
            1,
        )

    with pytest.raises(ValueError, match="not the answer"):
        await ours.mapped(SimpleNamespace(request=answered), ("127.0.0.1", 1))  # type: ignore[arg-type]
