"""The page behind a real proxy: nginx."""

import json
import os
import re
from http.client import HTTPConnection

import browser
from bench import Program, check, eventually, free_port, http
from house import MAT, House
from peers import tool

PASSWORD = "a long enough password"
EXAMPLE = browser.HERE.parent / "examples" / "nginx" / "heattrax.conf"
INGRESS = "/api/hassio_ingress/aB3-token"


class Proxy:
    """nginx with these locations, on the loopback address."""

    def __init__(self, bench, locations):
        self.port = free_port()
        folder = bench.folder / "nginx"
        folder.mkdir()
        kept = "".join(f"    {it}_temp_path {folder}/{it};\n" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{user}daemon off;\npid {folder}/pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\nhttp {{\n    access_log off;\n{kept}"
            f"    server {{\n        listen 127.0.0.1:{self.port};\n{locations}\n    }}\n}}\n"
        )
        argv = [tool("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
        self.program = bench.start(Program("nginx", argv, folder))
        self.web = f"http://127.0.0.1:{self.port}"
        eventually("the proxy is there", lambda: http("GET", f"{self.web}/")[0] is not None)

    def sign_in(self, path, source, forwarded="203.0.113.7", **secret):
        """The status, from this address of the machine, and with what whoever asks wrote into the header themselves."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        headers = {"Content-Type": "application/json", "X-Forwarded-For": forwarded}
        line.request("POST", f"{path}/api/auth/login", json.dumps(secret), headers)
        status = line.getresponse().status
        line.close()
        return status


def a_proxy_that_says_nothing_gives_nobody_the_house(bench):
    """Without a password, what a bare `proxy_pass` hands on has to show the one-time code of the log; this machine itself has not."""
    house = House(bench).up()
    proxy = Proxy(bench, f"location / {{ proxy_pass {house.web}; }}")
    check(http("GET", f"{house.web}/api/house")[0] == 200, "this machine sees the house")
    status, told = http("GET", f"{proxy.web}/api/house")
    check(status == 401, f"whoever comes through the proxy does not: {status} {told}")
    body = json.dumps({"group": "walkway", "device": "Walkway mat", "outlet": 0, "action": "on"}).encode()
    status, told = http("POST", f"{proxy.web}/api/devices/control", 10, body, Content_Type="application/json")
    check(status == 401 and not house.dual.relay(1), f"nor does anybody switch: {status} {told}")
    check(json.loads(http("GET", f"{proxy.web}/api/auth/session")[1])["needs"] == "code", "the code is asked for")
    code = eventually("the log tells the code", lambda: re.search(r"one-time code is ([A-Z2-9]{8})", house.bridge.text()))
    browser.do("signIn", url=proxy.web, secret=code.group(1), wrong="ZZZZZZZZ")
    check(proxy.sign_in("", "127.0.0.1", password=code.group(1)) == 401, "it is good once")


def the_page_works_behind_nginx(bench):
    """With the example's lines the page is live under a path of its own, and guesses are counted for whoever is behind the proxy."""
    house = House(bench)
    bench.secrets.append(PASSWORD)
    house.up(web={"bind_host": "127.0.0.1", "port": house.web_port, "password": PASSWORD, "trusted_proxies": ["127.0.0.1"]})
    proxy = Proxy(bench, EXAMPLE.read_text().replace("http://127.0.0.1:4328", house.web))
    browser.do("signIn", url=f"{proxy.web}/heat/", secret=PASSWORD)
    for _ in range(6):
        proxy.sign_in("/heat", "127.0.0.2", password="guess")
    check(proxy.sign_in("/heat", "127.0.0.2", password=PASSWORD) == 429, "who guesses has to wait")
    check(proxy.sign_in("/heat", "127.0.0.2", "198.51.100.9", password=PASSWORD) == 429, "what they write before their own address changes nothing")
    check(proxy.sign_in("/heat", "127.0.0.3", password=PASSWORD) == 200, "nobody else has to wait")


def the_page_works_in_a_frame_of_home_assistants_ingress(bench):
    """Under `X-Ingress-Path`, in a frame as Home Assistant shows it, a person signs in and switches; the cookie is for that path alone."""
    house = House(bench)
    bench.secrets.append(PASSWORD)
    house.up(web={"bind_host": "127.0.0.1", "port": house.web_port, "password": PASSWORD, "trusted_proxies": ["127.0.0.1"]})
    lines = (
        f"location {INGRESS}/ {{ proxy_pass {house.web}/; proxy_http_version 1.1; proxy_set_header Host $http_host;\n"
        f"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Ingress-Path {INGRESS}; }}\n"
        f"location = / {{ default_type text/html; return 200 '<!doctype html><title>A panel</title><link rel=\"icon\" href=\"data:,\"><iframe title=\"HeatTrax\" src=\"{INGRESS}/\"></iframe>'; }}"
    )
    proxy = Proxy(bench, lines)
    seen = browser.do("ingress", url=proxy.web, secret=PASSWORD, group="walkway")
    check(house.dual.relay(1), "the mat is on")
    house.decision(MAT, reason="manual_on", control="on")
    check(seen == {"path": f"{INGRESS}/"}, f"the cookie: {seen}")


SCENARIOS = [
    a_proxy_that_says_nothing_gives_nobody_the_house,
    the_page_works_behind_nginx,
    the_page_works_in_a_frame_of_home_assistants_ingress,
]
