"""What the tests of the telephone, transcription and language-model services share, on top of localservices.py."""

import base64
import json
import os
import sys
import unittest
from urllib.parse import urlencode, urlsplit

from localservices import ServicesTest


class Remote:
    """One running program, as these tests talk to it."""

    def __init__(self, services):
        self.services = services
        self.urls = services.urls

    def request(self, service, path, method="GET", body=None, headers=None):
        """`path` may be a whole URL of one of the services."""
        if "://" in path:
            url = urlsplit(path)
            base = "%s://%s" % (url.scheme, url.netloc)
            service = next(name for name, value in self.urls.items() if value == base)
            path = url.path + ("?" + url.query if url.query else "")
        return self.services.call(service, method, path, body, headers, timeout=30)

    def control(self, path, body=None):
        answer = self.services.control("GET" if body is None else "POST", path, body)
        if answer.status >= 300:
            raise AssertionError("%s: %d %s" % (path, answer.status, answer.body))
        return answer.json

    def knobs(self, service, **values):
        self.control("/knobs", {service: values})

    def advance(self, seconds):
        self.control("/clock", {"advance_ms": int(seconds * 1000)})

    def report(self, service):
        return self.control("/report")["services"][service]

    def violations(self):
        return self.control("/report")["violations_total"]


class Case(ServicesTest):
    """One program per class, put back before each test, with a clock that only moves when it is told to."""

    clock = "2026-03-10T06:30:00Z"  # noon in India
    zone = None

    @classmethod
    def setUpClass(cls):
        before = os.environ.get("TZ")
        if cls.zone:
            os.environ["TZ"] = cls.zone
        super().setUpClass()
        if cls.zone:
            os.environ.pop("TZ")
            if before is not None:
                os.environ["TZ"] = before

    def setUp(self):
        super().setUp()
        self.remote = Remote(self.services)
        self.remote.control("/clock", {"mode": "driven", "now": self.clock})

    def add(self, *plans):
        """Adds calls and gives their sids in the order of the plans."""
        return self.remote.control("/exotel/calls", list(plans))["sids"]


def basic(user="demo-exotel-key", password="demo-exotel-token"):
    return {"Authorization": "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()}


def query(values):
    return "?" + urlencode(values, doseq=True) if values else ""


def run():
    ServicesTest.program = sys.argv.pop(1)
    unittest.main(module="__main__")
