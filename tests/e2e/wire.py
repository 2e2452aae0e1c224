"""SimulCrypt traffic as an outsider sees it: a relay that records what passes between two peers, a capture of the kernel's
where that is permitted, and a judgement of either by tshark's dissector.
"""

import collections
import dataclasses
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import xml.etree.ElementTree

from stage import check, until

LOOPBACK = bytes([127, 0, 0, 1])


class Relay:
    """Passes bytes between whoever connects and `upstream` (a port, or what says it at each connection) as they come, and
    keeps them: (when, connection, to the server, bytes)."""

    def __init__(self, upstream, udp=False):
        self.upstream = upstream if callable(upstream) else lambda: upstream
        self.udp = udp
        self.kept = []
        self.lock = threading.Lock()
        self.connections = 0
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        if not udp:
            self.listener.listen(16)
        threading.Thread(target=self.pass_datagrams if udp else self.accept, daemon=True).start()

    def keep(self, connection, to_server, data):
        with self.lock:
            self.kept.append((time.time(), connection, to_server, data))

    def pass_datagrams(self):
        while True:
            data = self.listener.recv(65536)
            self.keep(1, True, data)
            self.listener.sendto(data, ("127.0.0.1", self.upstream()))

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.connect, args=(client, self.connections), daemon=True).start()

    def connect(self, client, number):
        with client:
            try:
                with socket.create_connection(("127.0.0.1", self.upstream())) as server:
                    for side in (client, server):
                        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.pass_bytes(client, server, number)
            except OSError:
                pass  # one of the two is gone: so is the other, then

    def pass_bytes(self, client, server, number):
        other = {client: server, server: client}
        while other:
            for side in select.select(list(other), [], [])[0]:
                data = side.recv(16384)
                if not data:
                    return
                self.keep(number, side is client, data)
                other[side].sendall(data)

    def segments(self):
        with self.lock:
            return list(self.kept)


def write_pcap(path, port, segments, udp=False):
    """The recorded bytes in packets as the kernel would have sent them: from a port for each connection to `port`."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))  # LINKTYPE_RAW: IP
        sequence = collections.defaultdict(lambda: 1)
        for when, connection, to_server, data in segments:
            client = 20000 + connection
            source, target = (client, port) if to_server else (port, client)
            if udp:
                header = struct.pack(">HHHH", source, target, 8 + len(data), 0)
            else:
                header = struct.pack(">HHIIBBHHH", source, target, sequence[source, target], sequence[target, source], 0x50, 0x18,
                                     65535, 0, 0)
                sequence[source, target] += len(data)
            packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(header) + len(data), 0, 0, 64, 17 if udp else 6, 0, LOOPBACK,
                                 LOOPBACK) + header + data
            out.write(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(packet), len(packet)) + packet)


class KernelCapture:
    """dumpcap on loopback, limited to ports; `permitted` says whether this user may."""

    def __init__(self, stage, tcp_ports, udp_ports):
        self.path = stage.dir / "kernel.pcapng"
        self.permitted = False
        if shutil.which("dumpcap") is None:
            return
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker.bind(("127.0.0.1", 0))
        wanted = " or ".join([f"tcp port {p}" for p in tcp_ports] +
                             [f"udp dst port {p}" for p in udp_ports + [self.marker.getsockname()[1]]])
        self.dumpcap = stage.start("dumpcap", shutil.which("dumpcap"), "-q", "-i", "lo", "-f", wanted, "-B", "16", "-w", self.path)
        # It says the file's name once it captures, and ends when it may not.
        until(lambda: f"File: {self.path}" in self.dumpcap.text() or not self.dumpcap.running(), "dumpcap captures or ends")
        self.permitted = self.dumpcap.running()

    def stop(self):
        """What was captured comes into the file a little later: all of it, once a marker sent last is there."""
        token = b"the end of this capture"

        def marked():
            self.marker.sendto(token, self.marker.getsockname())
            return token in self.path.read_bytes()

        until(marked, "the capture is in its file")
        self.dumpcap.stop(signal.SIGINT)


@dataclasses.dataclass
class Message:
    kind: int
    name: str
    version: int
    port: int  # of the server
    fields: dict  # parameter type: [value as bytes]

    def value(self, parameter):
        return int.from_bytes(self.fields[parameter][0], "big")


ANY = None  # of any length

# ETSI TS 103 197 V1.5.1, 5.4 and 6.4: parameter: bytes.
ECMG_BYTES = {1: 4, 2: 1, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 0xA: 1, 0xB: 1, 0xC: 2, 0xD: ANY, 0xE: 2, 0xF: 2, 0x10: 2,
              0x11: 1, 0x12: 2, 0x13: 2, 0x14: ANY, 0x15: ANY, 0x16: 2, 0x17: 2, 0x18: ANY, 0x19: 2, 0x7000: 2, 0x7001: ANY}
EMMG_BYTES = {1: 4, 2: 1, 3: 2, 4: 2, 5: ANY, 6: 2, 7: 1, 8: 2, 0x7000: 2, 0x7001: ANY}
MANY = {0x7000, 0x7001}  # may stand more than once; so may those below

# 5.5 and 6.5: message: what it must hold, and what it may.
CHANNEL, STREAM = {0xE}, {0xE, 0xF}
DATA_CHANNEL, DATA_STREAM = {1, 3}, {1, 3, 4}
MESSAGES = {
    0x0001: (CHANNEL | {1}, set()),
    0x0002: (CHANNEL, set()),
    0x0003: (CHANNEL | {2, 3, 4, 7, 8, 9, 0xA, 0xB, 0xC}, {0x16, 0x17, 5, 6}),
    0x0004: (CHANNEL, set()),
    0x0005: (CHANNEL | {0x7000}, {0x7001}),
    0x0101: (STREAM | {0x19, 0x10}, set()),
    0x0102: (STREAM, set()),
    0x0103: (STREAM | {0x19, 0x11}, set()),
    0x0104: (STREAM, set()),
    0x0105: (STREAM, set()),
    0x0106: (STREAM | {0x7000}, {0x7001}),
    0x0201: (STREAM | {0x12, 0x14}, {0x18, 0x13, 0xD}),
    0x0202: (STREAM | {0x12, 0x15}, set()),
    0x0011: (DATA_CHANNEL | {2}, set()),
    0x0012: (DATA_CHANNEL, set()),
    0x0013: (DATA_CHANNEL | {2}, set()),
    0x0014: (DATA_CHANNEL, set()),
    0x0015: (DATA_CHANNEL | {0x7000}, {0x7001}),
    0x0111: (DATA_STREAM | {8, 7}, set()),
    0x0112: (DATA_STREAM, set()),
    0x0113: (DATA_STREAM | {8, 7}, set()),
    0x0114: (DATA_STREAM, set()),
    0x0115: (DATA_STREAM, set()),
    0x0116: (DATA_STREAM | {0x7000}, {0x7001}),
    0x0117: (DATA_STREAM, {6}),
    0x0118: (DATA_STREAM, {6}),
    0x0211: (DATA_STREAM | {8, 5}, set()),  # over UDP channel and stream may be left out; ours sends them
}
REPEATED = {0x0201: {0x14}, 0x0211: {5}}


def is_emmg(kind):
    return bool(kind & 0x10)


def judge(path, tcp_ports=(), udp_ports=()):
    """The messages of a capture, and what is wrong with it: what tshark says, and what the standard's tables say of what
    tshark read."""
    # A busy machine sends again on loopback, too.
    served = " || ".join([f"tcp.port == {p} && tcp.len > 0 && !tcp.analysis.retransmission" for p in tcp_ports] +
                         [f"udp.dstport == {p}" for p in udp_ports])
    words = ["tshark", "-r", path, "-T", "pdml", "-Y", served]
    for protocol, ports in (("tcp", tcp_ports), ("udp", udp_ports)):
        words += [w for port in ports for w in ("-d", f"{protocol}.port=={port},simulcrypt")]
    done = subprocess.run([str(w) for w in words], capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    check(done.returncode == 0, f"tshark: {done.stderr.decode(errors='replace')[-800:]}")
    messages, faults, payload = [], [], 0
    for packet in xml.etree.ElementTree.fromstring(done.stdout).iter("packet"):
        fields = {f.get("name"): f for f in packet.iter("field")}
        number = fields["num"].get("show")
        transport = "udp" if "udp.length" in fields else "tcp"
        payload += int(fields["tcp.len"].get("show")) if transport == "tcp" else int(fields["udp.length"].get("show")) - 8
        ends = {int(fields[f"{transport}.{end}port"].get("show")) for end in ("src", "dst")}
        port = next(p for p in (*tcp_ports, *udp_ports) if p in ends)
        for proto in packet.iter("proto"):
            if proto.get("name") == "simulcrypt":
                message, wrong = read_message(proto, port)
                messages.append(message)
                faults += [f"packet {number}, {message.name}: {w}" for w in wrong]
            elif proto.get("name") == "_ws.malformed":
                faults.append(f"packet {number}: malformed: {proto.get('showname')}")
            for field in proto.iter("field") if proto.get("name") not in ("ip", "tcp", "udp") else ():
                if field.get("name") == "_ws.expert" and re.search(r"Error|Warning", field.get("showname", "")):
                    faults.append(f"packet {number}: {field.get('showname')}")
    read = sum(5 + sum(4 + len(v) for values in m.fields.values() for v in values) for m in messages)
    if read != payload:
        faults.append(f"{payload} bytes went over the wire, {read} of them are in messages")
    return messages, faults


def read_message(proto, port):
    wrong = []
    fields = {f.get("name"): f for f in proto.iter("field")}
    shown = fields["simulcrypt.message.type"].get("showname")
    kind = int(fields["simulcrypt.message.type"].get("show"), 16)
    interface = fields["simulcrypt.message.interface"].get("showname")
    message = Message(kind, re.sub(r"^Message Type: ", "", shown), int(fields["simulcrypt.version"].get("show"), 16), port, {})
    if "Unknown" in shown or kind not in MESSAGES:
        return message, ["unknown message"]
    if ("EMMG" if is_emmg(kind) else "ECMG") not in interface:
        wrong.append(f"of another interface: {interface}")
    for parameter in proto.iter("field"):
        if parameter.get("name") != "simulcrypt.parameter":
            continue
        number = next(f for f in parameter if f.get("name") == "simulcrypt.parameter.type")
        if "Unknown" in number.get("showname"):
            wrong.append(f"unknown parameter: {parameter.get('showname')}")
        # Behind type and length, as tshark cut it.
        values = [f for f in parameter if not f.get("name").startswith(("simulcrypt.parameter.type", "simulcrypt.parameter.len"))]
        data = bytes.fromhex(values[0].get("value", "")) if values else b""
        message.fields.setdefault(int(number.get("show"), 16), []).append(data)
    needed, allowed = MESSAGES[kind]
    sizes = EMMG_BYTES if is_emmg(kind) else ECMG_BYTES
    for parameter, values in message.fields.items():
        if parameter not in needed | allowed:
            wrong.append(f"parameter 0x{parameter:04X} does not belong there")
        elif len(values) > 1 and parameter not in MANY | REPEATED.get(kind, set()):
            wrong.append(f"parameter 0x{parameter:04X} stands {len(values)} times")
        if sizes.get(parameter) is not ANY and any(len(v) != sizes[parameter] for v in values):
            wrong.append(f"parameter 0x{parameter:04X} has {len(values[0])} bytes")
    if needed - set(message.fields):
        wrong.append(f"lacks parameters {sorted(map(hex, needed - set(message.fields)))}")
    return message, wrong
