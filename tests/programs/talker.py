"""A program that says what its job tells it to: each window is a list of steps."""

import json
import os
import sys
import urllib.request


def say(*words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def hear():
    return json.loads(sys.stdin.readline())


def request(url):
    say("request", "GET", url, ["t0ken-of-the-program"])
    answer = hear()
    if answer[0] != "go":
        say("failed", answer[1], False)
        return
    with urllib.request.urlopen(url) as response:
        rows = json.load(response)
    say("response", 200)
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")


job = hear()[1]
if job.get("broken"):
    say("broken", job["broken"], False)
    sys.exit()
sys.stderr.write(f"begins with {job['secret']}\n")
sys.stderr.flush()
say("ready")
while asked := hear():
    window = next(iter(job["windows"][(asked[1] or "")[:10]] for _ in "1"))
    for step, value in window:
        if step == "row":
            sys.stdout.write(json.dumps(value) + "\n")
        elif step == "get":
            request(value)
        elif step == "die":
            sys.stdout.flush()
            os._exit(value)
        elif step == "sleep":
            sys.stdout.flush()
            sys.stdin.read()
        else:
            say(step, *value)
