"""Starts switchboard-localservices on free ports and talks to it. Used by the tests beside it; Python 3 alone."""

import http.client
import json
import os
import subprocess
import tempfile
import unittest
import urllib.parse

CLIENT = "1000.DEMOCLIENT0000000000000000000001"
SECRET = "demosecret0000000000000000000000000001"
REFRESH = "1000.demorefresh00000000000000000001.demo0000000000000000000000001"
ORG = "600000001"
DEPARTMENT = "5000001000000006001"


class Answer:
    """One answer: status, headers without regard to case, body, and the body as JSON where it is that."""

    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None


class Services:
    """The program, as a context: ends with the test, whatever happens, because its standard input closes."""

    def __init__(self, program, *options):
        self.directory = tempfile.TemporaryDirectory()
        self.env_path = os.path.join(self.directory.name, "env")
        self.process = subprocess.Popen(
            [program, "--exit-with-stdin", "--env-file", self.env_path, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the program ended with %s" % self.process.wait())
        self.urls = json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        code = self.process.wait(timeout=20)
        self.directory.cleanup()
        return code

    def env(self):
        with open(self.env_path, encoding="utf-8") as lines:
            return dict(line.rstrip("\n").split("=", 1) for line in lines if "=" in line and line[0] != "#")

    def connect(self, service, timeout=10):
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.urls[service]).netloc, timeout=timeout)

    def call(self, service, method, target, body=None, headers=None, timeout=10):
        """One request on a connection of its own. A dict or list becomes JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connect(service, timeout)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def control(self, method, target, body=None):
        return self.call("control", method, "/control" + target, body)

    def report(self):
        return self.control("GET", "/report").json


class ServicesTest(unittest.TestCase):
    """A test case that shares one program and puts it back to its start state before each test."""

    program = None
    options = ("--seed", "7")

    @classmethod
    def setUpClass(cls):
        cls.services = Services(cls.program, *cls.options)

    @classmethod
    def tearDownClass(cls):
        code = cls.services.close()
        assert code == 0, "the program ended with %s" % code

    def setUp(self):
        self.assertEqual(self.services.control("POST", "/scenario", {}).status, 200)
        self.token = None

    def knobs(self, service, **values):
        answer = self.services.control("POST", "/knobs", {service: values})
        self.assertEqual(answer.status, 200, answer.body)

    def fault(self, **rule):
        answer = self.services.control("POST", "/faults", rule)
        self.assertEqual(answer.status, 200, answer.body)

    def advance(self, milliseconds):
        self.assertEqual(self.services.control("POST", "/clock", {"advance_ms": milliseconds}).status, 200)

    def load(self, **sections):
        answer = self.services.control("POST", "/scenario", sections)
        self.assertEqual(answer.status, 200, answer.body)

    def token_call(self, query="", **form):
        body = urllib.parse.urlencode(form) if form else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        return self.services.call("accounts", "POST", "/oauth/v2/token" + query, body, headers)

    def refresh(self, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": CLIENT,
                "client_secret": SECRET}
        form.update(changes)
        return self.token_call(**form)

    def desk(self, method, path, body=None, headers=None, org=ORG, token=None, timeout=10):
        """One Desk call with a good token and organization, unless told otherwise."""
        if token is None:
            if self.token is None:
                self.token = self.refresh().json["access_token"]
            token = self.token
        given = {"Authorization": "Zoho-oauthtoken " + token}
        if org:
            given["orgId"] = org
        given.update(headers or {})
        return self.services.call("desk", method, "/api/v1" + path, body, given, timeout)

    def contact(self, **fields):
        fields.setdefault("lastName", "Caller")
        answer = self.desk("POST", "/contacts", fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def ticket(self, contact=None, **fields):
        body = {"subject": "Call from 05550100001", "departmentId": DEPARTMENT,
                "contactId": (contact or self.contact())["id"]}
        body.update(fields)
        answer = self.desk("POST", "/tickets", body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def assert_error(self, answer, status, code, message=None):
        self.assertEqual((answer.status, answer.json and answer.json["errorCode"]), (status, code), answer.body)
        if message is not None:
            self.assertEqual(answer.json["message"], message)

    def assert_invalid(self, answer, field, kind="invalid"):
        self.assert_error(answer, 422, "INVALID_DATA", "The data is invalid due to validation restrictions")
        self.assertIn({"fieldName": field, "errorType": kind, "errorMessage": ""}, answer.json["errors"])
