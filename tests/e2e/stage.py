"""What the end-to-end tests of SimulCrypt share: a head-end with its scramblers, multiplexers and homes, each a process
of its own, and one way to run, to fail and to leave nothing behind.
"""

import argparse
import csv
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "lib"))
import desk  # noqa: E402

check = desk.check

CAS = "0x4A750001"
SERVICE = 1  # CCTV-1


def run(*words, codes=(0,)):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    check(done.returncode in codes,
          f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-800:]}{done.stderr[-800:]}")
    return done


def until(condition, what, seconds=30):
    """Waits; a slow machine takes longer and fails nothing."""
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def make_stream(path, seconds):
    """A real transport stream with one programme; returns its pictures."""
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", seconds, "-c:v", "mpeg2video",
        "-b:v", "600k", "-f", "mpegts", "-muxrate", "1500k", "-mpegts_service_id", SERVICE, path)
    pictures = frames(path)
    check(len(pictures) == 25 * seconds, f"ffmpeg made {len(pictures)} pictures")
    return pictures


def frames(stream):
    """The checksums of the decoded pictures; none when nothing can be decoded."""
    done = subprocess.run(["ffmpeg", "-v", "quiet", "-i", stream, "-map", "0:v", "-f", "framemd5", "-"], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL)
    return [line.split(",")[-1].strip() for line in done.stdout.splitlines() if line and not line.startswith("#")]


class Process:
    """A program that runs beside the test; what it says goes into a file."""

    def __init__(self, stage, name, *words, **options):
        self.name = name
        self.said = stage.dir / f"{name}.out"
        with open(self.said, "ab") as out:
            options = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out} | options
            self.process = subprocess.Popen([str(w) for w in words], **options)
        stage.processes.append(self)

    def running(self):
        return self.process.poll() is None

    def text(self):
        return self.said.read_text(errors="replace")

    def wait(self, seconds=120, codes=(0,)):
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise desk.Failed(f"{self.name} did not end within {seconds} s: {self.text()[-800:]}") from late
        check(code in codes, f"{self.name} ended with {code}: {self.text()[-1500:]}")
        return self.text()

    def stop(self, sign=signal.SIGTERM, codes=(0,)):
        self.process.send_signal(sign)
        return self.wait(30, codes)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Stage:
    """A directory, and what was started in it."""

    def __init__(self, bin_dir, directory):
        self.bin = bin_dir
        self.dir = directory
        self.processes = []
        self.sites = []

    def start(self, name, program, *words, **options):
        return Process(self, name, self.bin / program, *words, **options)

    def site(self, more_config):
        self.sites.append(desk.Site(self.bin, self.dir, more_config))
        return self.sites[-1]

    def mux(self, name, *words, listen="127.0.0.1:0"):
        """A multiplexer, and its ports: TCP, then UDP if it has one."""
        port_file = self.dir / f"{name}.port"
        mux = self.start(name, "hearth-mux", "--listen", listen, "--port-file", port_file, "--json",
                         "--for", "280", *words)  # an end of its own, should nobody end it
        until(lambda: port_file.exists() or not mux.running(), "hearth-mux starts")
        check(mux.running(), f"hearth-mux does not start: {mux.text()}")
        return mux, [int(line) for line in port_file.read_text().split()]

    def end(self):
        for site in self.sites:
            site.end()
        for process in self.processes:
            if process.running():
                process.kill()

    def logs(self):
        for path in sorted(self.dir.glob("*.log")) + [p.said for p in self.processes]:
            if path.exists() and path.stat().st_size > 0:
                print(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)


def set_up(site, stock, homes=2, personalise=()):
    """Divisions, an area with cells, channels, a package, and accounts that wait for their installation."""
    area = desk.AREA
    site.ctl("region", "import", desk.DATA / "regions-64-ningxia.csv")
    with open(desk.DATA / "regions-64-ningxia.csv", newline="", encoding="utf-8") as file:
        village = next(r["code"] for r in csv.DictReader(file)
                       if r["level"] == "village" and r["parent"].startswith("640122"))
    site.ctl("area", "create", area, "--name", "贺兰试点", "--village", village)
    site.ctl("area", "submit", area)
    site.ctl("area", "approve", area, actor="province-office")
    site.ctl("cells", "import", desk.DATA / "cells-640122-helan.csv", "--area", area, codes=(0, 1))
    site.ctl("cells", "import", desk.DATA / "cells-640104-xingqing.csv", "--blacklist", desk.CITY_SCOPE, "--name", "兴庆区",
             codes=(0, 1))
    site.ctl("channel", "import", desk.DATA / "channels-huhutong.csv")
    site.ctl("package", "put", "--id", 64, "--name", "NX public", "--province", 64, "--services", "1-40,1064,2064")
    run(site.bin / "hearth-receiver", "personalise", "--out", stock, "--batch", "1", "--first-card",
        f"{desk.FIRST_CARD:012}", "--count", "10", "--first-box", f"{desk.FIRST_BOX:016}", "--first-sim",
        f"{desk.FIRST_SIM:011}", *personalise)
    site.ctl("batch", "import", stock / "batches.csv")
    site.ctl("stock", "import", "--cards", stock / "cards.csv", "--boxes", stock / "boxes.csv", "--sims", stock / "sims.csv")
    opened = []
    for n in range(homes):
        home = desk.Home(site, stock, n)
        site.ctl("account", "open", "--form-number", f"NX-{n:05}", "--name", "马建国", "--person-id", desk.person_id(n),
                 "--village", village, "--card", home.card, "--box", home.box, "--sim", home.sim)
        opened.append(home)
    return opened


def play(home, scrambled, directory, codes):
    """The pictures that a home makes of a scrambled stream."""
    out = directory / f"played-{home.card}.ts"
    run(home.site.bin / "hearth-receiver", "play", "--in", scrambled, "--out", out, "--service", SERVICE, "--card-state",
        home.card_state, "--box-state", home.box_state, codes=codes)
    return frames(out)


def perform(doc, tell):
    """Runs `tell` on a stage of its own; the exit code."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin", help="where the programs are")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-e2e-"))
    stage = Stage(args.bin.resolve(), directory)
    try:
        tell(stage)
        print("every step did what it must")
        return 0
    except (desk.Failed, subprocess.SubprocessError, OSError, KeyError, ValueError, IndexError) as error:
        print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
        stage.logs()
        return 1
    finally:
        stage.end()
        shutil.rmtree(directory, ignore_errors=True)
