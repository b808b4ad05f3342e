"""Item E5 of the Exotel contract: the recordings host."""

import hashlib
import os
import subprocess
import tempfile
import shutil
import unittest

from services_case import Case, basic, run


class Recordings(Case):
    def call_of(self, sid):
        answer = self.remote.request("exotel", "/v1/Accounts/acmedemo1/Calls/%s.json" % sid, headers=basic())
        return answer.json["Call"]

    def url_of(self, **plan):
        return self.call_of(self.add(plan)[0])["RecordingUrl"]

    def fetch(self, url, headers=None, method="GET"):
        return self.remote.request("recordings", url, method, headers=basic() if headers is None else headers)


class Doors(Recordings):
    def test_e5_1_basic(self):
        url = self.url_of()
        self.assertEqual(self.fetch(url).status, 200)
        for headers in ({}, basic("demo-exotel-key", "x")):
            answer = self.fetch(url, headers)
            self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, 'Basic realm="Restricted"'))

    def test_e5_1_other_modes(self):
        url = self.url_of()
        self.remote.knobs("recordings", mode="open")
        self.assertEqual(self.fetch(url, {}).status, 200)
        self.remote.knobs("recordings", mode="ip")
        answer = self.fetch(url)
        self.assertEqual(answer.status, 403)
        self.assertIn(b"Invalid IP", answer.body)
        self.remote.knobs("recordings", client_ip_allowed=True)
        self.assertEqual(self.fetch(url, {}).status, 200)
        self.remote.knobs("recordings", mode="presigned")
        self.assertEqual(self.fetch(url).status, 403)

    def test_e5_1_the_account_decides(self):
        self.remote.control("/load", {"exotel": {"accounts": [
            {"sid": "acmedemo1", "api_key": "demo-exotel-key", "api_token": "demo-exotel-token",
             "recordings": "open", "presigned": True}]}})
        call = self.call_of(self.add({})[0])
        self.assertEqual(self.fetch(call["RecordingUrl"], {}).status, 200)
        self.assertEqual(self.fetch(call["PreSignedRecordingUrl"], {}).status, 200)

    def test_unknown_names(self):
        url = self.remote.urls["recordings"] + "/exotelrecordings/acmedemo1/nosuch.mp3"
        self.assertEqual(self.fetch(url).status, 404)
        self.assertEqual(self.fetch(url, {}).status, 401)


class Readiness(Recordings):
    def test_e5_2_not_ready_until_its_time(self):
        self.remote.knobs("exotel", recording_url_at="end")
        url = self.url_of(start="-2m", duration_s=60)
        self.assertEqual(self.fetch(url).status, 404)
        self.remote.knobs("recordings", not_ready="403")
        self.assertEqual(self.fetch(url).status, 403)
        self.remote.knobs("recordings", not_ready="empty")
        answer = self.fetch(url)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.remote.advance(119)
        self.assertEqual(self.fetch(url).body, b"")
        self.remote.advance(1)
        self.assertGreater(len(self.fetch(url).body), 1000)

    def test_e4_4_a_file_that_never_comes(self):
        url = self.url_of(recording={"delay_s": None})
        self.remote.advance(7 * 86400)
        self.assertEqual(self.fetch(url).status, 404)

    def test_e5_2_deleted(self):
        sid = self.add({})[0]
        url = self.call_of(sid)["RecordingUrl"]
        self.assertEqual(self.fetch(url).status, 200)
        self.remote.control("/exotel/calls/" + sid, {"recording_deleted": True})
        for word in ("404", "403", "empty"):  # what is not there yet has nothing to do with it
            self.remote.knobs("recordings", not_ready=word)
            self.assertEqual(self.fetch(url).status, 404)


class Bytes(Recordings):
    def test_e5_3_headers_and_ranges(self):
        url = self.url_of(recording_bytes=12000)
        answer = self.fetch(url)
        self.assertEqual((answer.headers["Content-Type"], answer.headers["Content-Length"],
                          answer.headers["Accept-Ranges"]), ("audio/mpeg", "12000", "bytes"))
        whole = answer.body
        self.assertEqual(len(whole), 12000)
        for text, first, end in (("bytes=0-99", 0, 100), ("bytes=11990-", 11990, 12000), ("bytes=-5", 11995, 12000),
                                 ("bytes=100-99999", 100, 12000)):
            answer = self.fetch(url, dict(basic(), Range=text))
            self.assertEqual((answer.status, answer.body), (206, whole[first:end]))
            self.assertEqual(answer.headers["Content-Range"], "bytes %d-%d/12000" % (first, end - 1))
        answer = self.fetch(url, dict(basic(), Range="bytes=12000-"))
        self.assertEqual((answer.status, answer.headers["Content-Range"]), (416, "bytes */12000"))
        for text in ("bytes=5-1", "lines=1-2", "bytes=0-1,4-5"):
            self.assertEqual(self.fetch(url, dict(basic(), Range=text)).body, whole)
        head = self.fetch(url, method="HEAD")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, "12000", b""))

    def test_generated_recordings_differ_and_repeat(self):
        one, two = self.url_of(recording_bytes=5000), self.url_of(recording_bytes=5000)
        self.assertEqual(self.fetch(one).body, self.fetch(one).body)
        self.assertNotEqual(self.fetch(one).body, self.fetch(two).body)

    @unittest.skipUnless(shutil.which("sox"), "sox decodes the file")
    def test_e5_3_a_real_mp3(self):
        for channels in (1, 2):
            body = self.fetch(self.url_of(talk_s=10, recording={"channels": channels})).body
            with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
                file.write(body)
                file.flush()
                info = subprocess.run(["sox", "-t", "mp3", file.name, "-n", "stat"], capture_output=True, text=True,
                                      check=True).stderr
                shape = subprocess.run(["soxi", "-c", file.name], capture_output=True, text=True, check=True).stdout
            values = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
            self.assertAlmostEqual(float(values["Length (seconds)"]), 10, delta=0.2)
            self.assertGreater(float(values["Maximum amplitude"]), 0.001)
            self.assertEqual(int(shape), channels)

    def test_a_file_from_disk(self):
        with tempfile.NamedTemporaryFile(suffix=".mp3", delete=False) as file:
            file.write(b"ID3" + os.urandom(300000))
        try:
            url = self.url_of(recording=file.name)
            with open(file.name, "rb") as stored:
                self.assertEqual(hashlib.sha256(self.fetch(url).body).digest(), hashlib.sha256(stored.read()).digest())
        finally:
            os.unlink(file.name)
        self.assertEqual(self.fetch(self.url_of(recording="/nosuch/file.mp3")).status, 404)


class Presigned(Recordings):
    def setUp(self):
        super().setUp()
        self.remote.knobs("exotel", presigned=True)
        self.url = self.call_of(self.add({})[0])["PreSignedRecordingUrl"]

    def test_e5_4_good_then_expired(self):
        self.assertRegex(self.url, r"\?X-Amz-Algorithm=.*&X-Amz-Date=20260310T063000Z&X-Amz-Expires=300&.*"
                                   r"X-Amz-Signature=[0-9a-f]{64}$")
        self.assertEqual(self.fetch(self.url, {}).status, 200)
        self.remote.advance(300)
        self.assertEqual(self.fetch(self.url, {}).status, 200)
        self.remote.advance(1)
        answer = self.fetch(self.url, {})
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (403, "application/xml"))
        self.assertIn(b"<Code>AccessDenied</Code><Message>Request has expired</Message>", answer.body)

    def test_e5_4_a_forged_address(self):
        answer = self.fetch(self.url[:-1] + ("0" if self.url[-1] != "0" else "1"), {})
        self.assertEqual(answer.status, 403)
        longer = self.url.replace("X-Amz-Expires=300", "X-Amz-Expires=3600")
        self.assertEqual(self.fetch(longer, {}).status, 403)

    def test_e5_4_credentials_are_a_violation(self):
        self.assertEqual(self.remote.violations(), 0)
        answer = self.fetch(self.url, basic())
        self.assertEqual(answer.status, 400)
        self.assertIn(b"<Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; ", answer.body)
        self.assertEqual(self.remote.violations(), 1)
        self.assertEqual(self.remote.report("recordings")["credentials_with_presigned"], 1)

    def test_e5_3_redirect(self):
        self.remote.knobs("recordings", redirect=True)
        answer = self.fetch(self.url.split("?")[0])
        self.assertEqual(answer.status, 302)
        self.assertEqual(self.fetch(answer.headers["Location"], {}).status, 200)
        self.assertEqual(self.fetch(answer.headers["Location"], basic()).status, 400)


class Report(Recordings):
    def test_report_counts_by_call(self):
        sid = self.add({"recording_bytes": 4000})[0]
        url = self.call_of(sid)["RecordingUrl"]
        for _ in range(3):
            self.fetch(url)
        self.fetch(url, {})
        report = self.remote.report("recordings")
        self.assertEqual((report["served_by_call"], report["bytes"], report["unauthorized"]), ({sid: 3}, 12000, 1))


if __name__ == "__main__":
    run()
