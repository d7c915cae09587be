"""Writes and reads messages with the Python package, for the vectors in messages.json and for tests that exchange many.

Usage: python3 messages.py <folder with the package, protobuf, numpy and pillow>, then one request a line on stdin:
{"call": "vectors"}, {"call": "write", "seed": 1, "count": 10} or {"call": "read", "messages": [<base64>]}; one answer a line.

PyTorch is not there: a stand-in keeps bytes, dtype and shape, which is all that the package asks of a tensor.
"""
import base64
import io
import json
import math
import random
import sys
import types

import_folder = sys.argv[1]
sys.path.insert(0, import_folder)

import numpy  # noqa: E402
from PIL import Image  # noqa: E402

SIZES = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex64": 8, "complex128": 16,
}


class DType:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return "torch." + self.name


class Tensor:
    def __init__(self, raw, dtype, shape):
        self.raw, self.dtype, self.shape = bytes(raw), dtype, tuple(shape)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return numpy.frombuffer(self.raw, dtype=numpy.uint8)

    def reshape(self, shape):
        return Tensor(self.raw, self.dtype, shape)


torch = types.ModuleType("torch")
torch.Tensor = Tensor
torch.frombuffer = lambda buffer, dtype: Tensor(buffer, dtype, [len(buffer)])
for dtype_name in SIZES:
    setattr(torch, dtype_name, DType(dtype_name))
sys.modules["torch"] = torch


class FileContainer:
    def __init__(self, content, filename, mime_type):
        self.content, self.filename, self.mime_type = content, filename, mime_type


streams = types.ModuleType("unaiverse.streams")
dataprops = types.ModuleType("unaiverse.streams.dataprops")
dataprops.FileContainer = FileContainer
sys.modules["unaiverse.streams"] = streams
sys.modules["unaiverse.streams.dataprops"] = dataprops

# The two modules alone: the packages around them load a Go library and PyTorch.
for package in ("unaiverse", "unaiverse.networking", "unaiverse.networking.p2p"):
    module = types.ModuleType(package)
    module.__path__ = [import_folder + "/" + package.replace(".", "/")]
    sys.modules[package] = module
from unaiverse.networking.p2p import message_pb2 as pb  # noqa: E402
from unaiverse.networking.p2p.messages import Msg  # noqa: E402


def text(data):
    return base64.b64encode(data).decode()


def plain(value):
    """JSON without the words that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def describe_sample(sample, proto):
    data = sample["data"]
    described = {"tag": sample["data_tag"], "uuid": sample["data_uuid"]}
    if isinstance(data, Tensor):
        described.update(kind="tensor", dtype=data.dtype.name, shape=list(data.shape), data=text(data.raw))
    elif isinstance(data, str):
        described.update(kind="text", text=data)
    elif isinstance(data, FileContainer):
        described.update(kind="file", content=text(data.content), filename=data.filename, mimeType=data.mime_type)
    elif data is not None:
        described.update(kind="image", bytes=text(proto.data.image_data.data))
    return described


def describe(encoded):
    message = Msg.from_bytes(encoded)
    proto = pb.Message()
    proto.ParseFromString(encoded)
    kind = proto.WhichOneof("content")
    if kind == "stream_sample":
        samples = proto.stream_sample.samples
        content = {"kind": "samples", "samples": {name: describe_sample(s, samples[name]) for name, s in message.content.items()}}
    elif kind == "stats_update":
        content = {"kind": "stats", "updates": [
            {"groupKey": u["group_key"], "statName": u["stat_name"], "timestamp": u["timestamp"], "value": plain(u["value"])}
            for u in message.content]}
    elif kind == "json_content":
        content = {"kind": "json", "value": plain(message.content)}
    else:
        assert message.content == Msg._EMPTY
        content = {"kind": "empty"}
    return {"sender": message.sender, "contentType": message.content_type, "channel": message.channel,
            "piggyback": message.piggyback, "timestamp": message.timestamp_net, "content": content}


ALPHABET = "abc XYZ\"\\/\n\t\x00\x1f\x7fäß€漢😀\u2028"


def random_text(r, longest=12):
    return "".join(r.choice(ALPHABET) for _ in range(r.randrange(longest)))


def random_number(r):
    return r.choice([
        0, 1, -1, 2**53 - 1, -(2**53) + 1, 0.1, -0.0, 1.5e300, 5e-324, 1e-5, 1.25e-7, 0.0001, 1e15 + 0.5, 1e16, 1e22,
        r.randrange(-1000, 1000), r.random(), r.uniform(-1e9, 1e9), r.random() * 10.0 ** r.randrange(-300, 300),
    ])


def random_json(r, depth=0, special=True):
    kind = r.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return None
    if kind == 1:
        return r.random() < 0.5
    if kind == 2:
        return random_text(r)
    if kind == 3 and special and r.random() < 0.3:
        return r.choice([math.nan, math.inf, -math.inf])
    if kind < 5:
        return random_number(r)
    if kind == 5:
        return [random_json(r, depth + 1, special) for _ in range(r.randrange(4))]
    return {random_text(r): random_json(r, depth + 1, special) for _ in range(r.randrange(4))}


def random_stat(r):
    value = random_json(r, 1, False)
    return {"group_key": random_text(r), "stat_name": random_text(r), "timestamp": r.randrange(-(2**53) + 1, 2**53), "value": value}


def random_image(r):
    return Image.new("RGB", (r.randrange(1, 4), r.randrange(1, 4)), tuple(r.randrange(256) for _ in range(3)))


def random_sample(r):
    kind = r.randrange(4)
    if kind == 0:
        dtype = r.choice(list(SIZES))
        shape = [r.randrange(4) for _ in range(r.randrange(4))]
        data = Tensor(r.randbytes(SIZES[dtype] * math.prod(shape)), getattr(torch, dtype), shape)
    elif kind == 1:
        data = random_image(r)
    elif kind == 2:
        data = random_text(r, 100)
    else:
        data = FileContainer(r.randbytes(r.randrange(50)), random_text(r), "application/x-test")
    sample = {"data": data}
    if r.random() < 0.7:
        sample["data_tag"] = r.choice([0, 1, -1, 2**31 - 1, -(2**31), r.randrange(1000)])
    if r.random() < 0.5:
        sample["data_uuid"] = random_text(r)
    return sample


def random_message(r):
    content_type = r.choice(sorted(Msg.CONTENT_TYPES) + ["stream_sample", "stats_update"] * 5)
    if content_type == "stream_sample":
        content = {random_text(r): random_sample(r) for _ in range(r.randrange(3))}
    elif content_type == "stats_update":
        content = [random_stat(r) for _ in range(r.randrange(3))]
    else:
        content = random_json(r)
    return Msg(sender=random_text(r), content=content, channel=r.choice([None, random_text(r)]), content_type=content_type,
               piggyback=r.choice([None, random_text(r)]), timestamp_net="2026-11-24 09:30:00.%06d" % r.randrange(10**6))


def write(seed, count):
    r = random.Random(seed)
    written = [random_message(r).to_bytes() for _ in range(count)]
    return [{"bytes": text(encoded), "message": describe(encoded)} for encoded in written]


def read(messages):
    return [describe(base64.b64decode(message)) for message in messages]


def vectors():
    """One of each kind; what Python leaves open (the order of map entries, the time in gzip) is not compared byte by byte."""
    time = "2026-11-24 09:30:00.125000"
    image = io.BytesIO()
    Image.new("RGB", (2, 2), (255, 0, 0)).save(image, format="PNG")

    def make(name, exact, **fields):
        encoded = Msg(sender="12D3KooWAlice", timestamp_net=time, **fields).to_bytes()
        return {"name": name, "exact": exact, "bytes": text(encoded), "message": describe(encoded)}

    def sample(name, exact, data, **rest):
        return make(name, exact, content_type="stream_sample", content={"stream": {"data": data, **rest}})

    made = [make("nothing", True), make("every field", True, channel="a::dm:b-misc~x", piggyback="token0", content={"a": [1, 2.5, "é😀"]})]
    made += [make("content type " + name, True, content_type=name, content={"type": name})
             for name in sorted(Msg.CONTENT_TYPES - {"stream_sample", "stats_update"})]
    made += [make("JSON " + json.dumps(value), True, content=value) for value in [
        True, False, 0, -0.0, 1.5, 1e-5, 1.25e-07, 1e22, 2**53 - 1, math.nan, math.inf, -math.inf, "", "\"\\\n\x00\x1f\x7f\u2028漢😀", [], {},
        [None, [math.nan]], {"": {"nested": [1, {}]}}]]
    made += [sample("a text", True, "héllo", data_tag=7, data_uuid="id"), sample("an empty text", True, ""),
             sample("a text with tag 0", True, "x", data_tag=0), sample("a text with an empty uuid", True, "x", data_uuid=""),
             sample("a file", True, FileContainer(b"\x00\xff", "a.bin", "application/octet-stream")),
             sample("an image", True, Image.open(io.BytesIO(image.getvalue())))]
    made += [sample("a tensor of " + name, False, Tensor(bytes(range(SIZES[name] * 6)), getattr(torch, name), [2, 3])) for name in SIZES]
    made += [sample("a tensor without dimensions", False, Tensor(bytes(4), torch.float32, [])),
             sample("an empty tensor", False, Tensor(b"", torch.float32, [0, 3]))]
    made += [make("no samples", True, content_type="stream_sample", content={}),
             make("two samples", False, content_type="stream_sample", content={"a": {"data": "1"}, "b": {"data": "2", "data_tag": 3}})]
    made += [make("the statistic " + json.dumps(value), True, content_type="stats_update",
                  content=[{"group_key": "12D3KooWBob", "stat_name": "score", "timestamp": 1763976600000, "value": value}])
             for value in [None, True, False, 0, 1.5, "text", "", [], [1, ["a"]], {}, {"a": 1}]]
    made += [make("two statistics", True, content_type="stats_update", content=[
        {"group_key": "", "stat_name": "", "timestamp": 0, "value": None},
        {"group_key": "g", "stat_name": "s", "timestamp": -1, "value": math.inf}])]
    return made


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(globals()[request.pop("call")](**request)), flush=True)
