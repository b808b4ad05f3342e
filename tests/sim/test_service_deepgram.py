"""Items SG and DG of the transcription contract."""

import hashlib
import math
import struct
import threading
import time

from receiver import Receiver
from services_case import Case, basic, query, run

KEY = {"Authorization": "Token demo-deepgram-key", "Content-Type": "audio/mpeg"}
SCRIPT = [{"speaker": "agent", "text": "Thank you for calling."},
          {"speaker": "customer", "text": "My order 7 has not arrived. I am upset."},
          {"speaker": "agent", "text": "I will look into it."}]


def wav(seconds=4.0, channels=1, rate=8000, is_silent=False):
    samples = b"".join(struct.pack("<h", 0 if is_silent else int(9000 * math.sin(i / 5))) * channels
                       for i in range(int(seconds * rate)))
    return (b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
            + b"data" + struct.pack("<I", len(samples)) + samples)


class Deepgram(Case):
    def listen(self, audio, headers=KEY, **values):
        return self.remote.request("deepgram", "/v1/listen" + query(values), "POST", audio, headers)

    def heard(self, audio, **values):
        values.setdefault("model", "nova-3")
        answer = self.listen(audio, **values)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def refused(self, status, code, text, headers=KEY, audio=None, **values):
        answer = self.listen(wav(0.5) if audio is None else audio, headers, **values)
        self.assertEqual((answer.status, answer.json["err_code"], answer.json["err_msg"]), (status, code, text))
        self.assertRegex(answer.json["request_id"], "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        return answer

    def teach(self, audio, script):
        self.remote.control("/deepgram/scripts", {"sha256": hashlib.sha256(audio).hexdigest(), "script": script})


class Refusals(Deepgram):
    def test_dg_1_keys(self):
        text = "Invalid credentials."
        self.refused(401, "INVALID_AUTH", text, headers={})
        self.refused(401, "INVALID_AUTH", text, headers={"Authorization": "Bearer demo-deepgram-key"})
        self.refused(401, "INVALID_AUTH", text, headers={"Authorization": "Token x"})
        self.remote.knobs("deepgram", self_hosted=True)
        self.assertEqual(self.listen(wav(), {}, model="nova-3").status, 200)

    def test_dg_1_dg_2_dg_4_what_keys_may(self):
        self.remote.control("/load", {"deepgram": {"keys": [
            {"key": "noscope", "scope": False}, {"key": "broke", "credit": False},
            {"key": "small", "forbidden_models": ["nova-3"]}]}})
        self.refused(401, "INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions.",
                     {"Authorization": "Token noscope"})
        self.refused(402, "ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request and does "
                     "not have an overage agreement.", {"Authorization": "Token broke"})
        self.refused(403, "INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model.",
                     {"Authorization": "Token small"}, model="nova-3")
        self.assertEqual(self.listen(wav(), {"Authorization": "Token small"}, model="nova-2").status, 200)

    def test_dg_3_query(self):
        prefix = "Failed to deserialize query parameters: "
        for name, value in (("utterances", "maybe"), ("smart_format", "1"), ("diarize_model", "v9"),
                            ("summarize", "v1"), ("utt_split", "x"), ("encoding", "mp3"), ("extra", "novalue")):
            answer = self.listen(wav(), **{"model": "nova-3", name: value})
            self.assertEqual((answer.status, answer.json["err_code"]), (400, "INVALID_QUERY_PARAMETER"), name)
            self.assertTrue(answer.json["err_msg"].startswith(prefix + name), answer.json)
        self.refused(400, "Bad Request", "diarize together with diarize_model", model="nova-3", diarize="true",
                     diarize_model="latest")
        self.refused(400, "Bad Request", "keyterm is only supported with nova-3", model="nova-2", keyterm="refund")
        self.refused(400, "Bad Request",
                     "Keyterm limit exceeded. The maximum number of tokens across all keyterms is 500.",
                     model="nova-3", keyterm=["term %d" % i for i in range(251)])
        self.heard(wav(), keyterm=["refund", "Acme Demo"])
        self.refused(400, "Bad Request", "Summarization v2 not supported for non-English languages", model="nova-3",
                     language="hi", summarize="v2")
        self.refused(400, "INVALID_QUERY_PARAMETER", "Invalid callback url.", model="nova-3",
                     callback="https://example.com:9000/x")

    def test_dg_3_unknown_parameters(self):
        self.heard(wav(), something="x")
        self.remote.knobs("deepgram", unknown_parameters="rejected")
        self.assertEqual(self.listen(wav(), model="nova-3", something="x").status, 400)

    def test_dg_4_models(self):
        self.refused(403, "INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model.",
                     model="nova-99")
        text = "Bad Request: No such model/language/tier combination found."
        self.refused(400, "Bad Request", text, model="nova-3", language="hi-Latn")
        self.refused(400, "Bad Request", text, model="nova-3-medical", language="hi")
        self.remote.knobs("deepgram", unknown_model="400")
        self.refused(400, "Bad Request", text, model="nova-99")
        for language in ("hi", "en-IN", "ta", "multi", "gu"):
            self.heard(wav(), language=language)

    def test_dg_5_concurrency(self):
        for limits, values in (({"concurrency_max": 2}, {}), ({"concurrency_intelligence_max": 2}, {"topics": "true"}),
                               ({"concurrency_entities_max": 2}, {"detect_entities": "true"})):
            self.remote.knobs("deepgram", latency_ms=400, **limits)
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(self.listen(wav(), model="nova-3", **values)))
                       for _ in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.remote.knobs("deepgram", concurrency_max=100)
            self.assertEqual(sorted(a.status for a in answers), [200, 200, 429, 429, 429])
            bad = next(a for a in answers if a.status == 429)
            self.assertEqual(bad.json["err_msg"], "Too many requests. Please try again later")
            self.assertIsNone(bad.headers["Retry-After"])

    def test_dg_6_bodies(self):
        corrupt = "Bad Request: failed to process audio: corrupt or unsupported data"
        for body in (b"", b"<html>not ready</html>", b'{"url":"https://example.com/a.mp3"}', b"RIFF0000WAVE",
                     b"ID3" + bytes(300)):
            self.refused(400, "Bad Request", corrupt, audio=body, model="nova-3")
        as_json = dict(KEY, **{"Content-Type": "application/json"})
        self.refused(400, "Bad Request", "Content-type was application/json, but we could not process the JSON payload.",
                     as_json, b"{", model="nova-3")
        self.refused(400, "REMOTE_CONTENT_ERROR",
                     "The remote server hosting the media returned a client error: 404 Not Found.", as_json,
                     b'{"url":"http://127.0.0.1/x"}', model="nova-3")
        self.remote.knobs("deepgram", json_errors="modern")
        answer = self.listen(b"{}", as_json, model="nova-3")
        self.assertEqual((answer.json["category"], answer.json["message"]), ("INVALID_JSON", "Invalid JSON submitted."))
        self.assertIn("missing field `url`", answer.json["details"])

    def test_encoding_with_a_container_fails(self):
        self.refused(400, "Bad Request", "Bad Request: failed to process audio: corrupt or unsupported data",
                     model="nova-3", encoding="linear16", sample_rate=8000)
        raw = self.heard(b"\1\2" * 8000, encoding="linear16", sample_rate=8000)
        self.assertEqual(raw["metadata"]["duration"], 1.0)

    def test_dg_7_scripted(self):
        for word, status, code in (("overloaded", 503, "Service Unavailable"), ("slow_upload", 408, "SLOW_UPLOAD"),
                                   ("cut_upload", 422, "ASR_UNPROCESSABLE_ENTITY")):
            self.remote.knobs("deepgram", answer=word)
            answer = self.listen(wav(), model="nova-3")
            self.assertEqual((answer.status, answer.json["err_code"]), (status, code))
        self.remote.knobs("deepgram", answer="overloaded_error_code")
        self.assertEqual(self.listen(wav(), model="nova-3").json["error_code"], "Service Unavailable")
        self.remote.knobs("deepgram", answer="timed_out")
        answer = self.listen(wav(), model="nova-3")
        self.assertEqual((answer.status, answer.body), (504, b""))


class Answers(Deepgram):
    def test_dg_8_metadata(self):
        audio = wav(3.5, channels=2)
        answer = self.heard(audio, tag=["calls", "demo"], extra=["call:1", "call:2"])
        metadata = answer["metadata"]
        self.assertEqual(list(metadata)[:7], ["transaction_key", "request_id", "sha256", "created", "duration", "channels",
                                              "models"])
        self.assertEqual((metadata["transaction_key"], metadata["sha256"], metadata["duration"], metadata["channels"]),
                         ("deprecated", hashlib.sha256(audio).hexdigest(), 3.5, 2))
        self.assertEqual(metadata["model_info"][metadata["models"][0]],
                         {"name": "general-nova-3", "version": "2026-01-01.0", "arch": "nova-3"})
        self.assertEqual((metadata["tags"], metadata["extra"]), (["calls", "demo"], {"call": "2"}))
        self.assertEqual(metadata["created"], "2026-03-10T06:30:00.000Z")
        self.assertEqual(len(answer["results"]["channels"]), 1)

    def test_dg_8_plain(self):
        audio = wav(20)
        self.teach(audio, SCRIPT)
        answer = self.heard(audio)
        alternative = answer["results"]["channels"][0]["alternatives"][0]
        self.assertEqual(set(answer["results"]), {"channels"})
        self.assertEqual(set(alternative), {"transcript", "confidence", "words"})
        self.assertEqual(alternative["transcript"],
                         "thank you for calling my order 7 has not arrived i am upset i will look into it")
        self.assertEqual(set(alternative["words"][0]), {"word", "start", "end", "confidence"})
        ends = [0] + [word["end"] for word in alternative["words"]]
        for word, before in zip(alternative["words"], ends):
            self.assertTrue(before <= word["start"] < word["end"] <= 20)

    def test_dg_8_formatting_and_diarization(self):
        audio = wav(20)
        self.teach(audio, SCRIPT)
        results = self.heard(audio, smart_format="true", diarize_model="latest", utterances="true")["results"]
        alternative = results["channels"][0]["alternatives"][0]
        self.assertEqual(alternative["transcript"], " ".join(turn["text"] for turn in SCRIPT))
        word = alternative["words"][4]
        self.assertEqual((word["word"], word["punctuated_word"], word["speaker"]), ("my", "My", 1))
        self.assertIn("speaker_confidence", word)
        paragraphs = alternative["paragraphs"]
        self.assertTrue(paragraphs["transcript"].startswith("\nThank you"))
        self.assertEqual([p["speaker"] for p in paragraphs["paragraphs"]], [0, 1, 0])
        self.assertEqual([s["text"] for s in paragraphs["paragraphs"][1]["sentences"]],
                         ["My order 7 has not arrived.", "I am upset."])
        utterances = results["utterances"]
        self.assertEqual([(u["speaker"], u["channel"], u["transcript"]) for u in utterances],
                         [(i % 2, 0, turn["text"]) for i, turn in enumerate(SCRIPT)])
        self.assertEqual(len({u["id"] for u in utterances}), 3)
        finer = self.heard(audio, smart_format="true", utterances="true", utt_split=0.3)["results"]["utterances"]
        self.assertEqual(len(finer), 4)

    def test_dg_8_multichannel(self):
        audio = wav(20, channels=2)
        self.teach(audio, SCRIPT)
        results = self.heard(audio, smart_format="true", multichannel="true", utterances="true")["results"]
        left, right = [channel["alternatives"][0]["transcript"] for channel in results["channels"]]
        self.assertEqual((left, right), ("Thank you for calling. I will look into it.",
                                         "My order 7 has not arrived. I am upset."))
        self.assertEqual([u["channel"] for u in results["utterances"]], [0, 0, 1])
        self.assertGreater(results["utterances"][1]["start"], results["utterances"][2]["start"],
                           "one channel after the other, not merged by time")
        self.assertNotIn("speaker", results["utterances"][0])
        mono = self.heard(wav(20), multichannel="true")["results"]
        self.assertEqual(len(mono["channels"]), 1)

    def test_dg_8_language_and_intelligence(self):
        channel = self.heard(wav(), detect_language="true")["results"]["channels"][0]
        self.assertEqual((channel["detected_language"], channel["language_confidence"]), ("en", 0.98723))
        answer = self.heard(wav(), summarize="v2", sentiment="true", topics="true", intents="true")
        results = answer["results"]
        self.assertEqual(results["summary"]["result"], "success")
        self.assertIn(results["sentiments"]["average"]["sentiment"], ("positive", "neutral", "negative"))
        self.assertTrue(results["topics"]["segments"] and results["intents"]["segments"])
        self.assertIn("summary_info", answer["metadata"])
        self.remote.knobs("deepgram", nested_topics=True)
        results = self.heard(wav(2), topics="true")["results"]
        self.assertTrue(results["topics"]["results"]["topics"]["segments"])
        warned = self.heard(wav(), sentiment="true", language="hi")["metadata"]["warnings"]
        self.assertEqual(warned[0]["type"], "unsupported_language")

    def test_dg_9_base_model_and_silence(self):
        answer = self.listen(wav()).json
        self.assertEqual(next(iter(answer["metadata"]["model_info"].values()))["arch"], "base")
        results = self.heard(wav(is_silent=True), smart_format="true", utterances="true")["results"]
        alternative = results["channels"][0]["alternatives"][0]
        self.assertEqual((alternative["transcript"], alternative["confidence"], alternative["words"]), ("", 0, []))
        self.assertEqual(results["utterances"], [])

    def test_dg_11_redaction(self):
        audio = wav(20)
        self.teach(audio, "My card is 4242 4242 4242 4242, the cvv is one two three. Call 9876543210 or a@example.com.")

        def text(**values):
            return self.heard(audio, smart_format="true", **values)["results"]["channels"][0]["alternatives"][0]["transcript"]

        self.assertEqual(text(redact="pci"), "My card is [CREDIT_CARD_1] the cvv is [CVV_1] Call 9876543210 or a@example.com.")
        self.assertEqual(text(redact="pii"), "My card is [CREDIT_CARD_1] the cvv is [CVV_1] Call [PHONE_NUMBER_1] or "
                                             "[EMAIL_ADDRESS_1]")
        self.assertNotRegex(text(redact="numbers"), "[0-9]{3}")
        self.assertEqual(text(redact=["cvv", "phone_number"]),
                         "My card is 4242 4242 4242 4242, the cvv is [CVV_1] Call [PHONE_NUMBER_1] or a@example.com.")

    def test_dg_11_request_id_header(self):
        self.assertIsNone(self.listen(wav(), model="nova-3").headers["dg-request-id"])
        self.remote.knobs("deepgram", request_id_header=True)
        answer = self.listen(wav(), model="nova-3")
        self.assertEqual(answer.headers["dg-request-id"], answer.json["metadata"]["request_id"])

    def test_sg_4_the_same_audio_says_the_same(self):
        one, again, other = (self.heard(wav(s), utterances="true") for s in (4, 4, 5))
        self.assertEqual(one["results"], again["results"])
        self.assertNotEqual(one["metadata"]["request_id"], again["metadata"]["request_id"])
        self.assertNotEqual(one["results"], other["results"])


class Recordings(Deepgram):
    def fetch(self, sid):
        call = self.remote.request("exotel", "/v1/Accounts/acmedemo1/Calls/%s.json" % sid, headers=basic()).json["Call"]
        return self.remote.request("recordings", call["RecordingUrl"], headers=basic()).body

    def test_a_recording_says_what_its_call_said(self):
        said, silent, other = self.add({"transcript": SCRIPT, "recording_bytes": 60000}, {"kind": "silent"}, {})
        heard = [self.heard(self.fetch(sid), smart_format="true") for sid in (said, silent, other)]
        texts = [h["results"]["channels"][0]["alternatives"][0]["transcript"] for h in heard]
        self.assertEqual(texts[0], " ".join(turn["text"] for turn in SCRIPT))
        self.assertEqual(texts[1], "")
        self.assertGreater(len(texts[2]), 50)
        self.assertAlmostEqual(heard[0]["metadata"]["duration"], 30, delta=0.2)

    def test_report_shows_what_was_transcribed_twice(self):
        sid, = self.add({"transcript": SCRIPT})
        audio = self.fetch(sid)
        self.heard(audio)
        self.heard(audio, smart_format="true")
        report = self.remote.report("deepgram")
        self.assertEqual(report["by_sha256"], {hashlib.sha256(audio).hexdigest(): {"count": 2, "call": sid}})
        self.assertEqual((report["transcriptions"], report["distinct"]), (2, 1))


class Callbacks(Deepgram):
    """DG.10: the answer comes later, to a URL; and again while nobody takes it."""

    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.remote.knobs("deepgram", callback_port=self.receiver.port)

    def ask(self, url="http://user:secret@hooks.example.com:8080/x?a=1", **values):
        answer = self.heard(wav(), callback=url, utterances="true", **values)
        self.assertEqual(list(answer), ["request_id"])
        return answer["request_id"]

    def sent(self):
        return self.remote.control("/sent?service=deepgram")

    def wait_for(self, state):
        until = time.monotonic() + 10
        while self.sent()[0]["state"] != state and time.monotonic() < until:
            time.sleep(0.005)
        self.assertEqual(self.sent()[0]["state"], state, self.sent())

    def test_dg_10_the_same_answer_comes_later(self):
        whole = self.heard(wav(), utterances="true")
        request_id = self.ask()
        self.assertEqual((self.sent()[0]["state"], self.receiver.requests), ("waiting", []))
        self.remote.advance(1)
        request, = self.receiver.wait(1)
        self.assertEqual((request.method, request.target, request.headers["Host"]),
                         ("POST", "/x?a=1", "hooks.example.com:8080"))
        self.assertEqual(request.headers["Authorization"], basic("user", "secret")["Authorization"])
        self.assertEqual(request.json()["results"], whole["results"])
        self.assertEqual((request.json()["metadata"]["request_id"], request.json()["metadata"]["sha256"]),
                         (request_id, whole["metadata"]["sha256"]))
        self.assertRegex(request.headers["dg-token"], "^[0-9a-f]{8}-[0-9a-f-]{27}$")
        self.assertEqual(self.remote.report("deepgram")["callbacks"], 1)

    def test_dg_10_put_and_the_id_of_the_key(self):
        self.remote.control("/load", {"deepgram": {"keys": [{"key": "demo-deepgram-key", "id": "key-7"}]}})
        self.ask(callback_method="PUT")
        self.remote.advance(1)
        request, = self.receiver.wait(1)
        self.assertEqual((request.method, request.headers["dg-token"]), ("PUT", "key-7"))
        self.assertNotIn("demo-deepgram-key", str(request.headers))

    def test_dg_10_ten_tries_thirty_seconds_apart(self):
        self.receiver.statuses = [500, 404, 302, 0] + [503] * 10
        self.ask()
        self.remote.advance(1)
        for count in range(1, 10):
            self.receiver.wait(count)
            self.wait_for("waiting")
            self.remote.advance(29.9)
            self.assertEqual(len(self.receiver.requests), count)
            self.remote.advance(0.1)
        self.receiver.wait(10)
        self.wait_for("given up")
        self.remote.advance(3600)
        tries = self.sent()[0]["tries"]
        self.assertEqual([each["status"] for each in tries], [500, 404, 302, 0] + [503] * 6)
        self.assertEqual({b["at_ms"] - a["at_ms"] for a, b in zip(tries, tries[1:])}, {30000})
        self.assertEqual(len({request.body for request in self.receiver.requests}), 1)

    def test_dg_10_a_try_that_is_taken_ends_it(self):
        self.receiver.statuses = [500]
        self.ask()
        self.remote.advance(1)
        self.wait_for("waiting")
        self.remote.advance(30)
        self.wait_for("delivered")
        self.assertEqual(len(self.receiver.requests), 2)

    def test_dg_10_a_scaled_clock_brings_them_sooner(self):
        self.remote.control("/clock", {"mode": "real", "speed": 600})
        self.receiver.statuses = [500] * 4
        self.ask()
        self.receiver.wait(5)

    def test_dg_10_a_request_that_is_refused_calls_nobody(self):
        self.refused(400, "INVALID_QUERY_PARAMETER", "Invalid callback url.", model="nova-3",
                     callback="https://example.com:8081/x")
        self.remote.advance(600)
        self.assertEqual((self.sent(), self.receiver.requests), ([], []))


if __name__ == "__main__":
    run()
