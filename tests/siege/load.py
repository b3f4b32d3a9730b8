"""Many clients of lualab serve at once, good ones and bad ones.

    load.py URL PID MODEL REQUESTS PHOTO…

Fifty good clients send REQUESTS pictures and ask for different answers, while others send a byte a
second, stop in the middle, do not read, or leave before, while and after their picture's turn; one
asks for the status all the time. Every answer must be the one that the same picture got alone, the
pictures of those who left must not have been computed, memory and descriptors of the server must stay
as they were, and waiting must be what fifty clients of one network have to wait.
"""

import asyncio
import os
import random
import statistics
import sys
import time
import urllib.parse

import wire

URL = urllib.parse.urlsplit(sys.argv[1])
PID, MODEL, REQUESTS, PHOTOS = sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]
CLIENTS = 50
MARKS = [max(2, REQUESTS * part // 20) for part in (1, 5, 10, 20)]  # 100, 500, 1000, 2000 of 2000
MOST_WAIT = float(os.environ.get("SIEGE_WAIT", "1.5"))  # times what queueing theory says; 0: any
# Of memory between the second mark and the last; in a short run the server's cache of what it was sent
# (32 MB) is still filling then.
MOST_GROWTH = 0.05 if REQUESTS >= 2000 else 0.4

# What the good ones ask for: (query, Accept, whether the answer is JSON).
WISHES = [("", "*/*", True), ("map=base64", "application/json", True), ("", "text/event-stream", True),
          ("output=overlay", "*/*", False), ("output=map", "*/*", False),
          ("output=cutout", "image/png", False), ("output=mask&size=photo", "*/*", False)]


def connection():
    return wire.Connection(URL.hostname, URL.port)


def target(photo, query, name):
    return f"/api/segment?model={MODEL}&name={name}" + ("&" + query if query else "")


def result_of(answer, is_json):
    """What must be the same each time: the legend (and map), or the picture's bytes."""
    if answer.status != 200:
        raise wire.Wrong(f"{answer.status}: {answer.body[:300]!r}")
    if not is_json:
        if not answer.body.startswith(b"\x89PNG"):
            raise wire.Wrong(f"no PNG: {answer.body[:80]!r}")
        return answer.body, None
    if answer.headers["content-type"].startswith("text/event-stream"):
        last = answer.body.decode().strip().split("\n\n")[-1].split("\n")
        if last[0] != "event: result":
            raise wire.Wrong(f"the stream ends in {last[0]!r}")
        value = wire.json.loads(last[1].removeprefix("data: "))
    else:
        value = answer.json()
    return (value["legend"], value["map"]["data"]), value["timings"]


class Siege:
    def __init__(self):
        self.photos = {}
        for path in PHOTOS:
            with open(path, "rb") as file:
                self.photos[os.path.basename(path)] = file.read()
        self.alone = {}      # (photo, wish) -> the result
        self.done = 0        # good answers
        self.over = False
        self.waits, self.light, self.problems = [], [], []
        self.counts = dict.fromkeys(("left in the body", "left in the queue", "left in the answer",
                                     "never read", "stuck", "slow"), 0)
        self.marks = []

    # ---- alone ----

    async def learn(self):
        """Every picture with every wish, one after another."""
        one = connection()
        for photo, body in self.photos.items():
            for i, (query, accept, is_json) in enumerate(WISHES):
                answer = await one.ask("POST", target(photo, query, "alone"), body,
                                       [("Accept", accept)])
                self.alone[photo, i] = result_of(answer, is_json)[0]
        one.close()

    async def inference(self, rounds):
        """Milliseconds that the network alone takes, on an idle server: each picture's median, and of
        those the mean."""
        one, medians = connection(), []
        for photo, body in self.photos.items():
            took = []
            for _ in range(rounds):
                answer = await one.ask("POST", target(photo, "", "idle"), body)
                took.append(answer.json()["timings"]["segment"])
            medians.append(statistics.median(took))
        one.close()
        return statistics.mean(medians)

    async def idle(self, count):
        """What a request takes beyond inference: the median of milliseconds, on an idle server. The
        picture is the first one."""
        one, beyond = connection(), []
        photo, body = next(iter(self.photos.items()))
        for _ in range(count):
            start = time.perf_counter()
            answer = await one.ask("POST", target(photo, "", "idle"), body,
                                   [("Content-Type", "image/jpeg")])
            took = 1000 * (time.perf_counter() - start)
            beyond.append(took - answer.json()["timings"]["segment"])
        one.close()
        return statistics.median(beyond)

    # ---- good clients ----

    async def good(self, number):
        rng, one = random.Random(number), connection()
        while self.started < REQUESTS:
            self.started += 1
            photo, wish = rng.choice(list(self.photos)), rng.randrange(len(WISHES))
            query, accept, is_json = WISHES[wish]
            start = time.perf_counter()
            try:
                answer = await one.ask("POST", target(photo, query, "good"), self.photos[photo],
                                       [("Accept", accept)])
                result, timings = result_of(answer, is_json)
                if result != self.alone[photo, wish]:
                    self.problems.append(f"{photo}, {WISHES[wish]}: another answer than alone")
                if timings:
                    self.computed.append(timings["segment"])
            except Exception as problem:  # told at the end, all of them
                self.problems.append(f"{photo}, {WISHES[wish]}: {problem!r}")
                one = connection()
            self.waits.append(time.perf_counter() - start)
            self.done += 1
            if self.done in MARKS:
                self.marks.append((self.done, wire.resident(PID), wire.descriptors(PID)))
        one.close()

    async def glance(self):
        """Light requests all the while."""
        one = connection()
        while not self.over:
            start = time.perf_counter()
            answer = await one.ask("GET", "/api/status")
            self.light.append(time.perf_counter() - start)
            if answer.status != 200:
                self.problems.append(f"status: {answer.status}")
            await asyncio.sleep(0.05)
        one.close()

    # ---- bad clients ----

    async def repeat(self, name, visit):
        """One bad client after another until the good ones have done."""
        number = 0
        while not self.over:
            number += 1
            one = connection()
            try:
                await asyncio.wait_for(visit(one, number), 150)
                self.counts[name] += 1
            except (OSError, EOFError, asyncio.TimeoutError):
                self.counts[name] += 1  # it was cut off, as it should be
            finally:
                one.close(hard=number % 2 == 0)
            await asyncio.sleep(0.2)

    def request(self, name, query="", accept="*/*"):
        photo = max(self.photos, key=lambda key: len(self.photos[key]))
        body = self.photos[photo]
        return wire.head("POST", target(photo, query, name), URL.netloc, [("Accept", accept)],
                         len(body)), body

    async def slow(self, one, _):
        """A byte a second, of the head or of the body."""
        top, body = self.request("slow-sender")
        data = (top + body) if random.random() < 0.5 else body
        if data is body:
            await one.send(top)
        for byte in data:
            await one.send(bytes([byte]))
            for _ in range(10):
                await asyncio.sleep(0.1)
                if self.over or one.reader.at_eof():
                    return

    async def stuck(self, one, _):
        """Half a body, and then nothing."""
        top, body = self.request("stuck")
        await one.send(top + body[:len(body) // 2])
        while not self.over and not one.reader.at_eof():
            await asyncio.sleep(0.1)

    async def deaf(self, one, _):
        """A large answer that is not read."""
        top, body = self.request("deaf", "map=base64")
        await one.open()
        one.writer.get_extra_info("socket").setsockopt(wire.socket.SOL_SOCKET,
                                                       wire.socket.SO_RCVBUF, 4096)
        one.writer.transport.pause_reading()
        await one.send(top + body)
        for _ in range(200):
            if self.over:
                return
            await asyncio.sleep(0.1)

    async def leave_in_body(self, one, number):
        top, body = self.request("abort-body")
        await one.send(top + body[:(number * 7919) % len(body)])
        await asyncio.sleep(0.05)

    async def leave_in_queue(self, one, number):
        """It leaves when it is told that many are before it; every other time without being told."""
        events = number % 2 == 0
        top, body = self.request("abort-queued", accept="text/event-stream" if events else "*/*")
        await one.send(top + body)
        if not events:
            await asyncio.sleep(0.1)
            return
        text = b""
        while b"queued" not in text:
            text += await one.reader.readexactly(1)
        line = await one.reader.readuntil(b"}")
        if int(line.split(b":")[-1].strip(b" }\n")) < 10:
            raise wire.Wrong("the queue is too short to leave it")

    async def leave_in_answer(self, one, _):
        top, body = self.request("abort-answer", "map=base64")
        await one.send(top + body)
        await one.reader.readexactly(1000)

    # ---- all together ----

    async def storm(self):
        self.started, self.computed = 0, []
        good = [asyncio.create_task(self.good(i)) for i in range(CLIENTS)]
        light = asyncio.create_task(self.glance())
        await asyncio.sleep(1)  # there is a queue to leave
        visits = [("slow", self.slow)] * 5 + [("stuck", self.stuck)] * 5 + [("never read", self.deaf)]
        visits += [("left in the body", self.leave_in_body)] * 2
        visits += [("left in the queue", self.leave_in_queue)] * 2
        visits += [("left in the answer", self.leave_in_answer)]
        bad = [asyncio.create_task(self.repeat(name, visit)) for name, visit in visits]
        while self.started < REQUESTS:
            await asyncio.sleep(0.05)
        self.over = True  # there is still a queue
        for one in bad + good + [light]:
            await one

    async def computed_of(self, name):
        one = connection()
        body = wire.json.dumps({"sql": "SELECT count(*) FROM results WHERE path = :name",
                                "parameters": {"name": name}}).encode()
        answer = await one.ask("POST", "/api/sql", body, [("Content-Type", "application/json")])
        one.close()
        return answer.json()["rows"][0][0]

    async def settle(self):
        """Until nothing is under way; the descriptors then."""
        one = connection()
        end = time.monotonic() + 60
        while (await one.ask("GET", "/api/status")).json()["queue"] != {"running": 0, "waiting": 0}:
            if time.monotonic() > end:
                self.problems.append("the queue does not become empty")
                break
            await asyncio.sleep(0.1)
        one.close()
        for _ in range(100):  # libmicrohttpd closes in its own time
            await asyncio.sleep(0.1)
            if wire.descriptors(PID) == self.before:
                break
        return wire.descriptors(PID)


def milliseconds(values, part):
    return 1000 * sorted(values)[min(len(values) - 1, int(len(values) * part))]


def expect(siege, condition, problem):
    if not condition:
        siege.problems.append(problem)


async def main():
    siege = Siege()
    await siege.learn()
    await asyncio.sleep(1)
    siege.before = wire.descriptors(PID)
    print(f"one picture on an idle server takes {await siege.idle(50):.1f} ms beyond inference, from "
          f"the first byte sent to the last received (median of 50)", flush=True)
    first = await siege.inference(5)
    start, cpu = time.perf_counter(), wire.cpu(PID)
    await siege.storm()
    seconds, cpu = time.perf_counter() - start, wire.cpu(PID) - cpu
    after = await siege.settle()
    last = await siege.inference(5)
    print(f"inference alone: {first:.1f} ms before, {last:.1f} ms after; the server's CPU "
          f"{1000 * cpu / siege.done:.1f} ms a good answer", flush=True)
    report(siege, seconds, first, last)
    for name, (least, most) in {"good": (siege.done,) * 2, "abort-body": (0, 0), "abort-queued": (0, 0),
                                "stuck": (0, 0), "slow-sender": (0, 0)}.items():
        count = await siege.computed_of(name)
        print(f"computed for '{name}': {count}")
        expect(siege, least <= count <= most, f"{count} results of '{name}'")
    print(f"descriptors: {siege.before} before, {after} after")
    expect(siege, after == siege.before, "descriptors are left open")
    for problem in siege.problems[:10]:
        print("WRONG:", problem)
    sys.exit(len(siege.problems) > 0)


def report(siege, seconds, first, last):
    print(f"{siege.done} requests of {CLIENTS} clients in {seconds:.1f} s; "
          f"{sum('alone' not in p for p in siege.problems)} failed; " +
          ", ".join(f"{count} {name}" for name, count in siege.counts.items()))
    base = None
    for done, memory, files in siege.marks:
        if memory:
            print(f"after {done}: {memory / 1e6:.1f} MB, {files} descriptors")
        base = memory if done == MARKS[1] else base
    if base:
        growth = siege.marks[-1][1] / base - 1
        print(f"memory grew by {100 * growth:.1f} % since {MARKS[1]}")
        expect(siege, growth < MOST_GROWTH or not MOST_WAIT, "memory is not flat")
    service = (first + last) / 2
    median, theory = milliseconds(siege.waits, 0.5), CLIENTS * service
    print(f"latency: p50 {median:.0f} ms, p95 {milliseconds(siege.waits, 0.95):.0f} ms; "
          f"{CLIENTS} x {service:.1f} ms = {theory:.0f} ms: {median / theory:.2f} times "
          f"({median / (CLIENTS * min(first, last)):.2f} of the better of the two)")
    print(f"light requests: p50 {milliseconds(siege.light, 0.5):.1f} ms, "
          f"p99 {milliseconds(siege.light, 0.99):.1f} ms of {len(siege.light)}")
    expect(siege, not MOST_WAIT or median <= MOST_WAIT * theory, "they wait too long")


asyncio.run(main())
