"""The house has one way through it: no room imports a room to its right."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pcsim

PACKAGE = Path(pcsim.__file__).parent
LINE = [
    "compiled",
    "network",
    "config",
    "engine",
    "program",
    "placement",
    "machine",
    "technology",
    "verdict",
    "report",
]
COMMON = {"units", "errors", "formats", "notes", "shipped", "writing", "cache", "version"}


def imports(path: Path) -> set[str]:
    """The pcsim modules that a file imports, absolute or relative, anywhere in it."""
    found = set()
    inside = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = ".".join(inside[: len(inside) - node.level + 1])
                module = f"{base}.{node.module}" if node.module else base
            else:
                module = node.module or ""
            found.add(module)
            if module == "pcsim":
                found |= {f"pcsim.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "pcsim"}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("name", LINE)
def test_a_room_imports_only_rooms_to_its_left(name):
    allowed = set(LINE[: LINE.index(name) + 1]) | COMMON
    for path in sorted((PACKAGE / name).rglob("*.py")):
        for module in imports(path):
            if module == "pcsim":
                continue
            assert room(module) in allowed, f"{path.name} of {name} imports {module}"


def test_theory_is_not_on_the_way_from_files_to_verdict():
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        # The self test of ``doctor`` compares with theory, experiments show it.
        if inside[0] not in ("theory", "cli", "experiments"):
            assert not any(room(module) == "theory" for module in imports(path)), path


def test_what_all_rooms_share_imports_no_room():
    for name in COMMON:
        assert not {room(module) for module in imports(PACKAGE / f"{name}.py")} - COMMON


def test_what_compiles_stands_on_the_ground_and_only_what_computes_uses_it():
    for name in ("network", "config", "program", "placement", "technology", "verdict", "report"):
        for path in sorted((PACKAGE / name).rglob("*.py")):
            assert not any(room(module) == "compiled" for module in imports(path)), path


def test_config_needs_neither_numpy_nor_numba_and_only_machine_needs_simpy():
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        tree = ast.parse(path.read_text())
        names = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        if inside[0] in ("network", "config", "units.py", "errors.py", "formats.py"):
            assert not names & {"numpy", "numba"}, path
        if inside[0] != "machine":
            assert "simpy" not in names, path
        if inside[0] != "compiled":  # Else what a kernel is compiled from is not all known.
            assert not names & {"numba", "llvmlite"}, path


def files_imported(path: Path) -> set[Path]:
    """The files of pcsim that a file imports, for types alone included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            place = PACKAGE.parent.joinpath(*name.split("."))
            files = [place.with_suffix(".py"), place / "__init__.py"]
            files += [place.parent.with_suffix(".py"), place.parent / "__init__.py"]
            found |= set([file for file in files if file.is_file()][:1])
    return {file for file in found if file.is_relative_to(PACKAGE)}


def test_no_files_import_each_other_in_a_circle():
    files = sorted(PACKAGE.rglob("*.py"))
    order = TopologicalSorter({path: files_imported(path) for path in files})
    order.prepare()  # Raises CycleError, which names the files.


TWICE = {"Backpropagation", "PredictiveCoding", "Relaxation"}
"""Those that are still to find names of their own."""


def test_no_two_public_classes_share_a_name():
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.relative_to(PACKAGE).as_posix())
    assert not {
        name: files for name, files in homes.items() if len(files) > 1 and name not in TWICE
    }


def test_tests_stand_in_folders_named_like_the_rooms():
    tests = Path(__file__).parents[1]
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= rooms | {".", "whole"}
