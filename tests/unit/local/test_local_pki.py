"""The node's certificates: what they say, who may read the keys, and when they are renewed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tigerex_local import pki

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki")
    pki.ensure_pki(made, NOW)
    return made


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("identity", pki.IDENTITIES, ids=lambda identity: identity.file)
def test_every_identity_is_signed_by_the_authority_and_names_its_user(
    folder: Path, identity: pki.Identity
) -> None:
    certificate = load(folder, identity.file)
    certificate.verify_directly_issued_by(load(folder, "ca"))
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    groups = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [name.value for name in names] == [identity.user]
    assert tuple(group.value for group in groups) == identity.groups


@pytest.mark.parametrize("identity", pki.IDENTITIES, ids=lambda identity: identity.file)
def test_only_servers_may_serve_and_nobody_may_sign(folder: Path, identity: pki.Identity) -> None:
    extensions = load(folder, identity.file).extensions
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (ExtendedKeyUsageOID.SERVER_AUTH in purposes) == identity.server
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_the_api_server_answers_by_all_its_names(folder: Path) -> None:
    names = load(folder, "apiserver").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "kubernetes.default.svc.cluster.local" in names.value.get_values_for_type(x509.DNSName)
    addresses = {str(a) for a in names.value.get_values_for_type(x509.IPAddress)}
    assert {"10.200.0.1", "10.96.0.1", "127.0.0.1"} <= addresses


def test_keys_are_for_their_owner_only(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    keys = list(folder.glob("*.key"))
    assert len(keys) == len(pki.IDENTITIES) + 2
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_again_changes_nothing(folder: Path) -> None:
    before = contents(folder)
    pki.ensure_pki(folder, NOW + timedelta(days=300))
    assert contents(folder) == before


def test_certificates_are_renewed_before_they_end_under_the_same_authority(tmp_path: Path) -> None:
    pki.ensure_pki(tmp_path, NOW)
    before = contents(tmp_path)
    pki.ensure_pki(tmp_path, NOW + timedelta(days=340))
    after = contents(tmp_path)
    assert {name for name in before if before[name] == after[name]} == {
        "ca.crt",
        "ca.key",
        "service-account.key",
        "service-account.pub",
    }


def test_a_lost_authority_renews_every_certificate(tmp_path: Path) -> None:
    pki.ensure_pki(tmp_path, NOW)
    (tmp_path / "ca.key").unlink()
    pki.ensure_pki(tmp_path, NOW)
    for identity in pki.IDENTITIES:
        load(tmp_path, identity.file).verify_directly_issued_by(load(tmp_path, "ca"))
