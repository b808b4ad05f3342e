"""The AI agent's end: it believes what is signed and fresh, and knows repetitions by their key."""

import hashlib
import hmac
import json
import time

from services_case import Case, run

SECRET = "demo-callback-secret-000000000001"
EVENT = {"event": "ticket.created", "id": "0123456789ABC.ticket.created", "message": "It is ticket 101.", "ticket_number": "101"}


def signed(body, secret=SECRET, at=None, key=None):
    """Body and headers of a good call."""
    text = json.dumps(body)
    seconds = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), (seconds + "." + text).encode(), hashlib.sha256).hexdigest()
    return text, {"Content-Type": "application/json", "Idempotency-Key": body.get("id", "") if key is None else key,
                  "X-Switchboard-Timestamp": seconds, "X-Switchboard-Signature": "sha256=" + digest}


class CallbackTest(Case):
    def tell(self, *arguments, **options):
        body, headers = signed(*arguments, **options)
        return self.remote.request("callback", "/tickets", "POST", body, headers)

    def seen(self):
        return self.remote.report("callback")

    def test_a_good_call_is_accepted_once(self):
        for _ in range(3):
            self.assertEqual(self.tell(EVENT).status, 200)
        report = self.seen()
        event = report["events"][EVENT["id"]]
        self.assertEqual((event["attempts"], event["accepted"], event["repeats"]), (3, 1, 2))
        self.assertEqual(event["body"], EVENT)
        self.assertEqual(event["path"], "/tickets")
        self.assertEqual(report["accepted"], [EVENT["id"]])
        self.assertEqual((report["refused"], self.remote.violations()), (0, 0))

    def test_what_it_does_not_take_is_not_accepted(self):
        self.remote.knobs("callback", status=503)
        self.assertEqual(self.tell(EVENT).status, 503)
        event = self.seen()["events"][EVENT["id"]]
        self.assertEqual((event["attempts"], event["accepted"]), (1, 0))
        self.remote.knobs("callback", status=200)
        self.assertEqual(self.tell(EVENT).status, 200)
        event = self.seen()["events"][EVENT["id"]]
        self.assertEqual((event["attempts"], event["accepted"], event["repeats"]), (2, 1, 0))
        self.assertEqual(self.remote.violations(), 0)

    def test_what_is_not_signed_and_fresh_is_not_believed(self):
        body, headers = signed(EVENT)
        cases = [
            (401, signed(EVENT, secret="another")),
            (401, signed(EVENT, at=time.time() - 3600)),
            (401, signed(EVENT, at=time.time() + 3600)),
            (401, (body.replace("101", "102"), headers)),
            (401, (body, {**headers, "X-Switchboard-Signature": headers["X-Switchboard-Signature"][:-1]})),
            (401, (body, {name: value for name, value in headers.items() if "Timestamp" not in name})),
            (401, (body, {name: value for name, value in headers.items() if "Signature" not in name})),
            (400, signed(EVENT, key="other")),
            (400, (body, {**headers, "Content-Type": "text/plain"})),
            (400, signed({"id": "x", "event": "ticket.created"})),
            (400, signed({"id": "x", "message": "m"})),
        ]
        for number, (status, (text, given)) in enumerate(cases, 1):
            answer = self.remote.request("callback", "/tickets", "POST", text, given)
            self.assertEqual(answer.status, status, (number, answer.body))
            self.assertEqual(self.remote.violations(), number)
        self.assertEqual(self.remote.request("callback", "/tickets").status, 405)
        self.assertEqual((self.seen()["events"], self.seen()["refused"]), ({}, len(cases)))

    def test_the_window_can_be_left_out(self):
        self.remote.knobs("callback", window_s=0)
        self.assertEqual(self.tell(EVENT, at=17).status, 200)

    def test_another_secret_and_a_redirect_can_be_set(self):
        self.remote.knobs("callback", secret="another", status=307, location="https://agent.example.com/")
        answer = self.tell(EVENT, secret="another")
        self.assertEqual((answer.status, answer.headers["Location"]), (307, "https://agent.example.com/"))
        self.assertEqual(self.tell(EVENT).status, 401)

    def test_the_same_event_with_another_body_is_noticed(self):
        self.tell(EVENT)
        self.tell({**EVENT, "ticket_number": "102"})
        self.assertEqual(self.remote.violations(), 1)

    def test_a_reset_forgets_what_was_told(self):
        self.tell(EVENT)
        self.remote.control("/reset", {})
        self.assertEqual((self.seen()["events"], self.seen()["accepted"]), ({}, []))

    def test_the_env_points_an_engine_here(self):
        env = self.remote.services.env()
        self.assertEqual(env["CALLBACK_URL"], self.remote.urls["callback"] + "/tickets")
        self.assertEqual(env["CALLBACK_HOSTS"], self.remote.urls["callback"].removeprefix("http://"))
        self.assertEqual((env["CALLBACK_SECRET"], env["CALLBACK_ALLOW_PRIVATE"]), (SECRET, "true"))


if __name__ == "__main__":
    run()
