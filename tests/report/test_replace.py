"""One way to replace a folder: whole or not at all, nothing of the user's lost, whatever kind of folder it is."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcsim.errors import InputError, OutputError
from pcsim.report import in_place, replace, replace_folder, turns, workplace
from pcsim.report.replace import check_folder
from pcsim.report.turns import turn
from tests.helpers import folders

ROOT = Path(__file__).parents[2]
ROOT_USER = os.name == "posix" and os.geteuid() == 0
OLD = {"a.txt": "old", "b.txt": "old", "figures/x.svg": "old", "figures/x.csv": "old"}
NEW = {"a.txt": "new", "c.txt": "new", "figures/y.svg": "new", "figures/y.csv": "new"}
KNOWN = ("a.txt", "b.txt", "c.txt", "figures")


def contents(folder):
    return {path: text.decode() for path, text in folders.contents(folder).items()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def put(folder, files, **more):
    return replace_folder(folder, files, known=KNOWN, last="a.txt", **more)


@pytest.fixture
def mount(tmp_path):
    """A folder on which a file system of its own is mounted."""
    folder = tmp_path / "volume"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if not ROOT_USER or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("needs a file system of its own, which only root can make")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


# --- Every kind of folder ---


def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Path("."), tmp_path / "here"


def above(tmp_path, monkeypatch):
    (tmp_path / "here" / "figures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "figures")
    return Path(".."), tmp_path / "here"


def slashes(tmp_path, monkeypatch):
    return f"{tmp_path}//r/", tmp_path / "r"


def detour(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    return Path("../there/../r"), tmp_path / "r"


def link(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    return tmp_path / "link", tmp_path / "there"


def below_a_link(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    return tmp_path / "link" / "deep" / "r", tmp_path / "there" / "deep" / "r"


def long(tmp_path, monkeypatch):
    return tmp_path / ("n" * 255), tmp_path / ("n" * 255)


def unicode(tmp_path, monkeypatch):
    return tmp_path / "ü ber\n'", tmp_path / "ü ber\n'"


@pytest.mark.parametrize("kind", [here, above, slashes, detour, link, below_a_link, long, unicode])
def test_a_report_is_written_and_replaced_whatever_kind_of_folder_it_is(
    tmp_path, monkeypatch, kind
):
    asked, place = kind(tmp_path, monkeypatch)
    beside = names(place.parent) if place.parent.exists() else []
    for files in (OLD, NEW, OLD):
        check_folder(Path(asked), known=KNOWN)
        assert put(Path(asked), files) == Path(asked)
        assert contents(place) == files
    assert set(names(place.parent)) <= {*beside, place.name}
    if kind is link:
        assert (tmp_path / "link").is_symlink()


def test_a_mounted_folder_gets_its_files_one_by_one(mount):
    for files in (OLD, NEW, OLD):
        check_folder(mount, known=KNOWN)
        put(mount, files)
        assert contents(mount) == files
    assert names(mount.parent) == ["volume"]


def test_a_folder_that_turns_out_not_to_move_gets_its_files_one_by_one(tmp_path, monkeypatch):
    put(tmp_path / "r", OLD)

    def busy(one, other):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(replace, "exchange", busy)
    put(tmp_path / "r", NEW)
    assert contents(tmp_path / "r") == NEW
    assert names(tmp_path) == ["r"]


def test_without_exchanging_folders_the_new_one_is_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(replace, "exchange", lambda one, other: False)
    for files in (OLD, NEW):
        put(tmp_path / "r", files)
        assert contents(tmp_path / "r") == files
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda at: at.write_text("mine"), "{at} must be a folder, not a file"),
        (lambda at: at.symlink_to("nowhere"), "{at} must be a folder, not a link that leads nowhere"),
        (lambda at: at.symlink_to(at.name), "{at} must be a folder, not a link that leads nowhere"),
        (lambda at: os.mkfifo(at), "{at} must be a folder, not a file"),
    ],
    ids=["file", "dangling", "loop", "pipe"],
)  # fmt: skip
def test_what_is_no_folder_is_refused_before_anything_is_written(tmp_path, make, said):
    at = tmp_path / "r"
    make(at)
    for act in (lambda: check_folder(at, known=KNOWN), lambda: put(at, NEW)):
        with pytest.raises(InputError) as caught:
            act()
        assert str(caught.value) == f"{said.format(at=at)}\n    name another folder with -o"
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize(
    "name", ["n" * 256, "n" * 5000, "deep/" + "n" * 256, "d/" * 2040 + "r", "a\0b"]
)
def test_a_name_that_no_folder_can_have_is_refused(tmp_path, name):
    with pytest.raises(InputError) as caught:
        check_folder(tmp_path / name, known=KNOWN)
    assert " must be a folder that can be made (" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert names(tmp_path) == []


def test_a_loop_of_links_on_the_way_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError) as caught:
        check_folder(tmp_path / "loop" / "r", known=KNOWN)
    assert "must be a folder that can be made" in str(caught.value)


def test_a_folder_in_which_nothing_can_be_made_is_refused(mount):
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    for folder in (mount, mount / "r"):
        with pytest.raises(InputError) as caught:
            check_folder(folder, known=KNOWN)
        assert "must not be written" in str(caught.value)


# --- Nothing of the user's ---


@pytest.mark.parametrize(
    "path",
    ["thesis.tex", "figures/mine.svg", "figures/notes.txt", "figures/deep/x.csv", ".hidden"],
)
@pytest.mark.parametrize("moved", [True, False], ids=["moved", "in place"])
def test_a_foreign_file_is_never_touched(tmp_path, path, moved, monkeypatch):
    folder = put(tmp_path / "r", OLD)
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text("mine")
    before = contents(folder)
    if not moved:
        monkeypatch.chdir(folder)
    with pytest.raises(InputError) as caught:
        put(folder, NEW)
    foreign = "figures/deep" if "deep" in path else path
    assert f"must hold nothing but an earlier report, not {foreign!r}" in str(caught.value)
    assert contents(folder) == before
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize("name", ["a.txt", "figures"])
def test_a_link_in_the_folder_is_the_users(tmp_path, name):
    folder = tmp_path / "r"
    folder.mkdir()
    (tmp_path / "there").mkdir()
    (folder / name).symlink_to(tmp_path / "there")
    with pytest.raises(InputError, match="must hold nothing but an earlier report"):
        put(folder, NEW)
    assert (folder / name).is_symlink()


def test_a_file_of_the_users_under_a_known_name_is_not_taken_for_ours(tmp_path):
    (tmp_path / "a.txt").write_text("the user's own")
    with pytest.raises(InputError) as caught:
        put(tmp_path, NEW, marks={"a.txt": b"by pcsim"})
    assert str(caught.value) == (
        f"{tmp_path} must hold nothing but an earlier report, but 'a.txt' is of none\n"
        "    name another folder with -o"
    )
    assert contents(tmp_path) == {"a.txt": "the user's own"}
    (tmp_path / "a.txt").write_text("by pcsim")
    put(tmp_path, {"a.txt": "by pcsim again"}, marks={"a.txt": b"by pcsim"})


@pytest.mark.parametrize("swaps", [True, False], ids=["exchanged", "renamed"])
def test_a_file_that_comes_while_the_new_folder_is_written_survives(tmp_path, monkeypatch, swaps):
    folder = put(tmp_path / "r", OLD)
    real = turns.exchange

    def late(one, other):
        (folder / "thesis.tex").write_text("mine")
        (folder / "figures" / "mine.txt").write_text("mine")
        return real(one, other) if swaps else False

    monkeypatch.setattr(replace, "exchange", late)
    put(folder, NEW)
    assert contents(folder) == {**NEW, "thesis.tex": "mine", "figures/mine.txt": "mine"}
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize(
    "name", [".r.01234567.new", ".r.89abcdef.old", ".pcsim-0123456789ab", ".pcsim-mine"]
)
def test_folders_beside_it_are_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "lock").write_text("mine")
    put(tmp_path / "r", NEW)
    put(tmp_path / "r", OLD)
    assert names(tmp_path) == sorted([name, "r"])
    assert (tmp_path / name / "lock").read_text() == "mine"


# --- Failures ---


@pytest.fixture
def full_after(monkeypatch):
    """``full_after(n)``: the disk is full after n more files."""

    def patch(count):
        real = workplace.write_new
        left = [count]

        def write(path, content):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(path, content)

        monkeypatch.setattr(workplace, "write_new", write)

    return patch


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "in place"])
@pytest.mark.parametrize("count", range(4))
def test_a_full_disk_leaves_all_as_it_was(tmp_path, full_after, count, moved, monkeypatch):
    folder = put(tmp_path / "r", OLD)
    if not moved:
        monkeypatch.chdir(folder)
    full_after(count)
    with pytest.raises(OutputError) as caught:
        put(folder, NEW)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"{folder} could not be written: No space left on device; what was there is unchanged"
    )
    assert contents(folder) == OLD
    assert names(tmp_path) == ["r"]


def test_a_really_full_disk_leaves_all_as_it_was(mount):
    put(mount, OLD)
    for folder in (mount, mount / "r"):
        with pytest.raises(
            OutputError, match=r"No space left on device; what was there is unchanged$"
        ):
            put(folder, {"a.txt": "x" * 300_000})
        assert contents(mount) == OLD
        assert names(mount) == ["a.txt", "b.txt", "figures"]


@pytest.mark.parametrize("count", range(8))
def test_a_failure_between_two_files_is_undone(tmp_path, monkeypatch, count):
    folder = put(tmp_path / "r", OLD)
    monkeypatch.chdir(folder)
    left = [count]

    def fails(real):
        def act(one, other):
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.EIO, "Input/output error")
            return real(one, other)

        return act

    with monkeypatch.context() as patch:
        patch.setattr(in_place.os, "replace", fails(os.replace))
        patch.setattr(Path, "rename", fails(Path.rename))
        try:
            put(Path("."), NEW)
        except OutputError as error:
            assert str(error) == (
                ". could not be written: Input/output error; what was there is unchanged"
            )
            assert contents(folder) == OLD
        else:
            assert contents(folder) == NEW
    assert not [name for name in names(folder) if name.startswith(".")]


def test_what_could_not_be_undone_is_said(tmp_path, monkeypatch):
    folder = put(tmp_path / "r", OLD)
    monkeypatch.chdir(folder)

    def broken(one, other):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(in_place.os, "replace", broken)
        with pytest.raises(OutputError) as caught:
            put(Path("."), NEW)
    assert str(caught.value) == (
        f"{folder} could not be written: Input/output error; it holds files of the earlier report and of the new "
        "one, and the same command writes it again"
    )
    put(Path("."), NEW)
    assert contents(folder) == NEW


@pytest.mark.skipif(os.name != "posix", reason="permissions are of POSIX")
def test_files_and_folders_get_the_permissions_of_the_umask_and_a_folder_keeps_its_own(tmp_path):
    before = os.umask(0o027)
    try:
        folder = put(tmp_path / "r", OLD)
        found = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
        assert found == {0o640}
        assert stat.S_IMODE((folder / "figures").stat().st_mode) == 0o750
        folder.chmod(0o700)
        put(folder, NEW)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)


# --- Several processes ---

WRITER = """
import sys
from pathlib import Path
from pcsim.report import replace_folder
known = ("a.txt", "b.txt", "c.txt", "figures")
who, times = sys.argv[2], int(sys.argv[3])
for turn in range(times):
    files = {name: f"{who} {turn}" for name in ("a.txt", f"{who}.txt", f"figures/{who}.svg", f"figures/{who}.csv")}
    replace_folder(Path(sys.argv[1]), files, known=known, last="a.txt")
"""


def writer(folder, who, times):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), who, str(times)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def check_whole(found):
    """Whether all files are of one replacement by one process."""
    (said,) = set(found.values())
    who = said.partition(" ")[0]
    assert set(found) == {"a.txt", f"{who}.txt", f"figures/{who}.svg", f"figures/{who}.csv"}
    return who


def check_two_writers(folder, times):
    both = [writer(folder, who, times) for who in "bc"]
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert not errors, errors
        assert process.returncode == 0
    check_whole(contents(folder))


def test_two_writers_leave_a_whole_report_of_one_of_them(tmp_path):
    check_two_writers(tmp_path / "r", 20)
    assert names(tmp_path) == ["r"]


@pytest.mark.slow
def test_three_hundred_replacements_by_two_writers_are_whole(tmp_path):
    for _ in range(10):
        check_two_writers(tmp_path / "r", 15)
    assert names(tmp_path) == ["r"]


def test_two_writers_in_a_mounted_folder_leave_a_whole_report_of_one_of_them(mount):
    check_two_writers(mount, 20)
    assert len(names(mount)) == 3


def test_who_reads_meanwhile_sees_one_whole_report(tmp_path):
    """Through a handle of the folder, as names lead to the next one at any moment."""
    folder = tmp_path / "r"
    put(folder, OLD)
    process = writer(folder, "b", 60)
    seen = 0
    while process.poll() is None:
        assert folder.is_dir()
        seen += 1
    assert process.communicate()[1] == ""
    assert seen > 0


def test_a_killed_writer_leaves_one_whole_report_and_the_next_clears_up(tmp_path):
    folder = tmp_path / "r"
    put(folder, {"a.txt": "c 0", "c.txt": "c 0", "figures/c.svg": "c 0", "figures/c.csv": "c 0"})
    for moment in range(6):
        process = writer(folder, "b", 100_000)
        time.sleep(0.25 + moment / 50)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_whole(contents(folder))
    put(folder, NEW)
    assert contents(folder) == NEW
    assert names(tmp_path) == ["r"]


def test_a_writer_killed_in_a_mounted_folder_leaves_what_the_next_replaces(mount):
    for moment in range(6):
        process = writer(mount, "b", 100_000)
        time.sleep(0.25 + moment / 50)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    put(mount, NEW)
    assert contents(mount) == NEW
    assert names(mount) == ["a.txt", "c.txt", "figures"]


def test_a_folder_moved_away_by_a_killed_process_is_put_back(tmp_path, monkeypatch):
    """Where folders cannot be exchanged, a process can be killed between two renames."""
    folder = put(tmp_path / "r", OLD)
    code = f"""
import os, signal
from pathlib import Path
from pcsim.report import replace, replace_folder
replace.exchange = lambda one, other: False
real = Path.rename
def rename(self, target):
    real(self, target)
    if Path(target).name == "old":
        os.kill(os.getpid(), signal.SIGKILL)
Path.rename = rename
replace_folder(Path({str(folder)!r}), {NEW!r}, known={KNOWN!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment)
    assert done.returncode == -signal.SIGKILL
    assert not folder.exists()
    put(tmp_path / "other", NEW)
    assert contents(folder) == OLD
    assert names(tmp_path) == ["other", "r"]


def test_another_program_that_holds_the_folders_lock_is_not_waited_for_for_ever(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(turns, "WAIT_S", 0.1)
    with turn(tmp_path):
        put(tmp_path / "r", OLD)
        put(tmp_path / "r", NEW)
    assert contents(tmp_path / "r") == NEW


def test_a_living_process_keeps_its_working_folder(tmp_path):
    job = workplace.Job("r", tuple(NEW), KNOWN)
    with workplace.Workplace(tmp_path, tmp_path / "r", job) as work:
        work.write({name: text.encode() for name, text in NEW.items()})
        put(tmp_path / "r", OLD)
        put(tmp_path / "s", OLD)
        assert contents(work.new) == NEW
        assert re.fullmatch(r"\.pcsim-[0-9a-f]{12}", work.path.name)
    assert names(tmp_path) == ["r", "s"]
