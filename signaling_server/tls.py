"""TLS of the server's own: a certificate that can be replaced while it runs."""

from __future__ import annotations

import ssl
from pathlib import Path


class TlsError(ValueError):
    """The certificate or its key cannot be used; the text says which, and what to do."""


class Certificate:
    """A certificate with its key, for TLS 1.2 and later.

    Args:
        certificate: the file with the certificate and those between it and its root, in PEM.
        key: the file with its private key, in PEM, without a password.

    Raises:
        TlsError: one of them cannot be used.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._present = self._load()
        self.context = self._load()
        """What connections are made with. It stays the same object when the certificate is replaced."""
        # A context that loads another certificate keeps one of each kind of key: the one that was replaced might go on
        # being shown. So each connection is given the present context; this is called without a server's name as well.
        self.context.sni_callback = self._give_present

    def reload(self) -> None:
        """Reads both files again, for connections that come from now on. Faulty ones change nothing.

        Raises:
            TlsError: one of them cannot be used.
        """
        self._present = self._load()

    def _give_present(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._present

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for what, path in (("certificate", self._certificate), ("key", self._key)):
            try:
                path.read_bytes()
            except OSError as error:
                hint = "the user that runs the server has to be able to read it"
                raise TlsError(f"the TLS {what} cannot be read: {path}: {error.strerror}; {hint}") from None
        try:
            context.load_cert_chain(self._certificate, self._key, password=self._no_password)
        except ssl.SSLError as error:
            raise TlsError(self._explain(error)) from None
        return context

    def _explain(self, error: ssl.SSLError) -> str:
        if "KEY_VALUES_MISMATCH" in str(error):
            both = "give the two that belong together"
            return f"{self._key} is not the key of the certificate in {self._certificate}: {both}"
        return f"{self._certificate} and {self._key} are not a certificate and a key in PEM ({error.reason or error})"

    def _no_password(self) -> str:
        """Called when the key has one. Without this, it would be asked for on the terminal, and a service hang."""
        without = "write it without one (openssl pkey), readable by the server only"
        raise TlsError(f"the key in {self._key} has a password: {without}")
