"""A folder and a bucket do the same: what is written is there whole, and where they are away nothing is said of it."""

from pathlib import Path

import pytest

from bot.storage.interface import NoSuchFile, Storage, StorageTrouble
from tests.harness.processes.media import MediaStore


def paths(storage: Storage, prefix: str = "") -> list[str]:
    return [file.path for file in storage.files(prefix)]


def test_what_is_written_is_read_until_it_is_deleted(media: MediaStore) -> None:
    storage = media.storage
    storage.write("002/b.jpg", b"another")  # without any folder, its disk may be away
    with pytest.raises(NoSuchFile):
        storage.read("001/a.jpg")
    assert not storage.has("001/a.jpg")
    storage.delete("001/a.jpg")
    for content in (b"first", b"", bytes(range(256)) * 5_000):
        storage.write("001/a.jpg", content)
        assert storage.read("001/a.jpg") == content
        assert storage.read("001/a.jpg", 4) == content[:4]
        assert storage.has("001/a.jpg")
    assert not storage.has("001/a")
    storage.delete("001/a.jpg")
    with pytest.raises(NoSuchFile):
        storage.read("001/a.jpg")
    with pytest.raises(NoSuchFile):
        storage.stream("001/a.jpg")


def test_files_are_listed_by_the_beginning_of_their_paths(media: MediaStore) -> None:
    storage = media.storage
    assert paths(storage) == []
    written = [f"{shelf:03}/{shelf}-{number}.jpg" for shelf in (1, 12, 120) for number in range(3)]
    for path in (*written, "public/001/x.webp"):
        storage.write(path, path.encode())
    assert paths(storage) == sorted([*written, "public/001/x.webp"])
    assert paths(storage, "01") == [path for path in written if path.startswith("012")]
    assert paths(storage, "001/1-1") == ["001/1-1.jpg"]
    assert paths(storage, "001/1-7") == paths(storage, "9") == []
    assert {file.size for file in storage.files("001/")} == {len("001/1-0.jpg")}
    [there] = storage.below("public").files()
    assert there.path == "001/x.webp"
    assert storage.below("public").read(there.path) == b"public/001/x.webp"
    assert abs(there.written - next(iter(storage.files())).written) < 600


def test_a_large_file_goes_in_and_comes_out_in_pieces(media: MediaStore, tmp_path: Path) -> None:
    source, large = tmp_path / "large", bytes(range(256)) * 40_000  # more than S3's client sends in one request
    source.write_bytes(large)
    media.storage.write_file("ledger.csv", source)
    stream = media.storage.stream("ledger.csv")
    pieces = list(stream)
    stream.close()
    assert stream.file.size == len(large)
    assert b"".join(pieces) == large
    assert len(pieces) > 100
    media.storage.stream("ledger.csv").close()


def test_while_it_is_away_nothing_is_said_of_its_files(media: MediaStore, tmp_path: Path) -> None:
    storage, source = media.storage, tmp_path / "source"
    source.write_bytes(b"x")
    storage.write("001/a.jpg", b"there")
    media.go_away()
    for read in (storage.read, storage.stream):
        for path in ("001/a.jpg", "001/b.jpg"):
            with pytest.raises(StorageTrouble):
                read(path)
