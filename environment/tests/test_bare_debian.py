"""What a bare Debian gets, so that set-up finds all it asks for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import project

SCRIPT = project.ENVIRONMENT / "bare_debian.sh"
SUITE = "bookworm"
# Set by `make test-all`.
EVERYTHING = os.environ.get("TTP_TEST_ALL") == "1"
# A terminal's settings are not to reach into the folder.
INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
SET_UP_IS_CONTENT = """\
import sys
sys.path.insert(0, "/project/environment")
import setup
setup.check()
print("set-up finds all it asks for")
"""


def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(["sh", str(SCRIPT), *arguments], text=True, env={**os.environ, **variables},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Script(unittest.TestCase):
    def one_line(self, done: subprocess.CompletedProcess, *words: str) -> None:
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for word in ("error: ", *words):
            self.assertIn(word, lines[0])

    def bin(self, **programs: str) -> str:
        """A PATH with these programs alone, each a shell script."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("sh", "mktemp", "rm", "chmod", "sha256sum", "cat"):
            os.symlink(shutil.which(name), Path(folder.name, name))
        for name, text in programs.items():
            program = Path(folder.name, name.replace("_", "-"))
            program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            program.chmod(0o755)
        return folder.name

    def test_on_another_system(self) -> None:
        self.one_line(call(PATH=self.bin(id="echo 0")), "no apt-get here", "Debian and Ubuntu")

    def test_without_being_root(self) -> None:
        self.one_line(call(PATH=self.bin(id="echo 1000", apt_get="exit 9")), "installed by root: sudo sh")

    def test_an_option_that_is_none(self) -> None:
        self.one_line(call("--chrome"), "unknown option '--chrome'; known: --chromium, --no-rust")

    def test_packages_that_cannot_be_had(self) -> None:
        self.one_line(call(PATH=self.bin(id="echo 0", apt_get="exit 100")), "apt-get update failed")

    def test_a_rustup_that_is_not_the_pinned_one_is_not_run(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            path = self.bin(id="echo 0", apt_get="exit 0", uname="echo x86_64", curl=(
                "while [ $# -gt 1 ]; do [ \"$1\" = --output ] && echo 'touch ran' > \"$2\"; shift; done"))
            done = call(PATH=path, HOME=home, CARGO_HOME=home)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("rustup-init: wrong sha256; it was not used", done.stderr)
            self.assertEqual(os.listdir(home), [])
            done = call(PATH=self.bin(id="echo 0", apt_get="exit 0", uname="echo sparc"), HOME=home)
            self.one_line(done, "no rustup is pinned for sparc")

    def test_what_is_there_is_left_as_it_is(self) -> None:
        path = self.bin(id="echo 0", apt_get='echo "$@"', cargo="exit 0")
        done = call("--chromium", PATH=path)
        self.assertEqual(done.returncode, 0, done.stderr)
        packages = done.stdout.splitlines()[1].split()
        self.assertLessEqual({"make", "g++", "python3", "python3-venv", "chromium"}, set(packages))
        self.assertNotIn("chromium", call("--no-rust", PATH=path).stdout)


class Callers(unittest.TestCase):
    def test_both_containers_call_it(self) -> None:
        container = json.loads((project.ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
        self.assertIn("sh environment/bare_debian.sh", container["onCreateCommand"])
        recipe = (project.ENVIRONMENT / "Dockerfile").read_text(encoding="utf-8")
        self.assertRegex(recipe, r"(?m)^RUN sh /tmp/bare_debian\.sh --chromium")
        images = {container["image"], re.search(r"(?m)^FROM (\S+)", recipe).group(1)}
        self.assertEqual({image.partition("-slim")[0] for image in images}, {f"debian:{SUITE}"})

    def test_the_code_hosts_machine_runs_what_is_run_here(self) -> None:
        steps = (project.ROOT / ".github/workflows/checks.yml").read_text(encoding="utf-8")
        self.assertRegex(steps, r"(?m)^      - run: \.ci/run$")
        self.assertNotIn("secrets.", steps)
        self.assertNotIn("\t", steps)


class BareDebian(unittest.TestCase):
    trusted: "dict[str, str]" = {}

    @unittest.skipUnless(EVERYTHING, "slow: all that a bare Debian lacks is installed (make test-all)")
    def test_set_up_finds_all_it_asks_for(self) -> None:
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            self.skipTest("a bare Debian needs root")
        if not shutil.which("debootstrap"):
            self.skipTest("no debootstrap: apt-get install debootstrap")
        holder = tempfile.TemporaryDirectory(prefix="ttp-debian-")
        self.addCleanup(holder.cleanup)
        folder = Path(holder.name)
        made = subprocess.run(["debootstrap", "--variant=minbase", SUITE, str(folder)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode != 0:
            last = [line for line in made.stdout.splitlines() if line.strip()][-1:]
            self.skipTest(f"debootstrap made no bare Debian: {' '.join(last).strip()}")
        folder.chmod(0o755)
        # rustup asks where it lies itself.
        if subprocess.run(["mount", "-t", "proc", "proc", str(folder / "proc")], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("a bare Debian needs /proc, and it cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(folder / "proc")], check=True)
        for name in ("resolv.conf", "hosts"):
            if Path("/etc", name).exists():
                shutil.copyfile(Path("/etc", name), folder / "etc" / name)
        shutil.copytree(project.ENVIRONMENT, folder / "project/environment")
        # Where a network has a certificate of its own, the folder is to trust it as well.
        trusted = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
        if trusted.exists():
            shutil.copyfile(trusted, folder / "project/trusted.crt")
            self.trusted = {"SSL_CERT_FILE": "/project/trusted.crt", "CURL_CA_BUNDLE": "/project/trusted.crt"}
        for tool in ("make", "c++", "cargo"):
            self.assertNotEqual(self.inside(folder, tool, "--version").returncode, 0, f"{tool} is there already")
        done = self.inside(folder, "sh", "/project/environment/bare_debian.sh")
        if "cannot be fetched" in done.stderr or "apt-get update failed" in done.stderr:
            self.skipTest(f"no network: {'; '.join(done.stderr.splitlines()[-2:])}")
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        done = self.inside(folder, "python3", "-c", SET_UP_IS_CONTENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "set-up finds all it asks for\n")
        done = self.inside(folder, "python3", "-m", "venv", "/tmp/venv")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def inside(self, folder: Path, *command: str) -> subprocess.CompletedProcess:
        path = f"/root/.cargo/bin:{INSIDE['PATH']}"
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        try:
            return subprocess.run(["chroot", str(folder), *command], text=True, stdin=subprocess.DEVNULL,
                                  env={**INSIDE, **proxies, **self.trusted, "PATH": path}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=1200)
        except OSError as error:
            self.fail(str(error))


if __name__ == "__main__":
    unittest.main()
