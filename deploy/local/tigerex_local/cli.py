"""The command line: reads arguments, calls one function, turns errors into one line."""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tigerex_local import cluster, embedded, product
from tigerex_local.build import binaries, ensure_binaries
from tigerex_local.cluster import Kind
from tigerex_local.errors import LocalError
from tigerex_local.images import builder_for
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import Layout, default_layout
from tigerex_local.lock import exclusive
from tigerex_local.node import Node
from tigerex_local.packages import IMAGE_PACKAGES, NODE_PACKAGES, TEST_PACKAGES, ensure_packages
from tigerex_local.progress import duration, say, warn
from tigerex_local.toolchain import find_go

DESCRIPTION = """\
A Kubernetes cluster on this machine with TigerEx on it.

The cluster is the one of a kubeconfig context that you name; else kind, when a Docker engine
answers; else one embedded node made of this host's own processes (as root, on Debian). No other
cluster is touched.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = parser.parse_args(arguments)
    command: Callable[[Layout, argparse.Namespace], None] = options.run
    try:
        layout = default_layout()
        if options.alone:
            with exclusive(layout):
                command(layout, options)
        else:
            command(layout, options)
    except LocalError as error:
        warn(f"tigerex_local: {error}")
        return 1
    except KeyboardInterrupt:
        warn("tigerex_local: interrupted; the same command goes on where this one stopped")
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tigerex_local",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choice = argparse.ArgumentParser(add_help=False)
    choice.add_argument(
        "--context",
        default=os.environ.get("TIGEREX_KUBE_CONTEXT") or None,
        help="a context of your kubeconfig to use instead (default: TIGEREX_KUBE_CONTEXT)",
    )
    choice.add_argument(
        "--cluster",
        default=os.environ.get("TIGEREX_CLUSTER") or None,
        choices=["context", "kind", "embedded"],
        help="the kind of cluster (default: TIGEREX_CLUSTER, else what fits this machine)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str,
        run: Callable[[Layout, argparse.Namespace], None],
        text: str,
        *,
        alone: bool = False,
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[choice])
        made.set_defaults(run=run, alone=alone)
        return made

    # Takes its turn itself, and gives it up while it waits for the samples.
    up = add("up", _up, "bring the cluster and TigerEx up; again and again does no harm")
    up.add_argument("--cluster-only", action="store_true", help="the cluster without TigerEx")
    down = add("down", _down, "stop everything that `up` started", alone=True)
    down.add_argument("--purge", action="store_true", help="delete the cluster's data as well")
    add("status", _status, "what runs")
    add("build", _build, "build what the embedded node needs, and start nothing", alone=True)
    add(
        "images", _images, "build the images and bring them into the cluster that is up", alone=True
    )
    add("kubeconfig", _kubeconfig, "print the path of the kubeconfig")
    add("packages", _packages, "install the Debian packages that the tests need")
    add("go", _go, "print the path of a Go toolchain, fetched where there is none")
    add("verify", _verify, "check the live journal of the sample tenant")
    return parser


def _kind(options: argparse.Namespace) -> Kind:
    return cluster.choose(options.context, options.cluster, docker=cluster.docker_answers())


def _up(layout: Layout, options: argparse.Namespace) -> None:
    started = time.monotonic()
    with exclusive(layout):
        made = cluster.up(layout, _kind(options), options.context)
        if not options.cluster_only:
            builder = builder_for(layout, docker=cluster.docker_answers())
            references = product.build_images(layout, made, builder)
            product.install(layout, made, references)
    if options.cluster_only:
        say(f"The cluster is up ({duration(time.monotonic() - started)}).")
        say(f"export KUBECONFIG={layout.kubeconfig}")
        return
    product.wait_for_release(made.kubectl)
    product.apply_samples(layout, made.kubectl)
    product.wait_for_samples(made.kubectl)
    values = product.write_env(layout, made)
    say(f"\nUp in {duration(time.monotonic() - started)}.")
    say(product.farewell(layout, values))


def _down(layout: Layout, options: argparse.Namespace) -> None:
    cluster.down(layout, _kind(options), purge=options.purge)


def _status(layout: Layout, options: argparse.Namespace) -> None:
    if _kind(options) == "embedded":
        node = Node(layout)
        say(describe_node(node.status()))
        if not node.is_serving():
            return
    kubectl = _kubectl(layout)
    say(kubectl("get", "nodes"))
    for resource in product.sample_resources(kubectl):
        state = "Ready" if resource.ready else f"not Ready: {resource.message}"
        say(f"{resource.kind} {resource.name}: {state}")


def describe_node(status: Mapping[str, Any]) -> str:
    """`node running`, and a line for each component."""
    detail = f": {status['detail']}" if status["detail"] else ""
    lines = [f"node {status['state']}{detail}"]
    for name, component in status["components"].items():
        state = "up" if component["up"] else "down"
        again = f", restarted {component['restarts']} times" if component["restarts"] else ""
        lines.append(f"  {name:24} {state}{again}")
    return "\n".join(lines)


def _build(layout: Layout, options: argparse.Namespace) -> None:
    if _kind(options) != "embedded":
        say("Only the embedded node needs anything built.")
        return
    ensure_packages({**NODE_PACKAGES, **IMAGE_PACKAGES})
    references = embedded.build_images(layout, ensure_binaries(layout))
    say(f"{binaries(layout)}\n" + "\n".join(reference for reference, _ in references.values()))


def _images(layout: Layout, options: argparse.Namespace) -> None:
    made = cluster.up(layout, _kind(options), options.context)
    builder = builder_for(layout, docker=cluster.docker_answers())
    say("\n".join(product.build_images(layout, made, builder).values()))


def _kubeconfig(layout: Layout, _: argparse.Namespace) -> None:
    if not layout.kubeconfig.exists():
        raise LocalError("no cluster is up: `make up` brings one")
    say(str(layout.kubeconfig))


def _packages(_: Layout, __: argparse.Namespace) -> None:
    ensure_packages(TEST_PACKAGES)


def _go(layout: Layout, _: argparse.Namespace) -> None:
    print(find_go(layout))


def _verify(layout: Layout, _: argparse.Namespace) -> None:
    say(product.verify(_kubectl(layout)))


def _kubectl(layout: Layout) -> Kubectl:
    if not layout.kubeconfig.exists():
        raise LocalError("no cluster is up: `make up` brings one")
    return Kubectl(cluster.tool(layout, "kubectl"), layout.kubeconfig)
