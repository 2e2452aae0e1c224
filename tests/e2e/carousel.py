#!/usr/bin/env python3
"""The carousel with the real programs: two multiplexers with rates of their own, what operators see of it, a box that was
off and is refreshed within its promise, a head-end killed while messages wait, an output that is away, and an alert that
goes before everything.
"""

import datetime
import json
import sys
import time

sys.dont_write_bytecode = True
from stage import CAS, check, desk, perform, set_up, until  # noqa: E402
import emergency  # noqa: E402


def status(site):
    return site.ctl("carousel", "status")


def tier(site, output, name):
    found = next(o for o in status(site)["outputs"] if o["name"] == output)
    return next(t for t in found["tiers"] if t["name"] == name)


def whole(data):
    """How much of it is whole sections."""
    at = 0
    while at + 3 <= len(data):
        end = at + (1 if data[at] == 0xFF else 3 + ((data[at + 1] & 0x0F) << 8 | data[at + 2]))
        if end > len(data):
            break
        at = end
    return at


def feed_from(home, start):
    """What went by from there on, for a box that was off before."""
    part = home.site.dir / "part.sections"
    data = home.site.air.read_bytes()
    part.write_bytes(data[start:whole(data)])
    home.call("feed", "--sections", part, codes=(0, 3))


def tell(stg):
    directory = stg.dir
    pem, keys = emergency.make_key(stg)
    muxes = {}
    for name, rate in (("yinchuan", 1000), ("lanzhou", 300)):
        sections = directory / f"{name}.sections"
        process, ports = stg.mux(name, "--sections-out", sections, "--bandwidth", rate)
        muxes[name] = (process, ports[0], sections)
    site = stg.site(f'[emergency]\nkey_file = "{pem}"\n' + "".join(
        f'[mux.{name}]\naddress = "127.0.0.1:{port}"\nclient_id = "{CAS}"\ndata_id = {port}\n'
        for name, (_, port, _) in muxes.items()))
    site.air = muxes["lanzhou"][2]  # the slow one
    site.start()
    home, other = set_up(site, directory / "stock", personalise=("--emergency-keys", keys))
    cells = desk.cells_of(desk.DATA / "cells-640122-helan.csv")
    ago = lambda minutes: (datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) -
                           datetime.timedelta(minutes=minutes))
    check(home.report([cells[0]], ago(30))["outcome"] == "ACTIVATED", "activated")
    desk.wait_opens(home, "CCTV-1", 30)

    until(lambda: all(tier(site, name, "groups")["cycle"]["passes"] != "0" for name in muxes), "groups cycle on both")
    rates = {o["name"]: o["kbps"] for o in status(site)["outputs"]}
    check(rates["yinchuan"] == 1000 and rates["lanzhou"] == 300, f"rates: {rates}")
    check(status(site)["unconfirmed"] == "2", f"nobody has reported since: {status(site)}")
    delivery = site.ctl("card", "entitlement", other.card)["delivery"]
    check(delivery["state"] == "SENT", f"{delivery}")

    # A card that has nothing: a new one of the same number, as one that was off for months.
    fresh = desk.Home(site, directory / "stock", 0, name="fresh")
    start = whole(site.air.read_bytes())
    began = time.time()
    answer = site.ctl("card", "refresh", home.card)
    promised = datetime.datetime.fromisoformat(answer["expected"].replace("Z", "+00:00")).timestamp()
    check(promised - began < 10, f"promised within {promised - began:.1f} s")
    until(lambda: feed_from(fresh, start) or fresh.opens("CCTV-1")[0], "the box that was off opens the channel", 60)
    print(f"refresh: promised after {promised - began:.2f} s, opened after {time.time() - began:.2f} s")

    # Killed while an output is away and a switch-off waits for it.
    muxes["lanzhou"][0].kill()
    until(lambda: next(o for o in status(site)["outputs"] if o["name"] == "lanzhou")["kbps"] == 0, "lanzhou is away")
    town = desk.cells_of(desk.DATA / "cells-640104-xingqing.csv")
    home.report([town[3]], ago(20))
    check(home.report([town[3]], ago(18))["outcome"] == "SWITCHED_OFF", "switched off")
    site.kill()
    site.start()
    state = site.ctl("card", "entitlement", home.card)["delivery"]["state"]
    check(state == "QUEUED", f"it waits for the one that is away: {state}")
    back = directory / "lanzhou-back.sections"
    stg.mux("lanzhou-back", "--sections-out", back, "--bandwidth", 300, listen=f"127.0.0.1:{muxes['lanzhou'][1]}")
    site.air = back
    until(lambda: home.feed() or not home.opens("CCTV-1")[0], "dark by the multiplexer that came back", 60)
    until(lambda: site.ctl("card", "entitlement", home.card)["delivery"]["state"] == "SENT", "sent to both")
    bounded = site.ctl("card", "entitlement", home.card)["delivery"]["bounded"]
    check(bounded > datetime.datetime.now(datetime.timezone.utc).isoformat(), f"bounded by the epoch: {bounded}")

    number = emergency.propose(site, "--region", "640122")
    site.ctl("emergency", "approve", number, actor=emergency.WANG)
    until(lambda: len(emergency.emergencies(site)) >= 3, "the alert is repeated")
    text = site.run_ctl("carousel", "status").stdout
    check("output yinchuan: 1000 kbit/s" in text and "emergency" in text, text)
    site.stop()


if __name__ == "__main__":
    sys.exit(perform(__doc__, tell))
