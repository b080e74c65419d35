"""A headless Chromium driven over its debugging pipe: enough to open a page, point, click and look."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


class Browser:
    def __init__(self, folder: Path, *, size: tuple[int, int] = (1280, 900), is_dark: bool = False) -> None:
        from_test, self._write = os.pipe()
        self._read, to_test = os.pipe()
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
        ]
        options += ["--disable-dev-shm-usage", f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}"]

        def as_3_and_4() -> None:
            # Duplicates first: one of them may be 3 or 4 already.
            reading, writing = os.dup(from_test), os.dup(to_test)
            high_reading, high_writing = os.dup2(reading, 60), os.dup2(writing, 61)
            os.dup2(high_reading, 3)
            os.dup2(high_writing, 4)

        self.process = subprocess.Popen(
            [str(PROGRAM), *options, "--remote-debugging-pipe", "about:blank"],
            preexec_fn=as_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_test)
        os.close(to_test)
        self._buffer, self._number, self.messages = b"", 0, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.messages.append(answer)

    def open(self, page: Path) -> None:
        seen = len(self.messages)
        self.call("Page.navigate", url=page.as_uri())
        while not any(message.get("method") == "Page.loadEventFired" for message in self.messages[seen:]):
            self.messages.append(self._next())

    def value(self, expression: str) -> Any:
        """A JavaScript expression's value (a promise is awaited)."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def mouse(self, kind: str, x: float, y: float) -> None:
        button = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def click(self, x: float, y: float) -> None:
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def complaints(self) -> list[str]:
        """Errors, refusals of the security policy, and every request that is not a file of the folder."""
        found = []
        for message in self.messages:
            method, details = message.get("method"), message.get("params", {})
            if method == "Log.entryAdded" and details["entry"]["level"] == "error":
                found.append(details["entry"]["text"])
            if method == "Runtime.exceptionThrown":
                found.append(str(details["exceptionDetails"]))
            if method == "Network.loadingFailed" and not details.get("canceled"):
                found.append(details.get("errorText", "a request failed"))
            if method == "Network.requestWillBeSent" and not details["request"]["url"].startswith("file:"):
                found.append(f"a request to {details['request']['url']}")
        return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            received = os.read(self._read, 1 << 20)
            if not received:
                raise RuntimeError("the browser went away")
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)
