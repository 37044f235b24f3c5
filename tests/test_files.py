"""Files are written whole or not at all, and nothing is left beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from onoma.exceptions import DataError
from onoma.files import digest, replacing, replacing_path


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "x.bin"
    with replacing_path(target) as draft:
        assert draft.parent == target.parent and not target.exists()
        draft.write_bytes(b"\0\xff")
        assert not target.exists()
    assert target.read_bytes() == b"\0\xff" and left(tmp_path) == ["a", "a/b", "a/b/x.bin"]
    with replacing(target) as handle:
        handle.write("ä\n")
    assert target.read_bytes() == b"\xc3\xa4\n"


def test_a_block_that_fails_leaves_the_old_file_and_no_folders(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    for path in (tmp_path / "x", tmp_path / "a" / "b" / "x"):
        with pytest.raises(ValueError, match="stop"), replacing_path(path) as draft:
            draft.write_text("half")
            raise ValueError("stop")
        with pytest.raises(DataError, match=r"half a surrogate pair"), replacing(path) as handle:
            handle.write("a\ud800")
    assert left(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"
    (tmp_path / "kept").mkdir()
    with pytest.raises(ValueError, match="stop"), replacing_path(tmp_path / "kept" / "x"):
        raise ValueError("stop")
    assert left(tmp_path) == ["kept", "x"]


@pytest.mark.parametrize("write", [replacing, replacing_path])
def test_places_that_cannot_be_written_are_named(tmp_path: Path, write: Any) -> None:
    (tmp_path / "file").write_text("x")
    for path, message in (
        (tmp_path, "is a directory"),
        (tmp_path / "file" / "x", "cannot be written: "),
        (tmp_path / ("x" * 300), "cannot be written: "),
    ):
        with pytest.raises(DataError, match=message) as caught, write(path):
            pass
        assert caught.value.path == path
    assert left(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="links and devices of POSIX")
def test_links_are_followed_and_devices_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with replacing_path(tmp_path / "link") as draft:
        draft.write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    for null in (Path(os.devnull), tmp_path / "null"):
        if null != Path(os.devnull):
            null.symlink_to(os.devnull)
        with replacing_path(null) as draft:
            assert draft == null
            draft.write_text("gone")
        with replacing(null) as handle:
            handle.write("gone")
        assert null.is_char_device()


def test_a_digest_is_of_names_and_content(tmp_path: Path) -> None:
    folder, file = tmp_path / "model", tmp_path / "vectors"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a").write_text("1")
    file.write_text("x")
    found = [digest([folder, file])]
    (folder / "inner" / "a").write_text("2")
    found.append(digest([folder, file]))
    (folder / "inner" / "a").rename(folder / "inner" / "b")
    found.append(digest([folder, file]))
    file.write_text("y")
    found.append(digest([folder, file]))
    assert len(set(found)) == 4 and digest([folder, file]) == found[-1]
    assert digest([tmp_path / "gone"]) == digest([])
