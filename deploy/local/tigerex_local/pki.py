"""The node's certificates: one authority, one certificate per component, kept until they near
their end.
"""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tigerex_local import addresses

AUTHORITY_LIFE: Final = timedelta(days=3650)
CERTIFICATE_LIFE: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
CLOCK_SKEW: Final = timedelta(minutes=5)
SERVICE_ACCOUNT_KEY_BITS: Final = 2048  # RS256, which every OIDC client knows


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate speaks for: Kubernetes takes the user from CN, the groups from O."""

    file: str
    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    server: bool = field(default=False)


IDENTITIES: Final = (
    Identity(
        file="apiserver",
        user="kube-apiserver",
        server=True,
        names=(
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
        ),
        addresses=(addresses.NODE_ADDRESS, addresses.KUBERNETES_SERVICE, "127.0.0.1"),
    ),
    Identity(file="etcd", user="etcd", server=True, names=("localhost",), addresses=("127.0.0.1",)),
    Identity(file="admin", user="tigerex-admin", groups=("system:masters",)),
    Identity(
        file="kubelet-client", user="kube-apiserver-kubelet-client", groups=("system:masters",)
    ),
    Identity(
        file="kubelet",
        user=f"system:node:{addresses.NODE_NAME}",
        groups=("system:nodes",),
        server=True,
        names=(addresses.NODE_NAME,),
        addresses=(addresses.NODE_ADDRESS,),
    ),
    Identity(file="controller-manager", user="system:kube-controller-manager"),
    Identity(file="scheduler", user="system:kube-scheduler"),
    Identity(file="kube-proxy", user="system:kube-proxy"),
    Identity(file="coredns", user="system:coredns"),
    Identity(file="front-proxy", user="front-proxy"),
)


def ensure_pki(folder: Path, now: datetime | None = None) -> None:
    """Makes what is missing and renews what ends within 30 days. A new authority renews
    everything.
    """
    now = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    authority = folder / "ca"
    if _ends_soon(authority, now):
        for stale in folder.glob("*.crt"):
            stale.unlink()
        _make_authority(authority, now)
    issuer = x509.load_pem_x509_certificate(authority.with_suffix(".crt").read_bytes())
    key = serialization.load_pem_private_key(authority.with_suffix(".key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{authority}.key is not an EC key")
    for identity in IDENTITIES:
        if _ends_soon(folder / identity.file, now):
            _issue(folder / identity.file, identity, issuer, key, now)
    if not (folder / "service-account.key").exists():
        _make_service_account_key(folder / "service-account")


def _ends_soon(stem: Path, now: datetime) -> bool:
    certificate, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
    if not certificate.exists() or not key.exists():
        return True
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    return parsed.not_valid_after_utc - now < RENEW_BEFORE


def _name(user: str, groups: tuple[str, ...] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _make_authority(stem: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("tigerex-local")
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(stem, key, certificate)


def _issue(
    stem: Path,
    identity: Identity,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if identity.server:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(_name(identity.user, identity.groups), issuer.subject, key, now, CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if identity.server:
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in identity.names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in identity.addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    _write(stem, key, builder.sign(issuer_key, hashes.SHA256()))


def _make_service_account_key(stem: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=SERVICE_ACCOUNT_KEY_BITS)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    stem.with_suffix(".pub").write_bytes(public)
    _write_key(stem, key)


def _write(stem: Path, key: PrivateKeyTypes, certificate: x509.Certificate) -> None:
    _write_key(stem, key)
    stem.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(stem: Path, key: PrivateKeyTypes) -> None:
    file = stem.with_suffix(".key")
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
