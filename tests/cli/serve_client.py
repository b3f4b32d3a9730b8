"""A client of lualab serve that says what it expects: python3 serve_client.py URL PHOTO CLI_JSON

Talks to a server of its own with the test model "colors" (tests/cli/run.sh). Ends with a traceback
at the first thing that is not as expected.
"""

import base64
import http.client
import json
import socket
import struct
import sys
import threading
import time
import urllib.parse
import zlib

URL = urllib.parse.urlsplit(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    PHOTO = file.read()
with open(sys.argv[3], "rb") as file:
    CLI = json.load(file)


def ask(method, target, body=None, headers=None):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
    connection.request(method, target, body, headers or {})
    answer = connection.getresponse()
    result = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return result


def get_json(method, target, body=None, headers=None, want=200):
    status, seen, text = ask(method, target, body, headers)
    assert status == want, (method, target, status, text[:500])
    assert seen["content-type"].startswith("application/json"), seen
    assert seen["x-content-type-options"] == "nosniff" and "access-control-allow-origin" not in seen
    value = json.loads(text.decode("utf-8"))
    if want >= 400:
        assert value["error"]["status"] == want, value
        assert len(value["error"]["message"]) > 10, value
    return value


def post_json(target, value, want=200):
    body = value if isinstance(value, bytes) else json.dumps(value)
    return get_json("POST", target, body, {"Content-Type": "application/json"}, want)


def segment(query="", body=PHOTO, want=200, headers=None):
    return get_json("POST", "/api/segment?" + query, body, headers or {"Content-Type": "image/png"},
                    want)


def events(target, body=None):
    status, headers, text = ask("POST", target, body, {"Accept": "text/event-stream"})
    assert status == 200 and headers["content-type"].startswith("text/event-stream"), headers
    found = []
    for block in text.decode("utf-8").split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def form(fields, image, name="a \u00e4.png"):
    parts = [f'--cut\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
             for k, v in fields.items()]
    head = f'--cut\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
    parts.append(head.encode() + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--cut--\r\n")
    return b"".join(parts)


def png_size(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n"), png[:20]
    return struct.unpack(">II", png[16:24])


def check_models():
    models = get_json("GET", "/api/models")["models"]
    mine = next(m for m in models if m["name"] == "colors")
    assert mine["default"] and mine["state"] == "file" and mine["classes"] == 4, mine
    one = get_json("GET", "/api/models/colors")
    assert [row["name"] for row in one["labels"]] == ["background", "red", "green", "blue"], one
    assert get_json("POST", "/api/models/colors/load")["state"] == "loaded"
    told = events("/api/models/glow/load")
    assert [name for name, _ in told] == ["progress", "result"], told
    assert get_json("GET", "/api/models/colors")["state"] == "loaded"
    assert "glow" in get_json("GET", "/api/status")["models_loaded"]
    assert "colors" in get_json("GET", "/api/models/colours", want=404)["error"]["message"]


def check_segment():
    answer = segment("model=colors&name=%2Ftmp%2F..%2Fphoto.png&map=base64")
    assert answer["name"] == "photo.png" and answer["id"] > 0, answer
    fields = ("id", "name", "color", "pixels", "fraction", "box")
    assert answer["legend"] == [{f: row[f] for f in fields} for row in CLI["classes"]], answer
    assert answer["prediction"]["legend"] == CLI["legend"]
    assert (answer["width"], answer["height"]) == (CLI["width"], CLI["height"])
    pixels = base64.b64decode(answer["map"]["data"])
    assert len(pixels) == answer["width"] * answer["height"]
    colors = {row["id"]: row["color"] for row in answer["legend"]}
    assert [colors[i] + [255] for i in pixels] == [
        CLI["segmentationMap"][i:i + 4] for i in range(0, len(CLI["segmentationMap"]), 4)]
    assert {"queue", "decode", "preprocess", "segment", "legend", "total"} <= set(answer["timings"])

    result = f"/api/results/{answer['id']}"
    assert get_json("GET", result)["legend"] == answer["legend"]
    assert get_json("GET", result + "?map=base64")["map"]["data"] == answer["map"]["data"]
    status, headers, body = ask("GET", answer["map"]["url"])
    assert status == 200 and body == pixels, status
    assert headers["x-map"] == f"u8 {answer['height']}x{answer['width']}", headers
    status, _, body = ask("GET", answer["map"]["url"], headers={"If-None-Match": headers["etag"]})
    assert status == 304 and body == b""
    for kind in ("map", "overlay", "mask", "cutout", "thumbnail"):
        status, headers, body = ask("GET", f"{result}/{kind}.png")
        assert status == 200 and headers["content-type"] == "image/png", (kind, status, body[:300])
        assert png_size(body) == (answer["width"], answer["height"]), kind
    for query in ("overlay.png?classes=red&opacity=1", "mask.png?classes=1,green",
                  "cutout.png?background=%23ff8800"):
        assert ask("GET", f"{result}/{query}")[0] == 200, query
    get_json("GET", result + "/mask.png?classes=purple", want=400)
    get_json("GET", result + "/cutout.png?background=/etc/passwd", want=400)
    get_json("GET", "/api/results/999999", want=404)
    return answer


def check_forms_and_events(first):
    kind = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = get_json("POST", "/api/segment", form({"model": "colors", "map": "base64"}, PHOTO), kind)
    assert answer["name"] == "a \u00e4.png" and answer["legend"] == first["legend"]
    get_json("POST", "/api/segment?model=glow", form({"model": "colors"}, PHOTO), kind, want=400)
    get_json("POST", "/api/segment", form({"colour": "x"}, PHOTO), kind, want=400)
    get_json("POST", "/api/segment", form({}, PHOTO)[:-40], kind, want=400)
    told = events("/api/segment?model=colors&record=0", PHOTO)
    names = [value["name"] for name, value in told if name == "stage"]
    assert names == ["decode", "preprocess", "segment", "legend"], told
    assert told[-1][0] == "result" and told[-1][1]["id"] is None, told[-1]
    assert told[-1][1]["legend"] == first["legend"]
    status, headers, body = ask("POST", "/api/segment?model=colors", PHOTO, {"Accept": "image/png"})
    assert status == 200 and png_size(body) == (first["width"], first["height"])
    assert int(headers["x-result"]) > first["id"]
    small = segment("model=colors&size=network&record=0")
    assert (small["width"], small["height"]) == (65, 65), small
    for output in ("map", "mask", "cutout", "overlay"):
        png_size(ask("POST", f"/api/segment?model=colors&output={output}&record=0", PHOTO)[2])


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(width, height):
    """A PNG of a few bytes that says it is large."""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0" * 100000)) + chunk(b"IEND", b""))


def check_refusals():
    before = get_json("GET", "/api/status")
    rows = post_json("/api/sql", {"sql": "SELECT count(*) FROM results"})["rows"]
    segment(body=b"", want=400)
    segment(body=b"no picture at all", want=415)
    segment(body=PHOTO, headers={"Content-Type": "text/html"}, want=415)
    segment(body=PHOTO[:len(PHOTO) // 2], want=422)
    assert "60000x60000" in segment(body=bomb(60000, 60000), want=413)["error"]["message"]
    assert "more than this server takes" in segment(body=bomb(9000, 9000), want=413)["error"]["message"]
    segment(body=bomb(2000, 2000), want=422)
    assert 'did you mean "colors"' in segment("model=colrs", want=404)["error"]["message"]
    segment("model=../../etc/passwd", want=404)
    segment("model=/etc/passwd", want=404)
    for query in ("opacity=2", "opacity=nan", "map=all", "record=maybe", "classes=purple", "nonsense=1",
                  "model=colors&model=glow", "key=a%20b", "background=nothing", "name=%ff", "size=%",
                  "key=" + "k" * 65, "opacity=" + "9" * 500):
        segment(query, want=400)
    get_json("GET", "/api/segment", want=405)
    get_json("DELETE", "/api/requests/none", want=404)
    get_json("GET", "/api/results?limit=99999999999999999999", want=400)
    get_json("GET", "/api/results/18446744073709551617", want=400)
    for path in ("/page/..%2f..%2fsrc%2flab.h", "/page/../../etc/passwd", "/page/.hidden", "/etc/passwd",
                 "//etc/passwd", "/page/index.html%2f", "/nothing"):
        status, _, text = ask("GET", path)
        assert status == 404 and b"error" in text, (path, status)
    assert ask("GET", "/%ff")[0] == 400
    get_json("GET", "/api", headers={"Host": "evil.example"}, want=421)
    get_json("GET", "/api", headers={"Host": f"evil.example:{URL.port}"}, want=421)
    get_json("POST", "/api/segment", PHOTO, {"Origin": "http://evil.example"}, want=403)
    get_json("POST", "/api/segment", PHOTO, {"Sec-Fetch-Site": "cross-site"}, want=403)
    after = post_json("/api/sql", {"sql": "SELECT count(*) FROM results"})["rows"]
    assert after == rows and get_json("GET", "/api/status")["uptime_s"] > before["uptime_s"]


def check_sql():
    answer = post_json("/api/sql", {"sql": "SELECT :a AS a, x'0001' AS b, NULL AS c, 1 << 60 AS d",
                                    "parameters": {"a": "\u00e4"}})
    assert answer["columns"] == ["a", "b", "c", "d"]
    assert answer["rows"] == [["\u00e4", {"bytes": 2}, None, str(1 << 60)]], answer
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    answer = post_json("/api/sql", {"sql": numbers, "limit": 5})
    assert answer["truncated"] and len(answer["rows"]) == 5
    answer = post_json("/api/sql", {"sql": "SELECT map_png(map) FROM results WHERE map IS NOT NULL LIMIT 1"})
    assert answer["rows"][0][0]["image"].startswith("data:image/png;base64,iVBOR"), answer
    for text in ("UPDATE runs SET command = 'x'", "DELETE FROM results", "ATTACH 'x.db' AS x",
                 "PRAGMA query_only = 0", "VACUUM INTO 'x.db'", "EXPLAIN PRAGMA user_version", "BEGIN"):
        assert post_json("/api/sql", {"sql": text}, 403)["error"]["code"] == "read_only", text
    for text in ("WITH a AS (SELECT 1) DELETE FROM results", "SELECT load_extension('x')", "SELEC 1",
                 "SELECT 1; SELECT 2", "SELECT * FROM nothing", "SELECT writefile('x', 'y')",
                 "WITH a(i) AS (SELECT 1) INSERT INTO tags SELECT 1, 'a', 'b', 'c' FROM a"):
        post_json("/api/sql", {"sql": text}, 400 if text != "SELEC 1" else 403)
    endless = numbers.replace("SELECT i FROM n", "SELECT max(i) FROM n")
    assert post_json("/api/sql", {"sql": endless}, 400)["error"]["code"] == "time_limit"
    post_json("/api/sql", {"sql": "SELECT length(zeroblob(1000000000))"}, 400)
    post_json("/api/sql", b'{"sql": "SELECT \xff"}', 400)
    post_json("/api/sql", b"[" * 100000, 400)
    post_json("/api/sql", {"sql": "SELECT 1", "query": "labels"}, 400)
    post_json("/api/sql", {"query": "pictures-with"}, 400)
    post_json("/api/sql", {"query": "picture-with"}, 404)
    post_json("/api/sql", {"sql": "SELECT :a", "parameters": {"b": 1}}, 400)
    assert post_json("/api/sql", {"query": "labels"})["rows"]
    for query in get_json("GET", "/api/queries")["queries"]:
        parameters = {p["name"]: "red" for p in query["parameters"] if not p["optional"]}
        post_json("/api/sql", {"query": query["name"], "parameters": parameters})


def check_results():
    page = get_json("GET", "/api/results?limit=2")
    assert len(page["results"]) == 2 and page["next"], page
    older = get_json("GET", f"/api/results?limit=2&before={page['next']}")
    assert older["results"][0]["id"] < page["next"]
    assert get_json("GET", "/api/results?search=photo")["results"]
    assert get_json("GET", "/api/results?label=red&model=colors")["results"]
    assert not get_json("GET", "/api/results?label=purple")["results"]
    for search in ('"', "a*b'c", "NOT OR AND", "x NEAR/2 y", "%", "-", "()"):
        get_json("GET", "/api/results?search=" + urllib.parse.quote(search))


def check_cancelling():
    """Many pictures of one client: one is cancelled by its key, one by hanging up."""
    answers = {}

    def send(i):
        answers[i] = ask("POST", f"/api/segment?model=colors&record=0&key=k{i}", PHOTO)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(30)]
    for thread in threads:
        thread.start()
    cancelled = set()
    for i in reversed(range(30)):
        status, _, text = ask("DELETE", f"/api/requests/k{i}")
        if status == 200:
            assert json.loads(text)["state"] in ("queued", "running")
            cancelled.add(i)
    for thread in threads:
        thread.join()
    for i, (status, _, text) in answers.items():
        assert status == (409 if i in cancelled else 200), (i, status, text[:200])
        assert status == 200 or json.loads(text)["error"]["code"] == "cancelled"

    for _ in range(20):
        gone = socket.create_connection((URL.hostname, URL.port))
        gone.sendall(f"POST /api/segment?name=left.png HTTP/1.1\r\nHost: {URL.netloc}\r\n"
                     f"Content-Length: {len(PHOTO)}\r\n\r\n".encode() + PHOTO)
        gone.close()
    end = time.monotonic() + 20
    while True:
        queue = get_json("GET", "/api/status")["queue"]
        if queue == {"running": 0, "waiting": 0}:
            break
        assert time.monotonic() < end, queue
        time.sleep(0.02)


def check_many(first):
    """20 clients at once: each gets its own answer, and light requests do not wait for them."""
    before = post_json("/api/sql", {"sql": "SELECT count(*) FROM results WHERE path LIKE 'many-%'"})
    problems, slowest = [], [0.0]

    def work(i):
        try:
            for n in range(5):
                answer = segment(f"model=colors&name=many-{i}-{n}.png")
                assert answer["name"] == f"many-{i}-{n}.png" and answer["legend"] == first["legend"]
        except Exception as problem:  # told by the main thread
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        get_json("GET", "/api/models")
        slowest[0] = max(slowest[0], time.monotonic() - began)
        time.sleep(0.01)
    seconds = time.monotonic() - start
    assert not problems, problems
    after = post_json("/api/sql", {"sql": "SELECT count(*) FROM results WHERE path LIKE 'many-%'"})
    assert after["rows"][0][0] - before["rows"][0][0] == 100, (before, after)
    print(f"100 pictures of 20 clients in {seconds:.2f} s; a light request meanwhile: "
          f"{1000 * slowest[0]:.0f} ms at most")


def check_fairness():
    """A client with many pictures delays another one's only one by a few."""
    try:
        socket.create_server(("127.0.0.2", 0)).close()
    except OSError:
        return  # this system has one loopback address
    done = []

    def work(i):
        segment("model=colors&record=0")
        done.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    waiting = 0
    while waiting < 15 and len(done) < 60:
        waiting = get_json("GET", "/api/status")["queue"]["waiting"]
    other = http.client.HTTPConnection(URL.hostname, URL.port, 60, source_address=("127.0.0.2", 0))
    before = len(done)
    other.request("POST", "/api/segment?model=colors&record=0", PHOTO, {"Host": URL.netloc})
    assert other.getresponse().status == 200
    meanwhile = len(done) - before
    for thread in threads:
        thread.join()
    other.close()
    print(f"one picture beside {waiting} that waited: {meanwhile} of those came first")
    assert waiting < 15 or meanwhile < 13, (waiting, meanwhile)


def main():
    routes = get_json("GET", "/api")
    assert len(routes) >= 18 and all(r["summary"] and r["answers"] for r in routes)
    check_models()
    first = check_segment()
    check_forms_and_events(first)
    check_refusals()
    check_sql()
    check_results()
    check_cancelling()
    check_many(first)
    check_fairness()


main()
