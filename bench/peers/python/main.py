"""The Python node (unaiverse) doing the work of bench/peers: both ends in one call, because they have to share a network without a way out.

Takes the work as one JSON argument and the folder that holds the package, and prints {"result": {...}}.
"""
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the package prints is no answer
work, folder = json.loads(sys.argv[1]), sys.argv[2]
sys.path.insert(0, folder)
sys.path.insert(0, os.path.join(folder, "unaiverse", "networking"))

from p2p import P2P  # noqa: E402

MEASURED, LAST = 1, 2


def create():
    P2P.setup_library(enable_logging=False)
    return P2P(
        identity_dir=tempfile.mkdtemp(),
        port=0,
        ips=["127.0.0.1"],
        knows_is_public=True,
        dht_enabled=False,
        enable_relay_client=False,
        webrtc_enabled=False,
    )


def tell(line):
    print(json.dumps(line), file=answers, flush=True)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def receive():
    node = create()
    part = "/quic-v1/p2p" if work["transport"] == "quic" else "/tcp/"
    tell({"listening": [a for a in node.addresses if part in a and "/ws" not in a]})
    messages = size = 0
    began = used = 0.0
    while True:
        for message in node.pop_messages():
            data = message["data"]
            if data[0] == MEASURED:
                if messages == 0:
                    began, used = time.perf_counter(), cpu()
                messages += 1
                size += len(data)
                ended = time.perf_counter()
            elif data[0] == LAST:
                (sent,) = struct.unpack_from("<I", data, 1)
                return {"messages": messages, "bytes": size, "lost": sent - messages, "seconds": ended - began, "cpu": cpu() - used}


def send(to):
    node = create()
    peer = node.connect_to(to)
    channel = f"{node.peer_id}::dm:{peer['ID'] if 'ID' in peer else peer['id']}-bench"
    payload = bytearray(work["size"])
    used = 0.0
    for kind, ms in ((0, work["warmMs"]), (MEASURED, work["ms"])):
        payload[0] = kind
        sent, end = 0, time.perf_counter() + ms / 1000
        used = cpu()
        while time.perf_counter() < end:
            node.send_message_to_peer(channel, bytes(payload))
            sent += 1
    used = cpu() - used
    payload[0] = LAST
    struct.pack_into("<I", payload, 1, sent)
    # The receiver's queue drops the newest when it is full: the last message comes when it is empty.
    time.sleep(1)
    node.send_message_to_peer(channel, bytes(payload))
    return {"sent": sent, "cpu": used}


if work["role"] == "receive":
    tell({"result": receive()})
    sys.stdin.read()
elif work["role"] == "both":
    base = [sys.executable, sys.argv[0]]
    receiver = subprocess.Popen(
        [*base, json.dumps({**work, "role": "receive"}), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    to = json.loads(receiver.stdout.readline())["listening"]
    sent = send(to)
    result = json.loads(receiver.stdout.readline())["result"]
    tell({"sent": sent, "result": result})
    receiver.stdin.close()
os._exit(0)
