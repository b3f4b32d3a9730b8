"""Clients of the HTTP transport, well-behaved and not: tests/http/server.lua is the server.

    clients.py LUALAB [NAME…]

Runs the tests below (of these names), each against a server of its own. Raw sockets, so that what is
sent is what a client could send.
"""

import hashlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LUALAB = sys.argv[1]
SLOW = 5 if os.environ.get("TEST_SANITIZE") else 1  # times are as many times longer
# What is noticed at once takes 50 ms, what is not takes until a time limit: between the two there is
# room for a machine that is busy with something else.
PROMPT = 1.5 * SLOW


class Server:
    def __init__(self, options="{}"):
        self.process = subprocess.Popen(
            [LUALAB, "--script", os.path.join(HERE, "server.lua"), options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.port = int(self.line(20).split()[1])

    def line(self, seconds=5):
        """The next report of the server; fails when none comes in time."""
        text = b""
        until = time.monotonic() + seconds * SLOW
        while not text.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no report in {seconds} s, only {text!r}")
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                raise AssertionError("the server ended: " + self.process.stderr.read().decode())
            text += byte
        return text.decode().strip()

    def connect(self, receive=None):
        s = socket.socket()
        if receive:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        s.settimeout(10 * SLOW)
        s.connect(("127.0.0.1", self.port))
        return s

    def get(self, path, method="GET"):
        with self.connect() as s:
            s.sendall(head(method, path, "Connection: close"))
            return read_reply(s, method)

    def end(self):
        self.get("/quit")
        self.expect_end()

    def expect_end(self, message=""):
        try:
            self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the server did not end")
        errors = self.process.stderr.read().decode()
        assert errors.strip() == message, errors
        assert (self.process.returncode == 0) == (not message), self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()


def head(method, path, *fields, version="1.1", host="Host: localhost"):
    lines = [f"{method} {path} HTTP/{version}", *([host] if host else []), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body
        self.text = body.decode("utf-8", "replace")


def read_line(f):
    line = f.readline(65536)
    if not line.endswith(b"\r\n"):
        raise EOFError(line)
    return line[:-2]


def read_reply(s, method="GET", f=None):
    f = f or s.makefile("rb")
    while True:
        status = int(read_line(f).split()[1])
        fields = {}
        while line := read_line(f):
            name, value = line.decode("latin-1").split(": ", 1)
            fields.setdefault(name.lower(), []).append(value)
        if status != 100:
            break
    body = b""
    if method == "HEAD" or status in (204, 304):
        pass
    elif "chunked" in fields.get("transfer-encoding", []):
        while size := int(read_line(f), 16):
            body += f.read(size)
            read_line(f)
        read_line(f)
    elif "content-length" in fields:
        length = int(fields["content-length"][0])
        body = f.read(length)
        assert len(body) == length, (len(body), length)
    else:
        body = f.read()
    return Reply(status, fields, body)


def is_closed(s, seconds=5):
    """Whether the server closes the connection in time."""
    s.settimeout(seconds * SLOW)
    try:
        while s.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


# ---- what a server must do ----

def requests(server):
    """A request comes over as it was sent, and keep-alive, pipelining and HEAD work."""
    with server.connect() as s:
        f = s.makefile("rb")
        s.sendall(head("GET", "/echo?a=%20b&c", "X-Name:  two words \t", "X-Name: again"))
        r = read_reply(s, f=f)
        lines = r.text.split("\n")
        assert r.status == 200 and r.fields["content-type"] == ["text/plain"], r.fields
        assert lines[0] == "GET" and lines[1] == "/echo" and lines[2] == "a=%20b&c", lines
        assert lines[3] == "0" and lines[6] == "127.0.0.1", lines
        assert lines[5] == "127.0.0.1:%d" % s.getsockname()[1], lines
        assert lines[7:10] == ["host: localhost", "x-name: two words", "x-name: again"], lines
        body = os.urandom(300000)
        s.sendall(head("POST", "/%65cho", f"Content-Length: {len(body)}") + body)
        r = read_reply(s, f=f).text.split("\n")
        assert r[3] == "300000" and r[4] == hashlib.sha256(body).hexdigest(), r
        s.sendall(head("POST", "/echo", "Transfer-Encoding: chunked")
                  + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n")
        r = read_reply(s, f=f).text.split("\n")
        assert r[3] == "6" and r[4] == hashlib.sha256(b"hello!").hexdigest(), r
        s.sendall(head("HEAD", "/big?1000") + head("GET", "/big?3") + head("GET", "/echo?2")
                  + head("DELETE", "/none"))
        assert read_reply(s, "HEAD", f).fields["content-length"] == ["1000"]
        assert read_reply(s, f=f).text == "xxx"
        assert read_reply(s, f=f).text.split("\n")[2] == "2"
        assert read_reply(s, f=f).status == 404
    with server.connect() as s:
        s.sendall(head("GET", "/big?5", version="1.0", host=None))
        assert read_reply(s).text == "xxxxx"
        assert is_closed(s)
    with server.connect() as s:  # byte by byte
        for byte in head("POST", "/echo", "Content-Length: 2", "Connection: close") + b"ok":
            s.sendall(bytes([byte]))
        assert read_reply(s).text.split("\n")[3] == "2"
    with server.connect() as s:
        s.sendall(head("POST", "/echo", "Content-Length: 2", "Expect: 100-continue"))
        assert s.recv(100).startswith(b"HTTP/1.1 100 ")
        s.sendall(b"ok")
        assert read_reply(s).text.split("\n")[3] == "2"


def large(server):
    """Large replies and streams arrive whole."""
    assert len(server.get("/big?30000000").body) == 30000000
    r = server.get("/stream?50,1000")
    assert r.fields["transfer-encoding"] == ["chunked"]
    assert r.body == b"".join(b"%d" % (i % 10) * 1000 for i in range(1, 51))
    with server.connect() as s:
        s.sendall(head("GET", "/stream?3,2", version="1.0"))
        assert read_reply(s).body == b"112233"
    assert server.get("/stream?0,0").body == b""
    with server.connect() as s:
        s.sendall(head("HEAD", "/stream?2,2"))
        assert read_reply(s, "HEAD").fields["connection"] == ["close"]
        assert is_closed(s)


def refused(server, request, status, word, then_closed=True):
    with server.connect() as s:
        s.sendall(request)
        r = read_reply(s)
        assert r.status == status, (request, r.status, r.text)
        if word:
            assert word in r.text and '"status": %d' % status in r.text, (request, r.text)
            assert r.fields["content-type"] == ["application/json"], r.fields
        assert not then_closed or is_closed(s), request


def smuggling(server):
    """Requests with two meanings are refused, and end the connection."""
    get, post = (lambda p, *a, **k: head("GET", p, *a, **k)), (lambda *a, **k:
                                                               head("POST", "/echo", *a, **k))
    behind = b"GET /quit HTTP/1.1\r\nHost: localhost\r\n\r\n"
    length, chunked = "Content-Length: 4", "Transfer-Encoding: chunked"
    cases = [
        (post(length, "Content-Length: 44") + b"abcd", 400, "two Content-Length"),
        (post(length, length) + b"abcd", 400, "two Content-Length"),
        (post(length, chunked) + b"0\r\n\r\n", 400, "both"),
        (post(chunked, length) + b"0\r\n\r\n", 400, "both"),
        (post("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 501, "chunked"),
        (post(chunked, chunked) + b"0\r\n\r\n", 501, "chunked"),
        (post("Transfer-Encoding: identity") + b"abcd", 501, "chunked"),
        (post("Transfer-Encoding: xchunked") + b"abcd", 501, "chunked"),
        (post(chunked, version="1.0") + b"0\r\n\r\n", 400, "HTTP/1.0"),
        (post("Content-Length: +4") + b"abcd", 400, ""),
        (post("Content-Length: -4") + b"abcd", 400, ""),
        (post("Content-Length: 0x4") + b"abcd", 400, ""),
        (post("Content-Length: 4 4") + b"abcd", 400, ""),
        (post("Content-Length: 99999999999999999999999") + b"abcd", 413, ""),
        (post("Expect: magic", length) + b"abcd", 417, "100-continue"),
        (get("/echo", "Host: other"), 400, "one Host"),
        (get("/echo", host=None), 400, ""),
        (get("http://localhost/echo"), 400, "slash"),
        (get("/a%zzb"), 400, "%"),
        (get("/a%0"), 400, "%"),
        (get("/a%00b"), 400, "%"),
        (get("/a#b"), 400, "percent-encoded"),
        (get("/a\x01b"), 400, "percent-encoded"),
        (get("/echo", "X-A: b\x01c"), 400, "control character"),
        (get("/echo", "X(A: b"), 400, "name"),
        (head("FROB-NICATE", "/echo"), 501, "method"),
        (head("get", "/echo"), 501, "method"),
        (get("/" + "a" * 20000), 414, "too long"),
        (get("/echo", "X-A: " + "a" * 20000), 431, "too large"),
        (get("/echo", *[f"X-{i}: {'v' * 50}" for i in range(400)]), 431, "too large"),
    ]
    for request, status, word in cases:
        refused(server, request + behind, status, word)
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, b"\r\n" * 50 + b"x\r\n\r\n",
                    b"\0" * 300, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: a\r\n\r\n"):
        with server.connect() as s:
            s.sendall(garbage)
            s.shutdown(socket.SHUT_WR)
            answer = s.recv(100)
            assert not answer or answer[9:10] in b"45", (garbage, answer)
    assert server.get("/echo").status == 200


def misuse(server):
    """What a script must not say is refused, and its client gets what it says then."""
    r = server.get("/misuse")
    lines = dict(line.split(": ", 1) for line in r.text.split("\n"))
    for name, word in (("break", "line break"), ("feed", "line break"), ("open", "zero byte"),
                       ("name", "NAME: VALUE"), ("colon", "NAME: VALUE"), ("length", "itself"),
                       ("chunked", "itself"), ("status", "200..599"), ("nothing", "no body"), ("send", "more = true"),
                       ("unknown", "there was no request 1099511627776")):
        assert lines[name].startswith("false ") and word in lines[name], (name, lines[name])
    assert r.fields["x-a"] == ["b", "c"] and "x-c" not in r.fields, r.fields
    assert "answered already" in server.line()


# ---- limits ----

def bodies(server):
    """body_bytes = 100000, memory_bytes = 200000."""
    gigabyte = head("POST", "/echo", "Content-Length: 1073741824")
    refused(server, gigabyte + b"x" * 1000, 413, "larger", False)
    refused(server, head("POST", "/echo", "Content-Length: 100001", "Expect: 100-continue"), 413,
            "larger")
    with server.connect() as s:  # all of it is sent before the answer is looked at
        try:
            s.sendall(gigabyte + b"x" * 3000000)
        except OSError:
            pass
        assert read_reply(s).status == 413
    with server.connect() as s:  # chunks without end
        s.sendall(head("POST", "/echo", "Transfer-Encoding: chunked"))
        try:
            while not select.select([s], [], [], 0)[0]:
                s.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            pass
        assert read_reply(s).status == 413
    # An exact fit is taken; what others hold is counted, also what they only begin to send.
    body = b"x" * 100000
    with server.connect() as a, server.connect() as b:
        for s in (a, b):
            s.sendall(head("POST", "/echo", "Content-Length: 100000") + body[:-1])
        wait_for(lambda: stats(server)["bytes"] == 200000, "both bodies are there")
        refused(server, head("POST", "/echo", "Content-Length: 10") + b"x" * 10, 503, "memory",
                False)
        for s in (a, b):
            s.sendall(b"x")
            assert read_reply(s).text.split("\n")[3] == "100000"
    wait_for(lambda: stats(server)["bytes"] == 0, "nothing is held")
    assert stats(server)["refused"] == 5


bodies.options = "{ body_bytes = 100000, memory_bytes = 200000, request_time = 3 * %d }" % SLOW


def stats(server):
    return {k: int(v) for k, v in (p.split("=") for p in server.get("/stats").text.split())}


def wait_for(condition, what, seconds=5):
    until = time.monotonic() + seconds * SLOW
    while not condition():
        assert time.monotonic() < until, f"{what}: not so after {seconds} s"
        time.sleep(0.01)


def slow_clients(server):
    """Silent, slow and stuck clients are ended, and cost others nothing."""
    begun = time.monotonic()
    silent, dripping, half, stuck = (server.connect() for _ in range(4))
    keeping = server.connect()
    half.sendall(head("POST", "/echo", "Content-Length: 100") + b"x")
    stuck_reader = server.connect(receive=4096)
    stuck_reader.sendall(head("GET", "/big?20000000"))
    kept = server.connect()
    kept.sendall(head("GET", "/big?1"))
    read_reply(kept)
    dripping_ended = 0
    endless = head("GET", "/echo", "X: " + "y" * 100000)
    times = []
    while not dripping_ended or time.monotonic() < begun + 2.5 * SLOW:
        assert time.monotonic() < begun + 10 * SLOW
        t = time.monotonic()
        assert server.get("/big?10").text == "x" * 10
        times.append(time.monotonic() - t)
        try:
            # A head that never ends, a byte at a time: each resets a time limit on silence.
            if not dripping_ended:
                dripping.sendall(endless[len(times):len(times) + 1])
                if select.select([dripping], [], [], 0)[0]:
                    dripping_ended = time.monotonic() - begun
        except OSError:
            dripping_ended = time.monotonic() - begun
        time.sleep(0.02)
    assert dripping_ended >= 0.9 * SLOW, dripping_ended
    assert read_reply(half).status == 408
    for s in (silent, half, stuck, kept, keeping):
        assert is_closed(s), s
    assert sorted(times)[len(times) // 2] < 0.5 * SLOW, sorted(times)
    body = 0
    try:
        while more := stuck_reader.recv(1 << 20):
            body += len(more)
    except OSError:
        pass
    assert body < 20000000, body
    wait_for(lambda: stats(server)["connections"] == 1, "the others are gone")


slow_clients.options = ("{ request_time = 1 * %d, idle_time = 1 * %d, send_time = 1 * %d }"
                        % (SLOW, SLOW, SLOW))


def many(server):
    """connections_per_address = 20: more are closed at once, and come in when others have left."""
    waiting = [server.connect() for _ in range(20)]
    for s in waiting:
        s.sendall(head("GET", "/big?1"))
        assert read_reply(s).text == "x"
    for _ in range(30):
        with server.connect() as s:
            assert is_closed(s)
    waiting.pop().close()
    wait_for(lambda: can(server), "there is room again")
    for s in waiting:
        s.close()
    wait_for(lambda: can(server), "the others are gone")


many.options = "{ connections_per_address = 20 }"


def can(server):
    try:
        return server.get("/big?1").text == "x"
    except (OSError, EOFError):
        return False


def full(server):
    """queue = 2: while the script is busy, more requests get 503 at once."""
    busy = server.connect()
    busy.sendall(head("GET", "/sleep?%d" % (3 * SLOW)))
    time.sleep(0.3 * SLOW)
    others = [server.connect() for _ in range(3)]
    for s in others:
        s.sendall(head("GET", "/big?1"))
    # The script has none of them yet; the one that finds the queue full need not be the last.
    answered, _, _ = select.select(others + [busy], [], [], 10 * SLOW)
    assert len(answered) == 1 and answered[0] is not busy, answered
    r = read_reply(answered[0])
    assert r.status == 503 and r.fields["retry-after"] == ["1"], r.fields
    assert read_reply(busy).text == "slept"
    for s in others:
        if s is not answered[0]:
            assert read_reply(s).text == "x"


full.options = "{ queue = 2 }"


# ---- clients that leave ----

def leaving(server):
    """A client that leaves while its answer is awaited is seen soon, however it leaves."""
    def by_close(s):
        s.close()

    def by_reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()

    def with_more(s):  # what it has sent behind the request hides the end from who only reads
        s.sendall(head("GET", "/echo"))
        s.close()

    for i, leave in enumerate((by_close, by_reset, with_more)):
        s = server.connect()
        s.sendall(head("GET", f"/keep?{i}"))
        assert server.line() == f"kept {i}"
        assert server.get(f"/gone?{i}").text == "false"
        begun = time.monotonic()
        leave(s)
        wait_for(lambda: server.get(f"/gone?{i}").text == "true", "it is gone")
        assert time.monotonic() - begun < PROMPT, time.monotonic() - begun
        assert re.fullmatch(r"left \d+", server.line())
        assert server.get(f"/answer?{i}").text == "true false"
    # The watcher's own work: nobody asks.
    s = server.connect()
    s.sendall(head("GET", "/keep?x"))
    assert server.line() == "kept x"
    begun = time.monotonic()
    s.close()
    assert re.fullmatch(r"left \d+", server.line())
    assert time.monotonic() - begun < PROMPT, time.monotonic() - begun
    # Answers reach who stayed.
    with server.connect() as s:
        s.sendall(head("GET", "/keep?y"))
        assert server.line() == "kept y"
        time.sleep(0.3)
        assert server.get("/answer?y").text == "false true"
        assert read_reply(s).text == "late"
    wait_for(lambda: stats(server)["requests"] == 1, "no request is left")


def streams(server):
    """A stream's client that leaves is seen, one that does not read is cut off."""
    s = server.connect()
    s.sendall(head("GET", "/live"))
    assert server.line() == "kept live"
    f = s.makefile("rb")
    while read_line(f):
        pass
    assert f.read(11) == b"6\r\nhello\n\r\n"[:11]
    begun = time.monotonic()
    f.close()
    s.close()
    assert re.fullmatch(r"left \d+", server.line())
    assert time.monotonic() - begun < PROMPT
    s = server.connect(receive=4096)
    s.sendall(head("GET", "/stream?1000,100000"))
    cut = server.line()
    assert cut.startswith("cut at "), cut
    assert int(cut.split()[2]) < 200, cut
    assert re.fullmatch(r"left \d+", server.line())
    s.close()
    assert can(server)


def watching(server):
    """While a request is watched, its client's leaving raises the stop flag."""
    s = server.connect()
    s.sendall(head("GET", "/watch"))
    assert server.line() == "watching"
    begun = time.monotonic()
    s.close()
    assert server.line() == "raised true true"
    assert time.monotonic() - begun < PROMPT
    assert re.fullmatch(r"left \d+", server.line())
    assert can(server)


# ---- many at once, and the end ----

def load(server):
    """Fifty clients at a time, some of which leave without a word; nothing is lost or left."""
    failures = []

    def client(seed):
        try:
            for i in range(20):
                size = (seed * 7919 + i * 104729) % 200000
                body = bytes([seed]) * size
                with server.connect() as s:
                    s.sendall(head("POST", "/echo", f"Content-Length: {size}"))
                    if (seed + i) % 5 == 0:
                        s.sendall(body[:size // 2])
                        continue
                    s.sendall(body)
                    if (seed + i) % 5 == 1:
                        continue
                    lines = read_reply(s).text.split("\n")
                    assert lines[4] == hashlib.sha256(body).hexdigest(), lines
        except Exception as problem:
            failures.append(repr(problem))

    threads = [threading.Thread(target=client, args=(i,)) for i in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:3]
    wait_for(lambda: stats(server)["requests"] == 1, "no request is left")
    figures = stats(server)
    assert figures["bytes"] == 0 and figures["waiting"] == 0, figures


def interrupted(server):
    """Ctrl-C ends a script that waits at once; who waits is told, who is connected is closed."""
    waiting, stream, idle, half = (server.connect() for _ in range(4))
    waiting.sendall(head("GET", "/keep?a"))
    assert server.line() == "kept a"
    stream.sendall(head("GET", "/live"))
    assert server.line() == "kept live"
    half.sendall(head("POST", "/echo", "Content-Length: 10") + b"x")
    begun = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    assert read_reply(waiting).status == 503
    assert read_reply(stream).text == "hello\n"
    for s in (waiting, stream, idle, half):
        assert is_closed(s)
    assert time.monotonic() - begun < PROMPT
    server.expect_end("lualab: interrupted")


interrupted.ends = True


def taken(server):
    """A port in use is a sentence with what to do."""
    second = subprocess.run([LUALAB, "--script", os.path.join(HERE, "server.lua"),
                             "{ port = %d }" % server.port], capture_output=True, text=True)
    assert second.returncode != 0
    assert f"cannot listen on 127.0.0.1, port {server.port}" in second.stderr, second.stderr
    assert "choose another port" in second.stderr, second.stderr
    for options, word in (('{ host = "imaginary.invalid" }', '"imaginary.invalid"'),
                          ('{ host = "192.0.2.1" }', "no such address")):
        other = subprocess.run([LUALAB, "--script", os.path.join(HERE, "server.lua"), options],
                               capture_output=True, text=True)
        assert other.returncode != 0 and word in other.stderr, other.stderr


# Who leaves without a word holds its place until that is seen.
load.options = "{ connections = 1000, connections_per_address = 1000 }"


def threads(server):
    """The same with several polling threads."""
    load(server)


threads.options = "{ threads = 3, connections = 3000, connections_per_address = 1000 }"

TESTS = [requests, large, smuggling, misuse, bodies, slow_clients, many, full, leaving, streams,
         watching, load, threads, interrupted, taken]


def main():
    failed = 0
    for test in TESTS:
        if sys.argv[2:] and test.__name__ not in sys.argv[2:]:
            continue
        begun = time.monotonic()
        server = None
        try:
            server = Server(getattr(test, "options", "{}"))
            test(server)
            if not getattr(test, "ends", False):
                server.end()
            print(f"ok {test.__name__} ({time.monotonic() - begun:.2f} s)", flush=True)
        except Exception as problem:
            failed += 1
            import traceback
            traceback.print_exc()
            print(f"FAILED {test.__name__}: {problem!r}", flush=True)
        finally:
            if server:
                server.kill()
    return failed != 0


sys.exit(main())
