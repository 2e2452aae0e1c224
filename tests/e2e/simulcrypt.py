#!/usr/bin/env python3
"""A real stream through a real hearthd by SimulCrypt: a scrambler asks it for ECMs, a multiplexer takes its EMMs, and
the virtual receiver descrambles what comes out. The video decodes bit-exactly when the card has the right, and not at
all when it has not or was carried to town.

    simulcrypt.py --bin build/release/bin
"""

import argparse
import datetime
import importlib.machinery
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("story", str(ROOT / "tools" / "story"))
sys.dont_write_bytecode = True
story = importlib.util.module_from_spec(importlib.util.spec_from_loader("story", loader))
loader.exec_module(story)
check = story.check

CAS = "0x4A750001"
SERVICE = 1  # CCTV-1


def run(*words, codes=(0,)):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    check(done.returncode in codes, f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-800:]}{done.stderr[-800:]}")
    return done


def frames(stream):
    """The checksums of the decoded pictures; none when nothing can be decoded."""
    done = subprocess.run(["ffmpeg", "-v", "quiet", "-i", stream, "-map", "0:v", "-f", "framemd5", "-"], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL)
    return [line.split(",")[-1].strip() for line in done.stdout.splitlines() if line and not line.startswith("#")]


def start_mux(site_bin, directory):
    port_file = directory / "mux.port"
    mux = subprocess.Popen([site_bin / "hearth-mux", "--listen", "127.0.0.1:0", "--port-file", port_file, "--sections-out",
                            directory / "from-mux.sections", "--bandwidth", "1000", "--for", "120"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not port_file.exists() or not port_file.read_text().strip():
        check(time.monotonic() < deadline and mux.poll() is None, "hearth-mux does not start")
        time.sleep(0.02)
    return mux, int(port_file.read_text().split()[0])


def set_up(site, stock):
    area = story.AREA
    site.ctl("region", "import", story.DATA / "regions-64-ningxia.csv")
    with open(story.DATA / "regions-64-ningxia.csv", newline="", encoding="utf-8") as file:
        village = next(r["code"] for r in story.csv.DictReader(file)
                       if r["level"] == "village" and r["parent"].startswith("640122"))
    site.ctl("area", "create", area, "--name", "贺兰试点", "--village", village)
    site.ctl("area", "submit", area)
    site.ctl("area", "approve", area, actor="province-office")
    site.ctl("cells", "import", story.DATA / "cells-640122-helan.csv", "--area", area, codes=(0, 1))
    site.ctl("cells", "import", story.DATA / "cells-640104-xingqing.csv", "--blacklist", story.CITY_SCOPE, "--name", "兴庆区",
             codes=(0, 1))
    site.ctl("channel", "import", story.DATA / "channels-huhutong.csv")
    site.ctl("package", "put", "--id", 64, "--name", "NX public", "--province", 64, "--services", "1-40,1064,2064")
    run(site.bin / "hearth-receiver", "personalise", "--out", stock, "--batch", "1", "--first-card",
        f"{story.FIRST_CARD:012}", "--count", "10", "--first-box", f"{story.FIRST_BOX:016}", "--first-sim",
        f"{story.FIRST_SIM:011}")
    site.ctl("batch", "import", stock / "batches.csv")
    site.ctl("stock", "import", "--cards", stock / "cards.csv", "--boxes", stock / "boxes.csv", "--sims", stock / "sims.csv")
    homes = []
    for n in range(2):
        home = story.Home(site, stock, n)
        site.ctl("account", "open", "--form-number", f"NX-{n:05}", "--name", "马建国", "--person-id", story.person_id(n),
                 "--village", village, "--card", home.card, "--box", home.box, "--sim", home.sim)
        homes.append(home)
    return homes


def play(home, scrambled, directory, codes):
    out = directory / f"played-{home.card}.ts"
    run(home.site.bin / "hearth-receiver", "play", "--in", scrambled, "--out", out, "--service", SERVICE, "--card-state",
        home.card_state, "--box-state", home.box_state, codes=codes)
    return frames(out)


def tell(site, directory):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    ago = lambda minutes: now - datetime.timedelta(minutes=minutes)
    site.start()
    home, waiting = set_up(site, directory / "stock")
    home_cells = story.cells_of(story.DATA / "cells-640122-helan.csv")
    town = story.cells_of(story.DATA / "cells-640104-xingqing.csv")
    answer = home.report([home_cells[0]], ago(30))
    check(answer["outcome"] == "ACTIVATED", f"{answer}")
    story.wait_opens(home, "CCTV-1", 20)  # by EMMs that came through the multiplexer

    clear, scrambled = directory / "clear.ts", directory / "scrambled.ts"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "8", "-c:v", "mpeg2video", "-b:v",
        "600k", "-f", "mpegts", "-muxrate", "1500k", "-mpegts_service_id", SERVICE, clear)
    expected = frames(clear)
    check(len(expected) == 200, f"ffmpeg made {len(expected)} pictures")
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-simulcrypt-"))
    mux = site = None
    try:
        mux, port = start_mux(args.bin.resolve(), directory)
        site = story.Site(args.bin.resolve(), directory, f"""
[ecmg]
listen = "127.0.0.1:0"
super_cas_ids = "{CAS}"
[mux.test]
address = "127.0.0.1:{port}"
client_id = "{CAS}"
""")
        site.air = directory / "from-mux.sections"
        tell(site, directory)
        print("every step did what it must")
        return 0
    except (story.Failed, subprocess.SubprocessError, OSError, KeyError, ValueError) as error:
        print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
        log = directory / "hearthd.log"
        if log.exists():
            print("\n".join(log.read_text().splitlines()[-15:]), file=sys.stderr)
        return 1
    finally:
        if site is not None:
            site.end()
        if mux is not None:
            mux.kill()
            mux.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
