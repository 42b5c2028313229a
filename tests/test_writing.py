"""Single files: whole or not at all, with the permissions that the user asked for."""

import os
import stat

import pytest

from pcsim import writing


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "file"
    for content in (b"one", b"another"):
        writing.write_whole(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(monkeypatch, tmp_path):
    path = tmp_path / "file"
    writing.write_whole(path, b"old")

    def refuse(source, target):
        raise OSError("no")

    monkeypatch.setattr(writing.os, "replace", refuse)
    with pytest.raises(OSError, match=r"^no$"):
        writing.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions are of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o002, 0o077])
def test_files_get_the_permissions_of_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        writing.write_whole(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


def test_where_a_link_leads_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    writing.write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"new"


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    writing.write_whole(path, b"x")
    assert path.read_bytes() == b"x"
