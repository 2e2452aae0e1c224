#!/usr/bin/env python3
"""Two ECM lanes, two scramblers, two receivers, and one failure after another while they play: the active lane is killed,
then the head-end, which is started again, then its store becomes read-only, then the head-end is gone for good, the lane
that was killed comes back and the other one is killed. No card notices: what the receivers play is bit-exact from the
first picture to the last.

The scramblers are fed a part of the stream after another, so that each failure falls into its part however slow the machine is.

    ecmg_failover.py --bin build/release/bin
"""

import datetime
import json
import os
import pathlib
import queue
import resource
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from stage import CAS, SERVICE, check, frames, make_stream, perform, set_up, until, desk  # noqa: E402

PERIOD = 2  # seconds
PERIODS_A_PART = 3
PARTS = 5
PACKET = 188


class Lane:
    """hearthd --role ecm."""

    def __init__(self, stage, name, lanes):
        self.stage = stage
        self.name = name
        self.lanes = lanes
        self.port_file = stage.dir / f"{name}.json"
        self.port = 0
        self.start()

    def start(self):
        self.port_file.unlink(missing_ok=True)
        config = self.stage.dir / f"{self.name}.toml"
        config.write_text(f"""
[site]
name = "{self.name}"
[grpc]
port_file = "{self.port_file}"
[metrics]
listen = ""
[ecmg]
listen = "127.0.0.1:{self.port}"
super_cas_ids = "{CAS}"
overload_ms = 10000  # a busy machine is none here
{self.lanes}
name = "{self.name}"
""")
        self.process = self.stage.start(self.name, "hearthd", "--role", "ecm", "--config", config)

    def serves(self):
        check(self.process.running(), f"lane {self.name} has ended: {self.process.text()[-800:]}")
        if not self.port_file.exists():
            return False
        self.port = json.loads(self.port_file.read_text())["ecmg"]
        return True


class Home:
    """A scrambler and a receiver behind it, in a pipe."""

    def __init__(self, stage, home, lanes):
        self.played = stage.dir / f"{home.card}.ts"
        ecmgs = [w for lane in lanes for w in ("--ecmg", f"127.0.0.1:{lane.port}")]
        out, into = os.pipe()
        self.scs = stage.start(f"scs-{home.card}", "hearth-scs", *ecmgs, "--super-cas-id", CAS, "--service", SERVICE, "--ecm-id",
                               SERVICE, "--crypto-period", PERIOD, "--realtime", "--patience", 120, "--json",
                               stdin=subprocess.PIPE, stdout=into)
        self.receiver = stage.start(f"receiver-{home.card}", "hearth-receiver", "play", "--json", "--in", "-", "--out", self.played,
                                    "--service", SERVICE, "--card-state", home.card_state, "--box-state", home.box_state,
                                    stdin=out)
        os.close(out)
        os.close(into)
        self.parts = queue.Queue()
        threading.Thread(target=self.feed, daemon=True).start()

    def feed(self):
        while True:
            part = self.parts.get()
            try:
                if part is None:
                    return self.scs.process.stdin.close()
                self.scs.process.stdin.write(part)
                self.scs.process.stdin.flush()
            except OSError:
                return  # it has ended; whoever waits for it says so

    def events(self, kind):
        for process in (self.scs, self.receiver):
            check(process.running(), f"{process.name} has ended: {process.text()[-800:]}")
        return [e for e in map(json.loads, self.scs.text().splitlines()) if e["event"] == kind]

    def period(self):
        return max((e["number"] for e in self.events("period")), default=-1)

    def connected_to(self):
        return [e["what"].split(",")[0].rsplit(":", 1)[1] for e in self.events("ecmg") if e["what"].startswith("connected")]


class Play:
    """The stream, a part at a time."""

    def __init__(self, homes, stream):
        self.homes = homes
        self.stream = stream
        self.part = 0

    def begin_part(self):
        size = len(self.stream) // PACKET // PARTS * PACKET
        begin = self.part * size
        self.part += 1
        end = len(self.stream) if self.part == PARTS else begin + size
        for home in self.homes:
            home.parts.put(self.stream[begin:end])

    def reach(self, period):
        until(lambda: all(h.period() >= period for h in self.homes), f"crypto period {period} of all scramblers", 120)

    def end_part(self):
        # The last period of a part begins in it; a word more came by then.
        self.reach(self.part * PERIODS_A_PART - 1)


def read_only(site):
    """As on a full disk: not a byte more goes into any file of the daemon."""
    resource.prlimit(site.daemon.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    error = site.refused("package", "put", "--id", 65, "--name", "more", "--province", 64, "--services", "1-2",
                         reason="STORE_READ_ONLY")
    print(f"   {error['reason']}: {error.get('message', '')}")


def tell(stage):
    key = stage.dir / "lane.key"
    key.write_text(os.urandom(32).hex() + "\n")
    key.chmod(0o600)
    lane_file = f'[lanes]\nfile = "{stage.dir / "ecm.lane"}"\nkey_file = "{key}"\n'
    site = stage.site(lane_file + 'registered = "active, standby"\n')
    # A write that fails is to be an error for the daemon, not its end.
    start = lambda: site.start(restore_signals=False)
    start()
    lanes = [Lane(stage, name, lane_file) for name in ("active", "standby")]
    active, standby = lanes
    homes = set_up(site, stage.dir / "stock")
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    for n, home in enumerate(homes):
        home.report([desk.cells_of(desk.DATA / "cells-640122-helan.csv")[n]], moment)
        desk.wait_opens(home, "CCTV-1", 30)
    until(lambda: all([lane.serves() for lane in lanes]), "both lanes serve")
    clear = stage.dir / "clear.ts"
    expected = make_stream(clear, PARTS * PERIODS_A_PART * PERIOD)
    players = [Home(stage, home, lanes) for home in homes]
    play = Play(players, pathlib.Path(clear).read_bytes())

    play.begin_part()
    play.reach(1)
    print("the active lane is killed")
    active.process.kill()
    play.end_part()
    for player in players:
        check(player.connected_to() == [str(active.port), str(standby.port)], f"{player.connected_to()}")

    print("the head-end is killed")
    site.kill()
    play.begin_part()
    play.end_part()

    print("and started again")
    start()
    play.begin_part()
    play.end_part()
    check(homes[0].opens("CCTV-1")[0], "the head-end does not issue ECMs")

    print("its store becomes read-only")
    read_only(site)
    check(homes[0].opens("CCTV-1")[0], "the head-end does not issue ECMs while its store is read-only")
    play.begin_part()
    play.end_part()

    print("the head-end is gone; the active lane comes back, from its file alone; the other one is killed")
    site.kill()
    active.start()
    until(active.serves, "the lane serves again")
    standby.process.kill()
    play.begin_part()
    play.end_part()
    for player in players:
        check(player.connected_to()[-1] == str(active.port), f"{player.connected_to()}")

    for player in players:
        player.parts.put(None)
    for home, player in zip(homes, players):
        end = json.loads(player.scs.wait().splitlines()[-1])
        player.receiver.wait()
        check(end["reconnects"] == 2, f"{end}")
        check(frames(player.played) == expected, f"card {home.card}: not bit-exact")
        service = end["services"][0]
        print(f"card {home.card}: {len(expected)} pictures bit-exact over {service['periods']} crypto periods, "
              f"{service['late_periods']} of them begun late")


if __name__ == "__main__":
    sys.exit(perform(__doc__, tell))
