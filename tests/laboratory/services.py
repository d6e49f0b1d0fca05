"""The public servers of the small internet: signaling, STUN, and coturn for TURN over UDP, TCP and TLS."""

from __future__ import annotations

import datetime
import ipaddress
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.laboratory import internet, stun
from tests.laboratory.internet import Internet
from tests.laboratory.places import process

TURN_USER, TURN_PASSWORD = "lab", "lab-password"
START_SECONDS = 20.0


@contextmanager
def signaling(where: Internet, port: int = 8080, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A signaling server, at `signaling_url`."""
    command = ("-m", "signaling_server", "--host", internet.SIGNALING, "--port", str(port), *options)
    with process(*where.servers.inside, sys.executable, *command) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"http"), "the signaling server did not start"
        yield server


def signaling_url(port: int = 8080) -> str:
    """Where `signaling` is."""
    return f"http://{internet.SIGNALING}:{port}"


@contextmanager
def recorder(where: Internet, recording: Path) -> Iterator[str]:
    """Something in front of `signaling` that writes down what passes; yields its URL."""
    ports = (str(port) for port in (8090, 8080))
    command = (sys.executable, "-m", "tests.laboratory.recorder", internet.SIGNALING, *ports, str(recording))
    with process(*where.servers.inside, *command) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"recording\n"
        yield signaling_url(8090)


@contextmanager
def stun_server(where: Internet) -> Iterator[None]:
    """A STUN server with two addresses."""
    command = (sys.executable, "-m", "tests.laboratory.stun", "serve", internet.STUN, internet.STUN_OTHER)
    with process(*where.servers.inside, *command) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"answering\n"
        yield


def stun_urls() -> list[str]:
    """Where `stun_server` is: two servers, for those who ask."""
    return [f"stun:{address}:{stun.PORT}" for address in (internet.STUN, internet.STUN_OTHER)]


def turn_url(transport: str) -> str:
    """Where `turn_server` is, by `udp`, `tcp` or `tls`."""
    login = f"{TURN_USER}:{TURN_PASSWORD}@{internet.TURN}"
    return f"turns:{login}:5349?transport=tcp" if transport == "tls" else f"turn:{login}:3478?transport={transport}"


@contextmanager
def turn_server(where: Internet, folder: Path) -> Iterator[Path]:
    """Coturn; yields the file with the certificate of the authority that vouches for it."""
    authority = make_certificates(folder)
    settings = folder / "turnserver.conf"
    settings.write_text(
        f"""
listening-ip={internet.TURN}
relay-ip={internet.RELAYS}
listening-port=3478
tls-listening-port=5349
cert={folder}/turn.pem
pkey={folder}/turn.key
realm=laboratory
lt-cred-mech
user={TURN_USER}:{TURN_PASSWORD}
no-cli
no-dtls
no-software-attribute
log-file=stdout
pidfile={folder}/turnserver.pid
userdb={folder}/turndb
"""
    )
    command = [*where.servers.inside, "turnserver", "-c", str(settings)]
    log = folder / "turnserver.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as server:
        try:
            _wait_for_port(where, 5349)
            yield authority
        finally:
            server.kill()


def _wait_for_port(where: Internet, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while f":{port} " not in where.servers.run("ss", "-ltn"):
        assert time.monotonic() < deadline, "coturn did not start"
        time.sleep(0.1)


def trusting(authority: Path) -> dict[str, str]:
    """Returns the environment of a program that trusts an authority (OpenSSL reads it)."""
    return {**os.environ, "SSL_CERT_FILE": str(authority)}


def make_certificates(folder: Path) -> Path:
    """Writes `turn.pem` and `turn.key` for the TURN server's address; returns the file of the authority behind them."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "laboratory authority")])
    authority = (
        _certificate(name, name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, internet.TURN)])
    address = x509.IPAddress(ipaddress.ip_address(internet.TURN))
    certificate = (
        _certificate(subject, name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "turn.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "turn.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    return folder / "authority.pem"


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )
