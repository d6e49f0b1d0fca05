"""Coturn on loopback, when it is installed."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "ana", "a-password"
START_SECONDS = 20.0

needs_turnserver = pytest.mark.skipif(shutil.which("turnserver") is None, reason="turnserver (coturn) is not installed")


@dataclass(frozen=True)
class Turn:
    """Where a server is."""

    port: int
    tls_port: int
    certificate: Path
    """Of the server; it vouches for itself."""

    def uri(self, transport: str, user: str = USER, password: str = PASSWORD) -> str:
        """The way to it by `udp`, `tcp` or `tls`."""
        login = f"{user}:{password}@127.0.0.1"
        return f"turns:{login}:{self.tls_port}" if transport == "tls" else self._plain(login, transport)

    def _plain(self, login: str, transport: str) -> str:
        return f"turn:{login}:{self.port}?transport={transport}"


class Log:
    """What a server has written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "turnserver.log"

    def allocations(self) -> int:
        return self._path.read_text().count("new, realm")

    def given_back(self) -> int:
        return self._path.read_text().count("lifetime=0")

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.02)


@asynccontextmanager
async def turn_server(folder: Path, *options: str) -> AsyncIterator[Turn]:
    """Runs one; options are lines of its configuration."""
    turn = Turn(_free_port(), _free_port(), folder / "turn.pem")
    _make_certificate(folder)
    settings = folder / "turnserver.conf"
    fixed = f"""
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={turn.port}
tls-listening-port={turn.tls_port}
cert={turn.certificate}
pkey={folder}/turn.key
realm=test
lt-cred-mech
user={USER}:{PASSWORD}
allow-loopback-peers
no-cli
no-dtls
verbose
log-file=stdout
pidfile={folder}/turnserver.pid
userdb={folder}/turndb
"""
    settings.write_text("\n".join([fixed, *options]))
    with (folder / "turnserver.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            "turnserver", "-c", str(settings), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            await _until_it_listens(turn.tls_port)
            yield turn
        finally:
            server.kill()
            await server.wait()


async def _until_it_listens(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "turn.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "turn.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
