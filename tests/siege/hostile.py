"""Requests that mean harm, one kind after another: what lualab serve must refuse, and how.

    hostile.py URL PHOTO

PHOTO is a picture for the test model "colors". Ends with what was answered otherwise.
"""

import asyncio
import json
import sys
import time
import urllib.parse

from attack import HOST, PHOTO, URL, expect, note, problems, request, talk, told
from contents import forms, pictures, statements

# ---- the wire ----


async def bodies():
    """Bodies that are larger than said, or than may be."""
    group = "bodies"
    start = time.monotonic()
    answer = await expect(group, "1 GB declared", b"POST /api/segment HTTP/1.1\r\n" + HOST +
                          b"Content-Length: 1073741824\r\n\r\n", (413,))
    note(group, "1 GB is refused at once",
         None if answer and time.monotonic() - start < 2 else "it took a while")
    await expect(group, "1 GB with 100-continue", b"POST /api/segment HTTP/1.1\r\n" + HOST +
                 b"Content-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n", (413,))
    await expect(group, "1 GB that is sent", None, (413, 0),
                 pieces=[b"POST /api/segment HTTP/1.1\r\n" + HOST +
                         b"Content-Length: 1073741824\r\n\r\n"] + [bytes(1 << 20)] * 1024)
    await expect(group, "endless chunks", None, (413, 0),
                 pieces=[b"POST /api/segment HTTP/1.1\r\n" + HOST +
                         b"Transfer-Encoding: chunked\r\n\r\n"] +
                 [b"100000\r\n" + bytes(1 << 20) + b"\r\n"] * 1024)
    await expect(group, "64 MB of single bytes in chunks", None, (400, 413, 415, 0),
                 pieces=[b"POST /api/segment HTTP/1.1\r\n" + HOST +
                         b"Transfer-Encoding: chunked\r\n\r\n"] +
                 [b"1\r\na\r\n" * 10000] * 20 + [b"0\r\n\r\n"])
    for length in (b"-1", b"+5", b"0x10", b"99999999999999999999999999", b"1e3", b"5, 5", b"", b" ",
                   b"5 5", b"NaN", b"18446744073709551621"):
        await expect(group, f"Content-Length: {length!r}", b"POST /api/segment HTTP/1.1\r\n" + HOST +
                     b"Content-Length: " + length + b"\r\n\r\nabcde", (400, 413, 0))
    for kind in (b"gzip", b"chunked, chunked", b"identity", b"chunked, identity", b"x\tchunked"):
        await expect(group, f"Transfer-Encoding: {kind!r}", b"POST /api/segment HTTP/1.1\r\n" + HOST +
                     b"Transfer-Encoding: " + kind + b"\r\n\r\n0\r\n\r\n", (400, 501, 0))
    for chunk in (b"ZZ\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nabcdefgh\r\n", b"\r\n\r\n",
                  b"5;" + b"x" * 100000 + b"\r\nabcde\r\n0\r\n\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n"):
        await expect(group, f"a chunk {chunk[:20]!r}", b"POST /api/segment HTTP/1.1\r\n" + HOST +
                     b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n" * 8,
                     (400, 413, 415, 500, 0), count=2)  # 500: libmicrohttpd's word for an extension


async def smuggling():
    """What two readers could take for different requests gets one answer, and the connection ends."""
    inner = b"GET /api/models HTTP/1.1\r\n" + HOST + b"\r\n"
    top = b"POST /api/sql HTTP/1.1\r\n" + HOST
    for name, data in {
            "length and chunks": top +
            b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks and length": top +
            b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
            "two lengths": top + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(inner),
            "two equal lengths": top + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
            "two encodings": top +
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
            "a space before the colon": top + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "a vertical tab": top + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
            "two hosts": b"GET /api HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
            "no host": b"GET /api HTTP/1.1\r\n\r\n",
            "chunks in HTTP/1.0": b"POST /api/sql HTTP/1.0\r\n" + HOST +
                                  b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "a bare carriage return": b"GET /api HTTP/1.1\r\n" + HOST + b"X: a\rY: b\r\n\r\n",
    }.items():
        answer = await expect("smuggling", name, data + inner, (400, 415, 501, 0))
        if answer and answer.headers.get("connection") != "close":
            note("smuggling", name, "the connection stays open")
    for name, data in {"a line folded": b"GET /api/x HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
                       "an absolute target": b"GET http://" + URL.netloc.encode() +
                                             b"/api HTTP/1.1\r\n" + HOST + b"\r\n",
                       "another's target": b"GET http://evil.example/api HTTP/1.1\r\n" + HOST +
                                           b"\r\n"}.items():
        await expect("smuggling", name, data, (400, 404, 421, 0))


async def heads():
    group = "heads"
    for name, data, wanted in (
            ("10,000 headers", b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 10000 + b"\r\n", (431,)),
            ("a header of 1 MB", b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * (1 << 20) + b"\r\n\r\n",
             (431,)),
            ("an address of 1 MB", b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
             (414,)),
            ("a query of 1 MB", b"GET /api?" + b"a=b&" * (1 << 18) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
             (414,)),
            ("an endless first line", b"A" * (4 << 20), (400, 414, 0)),
            ("HTTP/0.9", b"GET /api\r\n\r\n", (400, 0)),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505, 0)),
            ("HTTP/9.9", b"GET /api HTTP/9.9\r\n" + HOST + b"\r\n", (505, 0)),
            ("no version", b"GET /api HTTP\r\n" + HOST + b"\r\n", (400, 0, 505)),
            ("garbage", bytes(range(256)) * 40 + b"\r\n\r\n", (400, 0)),
            ("a TLS client", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
             (400, 0)),
            ("a WebSocket", request("GET", "/api/x", None,
                                    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                    b"Sec-WebSocket-Version: 13\r\n"), (404,)),
            ("HTTP/2 by upgrade", request("GET", "/api/x", None,
                                          b"Connection: Upgrade, HTTP2-Settings\r\n"
                                          b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"),
             (404,)),
            # libmicrohttpd leaves it out.
            ("a header without a name", b"GET /api/x HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", (400, 404,
                0)),
            ("a header without a colon", b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n\r\n", (400, 0)),
            ("a zero byte in the path", b"GET /api/\0status HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404,
                0)),
            ("bytes in a header", request("GET", "/api/x", None, b"X: \xff\xfe\xc0\xaf\r\n"), (404,
                400)),
            ("bytes in Accept", request("GET", "/api/x", None, b"Accept: \xff/\xfe;q=\x80\r\n"), (404,
                400)),
            ("bytes in If-None-Match", request("GET", "/", None, b"If-None-Match: " + b'"\xff",' * 500 +
                                               b"\r\n"), (200,)),
            ("an expectation", request("POST", "/api/sql", b"{}", b"Expect: tea\r\n"), (417, 0)),
            ("CONNECT", b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501, 0)),
            ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 0))):
        await expect(group, name, data, wanted)
    for method in ("PUT", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "BREW", "A" * 14):
        await expect(group, method, request(method, "/api/status"), (405, 501))
    for method in ("get", "A" * 100, "G(T", "G\x80T"):
        await expect(group, method, request(method, "/api/status"), (400, 405, 501, 0))


async def strangers():
    """Pages of other sites, and names that were made to mean this machine."""
    for host in (b"evil.example", b"evil.example:%d" % URL.port, b"127.0.0.1", b"127.0.0.1:1", b"",
                 b"127.0.0.1:%d.evil.example" % URL.port, b"localhost.evil.example:%d" % URL.port,
                 b"[::1]", b"[::ffff:127.0.0.1]:%d" % URL.port, b"0.0.0.0:%d" % URL.port,
                 b"2130706433:%d" % URL.port, b"user@127.0.0.1:%d" % URL.port, b"\xff\xfe", b"*",
                 b"127.0.0.1:%d:%d" % (URL.port, URL.port)):
        await expect("Host", host, b"GET /api/models HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", (421,
            400))
    for method, target in (("POST", "/api/segment?model=colors&name=stranger"), ("POST", "/api/sql"),
                           ("POST", "/api/models/colors/load"), ("DELETE", "/api/requests/a")):
        for header in (b"Origin: http://evil.example", b"Origin: null", b"Origin: https://" +
                       URL.netloc.encode(), b"Origin: http://127.0.0.1", b"Origin: ",
                       b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-site"):
            if header == b"Origin: ":
                continue
            await expect("Origin", f"{method} {target} {header!r}",
                         request(method, target, PHOTO, header + b"\r\n"), (403,))


# ---- what is named ----

SLASHES = ["/", "%2f", "%2F", "\\", "%5c", "%252f", "%c0%af", "%e0%80%af", "%ef%bc%8f", "//"]
DOTS = ["..", "%2e%2e", ".%2e", "%2e.", "%252e%252e", "%c0%ae%c0%ae", "%e0%40%ae", "..;", "....",
        "..%00",
        "%uff0e%uff0e"]


async def paths():
    """Ways out of a folder, in every place that takes a name."""
    aims = ["etc{s}passwd", "src{s}lab.h", "catalog.db"]
    for slash in SLASHES:
        for dots in DOTS:
            for aim in aims[:1] if slash != "/" else aims:
                way = slash.join([dots] * 8 + [aim.format(s=slash)])
                for place in ("/", "/page/", "/api/models/", "/page/index.html" + slash,
                              "/api/results/1/"):
                    await expect("paths", place + way, request("GET", place + way), (400, 404))
                await expect("paths", "load " + way, request("POST", f"/api/models/{way}/load", b""),
                             (400, 404, 405))
                await expect("paths", "model=" + way,
                             request("POST", "/api/segment?model=" + way, PHOTO), (400, 404))
    for name in ("/etc/passwd", "//etc/passwd", "file:///etc/passwd", "C:\\windows\\win.ini",
                 "/dev/zero",
                 "/proc/self/environ", "/page/", "/page//index.html", "/page/.", "/page/..", "/page/%00",
                 "/page/index.html%00.png", "/page/index.html/", "/./api", "/api/../api", "/api/",
                 "//api",
                 "/page/%2e%2e/%2e%2e/CMakeLists.txt", "/page/CON", "/%", "/%2", "/%zz", "/%ff",
                 "/%c0%80"):
        await expect("paths", name, request("GET", name), (400, 404))
        await expect("paths", "model " + name, request("POST", "/api/segment?model=" + name, PHOTO),
                     (400, 404))
    # What a client calls a picture is data: it is kept as a name, and nothing is opened.
    for name in ("../../../../pwned", "/pwned", "..%2f..%2fpwned", "pwned%00.png", "%ff%fe", "-rf",
                 "~/pwned",
                 "$(touch pwned)", "|touch pwned", "a%0d%0aX: y", "%e2%80%ae", "x" * 1000, "." * 255,
                 "con"):
        answer = await expect("names", name, request(
            "POST", "/api/segment?model=colors&name=" + urllib.parse.quote(name, safe="%"), PHOTO),
            (200, 400))
        if answer and answer.status == 200 and set(answer.json()["name"]) & set("/\\\0\r\n"):
            note("names", name, f"it became {answer.json()['name']!r}")


NUMBERS = ["-1", "0", "-0", "1.5", "1e3", "1e999", "-1e999", "nan", "NaN", "inf", "-inf", "Infinity",
           "0x10",
           "9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 400, "", "%20",
           "1%00",
           "%31", "+1", "1_000", "%d9%a1", "--1", "1;2", "1,2", "'", "\"", "%ff", "%", "%2", "a" * 900,
           "{}", "[]",
           "..%2f..", "null", "true", "%0d%0aX:%20y", "%f0%9f%90%88"]


async def values():
    """Every parameter of every route, with what none of them is."""
    table = json.loads((await talk(request("GET", "/api")))[0][0].body)
    for route in table:
        if route["path"] in ("/api/sql",):
            continue
        for parameter in route["parameters"]:
            for number in NUMBERS:
                path = route["path"]
                if parameter["in"] == "path":
                    path = path.replace("{%s}" % parameter["name"], number)
                    query = ""
                else:
                    path = path.replace("{id}", "1").replace("{name}", "colors")
                    query = f"?{parameter['name']}={number}"
                body = PHOTO if route["path"] == "/api/segment" else None
                await expect("values", f"{route['method']} {path}{query}"[:120], request(
                    route["method"], path + query, body if route["method"] != "POST" else body or b""),
                    (200, 400, 404, 405, 413))
            name = parameter["name"]
            if parameter["in"] == "query":
                path = route["path"].replace("{id}", "1").replace("{name}", "colors")
                await expect("values", name + " twice", request(route["method"],
                    f"{path}?{name}=1&{name}=1",
                             PHOTO if route["method"] == "POST" else None), (400,))
        path = route["path"].replace("{id}", "99999999").replace("{name}", "nonesuch").replace("{key}",
            "none")
        if path != route["path"]:
            await expect("values", path, request(route["method"], path,
                         b"" if route["method"] == "POST" else None), (404,))


async def slowloris():
    """Many who send a header now and then do not keep others out."""
    held = []
    for _ in range(60):
        _, writer = await asyncio.open_connection(URL.hostname, URL.port)
        writer.write(b"GET / HTTP/1.1\r\n" + HOST)
        held.append(writer)
    for i in range(10):
        for writer in held:
            writer.write(b"X-%d: a\r\n" % i)
        start = time.monotonic()
        await expect("slowloris", "another", request("GET", "/api/status"), (200,))
        if time.monotonic() - start > 5:
            note("slowloris", "another", "it has to wait")
    for writer in held:
        writer.close()


async def main():
    for part in (bodies, smuggling, heads, strangers, paths, forms, pictures, statements, values,
                 slowloris):
        start = time.monotonic()
        await part()
        print(f"{part.__name__}: {time.monotonic() - start:.1f} s", flush=True)
        answers, _ = await talk(request("GET", "/api/status"))
        if not answers or answers[0].status != 200:
            problems.append(f"after {part.__name__} the server does not answer")
            break
    print(", ".join(f"{count} {group}" for group, count in told.items()))
    for problem in problems[:60]:
        print("WRONG:", problem)
    print(len(problems), "problems")
    sys.exit(len(problems) > 0)


asyncio.run(main())
