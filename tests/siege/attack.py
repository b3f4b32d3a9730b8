"""One request that means harm and what may come of it: for hostile.py and contents.py, whose
arguments these are.
"""

import asyncio
import json
import sys
import urllib.parse

import wire

URL = urllib.parse.urlsplit(sys.argv[1])
HOST = f"Host: {URL.netloc}\r\n".encode()
with open(sys.argv[2], "rb") as file:
    PHOTO = file.read()

LIMIT = 20  # seconds until a client that got no answer has been forgotten
problems, told = [], {}


async def talk(data, pieces=None):
    """Sends bytes and reads until the server closes or has answered; the answers, and whether it
    closed."""
    reader, writer = await asyncio.open_connection(URL.hostname, URL.port, limit=1 << 22)
    answers, closed = [], False

    async def write():
        try:
            for piece in pieces or [data]:
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass

    sending = asyncio.create_task(write())
    try:
        while True:
            answer = await asyncio.wait_for(wire.read_answer(reader), 0.2 if answers else LIMIT)
            if answer is None:
                closed = True
                break
            answers.append(wire.check(answer))
            if answer.headers.get("connection") == "close":
                closed = True
                break
    except asyncio.TimeoutError:
        pass
    except (OSError, EOFError):
        closed = True
    sending.cancel()
    writer.close()
    return answers, closed


def note(group, name, problem=None):
    told[group] = told.get(group, 0) + 1
    if problem:
        problems.append(f"{group}: {name}: {problem}")


async def expect(group, name, data, wanted, pieces=None, count=1):
    """The statuses that may come, 0 for a connection that is closed without one."""
    try:
        answers, closed = await talk(data, pieces)
    except wire.Wrong as problem:
        note(group, name, problem)
        return None
    got = answers[0].status if answers else 0 if closed else None
    problem = None
    if got is None:
        problem = "no answer, and the connection stays open"
    elif got not in wanted:
        problem = f"{got} instead of {wanted}: {answers[0].body[:200]!r}" if answers else "just closed"
    elif len(answers) > count:
        problem = f"{len(answers)} answers: {[a.status for a in answers]}"
    note(group, name, problem)
    return answers[0] if answers else None


def request(method, target, body=None, headers=b""):
    if isinstance(target, str):
        target = target.encode("latin-1")
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    end = b"" if b"Connection:" in headers else b"Connection: close\r\n"
    return b"%s %s HTTP/1.1\r\n%s%s%s%s\r\n%s" % (method.encode(), target, HOST, headers, length, end,
                                                 body or b"")


def post_json(target, value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return request("POST", target, body, b"Content-Type: application/json\r\n")
