"""A proxy between a scraper and the exporter."""

import http.server
import threading

from harness import ask


class Proxy:
    """Hands scrapes on, with the scraper's wishes or with a fixed `Accept`, and notes the answers' types."""

    def __init__(self, test, address, accept=None):
        proxy = self
        self.content_types, self.encodings = set(), set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                headers = dict(self.headers)
                if accept:
                    headers["Accept"] = accept
                answer = ask(address, self.path, headers)
                if answer.status == 200:  # on a busy machine a scrape may be out of time
                    proxy.content_types.add(answer.getheader("Content-Type"))
                    proxy.encodings.add(answer.getheader("Content-Encoding"))
                self.send_response(answer.status)
                for name in ("Content-Type", "Content-Encoding", "Content-Length"):
                    if answer.getheader(name):
                        self.send_header(name, answer.getheader(name))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.server.server_close)
        test.addCleanup(self.server.shutdown)
