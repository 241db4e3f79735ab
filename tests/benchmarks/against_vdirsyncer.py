"""Pairwise and vdirsyncer at the same work: two address books of one Radicale server, whole processes, by turns.

Usage: ``python -m tests.benchmarks.against_vdirsyncer --cards 5000`` (``--help`` names the rest). Both tools get a
server and a pair of books of their own with the same cards. What is measured:

* wall: from starting the tool's process to its end
* outside: wall time during which the server was at no request of the tool. Requests that overlap count once, so a tool
  that works while it waits has that work for nothing
* cpu: processor time of the tool's process, user and system

Both books of a pair hold the same cards at first and each tool links them unmeasured; ``--first`` measures instead the
first sync of a full book into an empty one. After every run the books themselves are looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BOOKS = ("left", "right")
START = 30.0  # seconds a server may take to answer
LONGEST = 1800.0  # seconds one run of a tool may take

RADICALE = """[server]
hosts = 127.0.0.1:{port}
max_connections = 50
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {root}/store
[rights]
type = owner_only
[web]
type = none
[logging]
level = error
"""
VDIRSYNCER = """[general]
status_path = "{root}/status"
[pair bench]
a = "left"
b = "right"
collections = null
conflict_resolution = "a wins"
"""
STORAGE = """[storage {book}]
type = "carddav"
url = "{url}bench/{book}/"
username = "bench"
password = "bench"
"""
PAIRWISE = """tenants:
  - slug: bench
    name: Bench
    region: BE
    accounts:
      - &dav
        name: left
        app: carddav
        base_url: {url}
        credentials: {{username: bench, password: bench}}
      - <<: *dav
        name: right
    connections:
      - name: bench
        a: {{account: left, folder: /bench/left/}}
        b: {{account: right, folder: /bench/right/}}
        every: 1d
"""
CARD = """BEGIN:VCARD
VERSION:3.0
UID:{uid}
FN:{name}
N:Family{number};Given{number};;;
ORG:Company {company}
TITLE:Engineer
EMAIL;TYPE=WORK:given{number}@example.com
EMAIL;TYPE=HOME:home{number}@example.net
TEL;TYPE=WORK:{phone}
ADR;TYPE=WORK:;;Street {number};Ghent;;9000;Belgium
NOTE:Contact {number}. {note}
END:VCARD
"""


@dataclass(frozen=True)
class Taken:
    """Seconds."""

    wall: float
    outside: float
    cpu: float
    requests: int


def uid(number: int) -> str:
    return f"6f1c2b0e-0000-4000-8000-{number:012d}"


def name(number: int) -> str:
    return f"Given{number} Family{number}"


def card(number: int, edition: int = 0) -> str:
    phone = f"+32 9 {edition:03d} {number // 100:02d} {number % 100:02d}"
    text = CARD.format(
        uid=uid(number),
        name=name(number),
        number=number,
        company=number % 97,
        phone=phone,
        note="Lorem ipsum dolor sit amet. " * 5,
    )
    return text.replace("\n", "\r\n")


class Server:
    """A Radicale of one tool alone, whose books are filled on disk: it looks at all cards for each new one put."""

    def __init__(self, root: Path, sizes: Sequence[int]) -> None:
        self.root = root
        self.log = root / "requests"
        self._seen = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        for book, size in zip(BOOKS, sizes, strict=True):
            self.folder(book).mkdir(parents=True)
            props = {"tag": "VADDRESSBOOK", "D:displayname": book}
            (self.folder(book) / ".Radicale.props").write_text(json.dumps(props))
            for number in range(size):
                self.put(book, number, 0)
        (root / "users").write_text("bench:bench\n")
        (root / "radicale.conf").write_text(RADICALE.format(port=self.port, root=root))

    def folder(self, book: str) -> Path:
        return self.root / "store" / "collection-root" / "bench" / book

    def put(self, book: str, number: int, edition: int) -> None:
        (self.folder(book) / f"{uid(number)}.vcf").write_text(card(number, edition), newline="")

    def phones(self, book: str) -> dict[str, str]:
        """The phone line of each card, by name: a copy has a UID of its own."""
        found = {}
        for file in self.folder(book).glob("*.vcf"):
            lines = file.read_text().splitlines()
            phone = next(line.partition(":")[2] for line in lines if line.startswith("TEL"))
            found[next(line[3:] for line in lines if line.startswith("FN:"))] = phone
        return found

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [sys.executable, str(HERE / "timed_radicale.py"), str(self.root / "radicale.conf"), str(self.log)]
        process = subprocess.Popen(command)
        try:
            until = time.monotonic() + START
            while not self._answers():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("Radicale did not start.")
                time.sleep(0.05)
            self.requests()
            yield
        finally:
            process.terminate()
            process.wait()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def requests(self) -> list[tuple[str, float, float]]:
        """Those since the last call: method, start and end."""
        lines = self.log.read_text().splitlines()
        fresh, self._seen = lines[self._seen :], len(lines)
        return [(method, start, end) for method, start, end in map(json.loads, fresh) if method]


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds in at least one of the spans."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


class Tool:
    """One of the two, with the server it works on."""

    name = ""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.environment: Mapping[str, str] = os.environ

    def prepare(self) -> None:
        raise TypeError(f"{self.name} is not set up")

    def command(self) -> list[str]:
        raise TypeError(f"{self.name} has no command")

    def run(self, *command: str, answers: str = "") -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, input=answers, capture_output=True, text=True, timeout=LONGEST
        )
        if done.returncode:
            raise SystemExit(f"{self.name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def sync(self) -> Taken:
        self.server.requests()
        before = os.times()
        start = time.monotonic()
        self.run(*self.command())
        wall = time.monotonic() - start
        after = os.times()
        spans = self.server.requests()
        cpu = after.children_user - before.children_user + after.children_system - before.children_system
        return Taken(wall, wall - covered([span[1:] for span in spans]), cpu, len(spans))


class Vdirsyncer(Tool):
    name = "vdirsyncer"

    def __init__(self, server: Server, program: Path) -> None:
        super().__init__(server)
        self.program = program

    def prepare(self) -> None:
        storages = "".join(STORAGE.format(book=book, url=self.server.url) for book in BOOKS)
        config = self.server.root / "vdirsyncer.conf"
        config.write_text(VDIRSYNCER.format(root=self.server.root) + storages)
        self.run(*self.command()[:-1], "discover", answers="y\ny\n")

    def command(self) -> list[str]:
        return [str(self.program), "--config", str(self.server.root / "vdirsyncer.conf"), "sync"]


class Pairwise(Tool):
    name = "Pairwise"

    def prepare(self) -> None:
        unwanted = ("DATABASE_URL", "REDIS_URL", "QUEUE_BROKER", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
        self.environment = {key: value for key, value in os.environ.items() if key not in unwanted} | {
            "DATA_DIR": str(self.server.root / "pairwise"),
            "ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{self.server.port}",
            "LOG_LEVEL": "WARNING",
        }
        file = self.server.root / "pairwise.yaml"
        file.write_text(PAIRWISE.format(url=self.server.url))
        manage = self.command()[:2]
        self.run(*manage, "migrate", "--verbosity", "0")
        self.run(*manage, "createcachetable", "--verbosity", "0")
        self.run(*manage, "apply", str(file))

    def command(self) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), "sync", "bench/bench"]


# ---- the work


def edit(server: Server, cards: int, edition: int) -> dict[str, str]:
    """Half a percent of the cards on each side get another phone; returns what both books must hold."""
    each = max(1, cards // 200)
    wanted = server.phones("left")
    for place, book in enumerate(BOOKS):
        for number in range(place * each, (place + 1) * each):
            server.put(book, number, edition)
            wanted[name(number)] = f"+32 9 {edition:03d} {number // 100:02d} {number % 100:02d}"
    return wanted


def check(tool: Tool, wanted: Mapping[str, str]) -> None:
    for book in BOOKS:
        if tool.server.phones(book) != wanted:
            raise SystemExit(f"After a run of {tool.name} the book {book} does not hold what it should.")


def later_runs(tools: Sequence[Tool], cards: int, rounds: int) -> dict[str, dict[str, list[Taken]]]:
    taken: dict[str, dict[str, list[Taken]]] = {
        phase: {tool.name: [] for tool in tools} for phase in ("nothing changed", "1% changed")
    }
    for tool in tools:
        tool.prepare()
        tool.sync()  # links the cards
        check(tool, {name(number): card(number).split("TEL;TYPE=WORK:")[1].split("\r\n")[0] for number in range(cards)})
        tool.sync()
    for edition in range(1, rounds + 1):
        for tool in tools:
            taken["nothing changed"][tool.name].append(tool.sync())
        for tool in tools:
            wanted = edit(tool.server, cards, edition)
            taken["1% changed"][tool.name].append(tool.sync())
            check(tool, wanted)
        for tool in tools:
            tool.sync()  # each has seen its own writes before the next round
    return taken


def first_runs(tools: Sequence[Tool]) -> dict[str, dict[str, list[Taken]]]:
    taken: dict[str, dict[str, list[Taken]]] = {"first sync": {tool.name: [] for tool in tools}}
    for tool in tools:
        tool.prepare()
        wanted = tool.server.phones("left")
        taken["first sync"][tool.name].append(tool.sync())
        check(tool, wanted)
    return taken


@contextmanager
def arranged(program: Path, sizes: Sequence[int]) -> Iterator[list[Tool]]:
    """Both tools on running servers of their own."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pairwise-against-")))
        servers = []
        for name in ("vdirsyncer", "pairwise"):
            (root / name).mkdir()
            servers.append(Server(root / name, sizes))
            stack.enter_context(servers[-1].running())
        yield [Vdirsyncer(servers[0], program), Pairwise(servers[1])]


@contextmanager
def installed(given: Path | None) -> Iterator[Path]:
    """vdirsyncer, in a virtual environment that lives as long as the measurement, unless there is one already."""
    if given:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vdirsyncer-") as folder:
        venv.create(folder, with_pip=True)
        wanted = str(HERE / "requirements-benchmark.txt")
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        yield Path(folder) / "bin" / "vdirsyncer"


# ---- what it says


def report(taken: Mapping[str, Mapping[str, Sequence[Taken]]], cards: int, as_json: bool) -> None:
    rows = []
    for phase, by_tool in taken.items():
        for name, runs in by_tool.items():
            best = min(runs, key=lambda run: run.wall)
            row = {"cards": cards, "phase": phase, "tool": name, "runs": len(runs), "requests": best.requests}
            for what in ("wall", "outside", "cpu"):
                values = [getattr(run, what) for run in runs]
                row |= {what: round(min(values), 3), f"{what}_median": round(statistics.median(values), 3)}
            rows.append(row)
    if as_json:
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
        print(json.dumps({**machine, "load": os.getloadavg(), "measurements": rows}))
        return
    print(f"{cards} cards; Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    heads = ("wall", "wall_median", "outside", "outside_median", "cpu", "requests")
    print(f"{'phase':16}{'tool':12}" + "".join(f"{head.replace('_', ' '):>16}" for head in heads))
    for row in rows:
        print(f"{row['phase']:16}{row['tool']:12}" + "".join(f"{row[head]:>16}" for head in heads))
    for theirs, ours in zip(rows[::2], rows[1::2], strict=True):
        ratios = ", ".join(f"{what} {float(theirs[what]) / float(ours[what]):.2f}" for what in heads[:5])  # type: ignore[arg-type]
        print(f"{theirs['phase']}, vdirsyncer / Pairwise: {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Pairwise against vdirsyncer on Radicale.")
    parser.add_argument("--cards", type=int, default=5000, help="in each book")
    parser.add_argument("--rounds", type=int, default=5, help="how often each run is measured; the best counts")
    parser.add_argument("--first", action="store_true", help="measure the first sync of a full book into an empty one")
    parser.add_argument("--vdirsyncer", type=Path, help="the program, if it is installed already")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with installed(options.vdirsyncer) as program:
        if options.first:
            taken: dict[str, dict[str, list[Taken]]] = {}
            for _ in range(options.rounds):
                with arranged(program, (options.cards, 0)) as tools:
                    for phase, by_tool in first_runs(tools).items():
                        for name, runs in by_tool.items():
                            taken.setdefault(phase, {}).setdefault(name, []).extend(runs)
        else:
            with arranged(program, (options.cards, options.cards)) as tools:
                taken = later_runs(tools, options.cards, options.rounds)
    report(taken, options.cards, options.json)


if __name__ == "__main__":
    main()
