#!/usr/bin/env python3
"""Last night's backup with the real programs: the store is copied, life goes on, the daemon is killed and the copy put back.
The head-end is held until it is reconciled with the archive; a home activated since stays lit through all of it, one that was
switched off since stays dark, kill -9 in the middle of the reconciliation included.
"""

import csv
import datetime
import json
import shutil
import subprocess
import sys
import time

import stage
from stage import check, desk, run, until

GROUP = 0x84


def ago(minutes):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return now - datetime.timedelta(minutes=minutes)


def groups(site):
    return sum(1 for table, _ in desk.sections_of(site.air) if table == GROUP)


def install(home, cell, minutes):
    answer = home.report([cell], ago(minutes))
    check(answer["outcome"] == "ACTIVATED", f"{answer}")
    desk.wait_opens(home, "CCTV-1", 20)


def lit(home):
    home.feed()
    return home.opens("CCTV-1")[0]


def archived(site):
    until(lambda: site.ctl("status")["archive_lag_seconds"] == 0, "the archive has it all")


def tell(stg):
    archive, store, backup = stg.dir / "archive", stg.dir / "store", stg.dir / "backup"
    site = stg.site(f'[archive]\ndir = "{archive}"\nsegment_mib = 1\n')
    site.start()
    homes = stage.set_up(site, stg.dir / "stock", homes=4)
    before, since, left, later = homes
    cells = desk.cells_of(desk.DATA / "cells-640122-helan.csv")
    install(before, cells[0], 40)
    install(left, cells[1], 39)
    site.stop()
    shutil.copytree(store, backup)

    site.start()
    install(since, cells[2], 30)
    site.ctl("account", "close", "NX-00002", "--reason", "moved to town")
    until(lambda: not lit(left), "the closed one is dark")
    archived(site)
    site.kill()
    shutil.rmtree(store)
    shutil.copytree(backup, store)

    site.start()
    sent = groups(site)
    status = site.ctl("status")
    check(status["restore_unreconciled"], f"it knows: {status}")
    error = site.refused("account", "close", "NX-00000", "--reason", "test", reason="RESTORE_UNRECONCILED")
    check("archive reconcile" in error["cure"], f"the cure is named: {error}")
    time.sleep(2.5)  # the groups of a start would be on the air by now
    check(groups(site) == sent, "no group goes on the air")
    check(lit(before) and lit(since) and not lit(left), "the homes see nothing of it")
    check("restore.unreconciled" in (stg.dir / "hearthd.log").read_text(), "the log says so")

    whole = site.ctl("archive", "verify", archive)
    check(whole["faults"] == [] and whole["changes"] > 0 and whole["site"] == "story", f"verify: {whole}")
    spoilt = stg.dir / "spoilt"
    shutil.copytree(archive, spoilt)
    segment = sorted(spoilt.glob("*.archive"))[-1]
    data = bytearray(segment.read_bytes())
    data[-400] ^= 1
    segment.write_bytes(data)
    faults = site.ctl("archive", "verify", spoilt, codes=(5,))["faults"]
    check(faults and faults[0]["reason"] == "ARCHIVE_DAMAGED" and faults[0]["offset"] > 0, f"verify: {faults}")
    answer = site.ctl("archive", "reconcile", spoilt, "--reason", "test", codes=(5,))
    check(answer["error"]["reason"] == "ARCHIVE_DAMAGED", f"{answer}")

    listed = stg.dir / "changed.csv"
    check_only = site.ctl("--dry-run", "archive", "reconcile", archive, "--list", listed)["check"]
    check(int(check_only["cards_lit"]) == 1 and int(check_only["accounts_closed"]) == 1, f"{check_only}")
    with open(listed, newline="", encoding="utf-8") as file:
        rows = {(row["object"], row["change"]) for row in csv.DictReader(file)}
    check(rows == {(f"card:{since.card}", "card lit"), (f"card:{left.card}", "card darkened"),
                   ("account:NX-00002", "account closed")}, f"listed: {rows}")
    check(site.ctl("status")["restore_unreconciled"], "a dry run changes nothing")

    words = ("archive", "reconcile", archive, "--reason", "disk failure")
    killed = subprocess.Popen(site.ctl_command("--json", *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.03)
    site.kill()
    killed.wait(timeout=60)
    site.start()
    done = site.ctl(*words)
    check(done.get("done") is not None or not done["check"]["held"], f"{done}")
    check(not site.ctl("status")["restore_unreconciled"], "the hold is over")
    until(lambda: groups(site) > sent, "groups go on the air again")
    until(lambda: lit(before) and lit(since) and not lit(left), "the homes are as they were")
    check(site.ctl("account", "show", "--form", "NX-00002")["account"]["state"] == "CLOSED", "the books have it")
    again = site.ctl(*words)
    check(not again["check"]["held"] and int(again["check"]["changes"]) == 0, f"again: {again}")
    acts = [entry["action"] for entry in site.ctl("audit", "site")]
    check("restore.reconcile" in acts, f"audit: {acts}")

    install(later, cells[3], 5)
    archived(site)
    site.stop()
    site.start()
    check(not site.ctl("status")["restore_unreconciled"], "store and archive go on together")
    check(lit(before) and lit(since) and lit(later) and not lit(left), "all is as it should be")
    site.stop()
    faults = json.loads(run(stg.bin / "hearthctl", "--json", "archive", "verify", archive).stdout)["faults"]
    check(faults == [], f"verify: {faults}")


if __name__ == "__main__":
    sys.exit(stage.perform(__doc__, tell))
