"""HTTP as clients of lualab serve put it on the wire, by asyncio: requests as bytes, answers as they
were sent, and what holds of every answer. Shared by load.py and hostile.py.
"""

import asyncio
import json
import os
import socket
import struct

# libmicrohttpd answers in its own words (HTML, then it closes) what it cannot read as a request.
UNREADABLE = (400, 413, 414, 431, 500, 505)


class Wrong(Exception):
    """An answer that no request may get."""


class Answer:
    def __init__(self, status, headers, body, whole=True):
        self.status, self.headers, self.body, self.whole = status, headers, body, whole

    def json(self):
        return json.loads(self.body)


def head(method, target, host, headers=(), length=None):
    """The head of a request that means no harm."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in headers)]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_chunks(reader):
    """A body in pieces. What the server breaks off raises IncompleteReadError."""
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0] or b"x", 16)
        data = await reader.readexactly(size + 2)
        if data[-2:] != b"\r\n":
            raise Wrong("a chunk without its end")
        if size == 0:
            return body
        body += data[:-2]


async def read_answer(reader, method="GET"):
    """One answer; None when the connection ends before it."""
    line = await reader.readline()
    if not line:
        return None
    if not line.startswith(b"HTTP/1.1 ") or not line.endswith(b"\r\n"):
        raise Wrong(f"this begins no answer: {line[:80]!r}")
    status, headers = int(line[9:12]), {}
    while (line := await reader.readline()) != b"\r\n":
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise Wrong(f"the answer {status} has a header {line[:80]!r}")
        headers[name.lower()] = value.strip()
    if status == 100:
        return await read_answer(reader, method)
    body = b""
    if method == "HEAD" or status in (204, 304):
        pass
    elif headers.get("transfer-encoding") == "chunked":
        body = await read_chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read()
    return Answer(status, headers, body)


def check(answer, method="GET"):
    """What every answer must be: a failure has a status and a sentence, never the server's fault."""
    kind = answer.headers.get("content-type", "")
    if answer.status in UNREADABLE and not kind:
        if answer.headers.get("connection") != "close":
            raise Wrong(f"{answer.status} of the library leaves the connection open")
        return answer
    if answer.headers.get("x-content-type-options") != "nosniff":
        raise Wrong(f"{answer.status} without nosniff: {answer.headers}")
    if answer.status < 400:
        return answer
    if answer.status in (500, 502, 504) or answer.status > 505:
        raise Wrong(f"{answer.status}: {answer.body[:300]!r}")
    if method != "HEAD":
        error = json.loads(answer.body.decode("utf-8"))["error"]
        if error["status"] != answer.status or len(error["message"]) < 10 or not error["code"]:
            raise Wrong(f"no sentence: {answer.body[:300]!r}")
    return answer


class Connection:
    """A connection that is kept from one request to the next, and made again where it was closed."""

    def __init__(self, host, port):
        self.host, self.port, self.reader, self.writer = host, port, None, None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port,
                                                                 limit=1 << 20)

    async def send(self, data):
        if self.writer is None:
            await self.open()
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, method, target, body=b"", headers=()):
        await self.send(head(method, target, f"{self.host}:{self.port}", headers, len(body)) + body)
        answer = await read_answer(self.reader, method)
        if answer is None:
            raise Wrong(f"{method} {target}: the connection was closed without an answer")
        check(answer, method)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self, hard=False):
        """Hard: by a reset, as of a program that was killed."""
        if self.writer is None:
            return
        if hard and self.writer.get_extra_info("socket").fileno() >= 0:
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()
        self.reader = self.writer = None


# ---- the server's process, where the system shows it ----


def resident(pid):
    """Bytes of memory that it holds; None where there is no /proc."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def cpu(pid):
    """Seconds of processors that it has used."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0
