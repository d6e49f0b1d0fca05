"""`pairing-vectors.json` and `pairing.md` in `docs/protocol` say what the program does: other clients rely on them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from p2pchat.protocol.codes import Code
from p2pchat.protocol.invite import CodeLink, Invite
from p2pchat.protocol.pairing import Paired, Pairing, Send
from p2pchat.protocol.room_secret import parse_token, read_secret, room_id, secret_token
from p2pchat.protocol.sealing import Sealer

FOLDER = Path(__file__).parents[2] / "docs" / "protocol"
VECTORS: dict[str, Any] = json.loads((FOLDER / "pairing-vectors.json").read_text(encoding="utf-8"))
TEXT = (FOLDER / "pairing.md").read_text(encoding="utf-8")
LINKS = re.findall(r"^    (p2pchat:\S+)$", TEXT, re.MULTILINE)


def the_code() -> Code:
    vector = VECTORS["code"]
    return Code.make(vector["mailbox"], bytes.fromhex(vector["entropy"]))


def test_the_code_is_made_of_its_entropy() -> None:
    assert str(the_code()) == VECTORS["code"]["code"]


def test_the_pairing_says_these_messages_and_ends_with_this_secret() -> None:
    vector = VECTORS["pairing"]
    ana, ben = vector["sender"], vector["receiver"]
    sender = Pairing(the_code(), "sender", ana, ben, lambda _: bytes.fromhex(vector["sender-entropy"]))
    receiver = Pairing(the_code(), "receiver", ben, ana, lambda _: bytes.fromhex(vector["receiver-entropy"]))
    sender.start()
    receiver.start()
    hello, greeting, proof, answer = vector["messages"]
    assert [sender.poll(), receiver.poll()] == [Send(hello), Send(greeting)]
    sender.receive(greeting)
    receiver.receive(hello)
    assert receiver.poll() == Send(proof)
    sender.receive(proof)
    assert sender.poll() == Send(answer)
    receiver.receive(answer)
    assert sender.poll() == receiver.poll() == Paired(bytes.fromhex(vector["secret"]))


def test_the_body_is_sealed_and_opened() -> None:
    vector, pairing = VECTORS["sealing"], VECTORS["pairing"]
    secret = bytes.fromhex(pairing["secret"])
    sender = Sealer(secret, vector["room"], pairing["sender"], pairing["receiver"])
    receiver = Sealer(secret, vector["room"], pairing["receiver"], pairing["sender"])
    assert sender.seal(vector["body"], bytes.fromhex(vector["nonce"])) == vector["sealed"]
    assert receiver.open(vector["sealed"]) == vector["body"]


def test_the_room_has_these_names_and_secrets() -> None:
    vector = VECTORS["room"]
    secret = bytes.fromhex(vector["secret"])
    assert secret_token(secret) == vector["token"]
    assert room_id(vector["name"], secret) == vector["room-id"]
    assert read_secret(vector["passphrase"], vector["name"]).hex() == vector["stretched"]
    assert Invite.parse(vector["invite"]) == Invite("wss://chat.example", vector["name"], secret)


def test_the_links_on_the_page_are_links() -> None:
    room, code = LINKS
    assert str(Invite.parse(room)) == room
    assert str(CodeLink.parse(code)) == code
    assert Invite.parse(room).secret == parse_token(VECTORS["room"]["token"])


def test_the_messages_on_the_page_are_understood() -> None:
    examples = [json.loads(line) for line in re.findall(r'^    (\{"pairing".*\})$', TEXT, re.MULTILINE)]
    assert [example["kind"] for example in examples] == ["pake", "confirm", "wrong"]
    assert examples[0] == VECTORS["pairing"]["messages"][0]
    assert examples[1] == VECTORS["pairing"]["messages"][2]
