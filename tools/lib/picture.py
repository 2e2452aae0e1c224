"""A picture on its way: ffmpeg's test card through hearth-scs, hearth-mux and the receiver, against a running site.

Everything runs at the pace of the picture, in pipes: what changes at the head-end while it plays shows on the screen.
Needs ffmpeg and the standard library.
"""

import json
import struct
import subprocess
import threading
import time
import zlib

WIDTH, HEIGHT, RATE = 640, 360, 25
CRYPTO_PERIOD = 2  # seconds
SUPER_CAS_ID = "0x4A750001"

# The letters a set-top box needs to say why it is dark, 5 × 7 dots, a number a row.
FONT = {
    "E": (31, 16, 16, 30, 16, 16, 31), "-": (0, 0, 0, 31, 0, 0, 0),
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
}


def write_dark(path, code):
    """The screen of a box that may not show the channel: black, with the viewer's code, as PNG."""
    dot, grey = 12, 200
    picture = [bytearray(WIDTH) for _ in range(HEIGHT)]
    left = (WIDTH - (6 * len(code) - 1) * dot) // 2
    top = (HEIGHT - 7 * dot) // 2
    for n, letter in enumerate(code):
        for row, bits in enumerate(FONT.get(letter, FONT["-"])):
            for column in range(5):
                if bits >> (4 - column) & 1:
                    at = left + (6 * n + column) * dot
                    for y in range(top + row * dot, top + (row + 1) * dot):
                        picture[y][at:at + dot] = bytes([grey]) * dot

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)  # 8 bits of grey
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in picture))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def decoded(stream):
    """The presentation times of the pictures that a decoder makes of a stream, in seconds from its first."""
    done = subprocess.run(["ffprobe", "-v", "quiet", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0",
                           stream], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    times = [float(line.strip(",")) for line in done.stdout.split() if line.strip(",") not in ("", "N/A")]
    return [t - times[0] for t in times] if times else []


class Multiplexer:
    """hearth-mux between the scrambler and the receiver; made first, because the head-end must know its port."""

    def __init__(self, site_bin, directory):
        port_file = directory / "mux.port"
        self.process = subprocess.Popen([site_bin / "hearth-mux", "--listen", "127.0.0.1:0", "--port-file", port_file, "--in", "-",
                                         "--out", "-", "--bandwidth", "500"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise OSError("hearth-mux does not start")
            time.sleep(0.02)
        self.port = int(port_file.read_text().split()[0])

    def config(self):
        """What the head-end's configuration needs."""
        return f"""
[ecmg]
listen = "127.0.0.1:0"
super_cas_ids = "{SUPER_CAS_ID}"
overload_ms = 10000
[mux.picture]
address = "127.0.0.1:{self.port}"
client_id = "{SUPER_CAS_ID}"
"""

    def end(self):
        self.process.kill()
        self.process.wait()


class Broadcast:
    """The pipe: test card → scrambler → multiplexer → receiver. `periods` grows as crypto periods end on the screen."""

    def __init__(self, site, mux, home, service, seconds, out):
        self.periods = []
        self.end_line = None
        quiet = {"stderr": subprocess.DEVNULL}
        card = subprocess.Popen(
            ["ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}", "-t", str(seconds),
             "-c:v", "mpeg2video", "-b:v", "1500k", "-g", "5", "-f", "mpegts", "-muxrate", "2500k", "-mpegts_service_id",
             str(service), "-"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **quiet)
        scs = subprocess.Popen(
            [site.bin / "hearth-scs", "--ecmg", f"127.0.0.1:{site.ports()['ecmg']}", "--super-cas-id", SUPER_CAS_ID, "--service",
             str(service), "--ecm-id", str(service), "--crypto-period", str(CRYPTO_PERIOD), "--realtime", "--out", "-"],
            stdin=card.stdout, stdout=mux.process.stdin, **quiet)
        play = subprocess.Popen(
            [site.bin / "hearth-receiver", "play", "--json", "--in", "-", "--out", out, "--service", str(service), "--card-state",
             home.card_state, "--box-state", home.box_state], stdin=mux.process.stdout, stdout=subprocess.PIPE, text=True, **quiet)
        # Only the next of the line may hold a pipe's end, or nobody sees that the one before has ended.
        for pipe in (card.stdout, mux.process.stdin, mux.process.stdout):
            pipe.close()
        self.processes = [card, scs, mux.process, play]
        self.reader = threading.Thread(target=self.read, args=(play.stdout,), daemon=True)
        self.reader.start()

    def read(self, lines):
        for line in lines:
            told = json.loads(line)
            if told["event"] == "period":
                self.periods.append((time.time(), told))
            elif told["event"] == "end":
                self.end_line = told

    def wait(self, enough, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not enough(self.periods):
            if self.processes[-1].poll() is not None or time.monotonic() > deadline:
                raise OSError(f"the receiver never came to: {what}; its crypto periods: {[p['screen'] for _, p in self.periods]}")
            time.sleep(0.02)

    def finish(self):
        """Ends the test card; the others follow by themselves when their input ends."""
        self.processes[0].terminate()
        for process in self.processes:
            process.wait(timeout=20)
        self.reader.join(timeout=20)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def write_lit(stream, path, index):
    """Picture number `index` of the stream as PNG."""
    subprocess.run(["ffmpeg", "-v", "quiet", "-y", "-i", stream, "-vf", f"select=eq(n\\,{index})", "-frames:v", "1", path],
                   check=True, timeout=120, stdin=subprocess.DEVNULL)
