"""A headless Chromium, driven over its debugging pipe: no driver and no library is needed.

The protocol is https://chromedevtools.github.io/devtools-protocol/: JSON messages, each ended by a NUL.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import time

import harness

FLAGS = [
    "--headless",
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]


def program():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        raise AssertionError("chromium is not installed: scripts/test-deps.sh installs it")
    return found


def pipe():
    """A pipe whose descriptors are above 4: the browser's ends are moved to 3 and 4."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Browser(harness.Process):
    """A browser with a profile of its own; it reads commands from descriptor 3 and answers on 4."""

    def __init__(self, test):
        (commands, self.commands), (self.answers, answers) = pipe(), pipe()
        script = f'exec "$@" 3<&{commands} 4>&{answers}'
        words = ["bash", "-c", script, "chromium", program(), *FLAGS, f"--user-data-dir={test.folder / 'profile'}"]
        super().__init__(test, "chromium", [*words, "about:blank"], pass_fds=(commands, answers))
        os.close(commands)
        os.close(answers)
        test.addCleanup(os.close, self.commands)
        test.addCleanup(os.close, self.answers)
        self.buffer, self.number, self.events = b"", 0, []

    def call(self, method, session=None, **parameters):
        """Sends a command and waits for its answer; events that come first are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(method)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def receive(self, what):
        deadline = time.monotonic() + harness.WATCHDOG
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.answers, 1 << 20) if ready else b""
            assert chunk, f"the browser does not answer {what}:\n{self.output()}"
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)


class Page:
    """A tab, with its requests and errors."""

    def __init__(self, browser, url, width=1280, height=900, scheme="light", script=True):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.look(width, height, scheme)
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Page.navigate", url=url)
        loaded = "document.readyState === 'complete' && location.href !== 'about:blank'"
        harness.wait_until("the page", lambda: self.evaluate(loaded))

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def look(self, width, height, scheme):
        """Sets the window's size in CSS pixels, and light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def evaluate(self, expression):
        """The value of an expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def text(self, selector):
        """An element's text; empty where there is none, as the head's before the first scrape."""
        return self.evaluate(f"document.querySelector('{selector}')?.textContent ?? ''")

    def press(self, key):
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = self.call("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"]
        path.write_bytes(base64.b64decode(image))

    def of(self, method):
        """The parameters of all events of a kind so far."""
        self.evaluate("0")  # events before this answer have then arrived
        mine = [event for event in self.browser.events if event.get("sessionId") == self.session]
        return [event["params"] for event in mine if event.get("method") == method]

    def requests(self):
        return [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]

    def complaints(self):
        """Errors of scripts and of the browser."""
        bad = ("error", "warning", "assert")
        thrown = [event["exceptionDetails"]["text"] for event in self.of("Runtime.exceptionThrown")]
        said = [str(event) for event in self.of("Runtime.consoleAPICalled") if event["type"] in bad]
        entries = [event["entry"] for event in self.of("Log.entryAdded")]
        return [*thrown, *said, *(entry["text"] for entry in entries if entry["level"] in bad)]
