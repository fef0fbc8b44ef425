"""A private network of namespaces, each a host with an address of its own, between any two of which it can be cut.

Needs root, and ``ip`` and ``nsenter``, which every Debian has. Nothing of the machine's own network is touched.
"""

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from bot.processes.leash import leashed

_NEW_NETWORK = 0x4000_0000  # CLONE_NEWNET
# A hardware address that no host has: what is sent there is lost.
_NOBODY = "02:00:00:00:00:fe"


@dataclass(frozen=True)
class Host:
    """A machine of the network, by the name of its namespace."""

    name: str
    address: str

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that runs this one there."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *command]

    def run(self, command: Sequence[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program there, on this process's leash; ``log``: where it writes."""
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(leashed(command)),
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within the block this thread's new sockets are this host's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(there)
            os.close(home)


class Network:
    """Hosts on one switch, until the block is left."""

    def __init__(self) -> None:
        self._name = f"bf{secrets.token_hex(3)}"
        self._switch = f"{self._name}-switch"
        self._made: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._add(self._switch)
            _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "switch", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._made):
            _ip("netns", "del", name)

    def host(self, name: str) -> Host:
        number = len(self._made)
        host = Host(f"{self._name}-{name}", f"10.77.0.{number}")
        self._add(host.name)
        port = f"port{number}"
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        _ip("-n", self._switch, "link", "set", port, "master", "switch", "up")
        _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
        _ip("-n", host.name, "link", "set", "eth0", "up")
        return host

    @contextmanager
    def cut(self, one: Host, other: Host) -> Iterator[None]:
        """Within the block nothing gets from one to the other, and nobody is told: as when a cable is pulled."""
        ways = ((one, other), (other, one))
        for here, there in ways:
            way = (there.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")
            _ip("-n", here.name, "neighbour", "replace", *way)
        try:
            yield
        finally:
            for here, there in ways:
                _ip("-n", here.name, "neighbour", "del", there.address, "dev", "eth0")

    def _add(self, name: str) -> None:
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("-n", name, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "the thread could not go there")


@cache
def cannot() -> str:
    """Why no such network can be made here; empty where one was made, and was cut and mended."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    if missing := [program for program in ("ip", "nsenter") if not shutil.which(program)]:
        return f"there is no {missing[0]} here"
    try:
        with Network() as network:
            one, other = network.host("one"), network.host("other")
            with other.inside():
                listener = socket.create_server((other.address, 0))
            with listener, one.inside():
                port = listener.getsockname()[1]
                socket.create_connection((other.address, port), 5).close()
                with network.cut(one, other), suppress(TimeoutError):
                    socket.create_connection((other.address, port), 0.5).close()
                    return "a network cannot be cut here"
                socket.create_connection((other.address, port), 5).close()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network of namespaces can be made here: {error}"
    return ""
