#!/usr/bin/env python3
"""Hands conversations over as an AI support agent would: POST /v1/escalations with the token of AI_AGENT_TOKEN, told to be
called back at CALLBACK_URL. Each is posted twice, as an agent does whose connection broke: the second answer must be about
the same escalation.

usage: escalate.py ENGINE_URL ESCALATIONS.json [WAIT]     WAIT: seconds to wait for the tickets
"""
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request


def post(url, body, wait):
    request = urllib.request.Request(
        url + "/v1/escalations" + ("?wait=%ss" % wait if wait else ""), json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["AI_AGENT_TOKEN"]})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.strip().splitlines()[-1])
    wait = sys.argv[3] if len(sys.argv) == 4 else ""
    wrong = False
    for body in json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")):
        body["callback_url"] = os.environ["CALLBACK_URL"]
        first, again = post(sys.argv[1], body, wait), post(sys.argv[1], body, wait)
        number = again[1].get("ticket", {}).get("number")
        is_good = first[0] in (201, 202) and again[0] in (200, 201, 202) and first[1]["reference"] == again[1]["reference"]
        wrong = wrong or not is_good
        print("   %-20s %d %s%s" % (body["id"], first[0], again[1].get("status"), ", ticket %s" % number if number else ""))
        if not is_good:
            print("   unexpected: %s, then %s" % (first, again), file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
