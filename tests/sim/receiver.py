"""An HTTP server for what the local services send by themselves: keeps every request, answers what it is told to."""

import http.server
import json
import threading
import time
import urllib.parse


class Request:
    def __init__(self, handler, body):
        url = urllib.parse.urlsplit(handler.path)
        self.method, self.target, self.path = handler.command, handler.path, url.path
        self.query = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
        self.headers, self.body = handler.headers, body

    def json(self):
        return json.loads(self.body)

    def form(self):
        return urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True)

    def multipart(self):
        """Names and values of a multipart/form-data body, in order."""
        boundary = self.headers.get_param("boundary").encode()
        pieces = self.body.split(b"--" + boundary)
        assert pieces[0] == b"" and pieces[-1] == b"--\r\n", pieces
        fields = []
        for piece in pieces[1:-1]:
            head, _, value = piece[2:-2].partition(b"\r\n\r\n")
            name = head.decode().split('name="', 1)[1].rstrip('"')
            fields.append((name, value.decode()))
        return fields


class Receiver:
    """Answers the n-th request with the n-th of `statuses`, after them 200; 0 is a connection closed without an answer,
    "hang" one that says nothing until the receiver is closed."""

    def __init__(self, port=0):
        self.requests, self.statuses, self.closing = [], [], threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.requests.append(Request(self, body))
                if status == "hang":
                    receiver.closing.wait(30)
                if status in (0, "hang"):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer

            def log_message(self, format, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that has gone away is what these tests do

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait(self, count, seconds=10):
        """The first `count` requests, as soon as they are there."""
        until = time.monotonic() + seconds
        while len(self.requests) < count and time.monotonic() < until:
            time.sleep(0.005)
        if len(self.requests) < count:
            raise AssertionError("%d requests came, not %d" % (len(self.requests), count))
        return self.requests[:count]
