"""A small HTTP service as an application: what a pipeline would have built, in versions that work and versions that do not."""

from __future__ import annotations

from pathlib import Path

APP = """hooks:
  ApplicationStop: {script: scripts/stop.sh, timeout: 20s}
  ApplicationStart: {script: scripts/start.sh, timeout: 30s}
  ValidateService: {script: scripts/validate.sh, timeout: 30s}
shared: [run/]
"""

SERVICE = """import http.server, os, pathlib

VERSION = pathlib.Path(__file__).with_name("VERSION").read_text().strip()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = VERSION.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server((os.environ["INSTANCE_ADDRESS"], 8080), Answer).serve_forever(poll_interval=3600)  # it ends by a signal
"""

START = """#!/bin/bash
# A daemon: it outlives the hook, in a session of its own.
set -eu
cd "$(dirname "$0")/.."
setsid python3 service.py </dev/null >run/service.log 2>&1 &
echo $! >run/pid
"""

STOP = """#!/bin/bash
cd "$(dirname "$0")/.."
[ -f run/pid ] || exit 0
pid=$(cat run/pid)
kill "$pid" 2>/dev/null || exit 0
for _ in $(seq 350); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.05; done
echo "the service does not end" >&2
exit 1
"""

# By bash alone: a Python for each look would cost more than all else that a deploy does.
VALIDATE = """#!/bin/bash
cd "$(dirname "$0")/.."
wanted=$(cat VERSION)
for _ in $(seq 250); do
  got=$(exec 2>/dev/null 5<>"/dev/tcp/$INSTANCE_ADDRESS/8080" && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&5 && tail -n 1 <&5)
  [ "$got" = "$wanted" ] && exit 0
  sleep 0.1
done
echo "asked for $wanted, got ${got:-no answer}" >&2
exit 1
"""

BROKEN = "#!/bin/bash\necho 'the database does not answer' >&2\nexit 3\n"


def service(root: Path, version: str, *, broken_on: str = "", broken: bool = False) -> Path:
    """The folder of a build. A `broken` one does not validate; `broken_on` says the id of the only instance where it does not."""
    folder = root / version
    (folder / "scripts").mkdir(parents=True)
    (folder / "VERSION").write_text(f"{version}\n")
    (folder / "service.py").write_text(SERVICE)
    (folder / "ropeway-app.yml").write_text(APP)
    only = f'[ "$AWS_SSM_INSTANCE_ID" = {broken_on} ] && {{ echo "broken here" >&2; exit 3; }}\n'
    validate = BROKEN if broken else VALIDATE.replace("\n", "\n" + only, 1) if broken_on else VALIDATE
    for name, text in (("start.sh", START), ("stop.sh", STOP), ("validate.sh", validate)):
        script = folder / "scripts" / name
        script.write_text(text)
        script.chmod(0o755)
    return folder
