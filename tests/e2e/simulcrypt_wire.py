#!/usr/bin/env python3
"""What an outsider makes of the SimulCrypt traffic: the bytes between hearth-scs and the ECMG of hearthd, and between its
EMMG and hearth-mux, over TCP and UDP, recorded by a relay between them and, where the user may, captured from the kernel
too; then dissected by tshark. Every message of both interfaces is seen, none is malformed, none holds anything unknown, and
there are as many as the programs count. What comes out of the multiplexer is dissected as MPEG sections. Faults planted
into the record are found.

    simulcrypt_wire.py --bin build/release/bin
"""

import datetime
import json
import re
import socket
import sys
import urllib.request

sys.dont_write_bytecode = True
import wire  # noqa: E402
from stage import CAS, SERVICE, check, make_stream, perform, run, set_up, until, desk  # noqa: E402

ECMG_PORT, EMMG_PORT, UDP_PORT = 2222, 2223, 2224  # in the records
ECMG_SEEN = {0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0201, 0x0202}
SET_UP_SEEN = {0x0011, 0x0012, 0x0013, 0x0014, 0x0111, 0x0113, 0x0114, 0x0115, 0x0117, 0x0118}
EMMG_SEEN = SET_UP_SEEN | {0x0015, 0x0112, 0x0116, 0x0211}
EMM_PID = 0x500


def counted(site, name, **labels):
    """The sum of a metric of the head-end, over all series with these labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{site.ports()['metrics']}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    total = 0.0
    for line in lines:
        found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if found and all(f'{k}="{v}"' in (found[1] or "") for k, v in labels.items()):
            total += float(found[2])
    return total


def parameter(kind, value, size):
    return kind.to_bytes(2, "big") + size.to_bytes(2, "big") + value.to_bytes(size, "big")


def message(kind, *parameters):
    body = b"".join(parameter(*p) for p in parameters)
    return b"\x03" + kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def converse(port, talk):
    """Sends each message by hand and waits for an answer of the type beside it; None: for no answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        data = b""
        for sent, answer in talk:
            peer.sendall(sent)
            while answer is not None:
                while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
                    more = peer.recv(65536)
                    check(more, f"closed instead of answering 0x{answer:04X}")
                    data += more
                kind, size = int.from_bytes(data[1:3], "big"), 5 + int.from_bytes(data[3:5], "big")
                data = data[size:]
                if kind == answer:
                    break


def test_by_hand_as_scs(port):
    """What hearth-scs never asks: tests of channel and stream."""
    channel, stream = (0xE, 7, 2), (0xF, 8, 2)
    converse(port, [(message(0x0001, channel, (1, int(CAS, 16), 4)), 0x0003), (message(0x0002, channel), 0x0003),
                    (message(0x0101, channel, stream, (0x19, SERVICE, 2), (0x10, 100, 2)), 0x0103),
                    (message(0x0102, channel, stream), 0x0103), (message(0x0104, channel, stream), 0x0105),
                    (message(0x0004, channel), None)])


def test_by_hand_as_emmg(port):
    """What our EMMG never asks: tests of the stream, its bandwidth, and what a multiplexer does not know."""
    client = (1, int(CAS, 16), 4)
    channel = [client, (3, 7, 2)]
    stream = channel + [(4, 8, 2)]
    converse(port, [(message(0x0011, *channel, (2, 0, 1)), 0x0013), (message(0x0111, *stream, (8, 9, 2), (7, 0, 1)), 0x0113),
                    (message(0x0112, *stream), 0x0113), (message(0x0117, *stream), 0x0118),
                    (message(0x0112, *channel, (4, 99, 2)), 0x0116), (message(0x0012, client, (3, 99, 2)), 0x0015),
                    (message(0x0114, *stream), 0x0115), (message(0x0014, *channel), None)])


def scramble(stage, port, name, *words, codes=(0,)):
    """A run of hearth-scs; what it says at its end."""
    done = run(stage.bin / "hearth-scs", "--ecmg", f"127.0.0.1:{port}", "--super-cas-id", CAS, "--in", stage.dir / "clear.ts",
               "--out", stage.dir / f"{name}.ts", "--service", SERVICE, "--json", *words, codes=codes)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return next((line for line in lines if line["event"] == "end"), None)


def ask_in_every_way(stage, port):
    """How many ECMs the scramblers say they were given."""
    ecms = 0
    for version, algorithm, more in ((1, "csa", ()), (2, "cissa", ()), (3, "csa", ("--access-criteria", "010000000000")),
                                     (4, "csa", ())):  # 4 is refused, and the scrambler goes down to 3
        end = scramble(stage, port, f"v{version}", "--protocol-version", version, "--algo", algorithm, "--crypto-period", 1,
                       "--ecm-id", SERVICE, *more)
        ecms += end["services"][0]["ecms"]
    # Silent for longer than the ECMG's test_interval.
    end = scramble(stage, port, "slow", "--crypto-period", 4, "--ecm-id", SERVICE, "--realtime")
    ecms += end["services"][0]["ecms"]
    scramble(stage, port, "no-channel", "--ecm-id", 60000, codes=(3,))  # stream_error
    test_by_hand_as_scs(port)
    return ecms


class Counts:
    """What the head-end and the scramblers count."""

    def __init__(self):
        self.scs_ecms = 0
        self.provisions = self.responses = self.errors = 0
        self.sections = {"tcp": 0, "udp": 0}
        self.datagrams = {"tcp": 0, "udp": 0}  # sections by TCP, packets by UDP

    def stop(self, site, taken):
        """Ends the site: `taken` are the files of the multiplexers with the sections they took."""
        until(lambda: counted(site, "hearth_ecmg_connections") == 0, "the scramblers are gone")
        desk.wait_sent(site)
        self.provisions += counted(site, "hearth_ecmg_requests_total")
        self.responses += counted(site, "hearth_ecmg_response_seconds_count")
        self.errors += counted(site, "hearth_ecmg_errors_total", direction="sent")
        site.stop()
        # The cycles send to the end: what an output sent in all is in the log.
        stopped = [json.loads(line) for line in (site.dir / "hearthd.log").read_text().splitlines() if '"emmg.stopped"' in line]
        for mux, sent in {line["mux"]: line for line in stopped}.items():
            self.sections[mux] += int(sent["sections"])
            self.datagrams[mux] += int(sent["sections" if mux == "tcp" else "packets"])
        until(lambda: {mux: len(desk.sections_of(path)) for mux, path in taken.items()} == self.sections,
              f"the multiplexers take all EMMs, {self.sections}")


def number_of(messages, *kinds):
    return sum(m.kind in kinds for m in messages)


def check_messages(what, messages, faults, seen):
    check(not faults, f"{what}: {len(faults)} faults: {faults[:5]}")
    kinds = {m.kind for m in messages}
    check(seen <= kinds, f"{what}: not seen: {sorted(map(hex, seen - kinds))}")


def check_ecmg(what, messages, faults, counts):
    check_messages(what, messages, faults, ECMG_SEEN)
    check({m.version for m in messages} >= {1, 2, 3}, f"{what}: versions {({m.version for m in messages})}")
    check({m.value(1) for m in messages if m.kind == 0x0001} == {int(CAS, 16)}, f"{what}: Super_CAS_id")
    check({m.value(2) for m in messages if m.kind == 0x0003} == {0, 1}, f"{what}: sections, then packets")
    check({len(m.fields[0x14][0]) for m in messages if m.kind == 0x0201} == {2 + 8, 2 + 16}, f"{what}: lengths of words")
    check(any(0xD in m.fields for m in messages if m.kind == 0x0201), f"{what}: access_criteria")
    seen = {"CW_provision": number_of(messages, 0x0201), "ECM_response": number_of(messages, 0x0202),
            "errors": number_of(messages, 0x0005, 0x0106)}
    told = {"CW_provision": counts.provisions, "ECM_response": counts.responses, "errors": counts.errors}
    check(seen == told, f"{what}: tshark sees {seen}, hearthd counts {told}")
    # A scrambler that ends need not take the answer to its last question.
    spare = seen["ECM_response"] - counts.scs_ecms
    check(0 <= spare <= number_of(messages, 0x0001), f"{what}: {seen}, hearth-scs takes {counts.scs_ecms}")


def check_emmg(what, messages, faults, seen, expected):
    check_messages(what, messages, faults, seen)
    check({m.value(1) for m in messages} == {int(CAS, 16)}, f"{what}: client_id")
    datagrams = sum(len(m.fields[5]) for m in messages if m.kind == 0x0211)
    check(datagrams == expected, f"{what}: {datagrams} datagrams, {expected} are counted")


def check_peer(name, messages, faults, counts):
    if name == "ecmg":
        check_ecmg(name, messages, faults, counts)
    elif name == "emmg-tcp":
        check_emmg(name, messages, faults, EMMG_SEEN, counts.datagrams["tcp"])
    elif name == "emmg-set-up":
        check_emmg(name, messages, faults, SET_UP_SEEN, 0)
    else:
        check_emmg(name, messages, faults, {0x0211}, counts.datagrams["udp"])


def check_stream(path, end):
    """What the multiplexer sent, as MPEG sections; our table_ids are private ones."""

    def tshark(wanted, *fields):
        words = [w for f in fields for w in ("-e", f)]
        return run("tshark", "-r", path, "-Y", wanted, "-T", "fields", *words).stdout.split()

    faults = tshark("_ws.malformed || _ws.expert.severity >= Warning", "frame.number")
    check(not faults, f"{path.name}: faults in packets {faults[:5]}")
    check(tshark("mpeg_ca", "frame.number"), f"{path.name}: no CAT")
    tables = [int(t, 16) for line in tshark(f"mpeg_sect && mp2t.pid == {EMM_PID}", "mpeg_sect.tid") for t in line.split(",")]
    check(all(0x82 <= t <= 0x8F for t in tables), f"{path.name}: table_ids {set(map(hex, tables))}")
    sections = sum(s["sections"] for s in end["streams"] if s["pid"] == EMM_PID)
    check(len(tables) == sections, f"{path.name}: tshark sees {len(tables)} EMMs, hearth-mux took {sections}")


def planted(stage, segments):
    """The record with a fault in it must be refused, in the words for that fault."""
    at, (when, connection, to_server, data) = next((i, s) for i, s in enumerate(segments) if s[3][1:3] == b"\x02\x02")
    size = 5 + int.from_bytes(data[3:5], "big")
    body, rest = data[5:size], data[size:]

    def with_body(new):
        return data[:3] + len(new).to_bytes(2, "big") + new + rest

    longer = body.replace(parameter(0xE, 1, 2), parameter(0xE, 1, 3), 1)
    rows = {
        "unknown parameter": with_body(body + parameter(0x0777, 1, 2)),
        "unknown message": data[:1] + b"\x02\x99" + data[3:],
        "has 3 bytes": with_body(longer),
        "lacks parameters": with_body(body.replace(parameter(0xE, 1, 2), b"", 1)),
        "stands 2 times": with_body(body + parameter(0x12, 1, 2)),
        "alformed": data[:3] + (size - 5 - 1).to_bytes(2, "big") + body + rest,
        "bytes went over the wire": data[:-1],
    }
    path = stage.dir / "planted.pcap"
    for said, bad in rows.items():
        check(bad != data, f"nothing was planted for: {said}")
        wire.write_pcap(path, ECMG_PORT, segments[:at] + [(when, connection, to_server, bad)] + segments[at + 1:])
        _, faults = wire.judge(path, [ECMG_PORT])
        check(any(said in f for f in faults), f"planted, but not found: {said}; {faults[:5]}")


def tell(stage):
    taken = {"tcp": stage.dir / "tcp.sections", "udp": stage.dir / "udp.sections"}
    tcp_mux, tcp_ports = stage.mux("mux-tcp", "--bandwidth", "200", "--sections-out", taken["tcp"], "--out", stage.dir / "emms.ts",
                                   "--rate", "400", "--emm-pid", EMM_PID)
    udp_mux, udp_ports = stage.mux("mux-udp", "--bandwidth", "100", "--sections-out", taken["udp"], "--udp", "127.0.0.1:0")
    ecmg = wire.Relay(lambda: site.ports()["ecmg"])
    emmg_tcp, emmg_udp, data_udp = wire.Relay(tcp_ports[0]), wire.Relay(udp_ports[0]), wire.Relay(udp_ports[1], udp=True)
    relays = [("ecmg", ECMG_PORT, ecmg), ("emmg-tcp", EMMG_PORT, emmg_tcp), ("emmg-set-up", EMMG_PORT, emmg_udp),
              ("emmg-data-udp", UDP_PORT, data_udp)]
    kernel = wire.KernelCapture(stage, [ecmg.port, emmg_tcp.port, emmg_udp.port], [data_udp.port])
    config = f"""
[ecmg]
listen = "127.0.0.1:0"
super_cas_ids = "{CAS}"
test_interval_seconds = 1
overload_ms = 10000  # a busy machine is none here
[mux.tcp]
address = "127.0.0.1:{emmg_tcp.port}"
client_id = "{CAS}"
data_id = 1
test_interval_seconds = 1
[mux.udp]
address = "127.0.0.1:{emmg_udp.port}"
udp = "127.0.0.1:{data_udp.port}"
client_id = "{CAS}"
data_id = 2
protocol_version = "2"
datagrams = "ts_packets"
bandwidth_kbps = 100
test_interval_seconds = 1
"""
    site = stage.site(config)
    site.start()
    home = set_up(site, stage.dir / "stock", 1)[0]
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    home.report([desk.cells_of(desk.DATA / "cells-640122-helan.csv")[0]], moment)
    make_stream(stage.dir / "clear.ts", 5)
    counts = Counts()
    for datagrams in ("sections", "ts_packets"):
        if datagrams == "ts_packets":  # the same once more, in packets: channel_status says so to scramblers and multiplexers
            counts.stop(site, taken)
            site.config.write_text(site.config.read_text().replace("[ecmg]", '[ecmg]\ndatagrams = "ts_packets"'))
            site.start()
        counts.scs_ecms += ask_in_every_way(stage, ecmg.port)
    test_by_hand_as_emmg(emmg_tcp.port)
    counts.stop(site, taken)
    # The relays have passed on all there was when the multiplexers have seen the end of the connections.
    for mux in (tcp_mux, udp_mux):
        until(lambda m=mux: m.text().count("an EMMG connects") == m.text().count("an EMMG is gone"), "hearth-mux sees the end")
    ends = {name: json.loads(mux.stop().splitlines()[-1]) for name, mux in (("tcp", tcp_mux), ("udp", udp_mux))}
    datagrams = {name: sum(s["datagrams"] for s in end["streams"]) for name, end in ends.items()}
    check(datagrams == counts.datagrams, f"hearth-mux counts {datagrams}, hearthd {counts.datagrams}")
    check((ends["tcp"]["errors_sent"], ends["udp"]["errors_sent"]) == (2, 0), f"errors but those asked for by hand: {ends}")
    check_stream(stage.dir / "emms.ts", ends["tcp"])

    for name, port, relay in relays:
        path = stage.dir / f"{name}.pcap"
        wire.write_pcap(path, port, relay.segments(), relay.udp)
        messages, faults = wire.judge(path, [] if relay.udp else [port], [port] if relay.udp else [])
        print(f"{name}: {len(messages)} messages in the record of the relay")
        check_peer(name, messages, faults, counts)
    if kernel.permitted:
        judge_kernel(kernel, relays, counts)
    else:
        print("the kernel's capture: this user may not")
    planted(stage, ecmg.segments())


def judge_kernel(kernel, relays, counts):
    """The same of what the kernel saw."""
    kernel.stop()
    messages, faults = wire.judge(kernel.path, [r.port for _, _, r in relays if not r.udp], [r.port for _, _, r in relays if r.udp])
    for name, _, relay in relays:
        of_peer = [m for m in messages if m.port == relay.port]
        print(f"{name}: {len(of_peer)} messages in the capture of the kernel")
        check_peer(name, of_peer, faults, counts)


if __name__ == "__main__":
    sys.exit(perform(__doc__, tell))
