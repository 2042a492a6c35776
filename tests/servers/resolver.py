"""A DNS resolver that answers what it is told, by UDP and TCP, in the messages of dnspython.

with resolver_server() as resolver:
    resolver.zone["www.example.com", "A"] = ["300 A 10.0.0.1", "300 A 10.0.0.2"]
    resolver.zone["old.example.com", "A"] = ["60 CNAME www.example.com.", "www.example.com. 300 A 10.0.0.1"]
    resolver.refuse = "SERVFAIL"
    resolver.address                     # 127.0.0.1:4711
    resolver.asked                       # [("www.example.com", "A", "udp")]

A record begins with its TTL, or with another name than the one that is asked. A name that has no record at all does not exist.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Resolver:
    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.refuse = ""
        self.silent = False
        self.too_long_for_udp = False
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, question: bytes, way: str) -> bytes:
        query = dns.message.from_wire(question)
        (asked,) = query.question
        name, type = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, type, way))
        if self.silent:
            return b""
        response = dns.message.make_response(query, recursion_available=True)
        if self.refuse:
            response.set_rcode(dns.rcode.from_text(self.refuse))
        elif way == "udp" and self.too_long_for_udp:
            response.flags |= dns.flags.TC
        elif name not in {known for known, _ in self.zone}:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            response.answer.extend(_records(f"{name}.", self.zone.get((name, type), [])))
        return response.to_wire()


def _records(name: str, lines: list[str]) -> Iterator[dns.rrset.RRset]:
    for line in lines:
        owner, rest = (name, line) if line[0].isdigit() else line.split(" ", 1)
        ttl, type, data = rest.split(" ", 2)
        yield dns.rrset.from_text(owner, int(ttl), "IN", type, data)


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        question, connection = self.request
        if answer := self.server.resolver.answer(question, "udp"):  # type: ignore[attr-defined]
            connection.sendto(answer, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack("!H", self.rfile.read(2))
        if answer := self.server.resolver.answer(self.rfile.read(length), "tcp"):  # type: ignore[attr-defined]
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


def _both(resolver: Resolver) -> tuple[Any, Any]:
    """On one port, which is free for both."""
    while True:
        tcp = _TcpServer(("127.0.0.1", 0), _Tcp)
        try:
            udp = _UdpServer(tcp.server_address, _Udp)
        except OSError:
            tcp.server_close()
            continue
        resolver.port = tcp.server_address[1]
        tcp.resolver = udp.resolver = resolver  # type: ignore[attr-defined]
        return tcp, udp


@contextmanager
def resolver_server() -> Iterator[Resolver]:
    resolver = Resolver()
    servers = _both(resolver)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield resolver
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
