"""A head-end on one's desk: a real hearthd in a directory of its own, homes with their virtual card and box, and the command
line between them. What the story, the soak and the end-to-end tests share. Needs only the standard library.
"""

import csv
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "deploy" / "data"
AREA = "640122001"  # the first service area of Helan county (贺兰县)
CITY = "640104001"  # the blacklist of Xingqing district (兴庆区)
FIRST_CARD, FIRST_BOX, FIRST_SIM = 640000000001, 6400000000000001, 13900000001
CITY_SCOPE = "640100001"  # the same cells as told to the boxes of the whole prefecture


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def person_id(n):
    """A valid identity number (GB 11643) for person n."""
    body = f"64012219{60 + n % 40:02}{1 + n % 12:02}{1 + n % 28:02}{n % 1000:03}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights)) % 11]


def cells_of(path):
    """The cells of a file in the OpenCellID columns, as hearthctl and hearth-receiver write them."""
    columns = "radio,mcc,net,area,cell".split(",")
    cells = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if row and row[0].lower() in ("gsm", "umts", "lte", "nr"):
                named = dict(zip(columns, row))
                mnc = named["net"].zfill(2)
                cells.append(f'{named["radio"].lower()}:{named["mcc"]}:{mnc}:{named["area"]}:{named["cell"]}')
    return cells


def sections_of(path):
    """The sections of the file the head-end writes: [(table_id, bytes)]."""
    data = path.read_bytes()
    found, at = [], 0
    while at + 3 <= len(data):
        length = 3 + ((data[at + 1] & 0x0F) << 8 | data[at + 2])
        if at + length > len(data):
            break
        found.append((data[at], data[at:at + length]))
        at += length
    return found


class Site:
    """A head-end in a directory of its own, and the programs that talk to it."""

    def __init__(self, bin_dir, directory, more_config="", to_file=True, store_config=""):
        self.bin = bin_dir
        self.dir = directory
        self.air = directory / "air.sections"
        self.port_file = directory / "ports.json"
        self.daemon = None
        self.watchers = []
        key = directory / "master.key"
        key.write_text(os.urandom(32).hex() + "\n")
        key.chmod(0o600)
        self.config = directory / "hearth.toml"
        self.config.write_text(f"""
[site]
name = "story"
province = "64"
insecure_development = true
[store]
kind = "rocksdb"
path = "{directory / 'store'}"
{store_config}
[keys]
master_key_file = "{key}"
[grpc]
listen = "127.0.0.1:0"
port_file = "{self.port_file}"
[metrics]
listen = "127.0.0.1:0"
[output]
file = "{self.air if to_file else ''}"
[log]
format = "json"
file = "{directory / 'hearthd.log'}"
{more_config}""")

    def start(self, **options):
        """`options` of subprocess.Popen."""
        self.port_file.unlink(missing_ok=True)
        with open(self.dir / "hearthd.out", "ab") as out:
            self.daemon = subprocess.Popen([self.bin / "hearthd", "--config", self.config], stdout=out, stderr=out,
                                           stdin=subprocess.DEVNULL, **options)
        deadline = time.monotonic() + 30
        while not self.port_file.exists():
            if self.daemon.poll() is not None:
                raise Failed("hearthd ended at start: " + (self.dir / "hearthd.out").read_text()[-2000:])
            check(time.monotonic() < deadline, "hearthd was not ready within 30 s")
            time.sleep(0.01)

    def ports(self):
        return json.loads(self.port_file.read_text())

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=30)
        check(code == 0, f"hearthd ended with {code} on SIGTERM")
        self.daemon = None

    def watch(self, command):
        self.watchers.append(Watcher(command))
        return self.watchers[-1]

    def end(self):
        """Leaves nothing of this site running, however the story went."""
        for watcher in self.watchers:
            watcher.end()
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()

    def ctl_command(self, *words, actor="wid-640122-01"):
        return [str(self.bin / "hearthctl"), "--port-file", str(self.port_file), "--insecure", "--actor", actor, "--yes",
                *map(str, words)]

    def run_ctl(self, *words, actor="wid-640122-01"):
        return subprocess.run(self.ctl_command(*words, actor=actor), capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL)

    def ctl(self, *words, actor="wid-640122-01", codes=(0,)):
        """Runs hearthctl --json and returns what it printed as values."""
        done = self.run_ctl("--json", *words, actor=actor)
        check(done.returncode in codes, f"hearthctl {' '.join(map(str, words))}: exit {done.returncode}\n"
              f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def refused(self, *words, reason, actor="wid-640122-01"):
        answer = self.ctl(*words, actor=actor, codes=(3,))
        check(answer["error"]["reason"] == reason, f"expected {reason}, got {answer}")
        return answer["error"]


class Home:
    """A card and a box on the table, with their state in files."""

    def __init__(self, site, stock, n, name=None):
        self.site = site
        self.card = f"{FIRST_CARD + n:012}"
        self.box = f"{FIRST_BOX + n:016}"
        self.sim = f"{FIRST_SIM + n:011}"
        self.card_state = site.dir / f"{name or self.card}.card"
        self.box_state = site.dir / f"{name or self.card}.box"
        self.call("new", "--from", stock, "--card", self.card, "--box", self.box, "--sim", self.sim, states=True)

    def call(self, verb, *words, states=True, codes=(0,)):
        command = [self.site.bin / "hearth-receiver", verb, "--json", *map(str, words)]
        if states:
            command += ["--card-state", self.card_state, "--box-state", self.box_state]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        check(done.returncode in codes,
              f"hearth-receiver {verb} {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def feed(self):
        self.call("feed", "--sections", self.site.air, codes=(0, 3))

    def report_json(self, cells, at):
        words = ["--at", rfc3339(at)]
        for cell in cells:
            words += ["--cell", cell]
        return self.call("report", *words).stdout

    def report(self, cells, at, codes=(0,)):
        path = self.site.dir / f"{self.card}.report.json"
        path.write_text(self.report_json(cells, at))
        return self.site.ctl("location", "report", "--file", path, actor="gateway-1", codes=codes)

    def opens(self, channel, control_words=("00112233445566aa", "8899aabbccddee66")):
        """Whether an ECM of the channel opens, and gives back exactly the control words."""
        words = [w for cw in control_words for w in ("--cw", cw)]
        ecm = self.site.ctl("ecm", "issue", "--channel", channel, "--cp", 7, *words)
        done = self.call("ecm", "--section", hex_of(ecm["section"]), codes=(0, 3))
        if done.returncode == 0:
            for word in control_words:
                check(word in done.stdout.lower().replace(" ", ""), f"the control word is not {word}: {done.stdout}")
        return done.returncode == 0, done.stdout.strip()


def hex_of(section):
    """A section as hearthctl --json prints bytes: base64, or hexadecimal."""
    try:
        bytes.fromhex(section)
        return section
    except ValueError:
        import base64
        return base64.b64decode(section).hex()


class Watcher(threading.Thread):
    """Reads JSON lines of a running command and notes when each came."""

    def __init__(self, command):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        stdin=subprocess.DEVNULL)
        self.lines = []
        self.start()

    def run(self):
        for line in self.process.stdout:
            moment = time.time()
            try:
                self.lines.append((moment, json.loads(line)))
            except ValueError:
                continue

    def wait_for(self, wanted, seconds, what):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for moment, line in list(self.lines):
                if wanted(line):
                    return moment, line
            time.sleep(0.002)
        raise Failed(f"not seen within {seconds} s: {what}; seen: {self.lines[-5:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)


def write_roster(path, rows, villages):
    """A roster as many hands type it: five of its rows are bad, each in another way."""
    header = ["五联单号", "姓名", "身份证号", "联系电话", "村代码", "详细地址", "用户类别", "加密卡号", "机顶盒编号", "电话卡号"]
    surnames = "马王李张杨丁哈白金田"
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(header)
        for n in rows:
            out.writerow([f"NX-{n:05}", f"{surnames[n % 10]}{'建国秀英'[n % 4]}", person_id(n), f"139{n:08}",
                          villages[n % len(villages)], f"{n}号", "无" if n % 9 else "五保户", f"{FIRST_CARD + n:012}",
                          f"{FIRST_BOX + n:016}", f"{FIRST_SIM + n:011}"])
        n = rows[-1] + 1
        good = [f"NX-{n:05}", "白某", person_id(n), "", villages[0], "", "无", f"{FIRST_CARD + n:012}", f"{FIRST_BOX + n:016}",
                f"{FIRST_SIM + n:011}"]
        bad = []
        for column, value in ((2, "640122199001010000"), (4, "64012210"), (7, "64000000"), (8, f"{FIRST_BOX + rows[0]:016}"),
                              (4, "640104001001")):
            row = list(good)
            row[0] = f"NX-BAD-{len(bad)}"
            row[column] = value
            bad.append(row)
        out.writerows(bad)
    return len(bad)


def wait_sent(site):
    """Until the outbox is empty: everything decided so far is on the output."""
    deadline = time.monotonic() + 60
    while True:
        status = site.ctl("status")
        if int(status.get("outbox_waiting", 0)) == 0:
            return
        check(time.monotonic() < deadline, f"the outbox does not empty: {status}")
        time.sleep(0.1)


def wait_opens(home, channel, seconds):
    deadline = time.monotonic() + seconds
    while True:
        home.feed()
        lit, why = home.opens(channel)
        if lit:
            return
        check(time.monotonic() < deadline, f"{channel} does not open within {seconds} s: {why}")
        time.sleep(0.1)


def wait_denies(home, seconds):
    """Until a deny list is in force in the box: tables go by in their cycle."""
    deadline = time.monotonic() + seconds
    while True:
        home.feed()
        tables = json.loads(home.call("status").stdout)["card"]["tables"]
        if any(table["kind"] == "deny" and table["in_force"] for table in tables):
            return
        check(time.monotonic() < deadline, f"no deny list within {seconds} s: {tables}")
        time.sleep(0.1)
