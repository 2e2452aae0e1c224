#!/usr/bin/env python3
"""An alert of the emergency broadcast with the real programs: the key from a PEM file, the proposal, its second person,
the section in the output, the boxes that sound and those that do not, a drill, the cancel, the old section played again,
and kill -9 between an approval and what follows from it.
"""

import json
import sys

import stage
from stage import check, run

LI, WANG = "li", "wang"


def make_key(stg):
    """The site's key as docs/security.md makes it; gives the factory's file of public keys."""
    pem = stg.dir / "emergency.pem"
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", pem)
    pem.chmod(0o600)
    der = stg.dir / "emergency.der"
    run("openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER", "-out", der)
    keys = stg.dir / "site-keys.csv"
    keys.write_text("key_id,public_key\n1," + der.read_bytes()[-32:].hex() + "\n")
    return pem, keys


def propose(site, *words, actor=LI):
    return site.ctl("emergency", "propose", "--kind", "flood", "--severity", "orange", "--minutes", 60, "--service",
                    "65280.3.101", *words, actor=actor)["emergency"]["number"]


def alarm(home):
    """What the box sounds after it has heard the air: ALARM, DRILL or nothing."""
    home.feed()
    status = json.loads(home.call("status").stdout)
    check(status["awake"] == (status["alarm"] is not None), "an alarm wakes from standby, and nothing else does")
    if status["alarm"] is None:
        return ""
    check(status["alarm"]["kind"] == "flood" and status["alarm"]["severity"] == "orange", f"alarm: {status['alarm']}")
    return "DRILL" if status["alarm"]["drill"] else "ALARM"


def emergencies(site):
    """The sections 0x87 of the output, in order."""
    data = site.air.read_bytes()
    found, at = [], 0
    while at + 3 <= len(data):
        if data[at] == 0xFF:
            at += 1
            continue
        size = 3 + ((data[at + 1] & 0x0F) << 8 | data[at + 2])
        if data[at] == 0x87:
            found.append(data[at:at + size])
        at += size
    return found


def tell(stg):
    pem, keys = make_key(stg)
    site = stg.site(f'[emergency]\nkey_file = "{pem}"\n')
    site.start()
    home = stage.set_up(site, stg.dir / "stock", homes=1, personalise=("--emergency-keys", keys))[0]
    home.call("power", "standby")
    stage.until(lambda: home.feed() or json.loads(home.call("status").stdout)["card"]["record"] is not None,
                "the card knows its area")
    check(alarm(home) == "", "nothing sounds yet")

    real = propose(site, "--region", "640122")
    site.refused("emergency", "approve", real, reason="SECOND_APPROVER_NEEDED", actor=LI)
    check(alarm(home) == "" and not emergencies(site), "a proposal is no alarm")
    site.ctl("emergency", "approve", real, actor=WANG)
    site.kill()  # whatever was acknowledged goes on the air
    site.start()
    stage.until(lambda: len(emergencies(site)) >= 1, "the alert is in the output")
    check(alarm(home) == "ALARM", "the box in the county sounds")
    old = emergencies(site)[0]
    check(len(old) == 93, f"one region makes 93 bytes, not {len(old)}")

    elsewhere = propose(site, "--region", "640104")
    site.ctl("emergency", "approve", elsewhere, actor=WANG)
    site.ctl("emergency", "cancel", real, actor=LI)
    site.kill()
    site.start()
    stage.until(lambda: len({e[7:12] for e in emergencies(site)}) >= 3, "both changes are in the output")
    check(alarm(home) == "", "cancelled here, and the other county's alert is not for this box")
    replay = stg.dir / "replay.sections"
    replay.write_bytes(old)
    fed = json.loads(home.call("feed", "--sections", replay).stdout)
    check(fed["ignored"] == {"old_stamp": 1} and fed["alarm"] is None, f"the old section does nothing: {fed}")

    drill = propose(site, "--everywhere", "--drill")
    site.ctl("emergency", "approve", drill, actor=LI)
    stage.until(lambda: alarm(home) == "DRILL", "a drill is shown as a drill")
    site.ctl("emergency", "cancel", drill, actor=LI)
    stage.until(lambda: alarm(home) == "", "its cancel ends it")
    open_ones = [e["number"] for e in site.ctl("emergency", "list", "--open")]
    check(open_ones == [real, elsewhere, drill], f"none is over yet, cancelled or not: {open_ones}")
    acts = [e["action"] for e in site.ctl("audit", f"emergency:{real}")]
    check(acts == ["emergency.propose", "emergency.approve", "emergency.cancel"], f"audit: {acts}")
    site.stop()
    check('"public_key":' in (stg.dir / "hearthd.log").read_text(), "the log names the public key")


if __name__ == "__main__":
    sys.exit(stage.perform(__doc__, tell))
