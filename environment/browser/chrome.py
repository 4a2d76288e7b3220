"""A headless Chromium, spoken to over its DevTools protocol.

Playwright would do the same through a server of its own, of 40 MB and in another language.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START_SECONDS = 60
ANSWER_SECONDS = 60


# What goes wrong between this program and Chromium; an `OSError` beside these is of the disk.
ERRORS = (RuntimeError, ConnectionError, TimeoutError, websocket.WebSocketException)


def find() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chrome:
    """Use as a context manager; `open` loads a page and collects what it did."""

    def __init__(self, program: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="ttp-chrome-")
        command = [program, "--headless=new", "--remote-debugging-port=0", "--disable-gpu",
                   "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
                   "--disable-component-update", "--remote-allow-origins=*",
                   f"--user-data-dir={self.profile}", "about:blank"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to start for root with it.
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.socket = None
        self.session = None
        self.number = 0
        self.events: list[dict] = []
        try:
            self.connect()
        except BaseException:
            self.__exit__()
            raise

    def connect(self) -> None:
        self.socket = websocket.create_connection(self.address(), timeout=ANSWER_SECONDS)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def address(self) -> str:
        file = Path(self.profile) / "DevToolsActivePort"
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            lines = file.read_text().split("\n") if file.exists() else []
            if len(lines) > 1:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.1)
        raise RuntimeError("Chromium did not start")

    def __enter__(self) -> Chrome:
        return self

    def __exit__(self, *_) -> None:
        if self.socket:
            self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method: str, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, page: Path, **look) -> None:
        self.visit(page.resolve().as_uri(), **look)

    def visit(self, address: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url=address)
        end = time.monotonic() + ANSWER_SECONDS
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > end:
                raise RuntimeError(f"{address} did not load")
            self.events.append(json.loads(self.socket.recv()))
        self.evaluate("new Promise(done => setTimeout(done, 300))")

    def evaluate(self, expression: str):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30):
        """What the expression says, once that is something; the page may change meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = self.evaluate(expression)
            except RuntimeError:  # Between two pages.
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise RuntimeError(f"never: {expression}")

    def choose_files(self, selector: str, files: "list[Path]") -> None:
        """As if a user chose them in the dialogue of a file field."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        field = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=field, files=[str(file) for file in files])

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key goes down and up."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def downloads(self, folder: Path) -> None:
        """What a page saves goes there."""
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def requests(self) -> list[str]:
        """Every address that was asked for, the page's own among them. A `data:` address holds
        what it names, and nothing is asked for it."""
        asked = [e["params"]["request"]["url"] for e in self.events
                 if e.get("method") == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith("data:")]

    def complaints(self) -> list[str]:
        """Script errors, and what the browser logged: refused by the policy, for instance."""
        found = []
        for event in self.events:
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"]["text"])
            elif event.get("method") == "Log.entryAdded":
                entry = event["params"]["entry"]
                if entry["level"] in ("error", "warning"):
                    found.append(entry["text"])
        return found

    def picture(self, file: Path, whole: bool = False) -> None:
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(answer["data"]))
