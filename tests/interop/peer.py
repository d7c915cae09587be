"""A Python UNaIVERSE process that the tests steer: a line of JSON with a request on stdin, one with its answer on stdout.

Takes the folder that holds the package. Only its `networking/p2p` part is imported: the rest needs much more.
"""
import base64
import json
import os
import sys
import time

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the package prints is no answer
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, os.path.join(sys.argv[1], "unaiverse", "networking"))

from p2p import P2P  # noqa: E402
from p2p.messages import Msg  # noqa: E402

nodes = {}


def create(number, options):
    nodes[number] = node = P2P(**options)
    return {"peerId": node.peer_id, "addresses": node.addresses}


def call(number, method, *args):
    return getattr(nodes[number], method)(*args)


def send(number, channel, payloads):
    node = nodes[number]
    way = node.broadcast_message if "::ps:" in channel else node.send_message_to_peer
    for payload in payloads:
        way(channel, base64.b64decode(payload))


def take(number, count, seconds):
    """Pops, one message of each channel at a time, until there are `count` or the time is over."""
    messages = []
    end = time.monotonic() + seconds
    while True:
        popped = nodes[number].pop_messages()
        messages += popped
        if len(messages) >= count or time.monotonic() > end:
            break
        if not popped:
            time.sleep(0.001)
    return [{"from": m["from"], "data": base64.b64encode(m["data"]).decode()} for m in messages]


def number(number, channel, count, pause):
    for n in range(count):
        nodes[number].send_message_to_peer(channel, f"{n} {time.time() * 1000:.0f}".encode())
        time.sleep(pause)


def announce(number, topic, roster):
    """Publishes a roster as a world does."""
    message = Msg(sender=nodes[number].peer_id, content_type=Msg.WORLD_AGENTS_LIST, channel=topic, content=roster)
    nodes[number].broadcast_message(topic, message.to_bytes())


# A full queue drops messages without notice; the log alone tells which stream a message took.
P2P.setup_library(max_instances=100, max_queue_per_channel=10_000, enable_logging=True)

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": globals()[request["call"]](*request["args"])}
    except Exception as error:
        answer = {"error": f"{error!r} {error.__cause__ or ''}"}
    print(json.dumps(answer), file=answers, flush=True)
