"""A real Chromium without a window, driven over its DevTools pipe: no driver, port or network."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# DevTools speaks over the file descriptors 3 and 4 of the browser.
LAUNCH = """
import fcntl, os, sys
down, up = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(down, 3)
os.dup2(up, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_chromium():
    """The path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser, one page. `messages` are console errors and exceptions, `requests` URLs."""

    def __init__(self, executable):
        self.home = tempfile.mkdtemp(prefix="autopelt-chromium-")
        down_read, self._down = os.pipe()
        self._up, up_write = os.pipe()
        options = (
            "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
            "--disable-background-networking --disable-extensions --mute-audio --hide-scrollbars "
            f"--remote-debugging-pipe --user-data-dir={self.home} about:blank"
        )
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, str(down_read), str(up_write)),
                *(executable, *options.split()),
            ],
            pass_fds=(down_read, up_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down_read)
        os.close(up_write)
        self._buffer, self._number, self._session = b"", 0, None
        self.messages, self.requests, self.shown = [], [], None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self):
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def close(self):
        """End the browser and remove its folder."""
        try:
            self._session = None
            self.send("Browser.close")
        except (OSError, RuntimeError):
            pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._down)
        os.close(self._up)
        shutil.rmtree(self.home, ignore_errors=True)

    # ------------------------------------------------------------------ protocol
    def send(self, method, **params):
        """Call a DevTools method and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._down, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._up], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError("Chromium does not answer")
            part = os.read(self._up, 1 << 20)
            if not part:
                raise RuntimeError("Chromium has ended")
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        answer = json.loads(text)
        self._note(answer.get("method"), answer.get("params", {}))
        return answer

    def _note(self, method, params):
        if method == "Runtime.exceptionThrown":
            detail = params["exceptionDetails"]
            self.messages.append(detail.get("exception", {}).get("description") or detail["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.messages.append(" ".join(str(a.get("value", a)) for a in params["args"]))
        elif method == "Log.entryAdded":
            self.messages.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.messages.append(f"dialog: {params['message']}")

    # ------------------------------------------------------------------ what a person does
    def show(self, path: Path):
        """Load a report unless it is shown already, as every load costs a second."""
        if self.shown != (path, 1200, False):
            self.open(path)
        self.messages.clear()

    def open(self, path: Path, width=1200, height=900, dark=False, fragment=""):
        """Load a report at a window size and wait until its figures are drawn."""
        self.messages, self.requests, self.shown = [], [], (path, width, dark)
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.until("document.body && document.body.dataset.ready === 'yes'")

    def resize(self, width, height):
        """Change the window's size."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script):
        """Value of a JavaScript expression (promises are awaited)."""
        found = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            detail = found["exceptionDetails"]
            raise RuntimeError(detail.get("exception", {}).get("description", detail["text"]))
        return found["result"].get("value")

    def until(self, condition, seconds=90):
        """Wait until a JavaScript condition holds."""
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"never true: {condition}; console: {self.messages}")
            time.sleep(0.03)

    def mouse(self, kind, x, y, button="none"):
        """A real mouse event at viewport coordinates."""
        clicks = 1 if kind != "mouseMoved" else 0
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=clicks)

    def move_to(self, x, y):
        """Move the mouse there in two steps, as hover needs a movement."""
        self.mouse("mouseMoved", x - 3, y - 3)
        self.mouse("mouseMoved", x, y)

    def click_at(self, x, y):
        """Press and release the left button."""
        self.move_to(x, y)
        self.mouse("mousePressed", x, y, "left")
        self.mouse("mouseReleased", x, y, "left")

    def click(self, selector):
        """Scroll an element into view and click its middle."""
        place = self.run(
            f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]; }})()"""
        )
        self.click_at(*place)

    def key(self, key, **more):
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, **more)

    def screenshot(self, path: Path, full=True):
        """Save the page as PNG."""
        extra = {}
        if full:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            extra = {
                "captureBeyondViewport": True,
                "clip": {
                    "x": 0,
                    "y": 0,
                    "width": size["width"],
                    "height": size["height"],
                    "scale": 1,
                },
            }
        data = self.send("Page.captureScreenshot", format="png", **extra)["data"]
        path.write_bytes(base64.b64decode(data))
