"""TLS of the server's own, and what it says when the files cannot be used."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from signaling_server.tls import Certificate, TlsError
from tests.server.raw_client import PATIENCE, clients
from tests.server_process import ServerProcess

NOT_A_PASSWORD = serialization.NoEncryption()


def write_certificate(
    folder: Path,
    name: str,
    encryption: serialization.KeySerializationEncryption = NOT_A_PASSWORD,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
) -> tuple[Path, Path]:
    """Writes a certificate for localhost and its key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return certificate_path, key_path


def served(port: int) -> str:
    """The certificate that a server shows."""
    return ssl.get_server_certificate(("127.0.0.1", port))


def trusting(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    return context


async def test_clients_meet_over_tls_and_a_new_certificate_is_taken_at_sighup(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    with ServerProcess(0, "--tls-cert", str(certificate), "--tls-key", str(key)) as server:
        assert server.url.startswith("https://")
        async with clients(server.url, 1, ssl=trusting(certificate)) as (ana,):
            await ana.sit_down("anaanaaa")
            other, other_key = write_certificate(tmp_path, "second")
            other_key.replace(key)
            other.replace(certificate)
            server.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(PATIENCE):
                while served(server.port) != certificate.read_text():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await ana.is_served()
            certificate.write_text("nonsense")
            server.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(PATIENCE):
                while "not read again" not in server.stderr():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await ana.is_served()
            assert served(server.port)


async def test_a_certificate_with_another_kind_of_key_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    used = Certificate(certificate, key)
    listening = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=used.context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(served, port) == certificate.read_text()
        other, other_key = write_certificate(tmp_path, "second", key=rsa.generate_private_key(65537, 2048))
        other_key.replace(key)
        other.replace(certificate)
        used.reload()
        assert await asyncio.to_thread(served, port) == certificate.read_text()


def test_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    assert Certificate(*write_certificate(tmp_path, "ours")).context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_faults_say_what_to_do(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "ours")
    _, other_key = write_certificate(tmp_path, "other")
    _, locked = write_certificate(tmp_path, "locked", serialization.BestAvailableEncryption(b"secret"))
    (tmp_path / "text").write_text("nonsense")
    for pair, words in (
        ((tmp_path / "missing", key), "the TLS certificate cannot be read.*No such file"),
        ((certificate, tmp_path), "the TLS key cannot be read.*Is a directory"),
        ((certificate, other_key), "is not the key of the certificate.*belong together"),
        ((tmp_path / "text", key), "not a certificate and a key in PEM"),
        ((tmp_path / "locked.crt", locked), "has a password.*openssl pkey"),
    ):
        with pytest.raises(TlsError, match=words):
            Certificate(*pair)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "ours")
    key.chmod(0)
    with pytest.raises(TlsError, match=r"Permission denied.*has to be able to read it"):
        Certificate(certificate, key)
