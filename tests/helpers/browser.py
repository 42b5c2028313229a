"""A headless Chromium for the tests of what people see; skipped with a reason where there is none."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,1400",
)


def missing() -> str:
    """Why there is no browser here; empty where there is one."""
    if not CHROMIUM or not DRIVER:
        return "needs chromium and chromium-driver, two packages of Debian"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "needs selenium: pip install 'pcsim[browser]'"
    return ""


@contextmanager
def chromium(folder: Path) -> Iterator:
    """A browser with a profile of its own in ``folder``; downloads land in ``folder / "downloads"``."""
    if reason := missing():
        pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.set_script_timeout(60)
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior",
            {"behavior": "allow", "downloadPath": str(folder / "downloads")},
        )
        yield driver
    finally:
        driver.quit()


@contextmanager
def served(files: Path, answers: dict[str, bytes]) -> Iterator[str]:
    """The address of a server on this machine that gives ``answers`` by path, and ``files`` else."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            answer = answers.get(self.path)
            if answer is None:
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
