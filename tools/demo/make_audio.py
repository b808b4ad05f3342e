#!/usr/bin/env python3
"""Makes the recordings of the demo's calls and the scenario for the local services.

Every turn is spoken by flite (agent: rms, customer: slt); the two parties get a channel each, as a telephone system with
dual-channel recording delivers them, and sox encodes the call as mp3.

usage: make_audio.py CALLS.json OUT_FOLDER
"""
import array
import datetime
import json
import pathlib
import re
import subprocess
import sys
import wave

RATE = 16000
PAUSE_S = 0.7
VOICES = {"agent": "rms", "customer": "slt"}
UNITS = {"s": 1, "m": 60, "h": 3600}


def speak(text, voice, path):
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True, capture_output=True)
    with wave.open(str(path)) as sound:
        assert sound.getframerate() == RATE and sound.getnchannels() == 1
        samples = array.array("h", sound.readframes(sound.getnframes()))
    path.unlink()
    return samples


def record(call, folder):
    """One stereo mp3: the agent left, the customer right. Gives its path and length in seconds."""
    tracks = {"agent": array.array("h"), "customer": array.array("h")}
    silence = array.array("h", [0]) * int(PAUSE_S * RATE)
    for who, what in call["turns"]:
        if who == "hold":
            spoken, speaker = array.array("h", [0]) * int(what * RATE), "agent"
        else:
            spoken, speaker = speak(what, VOICES[who], folder / "turn.wav"), who
        for name, track in tracks.items():
            track.extend(spoken if name == speaker else array.array("h", [0]) * len(spoken))
            track.extend(silence)
    both = array.array("h", bytes(4 * len(tracks["agent"])))
    both[0::2], both[1::2] = tracks["agent"], tracks["customer"]
    stereo = folder / "call.wav"
    with wave.open(str(stereo), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(both.tobytes())
    path = folder / f"{call['sid']}.mp3"
    subprocess.run(["sox", str(stereo), "-C", "64", str(path)], check=True, capture_output=True)
    stereo.unlink()
    return path, len(tracks["agent"]) / RATE


def start_time(text):
    """"-55m" as an absolute time: call times must be the same in both runs of the demo."""
    number, unit = re.fullmatch(r"-(\d+)([smh])", text).groups()
    now = datetime.datetime.now(datetime.timezone.utc)
    return now - datetime.timedelta(seconds=int(number) * UNITS[unit])


def plan(call, folder):
    start = start_time(call["start"])
    planned = {"sid": call["sid"], "kind": call["kind"], "from": call["from"], "start": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if "to" in call:
        planned["to"] = call["to"]
    if "turns" in call:
        path, seconds = record(call, folder)
        end = start + datetime.timedelta(seconds=seconds)
        delay = 0
        if "recording_after_s" in call:
            now = datetime.datetime.now(datetime.timezone.utc)
            delay = int((now - end).total_seconds()) + call["recording_after_s"]
        planned.update(duration_s=int(seconds) + 12, talk_s=max(int(seconds), 1), settle_s=0,
                       recording={"file": str(path), "channels": 2, "delay_s": delay},
                       transcript=[{"speaker": who, "text": what} for who, what in call["turns"] if who != "hold"])
    return planned


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[-1])
    calls = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = pathlib.Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    scenario = {"seed": 1, "exotel": {"calls": [plan(call, folder) for call in calls]}}
    (folder / "scenario.json").write_text(json.dumps(scenario, indent=1), encoding="utf-8")
    print(f"{len(calls)} calls in {folder}")


if __name__ == "__main__":
    main()
