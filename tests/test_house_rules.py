"""What the house agreed on, held by machine. The lists of exceptions may only shrink."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"connectors": set(), "syncrules": {"connectors"}, "connections": {"connectors", "syncrules"}}
DJANGO = {"django", "allauth", "social_django", "django_q", "csp"}
PURE = ["connections.engine.match", "connections.engine.decide"]  # and all of `syncrules` but what is listed here
SYNCRULES_WITH_DJANGO = {"syncrules.apps", "syncrules.models", "syncrules.admin"}
IMPURE = DJANGO | {"requests", "urllib3", "socket", "time", "subprocess", "threading", "connectors.http"}

LONGEST_FILE, LONGEST_TEST_FILE, LONGEST_FUNCTION = 400, 600, 60
LONG_FILES = {
    "connections/benchmark/remotes.py": "two remotes that share everything",
    "connectors/base.py": "the contract, in one place",
}
LONG_FUNCTIONS = {
    "connections/engine/items.py: absorb": "one page of news in one transaction",
    "tests/admin/test_budgets.py: grow": "rows of every model",
}


def files(pattern: str = "*.py") -> list[Path]:
    """What git tracks or would track."""
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file() and "migrations" not in path.parts]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    forbidden = ({*ROOMS, "config", "tests"} - {room}) - ROOMS[room]
    if room == "connectors":
        forbidden |= DJANGO
    wrong = {
        f"{module_of(path)} imports {name}"
        for path in files(f"{room}/*.py")
        for name in imports(path)
        if within(name, forbidden)
    }
    assert not wrong


def test_no_migration_of_connections_speaks_of_syncrules() -> None:
    migrations = list((ROOT / "connections" / "migrations").glob("0*.py"))
    assert migrations
    assert not [path.name for path in migrations if "syncrules" in path.read_text()]


def test_the_heart_of_the_engine_is_pure() -> None:
    """Nor does anything it imports know a database, a clock or HTTP."""
    by_name = {module_of(path): path for path in files()}
    waiting = [*PURE, *(name for name in by_name if within(name, {"syncrules"}) and name not in SYNCRULES_WITH_DJANGO)]
    seen: set[str] = set()
    wrong = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in imports(by_name[module]):
            if within(name, IMPURE):
                wrong.add(f"{module} imports {name}")
            elif name in by_name:
                waiting.append(name)
    assert not wrong
    assert len(seen) > 10


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in files()
        if path.read_text().count("\n") > (LONGEST_TEST_FILE if within(module_of(path), {"tests"}) else LONGEST_FILE)
    }
    assert long == set(LONG_FILES)


def test_no_function_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def test_nothing_is_left_unfinished_or_tied_to_one_machine() -> None:
    marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"]
    machine = ["/ro" + "ot/", "/wo" + "rk/"]
    unfinished, tied = (rf"\b{mark}\b" for mark in marks), (rf"(?<![\w.:]){place}" for place in machine)
    pattern = re.compile("|".join([*unfinished, *tied]))
    found = {
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files("*")
        if path.suffix in {".py", ".md", ".html", ".css", ".js", ".toml", ".yaml", ".yml", ".txt", ".sh", ""}
        for match in pattern.finditer(path.read_text(errors="replace"))
    }
    assert not found


# ---- docs


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    commands = {path.stem for path in files("*/management/commands/*.py")} - {"__init__"}
    assert "supervise" in commands
    assert not {name for name in commands if not re.search(rf"`{name}\b", text)}


def read_settings() -> dict[str, object]:
    """Name -> default, where the default is written down as a constant, of every variable that is read."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        reads = ast.unparse(node.func).startswith("env.") or ast.unparse(node.func) in {"kept", "starting_with"}
        if reads and isinstance(name := node.args[0].value, str) and name.isupper():
            default = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
            known = isinstance(default, ast.Constant | ast.List)
            found.setdefault(name, ast.literal_eval(default) if known and default is not None else ...)
    return found


def documented_settings() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `([A-Z_<>]+)` \| (.*?) \| (.*?) \| `(.*?)` \|$", configuration(), flags=re.M)
    return {name: rest for name, *rest in rows}


def configuration() -> str:
    return (ROOT / "docs" / "configuration.md").read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    read, documented = read_settings(), documented_settings()
    assert {name if name != "APP_" else "APP_<APP>_<NAME>" for name in read} == set(documented)
    for name, default in read.items():
        if default is ... or name == "APP_":
            continue
        shown = (
            "empty" if default in ("", []) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        )
        assert documented[name][0] == shown, name


def pinned(file: str) -> set[str]:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][0-9a-z.]*", line), line
    return {re.split(r"[\[=]", line)[0] for line in lines}


def test_every_dependency_is_pinned_and_has_its_reason() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    to_run, to_develop = text.split("## To develop")
    for file, part in (("requirements.txt", to_run), ("requirements-dev.txt", to_develop)):
        assert set(re.findall(r"^\| ([\w.-]+) \| .{8,} \|$", part, flags=re.M)) == pinned(file)


def test_links_between_documents_lead_somewhere() -> None:
    for path in files("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            if not target.startswith("docs/images/"):
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target}"
