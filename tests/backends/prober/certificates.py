"""A certificate for servers on loopback, made on the spot."""

import ssl
import subprocess
from pathlib import Path

FAR_NAME = "inference.invalid"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and for a name that only a proxy can reach, and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += f" -subj /CN=loopback -addext subjectAltName=IP:127.0.0.1,DNS:{FAR_NAME}"
    paths = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*command.split(), *paths], check=True, capture_output=True)
    return made, key


def context(certificate: tuple[Path, Path], *protocols: str) -> ssl.SSLContext:
    """What a server needs to speak TLS, with these protocols to choose from."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made
