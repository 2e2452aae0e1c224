#!/usr/bin/env python3
"""A real stream through a real hearthd by SimulCrypt: a scrambler asks it for ECMs, a multiplexer takes its EMMs, and
the virtual receiver descrambles what comes out. The video decodes bit-exactly when the card has the right, and not at
all when it has not or was carried to town.

    simulcrypt.py --bin build/release/bin
"""

import datetime
import sys
import time

sys.dont_write_bytecode = True
from stage import CAS, SERVICE, check, frames, make_stream, perform, play, run, set_up, desk  # noqa: E402


def tell(stage):
    directory = stage.dir
    _, ports = stage.mux("mux", "--sections-out", directory / "from-mux.sections", "--bandwidth", "1000")
    site = stage.site(f"""
[ecmg]
listen = "127.0.0.1:0"
super_cas_ids = "{CAS}"
overload_ms = 10000  # a busy machine is none here
[mux.test]
address = "127.0.0.1:{ports[0]}"
client_id = "{CAS}"
""")
    site.air = directory / "from-mux.sections"
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    ago = lambda minutes: now - datetime.timedelta(minutes=minutes)
    site.start()
    home, waiting = set_up(site, directory / "stock")
    home_cells = desk.cells_of(desk.DATA / "cells-640122-helan.csv")
    town = desk.cells_of(desk.DATA / "cells-640104-xingqing.csv")
    answer = home.report([home_cells[0]], ago(30))
    check(answer["outcome"] == "ACTIVATED", f"{answer}")
    desk.wait_opens(home, "CCTV-1", 20)  # by EMMs that came through the multiplexer

    clear, scrambled = directory / "clear.ts", directory / "scrambled.ts"
    expected = make_stream(clear, 8)
    for algorithm in ("csa", "cissa"):
        run(site.bin / "hearth-scs", "--ecmg", f"127.0.0.1:{site.ports()['ecmg']}", "--super-cas-id", CAS, "--in", clear,
            "--out", scrambled, "--service", SERVICE, "--ecm-id", SERVICE, "--crypto-period", "2", "--algo", algorithm, "--fast")
        check(not frames(scrambled), f"{algorithm}: the scrambled stream decodes as it is")
        check(play(home, scrambled, directory, (0,)) == expected, f"{algorithm}: not bit-exact with the right")
        waiting.feed()
        check(not play(waiting, scrambled, directory, (3,)), f"{algorithm}: pictures without the right")

    home.report([town[3]], ago(20))
    answer = home.report([town[3]], ago(18))
    check(answer["outcome"] == "SWITCHED_OFF", f"{answer}")
    deadline = time.monotonic() + 20
    while home.opens("CCTV-1")[0]:
        check(time.monotonic() < deadline, "still lit in town")
        home.feed()
    check(not play(home, scrambled, directory, (3,)), "pictures in town")
    status = run(site.bin / "hearth-scs", "--ecmg", f"127.0.0.1:{site.ports()['ecmg']}", "--super-cas-id", "0x4A750002", "--in",
                 clear, "--out", scrambled, "--service", SERVICE, "--fast", codes=(3,))
    check("0x0005" in status.stderr or "Super_CAS_id" in status.stderr, f"another CA system: {status.stderr}")
    site.stop()


if __name__ == "__main__":
    sys.exit(perform(__doc__, tell))
