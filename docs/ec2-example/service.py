"""The smallest service that can be deployed: it tells which release it is. Standard library alone."""

import os
import pathlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = os.environ["ROPEWAY_RELEASE"]
ADDRESS = os.environ.get("INSTANCE_ADDRESS", "0.0.0.0")  # the embedded AWS gives each of its instances one


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{RELEASE}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer((ADDRESS, 8080), Answer)
pathlib.Path("run/pid").write_text(f"{os.getpid()}\n")
server.serve_forever()
