"""Items OA of the transcription contract: uploads to OpenAI's audio API.

With OPENAI_OPENAPI naming the vendor's OpenAPI description (JSON), every form of answer is compared with it, too."""

import base64
import functools
import hashlib
import json
import math
import struct

from openapi import OPENAI as DESCRIPTION
from services_case import Case, basic, run

KEY = {"Authorization": "Bearer sk-demo-openai-key-0000"}
BOUNDARY = "----demo7boundary"
SCRIPT = [{"speaker": "agent", "text": "Thank you for calling. How can I help?"},
          {"speaker": "customer", "text": "My order has not arrived."}]
TEXT = "Thank you for calling. How can I help? My order has not arrived."
FORMATS = "['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']"


@functools.lru_cache(maxsize=None)
def wav(seconds=8.0, rate=8000, is_silent=False):
    if rate < 1000:  # long and small: what counts is the length that the header tells
        samples = b"\x10\x20" * int(seconds * rate)
    else:
        samples = b"".join(struct.pack("<h", 0 if is_silent else int(9000 * math.sin(i / 5)))
                           for i in range(int(seconds * rate)))
    return (b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
            + b"data" + struct.pack("<I", len(samples)) + samples)


def form(parts):
    """`parts`: (name, value) or (name, file name, bytes)."""
    body = b""
    for part in parts:
        body += b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: form-data; name=\"" + part[0].encode() + b"\""
        if len(part) == 3:
            body += b"; filename=\"" + part[1].encode() + b"\"\r\nContent-Type: audio/wav"
        body += b"\r\n\r\n" + (part[-1] if isinstance(part[-1], bytes) else str(part[-1]).encode()) + b"\r\n"
    return body + b"--" + BOUNDARY.encode() + b"--\r\n"


class Audio(Case):
    def send(self, body, headers=KEY, type_='multipart/form-data; boundary="%s"' % BOUNDARY):
        return self.remote.request("openai", "/v1/audio/transcriptions", "POST", body, dict(headers, **{"Content-Type": type_}))

    def upload(self, audio=None, name="call.wav", model="gpt-transcribe", headers=KEY, fields=(), **values):
        parts = [("file", name, wav() if audio is None else audio)] if name else []
        parts += [("model", model)] if model else []
        return self.send(form(parts + list(fields) + list(values.items())), headers)

    def heard(self, schema=None, **values):
        answer = self.upload(**values)
        self.assertEqual(answer.status, 200, answer.body)
        if schema and DESCRIPTION:
            self.assertEqual(DESCRIPTION.faults(schema, answer.json), [])
        return answer.json

    def refused(self, status, param, code, message, usage=None, type_="invalid_request_error", **values):
        answer = self.upload(**values)
        expected = {"error": {"message": message, "type": type_, "param": param, "code": code}}
        if usage:
            expected["usage"] = {"type": "duration", "seconds": 0}
        self.assertEqual((answer.status, answer.json), (status, expected), values)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertRegex(answer.headers["x-request-id"], "^req_[0-9a-f]{32}$")
        return answer

    def teach(self, audio, script=None):
        script = SCRIPT if script is None else script
        self.remote.control("/openai/scripts", {"sha256": hashlib.sha256(audio).hexdigest(), "script": script})


class Refusals(Audio):
    def test_oa_1_key_is_refused_as_plain_text(self):
        answer = self.upload(headers={"Authorization": "Bearer sk-proj-madeupmadeup0000"})
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (401, "text/plain"))
        self.assertEqual(answer.json, {"error": {
            "message": "Incorrect API key provided: sk-proj-************0000. You can find your API key at "
                       "https://platform.openai.com/account/api-keys.", "type": "invalid_request_error", "param": None,
            "code": "invalid_api_key"}, "status": 401})
        self.assertTrue(answer.headers["x-request-id"])
        answer = self.upload(headers={})
        self.assertEqual((answer.status, answer.json["error"]["code"], answer.json["status"]), (401, None, 401))

    def test_oa_1_a_real_multipart_parser(self):
        tricky = wav(2.0) + b"\r\n--" + BOUNDARY[:-1].encode() + b"\r\n\r\n--\r\n"
        self.teach(tricky)
        self.assertEqual(self.heard(audio=tricky)["text"], TEXT)
        parts = form([("model", "gpt-transcribe"), ("file", "a call; with \u0928.wav", tricky), ("prompt", "")])
        self.assertEqual(self.send(parts).json["text"], TEXT, "in any order, with an odd name and an empty field")
        self.assertEqual(self.send(parts, type_="multipart/form-data; boundary=%s" % BOUNDARY).status, 200)
        for body, type_ in ((parts, "application/json"), (parts, "multipart/form-data"),
                            (parts, "multipart/form-data; boundary=other"), (parts[:-30], None), (b"", None),
                            (parts.replace(b"form-data", b"attachment"), None)):
            answer = self.send(body, **({"type_": type_} if type_ else {}))
            self.assertEqual((answer.status, answer.json["error"]["message"]), (400, "Could not parse multipart form"))
        self.refused(400, "file", "missing_required_parameter", "Missing required parameter: 'file'.", name=None)
        self.refused(400, "file", "missing_required_parameter", "Missing required parameter: 'file'.", name=None,
                     fields=[("file", "no file name")])

    def test_oa_2_too_large(self):
        def sized(bytes_):
            frame = len(form([("file", "call.wav", b""), ("model", "gpt-transcribe")]))
            return wav(1.0) + b"\0" * (bytes_ - frame - len(wav(1.0)))

        self.assertEqual(self.upload(sized(26214400)).status, 200)
        text = "Maximum content size limit (26214400) exceeded (26214401 bytes read)"
        self.refused(413, None, None, "413: " + text, usage=True, type_="server_error", audio=sized(26214401))
        self.remote.knobs("openai", too_large="without_status")
        self.refused(413, None, None, text, usage=True, type_="server_error", audio=sized(26214401))

    def test_oa_3_model(self):
        for model, name in (("no-such-model", "no-such-model"), (None, ""), ("gpt-6-luna", "gpt-6-luna")):
            answer = self.refused(404, None, "model_not_found",
                                  "The model `%s` does not exist or you do not have access to it." % name, model=model)
            self.assertIn(b"\n", answer.body.strip(), "it is written over several lines")

    def test_oa_4_extension_and_content(self):
        for model in ("gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize"):
            self.refused(400, "file", "unsupported_value", "Unsupported file format bin", model=model, name="call.bin")
        self.refused(400, "file", "unsupported_value", "Unsupported file format ", name="call")
        self.refused(400, None, None, "Invalid file format. Supported formats: " + FORMATS, usage=True, model="whisper-1",
                     name="call.aac")
        for name in ("call.WAV", "a.b.mp3", "x.oga"):
            self.assertEqual(self.upload(name=name).status, 200)
        for audio in (b"", b"<html>not audio at all</html>", wav()[:40]):
            self.refused(400, "file", "invalid_value", "Audio file might be corrupted or unsupported", audio=audio)

    def test_oa_5_formats(self):
        text = "response_format '%s' is not compatible with model '%s'. Use %s instead."
        for model, inner, good in (("gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-api-ev3", "'json' or 'text'"),
                                   ("gpt-4o-transcribe", "gpt-4o-transcribe", "'json' or 'text'"),
                                   ("gpt-transcribe", "gpt-transcribe", "'json'"),
                                   ("gpt-4o-transcribe-diarize", "gpt-4o-transcribe-diarize",
                                    "'json', 'text' or 'diarized_json'")):
            for format_ in ("verbose_json", "srt", "vtt"):
                self.refused(400, "response_format", "unsupported_value", text % (format_, inner, good), model=model,
                             response_format=format_)
        self.assertEqual(self.upload(model="whisper-1", response_format="diarized_json").status, 400)
        self.assertEqual(self.upload(response_format="xml").json["error"]["code"], "invalid_value")

    def test_oa_5_lengths(self):
        long = "audio duration 1500.0 seconds is longer than 1400 seconds which is the maximum for this model"
        for model in ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"):
            self.refused(400, None, "invalid_value", long, model=model, audio=wav(1500, 100), chunking_strategy="auto")
        for model in ("gpt-transcribe", "whisper-1"):
            self.assertEqual(self.upload(wav(1800, 100), model=model).status, 200)
        self.assertEqual(self.upload(wav(1400, 100), model="gpt-4o-transcribe").status, 200)
        self.remote.knobs("openai", mini_tokens=1000)
        self.refused(400, None, "input_too_large",
                     "Total number of tokens in instructions + audio is too large for this model",
                     model="gpt-4o-mini-transcribe", audio=wav(101, 100))
        self.assertEqual(self.upload(wav(100, 100), model="gpt-4o-mini-transcribe").status, 200)
        diarize = {"model": "gpt-4o-transcribe-diarize", "audio": wav(31, 100)}
        answer = self.upload(**diarize)
        self.assertEqual((answer.status, answer.json["error"]["param"]), (400, "chunking_strategy"))
        self.assertEqual(self.upload(model=diarize["model"], audio=wav(30, 100)).status, 200)
        for good in ("auto", '{"type":"server_vad","threshold":0.4}'):
            self.assertEqual(self.upload(chunking_strategy=good, **diarize).status, 200)
        for bad in ("always", '{"type":"vad"}', '{"type":"server_vad","colour":1}', "5"):
            self.assertEqual(self.upload(chunking_strategy=bad, **diarize).status, 400, bad)

    def test_fields_that_a_model_does_not_take(self):
        reference = "data:audio/wav;base64," + base64.b64encode(wav(3, 100)).decode()
        short = "data:audio/wav;base64," + base64.b64encode(wav(1, 100)).decode()
        diarize = "gpt-4o-transcribe-diarize"
        for model, fields in (
                ("whisper-1", [("languages[]", "en")]), ("whisper-1", [("keywords[]", "kettle")]),
                (diarize, [("prompt", "x")]), ("gpt-transcribe", [("include[]", "logprobs")]),
                ("gpt-4o-transcribe", [("include[]", "logprobs"), ("response_format", "text")]),
                ("gpt-4o-transcribe", [("include[]", "words")]), ("whisper-1", [("timestamp_granularities[]", "word")]),
                ("whisper-1", [("temperature", "1.5")]), ("whisper-1", [("temperature", "warm")]),
                ("whisper-1", [("language", "english")]), ("whisper-1", [("language", "xx")]),
                ("gpt-transcribe", [("stream", "true")]), ("gpt-transcribe", [("stream", "maybe")]),
                ("gpt-transcribe", [("colour", "red")]), ("whisper-1", [("known_speaker_names[]", "Asha")]),
                (diarize, [("known_speaker_names[]", "Asha")]),
                (diarize, [("known_speaker_names[]", "Asha"), ("known_speaker_references[]", short)]),
                (diarize, [("known_speaker_names[]", "Asha"), ("known_speaker_references[]", "https://example.com/a")]),
                (diarize, [("known_speaker_names[]", "n"), ("known_speaker_references[]", reference)] * 5)):
            answer = self.upload(model=model, fields=fields)
            self.assertEqual((answer.status, answer.json["error"]["type"]), (400, "invalid_request_error"), fields)
        self.assertEqual(self.remote.report("openai")["transcriptions"], 0)
        for model, fields in (("gpt-transcribe", [("languages[]", "en"), ("languages[]", "hi"), ("keywords", "kettle")]),
                              ("whisper-1", [("stream", "true"), ("temperature", "0.2"), ("prompt", "kettles")])):
            self.assertEqual(self.upload(model=model, fields=fields).status, 200, fields)
        self.remote.knobs("openai", unknown_parameters="ignored")
        self.assertEqual(self.upload(colour="red").status, 200)

    def test_oa_8_models_end(self):
        old = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize", "whisper-1")
        self.remote.control("/clock", {"now": "2027-02-25T23:59:59Z"})
        self.assertEqual([self.upload(model=model).status for model in old], [200] * 4)
        self.remote.control("/clock", {"now": "2027-02-26T00:00:00Z"})
        for model in old:
            self.refused(404, None, "model_not_found",
                         "The model `%s` does not exist or you do not have access to it." % model, model=model)
        self.assertEqual(self.upload().status, 200)

    def test_faults_of_the_chat_come_here_too(self):
        self.remote.knobs("openai", fault="credit_balance_exhausted")
        self.assertEqual((self.upload().status, self.upload().json["error"]["code"]), (429, "credit_balance_exhausted"))
        self.remote.knobs("openai", fault="none", requests_per_minute=1)
        self.assertEqual([self.upload().status for _ in range(2)], [200, 429])


class Answers(Audio):
    def setUp(self):
        super().setUp()
        self.teach(wav())

    def test_oa_6_gpt_transcribe(self):
        self.assertEqual(self.heard("CreateTranscriptionResponseJson"),
                         {"text": TEXT, "languages": [{"code": "en"}], "usage": {"type": "duration", "seconds": 8}})
        self.assertEqual(self.heard(language="hi")["languages"], [{"code": "hi"}])
        self.remote.knobs("openai", languages="empty")
        self.assertEqual(self.heard()["languages"], [])

    def test_oa_6_gpt_4o(self):
        for model in ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15"):
            got = self.heard("CreateTranscriptionResponseJson", model=model)
            self.assertEqual((sorted(got), got["text"]), (["text", "usage"], TEXT))
            usage = got["usage"]
            self.assertEqual((usage["type"], usage["input_token_details"]), ("tokens", {"text_tokens": 0, "audio_tokens": 80}))
            self.assertEqual(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
        got = self.heard("CreateTranscriptionResponseJson", model="gpt-4o-transcribe", fields=[("include[]", "logprobs")])
        self.assertEqual("".join(entry["token"] for entry in got["logprobs"]), TEXT)
        self.assertEqual(bytes(got["logprobs"][1]["bytes"]), b" you")
        self.assertTrue(all(entry["logprob"] <= 0 for entry in got["logprobs"]))

    def test_oa_6_whisper_verbose(self):
        got = self.heard("CreateTranscriptionResponseVerboseJson", model="whisper-1", response_format="verbose_json")
        self.assertEqual((got["task"], got["language"], got["duration"], got["text"], got["usage"]),
                         ("transcribe", "english", 8.0, TEXT, {"type": "duration", "seconds": 8}))
        self.assertEqual([segment["text"] for segment in got["segments"]],
                         [" Thank you for calling.", " How can I help?", " My order has not arrived."])
        self.assertEqual([segment["id"] for segment in got["segments"]], [0, 1, 2])
        self.assertTrue(all(0 <= segment["start"] < segment["end"] <= 8 for segment in got["segments"]))
        self.assertNotIn("words", got)
        words = [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]
        got = self.heard("CreateTranscriptionResponseVerboseJson", model="whisper-1", fields=words, language="fr")
        self.assertEqual((got["language"], len(got["words"]), "segments" in got), ("french", len(TEXT.split()), False))
        got = self.heard(model="whisper-1", fields=words + [("timestamp_granularities[]", "segment")])
        self.assertTrue("words" in got and "segments" in got)

    def test_oa_6_plain_forms(self):
        answer = self.upload(model="whisper-1", response_format="text")
        self.assertEqual((answer.body.decode(), answer.headers["Content-Type"].split(";")[0]), (TEXT + "\n", "text/plain"))
        cue = r"\d\d:\d\d:\d\d%s\d{3} --> \d\d:\d\d:\d\d%s\d{3}\n%s\n\n"
        sentences = ("Thank you for calling\\.", "How can I help\\?", "My order has not arrived\\.")
        self.assertRegex(self.upload(model="whisper-1", response_format="srt").body.decode(), "^" + "".join(
            "%d\n" % (i + 1) + cue % (",", ",", said) for i, said in enumerate(sentences)) + "$")
        self.assertRegex(self.upload(model="whisper-1", response_format="vtt").body.decode(), "^WEBVTT\n\n" + "".join(
            cue % ("\\.", "\\.", said) for said in sentences) + "$")
        self.assertEqual(self.upload(model="gpt-4o-transcribe", response_format="text").body.decode(), TEXT + "\n")

    def test_diarized(self):
        model = "gpt-4o-transcribe-diarize"
        got = self.heard("CreateTranscriptionResponseDiarizedJson", model=model, response_format="diarized_json")
        self.assertEqual([(segment["id"], segment["speaker"], segment["text"]) for segment in got["segments"]],
                         [("seg_001", "A", SCRIPT[0]["text"]), ("seg_002", "B", SCRIPT[1]["text"])])
        self.assertEqual(got["usage"], {"type": "duration", "seconds": 8})
        reference = "data:audio/wav;base64," + base64.b64encode(wav(3, 100)).decode()
        got = self.heard("CreateTranscriptionResponseDiarizedJson", model=model, response_format="diarized_json",
                         fields=[("known_speaker_names[]", "Asha"), ("known_speaker_references[]", reference)])
        self.assertEqual([segment["speaker"] for segment in got["segments"]], ["Asha", "A"])

    def test_silence(self):
        silent = wav(3.0, is_silent=True)
        got = self.heard(audio=silent)
        self.assertEqual((got["text"], got["languages"], got["usage"]["seconds"]), ("", [], 3))
        got = self.heard("CreateTranscriptionResponseVerboseJson", audio=silent, model="whisper-1",
                         response_format="verbose_json")
        self.assertEqual((got["text"], got["segments"]), ("", []))
        self.assertEqual(self.upload(silent, model="whisper-1", response_format="text").body, b"\n")

    def test_oa_7_headers(self):
        answer = self.upload()
        self.assertRegex(answer.headers["x-request-id"], "^req_[0-9a-f]{32}$")
        self.assertEqual((answer.headers["x-ratelimit-limit-requests"], answer.headers["x-ratelimit-remaining-requests"]),
                         ("10000", "9999"))

    def test_oa_9_no_idempotency(self):
        headers = dict(KEY, **{"Idempotency-Key": "same"})
        ids = {self.upload(headers=headers).headers["x-request-id"] for _ in range(2)}
        report = self.remote.report("openai")
        self.assertEqual((len(ids), report["transcriptions"], report["audio_seconds"]), (2, 2, 16.0))
        self.assertEqual(report["by_sha256"], {hashlib.sha256(wav()).hexdigest(): {"count": 2, "call": None}})

    def test_a_recording_says_what_its_call_says(self):
        sid, = self.add({"start": "-30m", "transcript": SCRIPT})
        call = self.remote.control("/exotel/calls/" + sid)
        audio = self.remote.request("recordings", call["recording"]["url"], headers=basic()).body
        self.assertEqual(self.heard(audio=audio, name="%s.mp3" % sid)["text"], TEXT)
        self.assertEqual(self.remote.report("openai")["by_sha256"][hashlib.sha256(audio).hexdigest()],
                         {"count": 1, "call": sid})

    def test_other_audio_says_something_invented_and_always_the_same(self):
        first, second = self.heard(audio=wav(9))["text"], self.heard(audio=wav(9))["text"]
        self.assertEqual(first, second)
        self.assertGreater(len(first.split()), 10)

    def test_scripts_are_checked(self):
        answer = self.services.control("POST", "/openai/scripts", {"sha256": "0" * 64, "script": [{"who": 1}]})
        self.assertEqual(answer.status, 400)
        self.remote.control("/load", {"openai": {"scripts": {hashlib.sha256(wav(4)).hexdigest(): "Hello there."}}})
        self.assertEqual(self.heard(audio=wav(4))["text"], "Hello there.")


if __name__ == "__main__":
    run()
