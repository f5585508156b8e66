"""Which cluster is used, what is missing on a machine, and how errors are said."""

import sys
from pathlib import Path

import pytest

from tigerex_local import build, cgroups, cli, cluster, lock, packages, toolchain
from tigerex_local.command import run, succeeds
from tigerex_local.errors import CommandError, LocalError
from tigerex_local.layout import Layout
from tigerex_local.progress import duration, wait_until

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("context", "wanted", "docker", "expected"),
    [
        (None, None, False, "embedded"),
        (None, None, True, "kind"),
        (None, "embedded", True, "embedded"),
        (None, "kind", False, "kind"),
        ("prod", None, True, "context"),
        ("prod", "context", False, "context"),
    ],
)
def test_the_cluster_is_the_named_one_or_what_fits_the_machine(
    context: str | None, wanted: str | None, docker: bool, expected: str
) -> None:
    assert cluster.choose(context, wanted, docker=docker) == expected


@pytest.mark.parametrize(
    ("context", "wanted", "says"),
    [
        ("prod", "kind", "both asked for"),
        (None, "context", "TIGEREX_KUBE_CONTEXT"),
        (None, "minikube", "allowed are context, kind, embedded"),
    ],
)
def test_a_contradiction_is_refused(context: str | None, wanted: str, says: str) -> None:
    with pytest.raises(LocalError, match=says):
        cluster.choose(context, wanted, docker=True)


def test_kind_answers_at_loopback_only() -> None:
    ports = cluster.kind_config()["nodes"][0]["extraPortMappings"]
    assert {port["listenAddress"] for port in ports} == {"127.0.0.1"}
    assert [port["hostPort"] for port in ports] == [*cluster.NODE_PORTS, cluster.PROMETHEUS_PORT]


def test_a_node_is_reached_from_outside_where_it_can_be() -> None:
    inside = {"type": "InternalIP", "address": "10.0.0.1"}
    outside = {"type": "ExternalIP", "address": "192.0.2.1"}
    assert cluster.node_address({"status": {"addresses": [inside]}}) == "10.0.0.1"
    assert cluster.node_address({"status": {"addresses": [inside, outside]}}) == "192.0.2.1"


def test_missing_packages_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "15").mkdir()
    (tmp_path / "15" / "postgres").touch()
    wanted = {
        "sh": "dash",
        "no-such-program": "wanted",
        "/no/such/file": "wanted",
        f"{tmp_path}/*/postgres": "postgresql",
        f"{tmp_path}/*/redis": "redis",
    }
    assert packages.missing_packages(wanted) == ["redis", "wanted"]


def test_what_cannot_be_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda *_, **__: None)
    with pytest.raises(LocalError, match=r"please install.* buildah debootstrap"):
        packages.ensure_packages(packages.IMAGE_PACKAGES)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go 1.25.0", (1, 25, 0)),
        ("go 1.25", (1, 25, 0)),
    ],
)
def test_go_versions_are_read(text: str, version: tuple[int, ...]) -> None:
    assert toolchain.parse_version(text) == version


def test_text_without_a_go_version_is_refused() -> None:
    with pytest.raises(LocalError, match="no Go version"):
        toolchain.parse_version("gopher 3")


def test_the_fetched_toolchain_is_new_enough_for_the_node() -> None:
    node = Path(__file__).parents[3] / "deploy" / "local" / "node"
    needed = toolchain.required_version(node / "go.mod")
    wheel = tuple(int(part) for part in toolchain.GO_WHEEL.split("==")[1].split("."))
    assert wheel >= needed


def test_a_build_is_named_by_its_sources_and_its_flags(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text("package main\n")
    before = build.source_hash(tmp_path)
    assert build.source_hash(tmp_path) == before
    assert build.source_hash(tmp_path, build.PROGRAMS[:1]) != before
    (tmp_path / "main.go").write_text("package other\n")
    assert build.source_hash(tmp_path) != before


def fake_hierarchy(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_control_groups_of_version_1_are_made_in_every_hierarchy_and_removed(
    tmp_path: Path,
) -> None:
    cpuset = {"cgroup.procs": "", "cpuset.cpus": "0-1", "cpuset.mems": "0"}
    fake_hierarchy(tmp_path / "cpuset", cpuset)
    fake_hierarchy(tmp_path / "memory", {"cgroup.procs": ""})
    cgroups.create(tmp_path)
    for name in ("cpuset", "memory"):
        assert (tmp_path / name / cgroups.CGROUP / cgroups.SYSTEM).is_dir()
    assert cgroups.remove(tmp_path) == []
    assert not list(tmp_path.glob(f"*/{cgroups.CGROUP}"))


def test_control_groups_in_use_are_reported(tmp_path: Path) -> None:
    fake_hierarchy(tmp_path / "memory", {"cgroup.procs": ""})
    cgroups.create(tmp_path)
    (tmp_path / "memory" / cgroups.CGROUP / cgroups.SYSTEM / "busy").touch()
    assert cgroups.remove(tmp_path) == [tmp_path / "memory" / cgroups.CGROUP]


@pytest.mark.parametrize(("seconds", "text"), [(4.21, "4.2 s"), (187.0, "3 min 07 s")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_waiting_ends() -> None:
    with pytest.raises(LocalError, match="the moon: not within 0 s"):
        wait_until("the moon", lambda: False, timeout_s=0.05, poll_s=0.01)


def test_a_failed_command_shows_what_it_said(tmp_path: Path) -> None:
    script = "import sys; print('the reason', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match=r"exit status 3\nthe reason"):
        run(sys.executable, "-c", script)
    with pytest.raises(CommandError, match=r"log\nthe reason"):
        run(sys.executable, "-c", script, log=tmp_path / "log")
    assert not succeeds(sys.executable, "-c", script)


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(CommandError, match="did not end within 0 s"):
        run(sys.executable, "-c", "import time; time.sleep(60)", timeout_s=0.3)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LocalError, match="no-such-program is not installed"):
        run("no-such-program", "--help")


@pytest.mark.parametrize("command", ["", "up", "down", "status", "build", "images", "kubeconfig"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert "usage: tigerex_local" in capsys.readouterr().out


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--context", "a", "--cluster", "kind"]) == 1
    assert capsys.readouterr().err.startswith("tigerex_local: a kubeconfig context and")


def test_two_commands_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path, tmp_path / "cache", tmp_path / "state")
    monkeypatch.setattr(lock, "WAIT_S", 0.1)
    monkeypatch.setattr(lock, "POLL_S", 0.02)
    with lock.exclusive(layout), pytest.raises(LocalError, match="another command holds"):  # noqa: SIM117
        with lock.exclusive(layout):
            raise AssertionError("two at once")
    with lock.exclusive(layout):
        pass
