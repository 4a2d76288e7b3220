"""What Python makes of the hub's environment variables: ttp-lib/tests/golden/hub_settings.json.

Run with two Pythons, the first with huggingface_hub 0.26.5 and requests 2.34.2, the second with
huggingface_hub 2.4.0, which replaces $NAME in paths:

    python3 environment/golden/hub_settings.py FIRST SECOND > ttp-lib/tests/golden/hub_settings.json

Each case is a process of its own with these variables and no others.
"""

from __future__ import annotations

import json
import subprocess
import sys

HOME = {"HOME": "/h"}
SETTINGS = [
    {},
    {"XDG_CACHE_HOME": "/x"},
    {"XDG_CACHE_HOME": "~/x"},
    {"XDG_CACHE_HOME": "/x", "HF_HOME": "/hf"},
    {"HF_HOME": "~/hf"},
    {"HF_HOME": "~"},
    {"HF_HOME": "relative/hf"},
    {"HF_HOME": "/a/~/b"},
    {"HF_HOME": "/hf", "HF_HUB_CACHE": "/c"},
    {"HUGGINGFACE_HUB_CACHE": "/old"},
    {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/new"},
    {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/hf"},
    {"PLACE": "/p", "HF_HOME": "$PLACE/hf"},
    {"PLACE": "/p", "HF_HOME": "${PLACE}x/hf"},
    {"PLACE": "/p", "HF_HUB_CACHE": "$PLACE/c"},
    {"PLACE": "/p", "HUGGINGFACE_HUB_CACHE": "$PLACE/c"},
    {"PLACE": "p", "XDG_CACHE_HOME": "~/$PLACE"},
    {"HF_HOME": "/a/$NONE/${NONE}/$/$$"},
    {"B": "b", "HF_HOME": "/a/${B/$B/$B-1/$Bb"},
    {"PLACE": "~/p", "HF_HOME": "$PLACE/hf"},
    {"HF_TOKEN": "hf_a"},
    {"HF_TOKEN": " hf_a\n"},
    {"HF_TOKEN": "hf_\r\na\n"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_b\n"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_b", "HF_TOKEN": "hf_a"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_b", "HF_TOKEN": ""},
    {"HF_TOKEN": "hf_a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "yes"},
    {"HF_TOKEN": "hf_a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0"},
    *({"HF_HUB_OFFLINE": value} for value in ("1", "ON", "yes", "True", "0", "off", "2", "")),
    {"TRANSFORMERS_OFFLINE": "1"},
    {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": "0"},
    {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": ""},
    {"TRANSFORMERS_OFFLINE": "0", "HF_HUB_OFFLINE": "1"},
    {"HF_HUB_DOWNLOAD_TIMEOUT": "5", "HF_HUB_ETAG_TIMEOUT": "7"},
    {"HF_HUB_DISABLE_PROGRESS_BARS": "true"},
]
SET = {"http_proxy": "http://p:1", "https_proxy": "http://q:2"}
PROXIES = [
    ("http://hub.example/", {}),
    ("http://hub.example/", {"HTTP_PROXY": "http://p:1"}),
    ("http://hub.example/", {"HTTP_PROXY": "http://p:1", "http_proxy": "http://q:2"}),
    ("http://hub.example/", {"HTTP_PROXY": "http://p:1", "http_proxy": ""}),
    ("http://hub.example/", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}),
    ("http://hub.example/", {"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}),
    ("https://hub.example/", {"HTTP_PROXY": "http://p:1"}),
    ("https://hub.example/", {"ALL_PROXY": "http://p:1"}),
    ("https://hub.example/", {"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}),
    *(("https://hub.lan.example:8/", {**SET, "NO_PROXY": entries}) for entries in (
        "*", "lan.example", ".lan.example", "an.example", "a, hub.lan.example", " a ,Hub.lan.example,",
        "lan.example:8", "hub.lan.example:8", "hub.lan.example:80", ",", ".", "lan.example.org", "")),
    *(("http://127.0.0.1:18999/", {**SET, "NO_PROXY": entries}) for entries in (
        "127.0.0.1", "127.0.0.0/8", "10.0.0.0/8,127.0.0.1/32", "128.0.0.0/8", "127.0.0.0/0",
        "127.0.0.0/33", "127.0.0.2/31", " 127.0.0.1 , x", "127.0.0.1:8", "*")),
    ("http://[::1]:8/", {**SET, "NO_PROXY": "::1"}),
    ("http://[::1]:8/", {**SET, "NO_PROXY": "::2"}),
    ("http://a/", {**SET, "no_proxy": "", "NO_PROXY": "a"}),
    ("http://a/", {**SET, "no_proxy": "b", "NO_PROXY": "a"}),
]
ASK = """
import json
from huggingface_hub import constants, get_token
token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
print(json.dumps({
    "cache": constants.HF_HUB_CACHE, "token": token, "offline": constants.HF_HUB_OFFLINE,
    "download_timeout": constants.HF_HUB_DOWNLOAD_TIMEOUT,
    "etag_timeout": constants.HF_HUB_ETAG_TIMEOUT,
    "no_progress": bool(constants.HF_HUB_DISABLE_PROGRESS_BARS)}))
"""
ASK_PROXY = """
import json, sys
from requests.utils import get_environ_proxies, select_proxy
print(json.dumps(select_proxy(sys.argv[1], get_environ_proxies(sys.argv[1]))))
"""


def said(python: str, script: str, variables: dict[str, str], *arguments: str):
    done = subprocess.run([python, "-c", script, *arguments], env=variables, check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    first, second = sys.argv[1:]
    settings = []
    for more in SETTINGS:
        variables = {**HOME, **more}
        python = second if any("$" in value for value in more.values()) else first
        settings.append({"variables": variables, **said(python, ASK, variables)})
    proxies = [{"address": address, "variables": variables,
                "proxy": said(first, ASK_PROXY, variables, address)}
               for address, variables in PROXIES]
    lines = lambda cases: ",\n    ".join(json.dumps(case) for case in cases)  # noqa: E731
    print('{\n  "settings": [\n    ' + lines(settings) + '\n  ],\n  "proxies": [\n    '
          + lines(proxies) + "\n  ]\n}")


if __name__ == "__main__":
    main()
