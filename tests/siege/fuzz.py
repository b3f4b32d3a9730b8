"""Random requests to lualab serve, from a grammar of what it understands and of what it does not.

    fuzz.py URL PID PHOTO COUNT SEED

Request number i of a seed is always the same. Each is a good request of the API that was changed in
some places: its parameters, its body (pictures, forms, JSON, SQL), its head, or its bytes as they are;
and is sent whole, in pieces, or only in part. Every answer must be a status with a sentence or a clean
close; the server must be there at the end, as large as before, with a row in its catalog for each
picture that it has answered.
"""

import asyncio
import json
import os
import random
import string
import struct
import sys
import time
import urllib.parse
import zlib

import wire

URL = urllib.parse.urlsplit(sys.argv[1])
PID, COUNT, SEED = sys.argv[2], int(sys.argv[4]), sys.argv[5]
with open(sys.argv[3], "rb") as file:
    PHOTO = file.read()
ONLY = os.environ.get("SIEGE_ONLY")  # the number of one request: it is sent alone, and shown
AT_ONCE = 12
PATIENCE = 60  # seconds for an answer

WORDS = [b"", b"0", b"1", b"-1", b"nan", b"1e999", b"9" * 30, b"9223372036854775808", b"2147483648",
         b"%00",
         b"%ff", b"%c0%ae", b"%2e%2e%2f", b"../" * 9, b"..\\", b"/etc/passwd", b"pwned", b"colors",
         b"red", b"\xff",
         b"\xc0\xaf", b"\xed\xa0\x80", b"\0", b"\r\n", b"\r", b"\n", b"\t", b" ", b"'", b'"', b"`",
         b";", b"--", b"%",
         b"%2", b"%s%n", b"{}", b"[]", b"<script>", b"a" * 300, b"b" * 20000, b"\xf0\x9f\x90\x88", b"&",
         b"=", b"?",
         b"#", b"+", b",", b"chunked", b"close", b"keep-alive", b"100-continue", b"text/event-stream",
         b"image/png",
         b"multipart/form-data; boundary=cut", b"true", b"null", b"transparent", b"#ff8800", b"*",
         b"W/\"x\""]

TARGETS = ["/", "/page/index.html", "/page/engine.js", "/api", "/api/status", "/api/models",
           "/api/models/colors",
           "/api/results", "/api/results/1", "/api/results/1/map", "/api/results/1/map.png",
           "/api/results/1/overlay.png", "/api/results/1/mask.png", "/api/results/1/cutout.png",
           "/api/results/1/thumbnail.png", "/api/queries", "/api/requests/a", "/api/nothing"]
QUERY = {"model": ["colors", "glow"], "name": ["a.png", "b"], "record": ["0", "1"], "map": ["none",
    "base64"],
         "size": ["photo", "network"], "output": ["json", "overlay", "map", "mask", "cutout"],
         "classes": ["red", "1,2", "background"], "opacity": ["0", "0.5", "1"],
         "background": ["#ff0000", "white"],
         "key": ["a", "k1"], "search": ["a", "photo"], "label": ["red"], "limit": ["1", "500"],
         "before": ["9", "1"],
         "token": ["x"]}
HEADERS = [b"Accept", b"Content-Type", b"Host", b"Origin", b"Sec-Fetch-Site", b"Cookie",
           b"Authorization",
           b"If-None-Match", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect",
           b"Upgrade", b"Range",
           b"Content-Encoding", b"TE", b"Trailer", b"X-Forwarded-For", b"X-HTTP-Method-Override"]
SQL = ["SELECT", "*", "FROM", "results", "segments", "runs", "images", "WHERE", "id", "=", "1",
       "count(*)", "GROUP BY",
       "ORDER BY", "LIMIT", "-1", "(", ")", ",", "'a'", "NULL", "x'00ff'", "WITH", "RECURSIVE", "n(i)",
       "AS", "UNION ALL",
       "i + 1", "map", "map_png(map)", "DELETE", "ATTACH", "'pwned.db'", "PRAGMA", "query_only", ";",
       "--", "/*", "*/",
       "INSERT INTO", "tags", "VALUES", ":a", "?1", "JOIN", "ON", "sqlite_master",
       "load_extension('pwned')",
       "zeroblob(99999999)", "randomblob(9)", "hex(", "printf('%9999d', 1)", "path_search('a')",
       "json_each('[1]')",
       "EXPLAIN", "QUERY PLAN", "CASE WHEN", "1e999", "\u00e4", "\u202e", "9223372036854775807",
       "group_concat(path)"]


# ---- grammar ----


def cuts(rng, data, most=4):
    """Bytes with some of them changed, taken out, put in, or there twice."""
    data = bytearray(data)
    for _ in range(rng.randint(1, most)):
        at, size = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 4, 16, 200])
        how = rng.randrange(6)
        if how == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif how == 1 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            del data[at:at + size]
        elif how == 3:
            data[at:at] = rng.randbytes(size)
        elif how == 4:
            data[at:at] = data[at:at + size]
        else:
            data[at:at] = rng.choice(WORDS)
    return bytes(data)


def a_picture(rng):
    how = rng.randrange(8)
    if how < 2:
        return PHOTO
    if how < 5:
        return cuts(rng, PHOTO)
    if how == 5:
        return PHOTO[:rng.randrange(len(PHOTO))]
    if how == 6:  # another head of the PNG, with a right sum: sizes, depths, kinds
        data = bytearray(PHOTO)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(16, 29)] = rng.choice([0, 1, 2, 3, 4, 6, 7, 8, 16, 32, 127, 128, 255])
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
        return bytes(data)
    return rng.choice([b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"P6 ", b"\x89PNG\r\n\x1a\n",
                       b"RIFF"]) + rng.randbytes(
        rng.randrange(500))


def a_form(rng):
    boundary = rng.choice([b"cut", b"cut", b"----a", b"x" * 70, b"", b"a b"])
    body, line = b"", rng.choice([b"\r\n"] * 8 + [b"\n", b"\r"])
    for _ in range(rng.choice([0, 1, 2, 2, 3, 40])):
        name = rng.choice([b"image", b"model", b"record", b"opacity", b"name", b"x", rng.choice(WORDS)])
        data = a_picture(rng) if name == b"image" else rng.choice([b"colors", b"1", b"0.5",
            rng.choice(WORDS)])
        top = b'Content-Disposition: form-data; name="' + name + b'"'
        if rng.random() < 0.4:
            top += b'; filename="' + rng.choice([b"a.png", b"../../pwned", rng.choice(WORDS)]) + b'"'
        if rng.random() < 0.3:
            top += line + b"Content-Type: " + rng.choice([b"image/png", b"text/plain",
                                                          rng.choice(WORDS)])
        if rng.random() < 0.05:
            top += line + b"X: " + b"y" * 9000
        body += b"--" + boundary + line + top + line + line + data + line
    body += b"--" + boundary + rng.choice([b"--\r\n"] * 6 + [b"", b"-", b"\r\n"])
    if rng.random() < 0.3:
        body = cuts(rng, body)
    return b"multipart/form-data; boundary=" + rng.choice([boundary] * 8 + [b"other", b'"' +
        boundary]), body


def some_json(rng, depth=0):
    how = rng.randrange(10)
    if how < 2 and depth < 4:
        return {rng.choice(["a", "sql", "b", "\0", "\u00e4"]): some_json(rng, depth +
            1) for _ in range(2)}
    if how < 3 and depth < 4:
        return [some_json(rng, depth + 1) for _ in range(3)]
    return rng.choice([None, True, 1, -1, 1e300, 1 << 70, "", "a", "\0", "labels", "red", float("inf"),
                       float("nan")])


def a_statement(rng):
    if rng.random() < 0.2:
        return "SELECT count(*) FROM results"
    if rng.random() < 0.02:
        return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    text = " ".join(rng.choice(SQL) for _ in range(rng.choice([1, 3, 6, 12, 40])))
    return rng.choice(["", "SELECT ", "SELECT * FROM results WHERE "]) + text


def a_question(rng):
    value = {"sql": a_statement(rng)}
    if rng.random() < 0.2:
        value = {"query": rng.choice(["labels", "pictures-with", "..", "", "\0"])}
    if rng.random() < 0.3:
        value["parameters"] = some_json(rng)
    if rng.random() < 0.3:
        value["limit"] = rng.choice([1, 10, 10000, 10001, 0, -1, 1.5, "5", "x", None, 1e300])
    if rng.random() < 0.1:
        value = some_json(rng)
    data = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return cuts(rng, data, 2) if rng.random() < 0.15 else data


def a_query(rng):
    parts = []
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 8])):
        name = rng.choice(list(QUERY))
        value = rng.choice(QUERY[name]).encode()
        if rng.random() < 0.3:
            value = rng.choice(WORDS)
        if rng.random() < 0.7:
            value = urllib.parse.quote_from_bytes(value, safe="").encode()
        parts.append((name.encode() if rng.random() < 0.95 else rng.choice(WORDS)) + b"=" + value)
    return b"?" + b"&".join(parts) if parts or rng.random() < 0.05 else b""


def a_request(rng):
    """What is sent, and its method."""
    headers = [(b"Host", URL.netloc.encode())]
    kind, body, method = rng.random(), None, b"GET"
    if kind < 0.35:
        target = rng.choice(TARGETS).encode() + a_query(rng)
        method = rng.choice([b"GET"] * 8 + [b"HEAD", b"POST", b"DELETE", b"PUT", b"OPTIONS"])
    elif kind < 0.6:
        method, target = b"POST", b"/api/sql"
        body = a_question(rng)
        headers.append((b"Content-Type", b"application/json"))
    elif kind < 0.8:
        method, target = b"POST", b"/api/segment" + rng.choice([b"", b"?model=colors", a_query(rng)])
        body = a_picture(rng)
        headers.append((b"Content-Type", rng.choice([b"image/png", b"application/octet-stream",
                                                     b"image/jpeg"])))
    elif kind < 0.97:
        method, target = b"POST", b"/api/segment" + rng.choice([b"", b"", a_query(rng)])
        form, body = a_form(rng)
        headers.append((b"Content-Type", form))
    else:
        method, target = rng.choice([(b"POST", b"/api/models/colors/load"), (b"DELETE",
            b"/api/requests/k1")])
    if rng.random() < 0.15:
        target = cuts(rng, target, 2)
    if rng.random() < 0.1:
        headers.append((b"Accept", rng.choice([b"text/event-stream", b"image/png", rng.choice(WORDS)])))
    chunked = body is not None and rng.random() < 0.1
    if chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
        body = in_chunks(rng, body)
    elif body is not None:
        headers.append((b"Content-Length", b"%d" % len(body)))
    version = b"HTTP/1.1" if rng.random() < 0.97 else rng.choice([b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0",
        b"", b"http/1.1"])
    if rng.random() < 0.2:
        spoil(rng, headers)
    line = b"\r\n" if rng.random() < 0.97 else rng.choice([b"\n", b"\r", b"\r\r\n"])
    data = line.join([method + b" " + target + b" " + version] + [n + b": " + v for n,
        v in headers]) + line + line
    if rng.random() < 0.1:
        data = cuts(rng, data)
    return data + (body or b""), method


def in_chunks(rng, body):
    data, at = b"", 0
    while at < len(body):
        size = min(len(body) - at, rng.choice([1, 7, 100, 5000, 100000]))
        data += b"%x\r\n" % (size if rng.random() < 0.99 else rng.choice([0, size + 1,
            1 << 40])) + body[at:at + size] + b"\r\n"
        at += size
    return data + rng.choice([b"0\r\n\r\n"] * 9 + [b"0\r\nX: y\r\n\r\n", b"0\r\n", b""])


def spoil(rng, headers):
    """Headers that are none, are there twice, or say something else."""
    for _ in range(rng.choice([1, 1, 2, 5])):
        how = rng.randrange(5)
        if how == 0:
            headers.append(rng.choice(headers))
        elif how == 1:
            headers.append((rng.choice(HEADERS), rng.choice(WORDS)))
        elif how == 2:
            del headers[rng.randrange(len(headers))]
            headers.append((b"X", b"y"))
        elif how == 3:
            headers.append((rng.choice(WORDS) or b"X", rng.choice(WORDS)))
        else:
            headers.extend([(b"X-" + rng.choice(string.ascii_letters).encode(), b"y")] * rng.choice([10,
                500, 3000]))


# ---- sending ----


class Tally:
    def __init__(self):
        self.statuses, self.problems = {}, []

    def note(self, what):
        self.statuses[what] = self.statuses.get(what, 0) + 1


async def deliver(rng, writer, data):
    """Whole, in pieces, or a part of it; false when it is given up."""
    how = rng.random()
    if how < 0.8:
        writer.write(data)
    elif how < 0.9:
        while data:
            size = rng.choice([1, 3, 50, 2000, 50000])
            writer.write(data[:size])
            data = data[size:] if size > 1 or rng.random() < 0.9 else b""
            await asyncio.sleep(0)
    else:
        writer.write(data[:rng.randrange(len(data) + 1)])
        await asyncio.sleep(rng.random() / 50)
        return False
    await writer.drain()
    return True


async def one(number, tally):
    rng = random.Random(f"{SEED}:{number}")
    data, method = a_request(rng)
    if ONLY:
        print(data)
    reader, writer = await asyncio.open_connection(URL.hostname, URL.port, limit=1 << 22)
    try:
        if not await deliver(rng, writer, data):
            tally.note("given up")
            return
        # What is not complete gets no answer: the end of what is sent says so.
        patience = asyncio.get_running_loop().call_later(2,
                                                         lambda: writer.can_write_eof() and writer.write_eof())
        try:
            answer = await asyncio.wait_for(wire.read_answer(reader, method.decode()), PATIENCE)
        finally:
            patience.cancel()
        if answer is None:
            tally.note("closed")
            return
        wire.check(answer, method.decode())
        tally.note(answer.status)
        if ONLY:
            print(answer.status, answer.headers, answer.body[:2000])
        if answer.status in (503,):
            raise wire.Wrong(f"busy: {answer.body[:200]!r}")
    except (ConnectionError, asyncio.IncompleteReadError):
        tally.note("closed")
    except asyncio.TimeoutError:
        tally.problems.append(f"request {number}: no answer: {data[:200]!r}")
    except (wire.Wrong, ValueError, KeyError) as problem:
        tally.problems.append(f"request {number}: {problem!r}: {data[:200]!r}")
    finally:
        writer.transport.abort()


async def worker(numbers, tally):
    for number in numbers:
        await one(number, tally)
        if number % 1000 == 999:
            print(f"{number + 1} requests, {len(tally.problems)} problems, "
                  f"{(wire.resident(PID) or 0) / 1e6:.0f} MB, {wire.descriptors(PID)} descriptors",
                  flush=True)


async def main():
    print(f"seed {SEED}: {COUNT} requests", flush=True)
    tally, start = Tally(), time.perf_counter()
    numbers = iter([int(ONLY)] if ONLY else range(COUNT))
    await asyncio.gather(*[worker(numbers, tally) for _ in range(1 if ONLY else AT_ONCE)])
    last = wire.Connection(URL.hostname, URL.port)
    end = time.monotonic() + 30
    while (status := (await last.ask("GET", "/api/status")).json())["queue"] != {"running": 0,
        "waiting": 0}:
        if time.monotonic() > end:
            tally.problems.append(f"the queue does not become empty: {status['queue']}")
            break
        await asyncio.sleep(0.1)
    last.close()
    print(f"{time.perf_counter() - start:.0f} s; " + ", ".join(
        f"{count} x {what}" for what, count in sorted(tally.statuses.items(), key=str)))
    for problem in tally.problems[:20]:
        print("WRONG:", problem)
    sys.exit(len(tally.problems) > 0)


asyncio.run(main())
