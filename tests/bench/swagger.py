"""Do the documentation pages work in a browser? `python3 tests/bench/swagger.py [FOLDER]`: in a headless Chromium it signs up with
"Try it out", verifies with the local inbox, presses "Authorize", and calls /users/me, all from Swagger UI; then it opens ReDoc. It saves
screenshots of both pages to FOLDER (target/browser by default). Exits with 1 when anything is wrong, or when a page makes a request to
another host. Needs `cargo build -p local`, `pip install selenium`, and Debian's chromium and chromium-driver."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "browser")
EMAIL, PASSWORD = "ann@example.com", "Flat-Wh1te-please"
SETTINGS = {"RATE_LIMIT": "1000000", "RATE_LIMIT_AUTH": "1000000", "RATE_LIMIT_ADMIN": "1000000", "LOG_LEVEL": "warn"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetched(url, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def patiently(get):
    """Waits until `get` returns something, and returns it."""
    for _ in range(200):
        try:
            if found := get():
                return found
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("the service does not answer")


def browser():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,2000"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class Page:
    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self, path):
        self.driver.get(self.url + path)

    def find(self, css, within=None, seconds=20):
        within = within or self.driver
        found = lambda _: next((one for one in within.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()), None)
        return WebDriverWait(self.driver, seconds).until(found, f"there is no {css}")

    def click(self, css, within=None):
        element = self.find(css, within)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        return element

    def fill(self, css, text, within=None):
        """Fills a field as a person would, so that React notices it."""
        element = self.find(css, within)
        self.driver.execute_script(
            "const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(arguments[0]), 'value').set;"
            "set.call(arguments[0], arguments[1]); arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
            "arguments[0].dispatchEvent(new Event('change', {bubbles: true}));",
            element,
            text,
        )

    def shoot(self, name):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(FOLDER / f"{name}.png"))

    def execute(self, operation, body=None):
        """Opens an operation, tries it out, and returns the status and text of the live answer."""
        block = self.find(f"[id$='-{operation}']")
        if "is-open" not in block.get_attribute("class"):
            self.click(".opblock-summary-control", block)
        self.click(".try-out__btn", block)
        if body is not None:
            self.fill("textarea.body-param__text", json.dumps(body), block)
        self.click(".btn.execute", block)
        live = self.find(".live-responses-table .response", block)
        status = self.find(".response-col_status", live).text.split()[0]
        return status, live.text

    def complaints(self):
        """The browser's requests to other hosts, and its errors."""
        hosts = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked = message["params"]["request"]["url"]
                if not asked.startswith((self.url, "data:", "blob:", "about:", "chrome:")):
                    hosts.add(asked)
        severe = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return sorted(hosts), severe


def check(what, holds, more=""):
    print(("ok   " if holds else "FAIL ") + what + (f": {more}" if more and not holds else ""))
    if not holds:
        raise SystemExit(1)


def walk(page):
    page.open("/docs")
    status, text = page.execute("signUp", {"email": EMAIL, "password": PASSWORD, "first_name": "Ann"})
    check("signed up from Swagger UI", status == "201", text)
    mails = patiently(lambda: fetched(f"{page.url}/_local/mail?to={EMAIL}"))
    fetched(f"{page.url}/api/v1/auth/verify", {"token": mails[0]["token"]})
    page.click(".auth-wrapper .authorize")
    dialog = page.find(".dialog-ux .modal-ux")
    form = next(
        form for form in dialog.find_elements(By.CSS_SELECTOR, ".auth-container") if form.find_elements(By.CSS_SELECTOR, "#oauth_username")
    )
    page.fill("#oauth_username", EMAIL, form)
    page.fill("#oauth_password", PASSWORD, form)
    page.click(".auth-btn-wrapper .authorize", form)
    page.find(".dialog-ux button[aria-label='Remove authorization']")
    print("ok   authorized")
    page.shoot("authorize")
    page.click(".btn-done", dialog)
    status, text = page.execute("readMe")
    check("/users/me answers 200", status == "200", text)
    check("it shows who is signed in", EMAIL in text, text)
    page.shoot("docs")
    hosts, severe = page.complaints()
    check("Swagger UI asks no other host", not hosts, hosts)
    check("Swagger UI breaks no policy", not severe, severe)
    page.open("/redoc")
    shown = lambda driver: "/api/v1/users/me" in driver.find_element(By.TAG_NAME, "body").text
    WebDriverWait(page.driver, 20).until(shown, "ReDoc shows nothing")
    time.sleep(2)
    page.shoot("redoc")
    hosts, severe = page.complaints()
    check("ReDoc asks no other host", not hosts, hosts)
    check("ReDoc breaks no policy", not severe, severe)


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    port = free_port()
    command = [target / "debug" / "local", "--ephemeral", "--port", str(port), "--dynamodb-port", str(free_port())]
    service = subprocess.Popen(command, env={**os.environ, **SETTINGS}, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        patiently(lambda: fetched(f"{url}/api/v1/health"))
        driver = browser()
        try:
            walk(Page(driver, url))
        finally:
            driver.quit()
    finally:
        service.terminate()
        service.wait()


if __name__ == "__main__":
    main()
