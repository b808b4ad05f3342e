"""HTTPS of the local services (E1.1, SG.4): the same services by a second door, trusted only by who was given the certificate
of their authority, with the faults of the framework below TLS."""

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

from localservices import Services, ServicesTest
from services_case import basic

CALLS = "/v1/Accounts/acmedemo1/Calls.json"


class TlsCase(unittest.TestCase):
    name = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.ca = os.path.join(cls.folder.name, "ca.pem")
        more = ["--tls-name", cls.name] if cls.name else []
        cls.services = Services(ServicesTest.program, "--seed", "7", "--tls", cls.ca, *more)

    @classmethod
    def tearDownClass(cls):
        code = cls.services.close()
        cls.folder.cleanup()
        assert code == 0, "the program ended with %s" % code

    def setUp(self):
        self.assertEqual(self.services.control("POST", "/scenario", {}).status, 200)

    def connect(self, service, ca=None, host=None):
        context = ssl.create_default_context(cafile=ca or self.ca)
        url = urllib.parse.urlsplit(self.services.urls["https"][service])
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=10, context=context)
        if host:
            connection.connect = lambda: self.connect_as(connection, context, host)
        return connection

    @staticmethod
    def connect_as(connection, context, host):
        http.client.HTTPConnection.connect(connection)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host)

    def get(self, connection, path, headers=None):
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class DoorsTest(TlsCase):
    def test_every_service_answers_by_both_doors(self):
        urls = self.services.urls
        self.assertEqual(set(urls["https"]), {name for name in urls if name not in ("https", "ca_file", "pid")})
        self.assertEqual(urls["ca_file"], self.ca)
        for name, url in urls["https"].items():
            self.assertTrue(url.startswith("https://127.0.0.1:"), url)
            self.assertTrue(urls[name].startswith("http://127.0.0.1:"), urls[name])
            path = "/control/health" if name == "control" else "/no/such/path"
            secure = self.get(self.connect(name), path)
            plain = self.services.call(name, "GET", path)
            self.assertEqual(secure[0], plain.status, name)
            # Some answers hold a number of the request or the time.
            self.assertEqual(secure[1] == b"", plain.body == b"", name)

    def test_the_env_fragment_names_the_https_addresses_and_whom_to_trust(self):
        env = self.services.env()
        self.assertEqual(env["SWITCHBOARD_CA_FILE"], self.ca)
        self.assertEqual(env["EXOTEL_API_URL"], self.services.urls["https"]["exotel"])
        self.assertTrue(all(value.startswith("https://") for name, value in env.items() if name.endswith("_URL")), env)
        self.assertEqual(env["CALLBACK_HOSTS"], self.services.urls["https"]["callback"].split("://")[1])

    def test_addresses_in_answers_are_https_too(self):
        self.services.control("POST", "/exotel/calls", {"start": "-20m", "settle_s": 0, "recording": True})
        status, body = self.get(self.connect("exotel"), CALLS, basic())
        self.assertEqual(status, 200, body)
        url = json.loads(body)["Calls"][0]["RecordingUrl"]
        self.assertTrue(url.startswith(self.services.urls["https"]["recordings"] + "/"), url)

    def test_a_whole_recording_comes_through(self):
        plan = {"start": "-20m", "settle_s": 0, "recording": {"bytes": 300000, "delay_s": 0}}
        sid = self.services.control("POST", "/exotel/calls", plan).json["sids"][0]
        path = "/exotelrecordings/acmedemo1/%s.mp3" % sid
        status, secure = self.get(self.connect("recordings"), path, basic())
        self.assertEqual((status, len(secure) >= 290000), (200, True), len(secure))
        self.assertEqual(secure, self.services.call("recordings", "GET", path, headers=basic()).body)

    def test_the_connection_is_kept(self):
        connection = self.connect("exotel")
        connection.request("GET", CALLS, headers=basic())
        connection.getresponse().read()
        before = connection.sock
        connection.request("GET", CALLS, headers=basic())
        self.assertEqual(connection.getresponse().status, 200)
        self.assertIs(connection.sock, before)
        connection.close()

    def test_who_was_given_no_authority_is_told_nothing(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.get(self.connect("exotel", ca="/etc/ssl/certs/ca-certificates.crt"), CALLS, basic())
        self.assertEqual(self.services.report()["services"]["exotel"]["requests"], 0)

    def test_the_certificate_is_for_loopback_only(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "desk.example.com"):
            self.get(self.connect("exotel", host="desk.example.com"), CALLS, basic())


class FaultsTest(TlsCase):
    """What breaks connections breaks those with TLS, too."""

    def rule(self, action, **more):
        answer = self.services.control("POST", "/faults", {"service": "exotel", "action": action, **more})
        self.assertEqual(answer.status, 200, answer.body)

    def test_resets_and_cuts_are_seen_as_such(self):
        for action in ("reset_before", "read_then_reset", "commit_then_reset", "truncate", "commit_then_cut"):
            with self.subTest(action):
                self.setUp()
                self.rule(action)
                with self.assertRaises((OSError, http.client.HTTPException)):
                    self.get(self.connect("exotel"), CALLS, basic())

    def test_a_wrong_length_is_said(self):
        self.rule("wrong_length", by=-5)
        status, body = self.get(self.connect("exotel"), CALLS, basic())
        self.assertEqual(status, 200)
        self.assertFalse(body.endswith(b"]}"), body[-20:])

    def test_late_and_dripping_answers_come_whole(self):
        for action, more in (("latency", {"latency_ms": 50}), ("slow_drip", {"bytes": 40, "every_ms": 5})):
            with self.subTest(action):
                self.setUp()
                self.rule(action, **more)
                status, body = self.get(self.connect("exotel"), CALLS, basic())
                self.assertEqual((status, json.loads(body)["Calls"]), (200, []))

    def test_a_port_that_refuses_refuses_both_ways_and_comes_back(self):
        self.services.control("POST", "/refuse", {"service": "exotel", "for_ms": 60000})
        for get in (lambda: self.get(self.connect("exotel"), CALLS, basic()),
                    lambda: self.services.call("exotel", "GET", CALLS)):
            with self.assertRaises(ConnectionRefusedError):
                get()
        self.setUp()
        self.assertEqual(self.get(self.connect("exotel"), CALLS, basic())[0], 200)
        self.assertEqual(self.services.call("exotel", "GET", CALLS, headers=basic()).status, 200)


class AnotherNameTest(TlsCase):
    name = "desk.example.com"

    def test_it_is_for_that_name_and_for_no_other(self):
        self.assertEqual(self.get(self.connect("exotel", host="desk.example.com"), CALLS, basic())[0], 200)
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "127.0.0.1"):
            self.get(self.connect("exotel"), CALLS, basic())


class OptionsTest(unittest.TestCase):
    def test_mistakes_end_the_program_and_say_why(self):
        for options, want in ((["--tls-name", "desk.example.com"], "--tls-name wants --tls FILE"),
                              (["--tls", "/nonexistent/ca.pem"], "cannot write '/nonexistent/ca.pem'"),
                              (["--tls", "/dev/null", "--tls-name", "a,b:"], "cannot make a certificate for 'a,b:'")):
            with self.subTest(options=options):
                done = subprocess.run([ServicesTest.program, *options], capture_output=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(want, done.stderr.decode())


if __name__ == "__main__":
    ServicesTest.program = sys.argv.pop(1)
    unittest.main()
