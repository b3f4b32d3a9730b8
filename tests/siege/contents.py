"""Bodies that mean harm: forms, pictures, SQL and JSON. A part of hostile.py."""

import json
import struct
import time
import zlib

from attack import LIMIT, PHOTO, expect, note, post_json, request


def form(parts, boundary=b"cut", end=b"--"):
    body = b""
    for top, data in parts:
        body += b"--" + boundary + b"\r\n" + top + b"\r\n\r\n" + data + b"\r\n"
    return body + b"--" + boundary + end


async def forms():
    image = b'Content-Disposition: form-data; name="image"; filename="a.png"'
    field = b'Content-Disposition: form-data; name="%s"'
    good = form([(field % b"model", b"colors"), (image, PHOTO)])
    kind = b"Content-Type: multipart/form-data; boundary=cut\r\n"

    async def send(name, body, wanted=(400,), header=kind):
        await expect("forms", name, request("POST", "/api/segment", body, header), wanted)

    await send("a good one", good, (200,))
    for at in (0, 1, 5, 40, 80, len(good) // 2, len(good) - 3):
        await send(f"cut at {at}", good[:at])
    for name, header in (("no boundary", b"multipart/form-data"),
                         ("an empty one", b"multipart/form-data; boundary="),
                         ("empty quotes", b'multipart/form-data; boundary=""'),
                         ("another", b"multipart/form-data; boundary=other"),
                         ("a long one", b"multipart/form-data; boundary=" + b"x" * 10000),
                         ("bytes", b"multipart/form-data; boundary=\xff\xfe"),
                         ("a pattern", b"multipart/form-data; boundary=%.*[^c]"),
                         ("quotes that stay open", b'multipart/form-data; boundary="cut')):
        await send("boundary: " + name, good, (400,), b"Content-Type: " + header + b"\r\n")
    await send("line feeds alone", good.replace(b"\r\n", b"\n"))
    await send("thousands of parts", form([(field % b"f%d" % i, b"x") for i in range(5000)]))
    await send("thousands of images", form([(image, b"x")] * 5000))
    await send("the same field twice", form([(field % b"model", b"colors")] * 2 + [(image, PHOTO)]))
    await send("an unknown field", form([(field % b"colour", b"x"), (image, PHOTO)]))
    await send("a field of 1 MB", form([(field % b"model", b"x" * (1 << 20)), (image, PHOTO)]))
    await send("a head of 1 MB", form([(image + b"\r\nX: " + b"y" * (1 << 20), PHOTO)]))
    await send("10,000 headers of a part", form([(image + b"\r\nX: y" * 10000, PHOTO)]))
    await send("no head", form([(b"", PHOTO)]))
    await send("no name", form([(b"Content-Disposition: form-data", PHOTO)]))
    await send("bytes as a name", form([(field % b"\xff\xfe", b"x"), (image, PHOTO)]))
    await send("zero bytes as a name", form([(field % b"mo\0del", b"colors"), (image, PHOTO)]))
    await send("zero bytes as a value", form([(field % b"model", b"col\0ors"), (image, PHOTO)]), (400,
        404))
    await send("a form in the form", form([(image + b"\r\nContent-Type: multipart/mixed; boundary=in",
                                            form([(image, PHOTO)], b"in"))]), (400, 415))
    await send("nothing but boundaries", b"--cut\r\n" * 10000 + b"--cut--")
    await send("an end at once", b"--cut--")
    await send("an empty picture", form([(image, b"")]))
    for name in (b"../../pwned.png", b"/etc/passwd", b"a\\..\\b.png", b"\xff\xfe.png", b"a\0b.png",
                 b'a%22b',
                 b"x" * 5000, b"", b"."):
        top = b'Content-Disposition: form-data; name="image"; filename="%s"' % name
        await send(f"a file {name[:30]!r}", form([(field % b"model", b"colors"), (top, PHOTO)]), (200,
            400))


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def png(width, height, data=None, depth=8, kind=2, extra=b""):
    """A PNG that says it has this size."""
    packed = zlib.compress(bytes(1 << 20)) if data is None else data
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0,
        0, 0))
            + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


async def pictures():
    async def send(name, body, wanted=(413, 415, 422, 400)):
        await expect("pictures", name, request("POST", "/api/segment?model=colors&name=bomb", body),
                     wanted)

    await send("30000x30000", png(30000, 30000), (413,))
    await send("a zip bomb", png(30000, 30000, zlib.compress(bytes(64 << 20), 9)), (413,))
    await send("a bomb within the limit", png(7000, 7000, zlib.compress(bytes(1 << 20))), (422,))
    await send("more data than pixels", png(2, 2, zlib.compress(bytes(64 << 20), 9)), (200, 422, 413))
    for width, height in ((0, 0), (0, 9), (1 << 31, 1), (0xffffffff, 0xffffffff), (1, 0x7fffffff),
                          (50000001, 1)):
        await send(f"{width}x{height}", png(width, height))
    await send("a palette that is not there", png(9, 9, zlib.compress(bytes(90)), 8, 3), (200, 422, 415))
    await send("depth 99", png(9, 9, zlib.compress(bytes(9000)), 99))
    await send("a comment of 60 MB", png(9, 9, extra=chunk(b"zTXt", b"a\0\0" +
                                                           zlib.compress(bytes(60 << 20)))),
               (200, 413, 415, 422))
    await send("a profile that is a bomb", png(9, 9, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(
        bytes(60 << 20)))), (200, 413, 415, 422))
    for name, body in (("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" +
                        b"\xff\xc0\0\x11\x08\xff\xff"
                        b"\xff\xff\3\1\x22\0\2\x11\1\3\x11\1\xff\xda"), ("GIF",
                            b"GIF89a\xff\xff\xff\xff\xf7\0\0"),
                       ("BMP", b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 60000, 60000, 1,
                                                   24, 0, 0,
                                                   0, 0, 0, 0)), ("PPM", b"P6\n99999 99999\n255\n"),
                       ("PPM of words", b"P6\n-1 -1\n-1\n"), ("PGM", b"P5 4 4 255\n"),
                       ("NPY", b"\x93NUMPY\1\0v\0{'descr': '|u1', 'shape': (99999999999,)}"),
                       ("WebP", b"RIFF\xff\xff\xff\xffWEBPVP8 "), ("SVG",
                           b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
                       ("TIFF", b"II*\0\x08\0\0\0\xff\xff"), ("text", b"no picture"), ("a byte",
                           b"\x89")):
        await send(name, body)


async def statements():
    """SQL that writes, reaches other files, or does not end."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
    for text in ("INSERT INTO tags VALUES (1, 'a', 'b', 'c')", "UPDATE runs SET command = 'x'",
                 "DELETE FROM results", "DROP TABLE results", "CREATE TABLE pwned (a)",
                 "ALTER TABLE runs ADD x",
                 "ATTACH 'pwned.db' AS p", "attach/**/'pwned.db' as p", "-- x\nATTACH 'pwned.db' AS p",
                 "/* x */ PRAGMA query_only = 0", "PRAGMA journal_mode = DELETE",
                 "PRAGMA table_info(runs)",
                 "VACUUM", "VACUUM INTO 'pwned.db'", "REINDEX", "ANALYZE", "BEGIN IMMEDIATE", "COMMIT",
                 "DETACH x",
                 "SAVEPOINT a", "RELEASE a", "EXPLAIN ATTACH 'pwned.db' AS p",
                 "REPLACE INTO runs VALUES (1)",
                 "WITH a AS (SELECT 1) DELETE FROM results", "SELECT load_extension('/tmp/pwned')",
                 "SELECT 1; DELETE FROM results", "SELECT 1;;; DROP TABLE runs",
                 "SELECT 1 /* ; */ ; SELECT 2",
                 "SELECT writefile('pwned', 'x')", "SELECT readfile('/etc/passwd')", "SELECT edit('x')",
                 "SELECT fts3_tokenizer('x', x'00')", "SELECT * FROM pragma_query_only(0)",
                 "SELECT zeroblob(2000000000)", "SELECT randomblob(2000000000)",
                 "SELECT printf('%999999999d', 1)",
                 "SELECT hex(zeroblob(499999999))",
                 "SELECT replace(hex(zeroblob(7000000)), '0', hex(zeroblob(900)))",
                 "SELECT * FROM " + ", ".join(f"results r{i}" for i in range(60)),
                 "SELECT * FROM results r0 " +
                 " ".join(f"LEFT JOIN segments s{i} ON s{i}.result = r0.id" for i in range(60)),
                 "SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT " + "1+" * 40000 + "1",
                 "SELECT \0 1", "", ";",
                 "SELECT", "SELECT * FROM nothing", "SELECT * FROM sqlite_master WHERE",
                 "\u202eSELECT 1", "--",
                 "/*", "SELECT " + ",".join(["1"] * 5000), endless + "max(i) FROM n", endless +
                 "count(*) FROM n",
                 "SELECT sum(a.i * b.i) FROM (" + endless + "i FROM n LIMIT 100000) a, (" + endless +
                 "i FROM n LIMIT 100000) b", "SELECT 'a' LIKE '" + "%a" * 30000 + "'",
                 "SELECT * FROM results WHERE path GLOB '" + "*a" * 20000 + "'",
                 "SELECT group_concat(hex(randomblob(1000000))) FROM (" + endless + "i FROM n)",
                 "SELECT json_extract('" + "[" * 5000 + "', '$')", "SELECT abs(-9223372036854775808)",
                 "SELECT map_png(x'00')", "SELECT map_png(zeroblob(900000))",
                 "SELECT * FROM path_search('\"')",
                 "SELECT * FROM results, results a, results b, results c, results d, results e, results f "
                 "ORDER BY random()"):
        start = time.monotonic()
        answer = await expect("SQL", text[:60], post_json("/api/sql", {"sql": text}), (200, 400, 403,
            413))
        if answer and answer.status == 200 and (any(word in text for word in (
                "DELETE", "ATTACH", "pwned", "DROP", "BEGIN",
                "PRAGMA")) or not answer.json()["columns"]):
            note("SQL", text[:60], f"answered: {answer.body[:200]!r}")
        if time.monotonic() - start > LIMIT / 2:
            note("SQL", text[:60], f"it took {time.monotonic() - start:.1f} s")
    rows = await expect("SQL", "endless rows", post_json("/api/sql", {"sql": endless + "i FROM n"}),
                        (200,))
    if rows and not rows.json()["truncated"]:
        note("SQL", "endless rows", "it is not said that there are more")
    wide = await expect("SQL", "rows of a megabyte", post_json("/api/sql", {
        "sql": endless + "hex(randomblob(500000)) FROM n", "limit": 10000}), (200, 400, 413))
    if wide and len(wide.body) > 64 << 20:
        note("SQL", "rows of a megabyte", f"{len(wide.body)} bytes")
    for body in (b"", b"null", b"[]", b"1", b'"', b"{", b"{}", b'{"sql": 1e999}', b'{"sql": {}}',
                 b'{"sql": "\xff"}',
                 b'{"sql": "\\ud800"}', b"[" * 100000, b'{"a":' * 100000,
                 b'{"sql": "SELECT 1", "limit": -1}',
                 b'{"sql": "SELECT 1", "limit": NaN}', b'{"sql": "SELECT 1", "limit": 1e300}',
                 b'{"sql": "SELECT 1", "sql": "DELETE FROM runs", "nonsense": 1}', b"\xef\xbb\xbf{}",
                 b"\0" * 1000,
                 b'{"sql": "SELECT :a", "parameters": {"a": {"b": 1}}}',
                 b'{"sql": "SELECT 1", "parameters": 5}',
                 b'{"query": "../../pwned"}', b'{"query": "labels", "parameters": {"\\u0000": 1}}',
                 b"0" * 100000,
                 b'{"query": "/etc/passwd"}', b'{"sql": "' + b"x" * 200000 + b'"}'):
        await expect("JSON", body[:50], post_json("/api/sql", body), (400, 403, 404, 413))
    for kind in (b"text/plain", b"application/x-www-form-urlencoded",
                 b"multipart/form-data; boundary=a", b""):
        await expect("JSON", kind, request("POST", "/api/sql", b'{"sql": "SELECT 1"}',
                                           b"Content-Type: " + kind + b"\r\n"), (415,))
